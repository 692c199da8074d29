"""The entities of a device, and of each kind of rule, as Home Assistant's MQTT integration knows them."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from eyespot.domain.event import (
    LineState,
    OccupancyState,
    QueueState,
    RuleState,
    ShareState,
    ShelfState,
    ZoneState,
)
from eyespot.domain.tallying import MOST_TALLIED
from eyespot.topics.commands import Press

Component = dict[str, Any]

Kind = Literal["line", "share", "zone", "queue", "occupancy", "shelf"]
MOST_CLASSES = 150  # over all rules: each has two totals, or one number
_WITH_TOTALS = ("line", "zone", "queue", "occupancy")
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
        classes: class names of which it tells how many.
    """

    rule: str
    kind: Kind
    classes: Sequence[str] = ()


def announced(states: Mapping[str, RuleState]) -> list[Announced]:
    """Return the rules behind their states: not heatmaps, of which Home Assistant could make nothing.

    No more than `MOST_CLASSES` are announced, the first ones.
    """
    known = {rule: _known(state) for rule, state in states.items()}
    rules = [Announced(rule, one[0], tuple(one[1])) for rule, one in known.items() if one is not None]
    return with_classes(rules, MOST_CLASSES)


def with_classes(rules: Iterable[Announced], room: int) -> list[Announced]:
    """Return the rules with so many classes at most over all of them, the first ones."""
    fitting: list[Announced] = []
    for rule in rules:
        classes = rule.classes[:room]
        room -= len(classes)
        fitting.append(replace(rule, classes=classes))
    return fitting


def _known(state: RuleState) -> tuple[Kind, Iterable[str]] | None:
    """Return the kind of rule that has a state, and the classes in it; None where there are no entities."""
    match state:
        case LineState(counts=counts):
            return "line", counts
        case ZoneState(occupancy=inside):
            return "zone", inside
        case OccupancyState(occupancy=inside):
            return "occupancy", inside
        case QueueState(length=length):
            return "queue", length
        case ShelfState(counts=facings):
            return "shelf", facings
    return ("share", ()) if isinstance(state, ShareState) else None


def of_device(root: str, abilities: Abilities) -> dict[str, Component]:
    """Return the entities of the device itself, by their keys; `root` is where its topics begin."""
    return _of_health(root) | _of_model(root, abilities) | _of_settings(root)


def of_rules(root: str, rules: Iterable[Announced]) -> dict[str, Component]:
    """Return the entities of rules, by their keys."""
    components: dict[str, Component] = {}
    counting, tallied = False, 0
    for rule in rules:
        components |= _of_rule(root, rule)
        if rule.kind == "line" and tallied < MOST_TALLIED:
            tallied += 1
            components |= _of_tally(root, rule.rule)
        if rule.kind in _WITH_TOTALS:
            counting = True
            reset = _button(root, f"{rule.rule} reset", "counters/reset", rule=rule.rule)
            components[f"rule_{rule.rule}_reset"] = reset
    if counting:
        components["reset"] = _button(root, "Reset all counters", "counters/reset")
    return components


def _of_rule(root: str, rule: Announced) -> dict[str, Component]:
    match rule.kind:
        case "line":
            return _of_line(root, rule)
        case "share":
            return _of_share(root, rule)
        case "zone":
            return _how_many(root, rule, "occupancy") | _alarms(root, rule)
        case "occupancy":
            return _how_many(root, rule, "occupancy")
        case "queue":
            return _how_many(root, rule, "length") | _wait(root, rule)
        case "shelf":  # pragma: no branch - mypy sees that there is no other
            return _how_many(root, rule, "counts") | _stock(root, rule)


def _of_health(root: str) -> dict[str, Component]:
    topic = f"{root}/health"
    voltage = {"now": "ON", "before": "OFF", "never": "OFF"}
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
        },
        "under_voltage": {
            "platform": "binary_sensor",
            "name": "Voltage",
            "state_topic": topic,
            "entity_category": "diagnostic",
            "device_class": "problem",
            "value_template": f"{{{{ {voltage}.get(value_json.under_voltage) }}}}",
        },
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


def _of_tally(root: str, rule: str) -> dict[str, Component]:
    """Return the buttons for somebody at the door, and the result. Nobody has to see them before."""
    fields = ("n", "count_error", "wrong", "bias", "seen", "counted", "missed", "extra", "changed")
    said = ", ".join(f"'{field}': value_json.{field}" for field in fields)
    components: dict[str, Component] = {
        f"rule_{rule}_tally_{press}": _button(root, f"{rule} tally {press}", "tally", rule=rule, press=press)
        for press in get_args(Press)
    }
    components[f"rule_{rule}_tally"] = {
        "name": f"{rule} tally",
        "event_types": ("tallied",),
        **_event(root, rule, ("tallied",), f"{{'event_type': 'tallied', {said}}}"),
    }
    aside = {"entity_category": "diagnostic", "enabled_by_default": False}
    return {key: component | aside for key, component in components.items()}


def _of_line(root: str, line: Announced) -> dict[str, Component]:
    said = "{'event_type': value_json.direction, 'class': value_json['class']}"
    components = {
        f"rule_{line.rule}_event": {
            "name": f"{line.rule} crossing",
            "event_types": ("in", "out"),
            **_event(root, line.rule, ("crossed",), said),
        }
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
            **_event(root, share.rule, ("changed",), said),
        },
        f"rule_{share.rule}_top": {
            "platform": "sensor",
            "name": share.rule,
            "state_topic": topic,
            "value_template": _while_there("share", "value_json.top"),
            "json_attributes_topic": topic,
            "json_attributes_template": (
                f"{{{{ (value_json.shares if {_is_there('share')} else {{}}) | tojson }}}}"
            ),
        },
    }


def _how_many(root: str, rule: Announced, field: str) -> dict[str, Component]:
    """Return how many of each class there are just now; `field` of the state says so."""
    what = "facings" if rule.kind == "shelf" else field
    return {
        f"rule_{rule.rule}_{_part_of_key(label)}_{what}": {
            "platform": "sensor",
            "name": f"{rule.rule} {label} {what}",
            "state_class": "measurement",
            "state_topic": f"{root}/rule/{rule.rule}/state",
            "value_template": _while_there(rule.kind, f"value_json.{field}.get({_quoted(label)}, 0)"),
        }
        for label in rule.classes
    }


def _wait(root: str, queue: Announced) -> dict[str, Component]:
    return {
        f"rule_{queue.rule}_wait": {
            "platform": "sensor",
            "name": f"{queue.rule} wait",
            "device_class": "duration",
            "state_class": "measurement",
            "unit_of_measurement": "s",
            "state_topic": f"{root}/rule/{queue.rule}/state",
            "value_template": _while_there("queue", "value_json.wait_s"),
        }
    }


def _alarms(root: str, zone: Announced) -> dict[str, Component]:
    said = "{'event_type': value_json.kind, 'class': value_json['class']}"
    return {
        f"rule_{zone.rule}_event": {
            "name": f"{zone.rule} alarm",
            "event_types": ("intrusion", "loitering"),
            **_event(root, zone.rule, ("intrusion", "loitering"), said),
        }
    }


def _stock(root: str, shelf: Announced) -> dict[str, Component]:
    kind = "'low' if value_json.below else 'enough'"
    said = f"{{'event_type': {kind}, 'class': value_json['class'], 'count': value_json['count']}}"
    return {
        f"rule_{shelf.rule}_event": {
            "name": f"{shelf.rule} stock",
            "event_types": ("low", "enough"),
            **_event(root, shelf.rule, ("threshold",), said),
        }
    }


def _event(root: str, rule: str, kinds: Sequence[str], said: str) -> Component:
    wanted = " or ".join(f"value_json.kind == '{kind}'" for kind in kinds)
    return {
        "platform": "event",
        "state_topic": f"{root}/rule/{rule}/event",
        # Other events come by the same topic; what is empty Home Assistant passes over.
        "value_template": f"{{% if {wanted} %}}{{{{ {said} | tojson }}}}{{% endif %}}",
    }


def _part_of_key(label: str) -> str:
    """Return what stands for a label in a key, where only letters, digits, "_" and "-" may be."""
    return hashlib.sha256(label.encode()).hexdigest()[:12]


def _total(label: str, direction: str) -> str:
    """Return the template of a total."""
    return _while_there("line", f"value_json.counts.get({_quoted(label)}, {{}}).get('{direction}', 0)")


def _quoted(label: str) -> str:
    """Return a label for a template. It comes from a model: it is quoted, so that it stays text."""
    return json.dumps(label, ensure_ascii=False)


def _while_there(kind: Kind, value: str) -> str:
    """Return the template of a value in the state of a rule of a kind; it is empty where there is none.

    What clears the topic of a rule that is gone has none, and one of another kind may have come in its place,
    before Home Assistant hears of that.
    """
    return f"{{% if {_is_there(kind)} %}}{{{{ {value} }}}}{{% endif %}}"


def _is_there(kind: Kind) -> str:
    return f"value_json is defined and value_json.kind == '{kind}'"
