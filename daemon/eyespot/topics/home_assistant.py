"""What Home Assistant is told of a device: one retained message, from which it makes the entities.

The form is that of Home Assistant's MQTT device discovery (`DEVICE_DISCOVERY_SCHEMA` in its
`homeassistant/components/mqtt/schemas.py`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

Component = dict[str, Any]
_Text = Annotated[str, Meta(max_length=1024)]
_Key = Annotated[str, Meta(pattern=r"\A[a-zA-Z0-9_-]{1,160}\Z")]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the message; Home Assistant takes no null for a key that is not there."""


class Entity(_Part, frozen=True, kw_only=True):
    """An entity; one with nothing but its platform is to be removed."""

    platform: Literal["binary_sensor", "button", "event", "sensor", "update"]
    unique_id: _Text | None = None
    name: _Text | None = None
    state_topic: _Text | None = None
    value_template: _Text | None = None
    json_attributes_topic: _Text | None = None
    json_attributes_template: _Text | None = None
    command_topic: _Text | None = None
    payload_install: Literal["latest"] | None = None
    payload_press: Literal["{}"] | None = None
    event_types: Annotated[tuple[_Text, ...], Meta(max_length=8)] | None = None
    device_class: _Text | None = None
    state_class: _Text | None = None
    unit_of_measurement: _Text | None = None
    entity_category: _Text | None = None


class Discovery(_Part, frozen=True, kw_only=True):
    """The message. It has no envelope: the form is Home Assistant's."""

    device: Annotated[dict[_Key, _Text | tuple[_Text, ...]], Meta(max_length=8)]
    origin: Annotated[dict[_Key, _Text], Meta(max_length=4)]
    availability: Annotated[tuple[dict[_Key, _Text], ...], Meta(max_length=1)]
    qos: Literal[1]
    components: Annotated[dict[_Key, Entity], Meta(max_length=2048)]


@dataclass(frozen=True, slots=True)
class Announced:
    """A rule as Home Assistant gets to know it.

    Attributes:
        classes: class names of which a rule counts something.
    """

    rule: str
    kind: Literal["line", "zone", "queue", "share"]
    classes: Sequence[str] = ()


def discovery(
    root: str, name: str, version: str, rules: Iterable[Announced], before: Mapping[str, str]
) -> Discovery:
    """Return the payload.

    Args:
        root: topic prefix and device id, as `eyespot/v1/entrance-1`.
        name: of the device, for people.
        version: of Eyespot.
        rules: that are there now.
        before: component -> platform, of what was announced earlier; what is gone is taken back.
    """
    device = root.rpartition("/")[2]
    components = _of_device(root)
    for rule in rules:
        components |= _of_rule(root, rule)
    for key, component in components.items():
        component["unique_id"] = f"{device}_{key}"
    gone = {key: {"platform": platform} for key, platform in before.items() if key not in components}
    message = {
        "device": {"identifiers": [f"eyespot_{device}"], "name": name, "sw_version": version},
        "origin": {"name": "eyespot", "sw_version": version},
        "availability": [
            {
                "topic": f"{root}/status",
                "value_template": "{{ 'online' if value_json.state == 'online' else 'offline' }}",
            }
        ],
        "qos": 1,
        "components": components | gone,
    }
    return msgspec.convert(message, Discovery)


def _of_device(root: str) -> dict[str, Component]:
    health = {"state_topic": f"{root}/health", "entity_category": "diagnostic"}
    measured = health | {"platform": "sensor", "state_class": "measurement"}
    return {
        "problem": health
        | {
            "platform": "binary_sensor",
            "name": "Problem",
            "device_class": "problem",
            "value_template": "{{ 'OFF' if value_json.ok else 'ON' }}",
            "json_attributes_topic": f"{root}/health",
            "json_attributes_template": "{{ {'states': value_json.states} | tojson }}",
        },
        "temperature": measured
        | {
            "name": "Temperature",
            "device_class": "temperature",
            "unit_of_measurement": "°C",
            "value_template": "{{ value_json.temperature_c }}",
        },
        "rate": measured
        | {
            "name": "Observations",
            "device_class": "frequency",
            "unit_of_measurement": "Hz",
            "value_template": "{{ value_json.observations_hz }}",
        },
        "model": {
            "platform": "update",
            "name": "Model",
            "state_topic": f"{root}/model/state",
            "command_topic": f"{root}/cmd/model/update",
            "payload_install": "latest",
            "entity_category": "config",
        },
        "model_rollback": {
            "platform": "button",
            "name": "Roll the model back",
            "command_topic": f"{root}/cmd/model/rollback",
            "payload_press": "{}",
            "entity_category": "config",
        },
    }


def _of_rule(root: str, rule: Announced) -> dict[str, Component]:
    match rule.kind:
        case "line":
            return _of_line(root, rule)
        case "zone":
            return _of_place(root, rule, "occupancy")
        case "queue":
            return _of_place(root, rule, "length") | _of_wait(root, rule)
        case "share":  # pragma: no branch - mypy sees that there is no other
            return _of_share(root, rule)


def _of_place(root: str, place: Announced, field: str) -> dict[str, Component]:
    return {
        f"rule_{place.rule}_{_part_of_key(label)}_{field}": {
            "platform": "sensor",
            "name": f"{place.rule} {label} {field}",
            "state_class": "measurement",
            "state_topic": f"{root}/rule/{place.rule}/state",
            "value_template": f"{{{{ value_json.{field}.get({_quoted(label)}, 0) }}}}",
        }
        for label in place.classes
    }


def _of_wait(root: str, queue: Announced) -> dict[str, Component]:
    return {
        f"rule_{queue.rule}_wait": {
            "platform": "sensor",
            "name": f"{queue.rule} wait",
            "device_class": "duration",
            "state_class": "measurement",
            "unit_of_measurement": "s",
            "state_topic": f"{root}/rule/{queue.rule}/state",
            "value_template": "{{ value_json.wait_s }}",
        }
    }


def _of_line(root: str, line: Announced) -> dict[str, Component]:
    event = "{{ {'event_type': value_json.direction, 'class': value_json['class']} | tojson }}"
    components: dict[str, Component] = {
        f"rule_{line.rule}_event": {
            "platform": "event",
            "name": f"{line.rule} crossing",
            "event_types": ["in", "out"],
            "state_topic": f"{root}/rule/{line.rule}/event",
            # Other events come by the same topic; what is empty Home Assistant passes over.
            "value_template": f"{{% if value_json.kind == 'crossed' %}}{event}{{% endif %}}",
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
    return {
        f"rule_{share.rule}_top": {
            "platform": "sensor",
            "name": share.rule,
            "state_topic": topic,
            "value_template": "{{ value_json.top }}",
            "json_attributes_topic": topic,
            "json_attributes_template": "{{ value_json.shares | tojson }}",
        }
    }


def _part_of_key(label: str) -> str:
    """Return what stands for a label in a key, where only letters, digits, "_" and "-" may be."""
    return hashlib.sha256(label.encode()).hexdigest()[:12]


def _total(label: str, direction: str) -> str:
    """Return the template of a total."""
    return f"{{{{ value_json.counts.get({_quoted(label)}, {{}}).get('{direction}', 0) }}}}"


def _quoted(label: str) -> str:
    """Return a label for a template. It comes from a model: it is quoted, so that it stays text."""
    return json.dumps(label, ensure_ascii=False)
