"""The entities of a device, and of each kind of rule, as Home Assistant's MQTT integration knows them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from eyespot.domain.event import LineState, RuleState

Component = dict[str, Any]

MOST_CLASSES = 150  # over all rules: each has two totals
_CONFIG = {"entity_category": "config"}


@dataclass(frozen=True, slots=True)
class Abilities:
    """What somebody may want of a device.

    Attributes:
        asks: a repository of models is named that it can ask.
        goes_back: its model is not pinned, so that it can go back to another.
    """

    asks: bool
    goes_back: bool


@dataclass(frozen=True, slots=True)
class Announced:
    """A rule as Home Assistant gets to know it.

    Attributes:
        classes: class names of which a line has totals.
    """

    rule: str
    kind: Literal["line", "share"]
    classes: Sequence[str] = ()


def announced(states: Mapping[str, RuleState]) -> list[Announced]:
    """Return the rules behind their states. No more than `MOST_CLASSES` are announced, the first ones."""
    rules: list[Announced] = []
    room = MOST_CLASSES
    for rule, state in states.items():
        classes = tuple(state.counts)[:room] if isinstance(state, LineState) else ()
        room -= len(classes)
        rules.append(Announced(rule, "line" if isinstance(state, LineState) else "share", classes))
    return rules


def of_device(root: str, abilities: Abilities) -> dict[str, Component]:
    """Return the entities of the device itself, by their keys; `root` is where its topics begin."""
    return _of_health(root) | _of_model(root, abilities) | _of_settings(root)


def of_rules(root: str, rules: Iterable[Announced]) -> dict[str, Component]:
    """Return the entities of rules, by their keys."""
    components: dict[str, Component] = {}
    counting = False
    for rule in rules:
        components |= _of_line(root, rule) if rule.kind == "line" else _of_share(root, rule)
        counting |= rule.kind == "line"
    if counting:
        components["reset"] = _button(root, "Reset all counters", "counters/reset")
    return components


def _of_health(root: str) -> dict[str, Component]:
    topic = f"{root}/health"
    components: dict[str, Component] = {
        "problem": {
            "platform": "binary_sensor",
            "name": "Problem",
            "state_topic": topic,
            "entity_category": "diagnostic",
            "device_class": "problem",
            "value_template": "{{ 'OFF' if value_json.ok else 'ON' }}",
            "json_attributes_topic": topic,
            "json_attributes_template": "{{ {'states': value_json.states} | tojson }}",
        }
    }
    inference = "value_json.inference_ms.p50 if value_json.inference_ms else None"
    for key, name, value, unit, kind in (
        ("temperature", "Temperature", "value_json.temperature_c", "°C", "temperature"),
        ("rate", "Observations", "value_json.observations_hz", "Hz", "frequency"),
        ("inference", "Inference", inference, "ms", "duration"),
        ("memory", "Memory", "value_json.memory_mb", "MB", "data_size"),
        ("disk_free", "Disk free", "value_json.disk_free_mb", "MB", "data_size"),
        ("backlog", "Waiting messages", "value_json.backlog", None, None),
    ):
        measured = {
            "platform": "sensor",
            "name": name,
            "state_topic": topic,
            "value_template": f"{{{{ {value} }}}}",
            "unit_of_measurement": unit,
            "device_class": kind,
            "state_class": "measurement",
            "entity_category": "diagnostic",
        }
        components[key] = {name: said for name, said in measured.items() if said is not None}
    return components


def _of_model(root: str, abilities: Abilities) -> dict[str, Component]:
    update: Component = {
        "platform": "update",
        "name": "Model",
        "state_topic": f"{root}/model/state",
        **_CONFIG,
    }
    components = {"model": update}
    if abilities.asks:
        update |= {"command_topic": f"{root}/cmd/model/update", "payload_install": "latest"}
        components["model_look"] = _button(root, "Look for a model", "model/update")
    if abilities.goes_back:
        components["model_rollback"] = _button(root, "Roll the model back", "model/rollback")
    return components


def _of_settings(root: str) -> dict[str, Component]:
    return {
        "restart": _button(root, "Restart", "restart") | {"device_class": "restart"},
        "min_score": {
            "platform": "number",
            "name": "Smallest score",
            # the file may leave it to the model: `info` has the one in force
            "state_topic": f"{root}/info",
            "value_template": "{{ value_json.model.min_score }}",
            "command_topic": f"{root}/cmd/settings/min_score",
            "command_template": '{"args": {"value": {{ value }} }}',
            "min": 0.01,
            "max": 0.99,
            "step": 0.01,
            **_CONFIG,
        },
    }


def _button(root: str, name: str, command: str, **args: str) -> Component:
    return {
        "platform": "button",
        "name": name,
        "command_topic": f"{root}/cmd/{command}",
        "payload_press": json.dumps({"args": args} if args else {}),
        **_CONFIG,
    }


def _of_line(root: str, line: Announced) -> dict[str, Component]:
    said = "{'event_type': value_json.direction, 'class': value_json['class']}"
    components = {
        f"rule_{line.rule}_event": {
            "name": f"{line.rule} crossing",
            "event_types": ("in", "out"),
            **_event(root, line.rule, "crossed", said),
        },
        f"rule_{line.rule}_reset": _button(root, f"{line.rule} reset", "counters/reset", rule=line.rule),
    }
    for label in line.classes:
        for direction in ("in", "out"):
            components[f"rule_{line.rule}_{_part_of_key(label)}_{direction}"] = {
                "platform": "sensor",
                "name": f"{line.rule} {label} {direction}",
                "state_class": "total_increasing",
                "state_topic": f"{root}/rule/{line.rule}/state",
                "value_template": _total(label, direction),
            }
    return components


def _of_share(root: str, share: Announced) -> dict[str, Component]:
    topic = f"{root}/rule/{share.rule}/state"
    said = "{'event_type': 'changed', 'from': value_json['from'], 'to': value_json['to']}"
    return {
        f"rule_{share.rule}_event": {
            "name": f"{share.rule} change",
            "event_types": ("changed",),
            **_event(root, share.rule, "changed", said),
        },
        f"rule_{share.rule}_top": {
            "platform": "sensor",
            "name": share.rule,
            "state_topic": topic,
            "value_template": _while_there("value_json.top"),
            "json_attributes_topic": topic,
            "json_attributes_template": "{{ (value_json.shares if value_json is defined else {}) | tojson }}",
        },
    }


def _event(root: str, rule: str, kind: str, said: str) -> Component:
    return {
        "platform": "event",
        "state_topic": f"{root}/rule/{rule}/event",
        # Other events come by the same topic; what is empty Home Assistant passes over.
        "value_template": f"{{% if value_json.kind == '{kind}' %}}{{{{ {said} | tojson }}}}{{% endif %}}",
    }


def _part_of_key(label: str) -> str:
    """Return what stands for a label in a key, where only letters, digits, "_" and "-" may be."""
    return hashlib.sha256(label.encode()).hexdigest()[:12]


def _total(label: str, direction: str) -> str:
    """Return the template of a total. A label comes from a model: it is quoted, so that it stays text."""
    quoted = json.dumps(label, ensure_ascii=False)
    return _while_there(f"value_json.counts.get({quoted}, {{}}).get('{direction}', 0)")


def _while_there(value: str) -> str:
    """Return the template of a value. What clears the topic of a rule that is gone has none: it is empty."""
    return f"{{% if value_json is defined %}}{{{{ {value} }}}}{{% endif %}}"
