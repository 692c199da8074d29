"""What Home Assistant is told of a device: one retained message, from which it makes the entities.

The form is that of Home Assistant's MQTT device discovery (`DEVICE_DISCOVERY_SCHEMA` in its
`homeassistant/components/mqtt/schemas.py`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.topics.home_assistant_entities import Abilities, Announced, of_device, of_rules

_Text = Annotated[str, Meta(max_length=1024)]
Key = Annotated[str, Meta(pattern=r"\A[a-zA-Z0-9_-]{1,160}\Z")]
Platform = Literal["binary_sensor", "button", "event", "number", "sensor", "update"]
BIRTH = b"online"


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of the message; Home Assistant takes no null for a key that is not there."""


class Entity(_Part, frozen=True, kw_only=True):
    """An entity; one with nothing but its platform is to be removed."""

    platform: Platform
    unique_id: _Text | None = None
    name: _Text | None = None
    state_topic: _Text | None = None
    value_template: _Text | None = None
    json_attributes_topic: _Text | None = None
    json_attributes_template: _Text | None = None
    command_topic: _Text | None = None
    command_template: _Text | None = None
    payload_install: Literal["latest"] | None = None
    payload_press: _Text | None = None
    event_types: Annotated[tuple[_Text, ...], Meta(max_length=8)] | None = None
    min: float | None = None
    max: float | None = None
    step: float | None = None
    device_class: _Text | None = None
    state_class: _Text | None = None
    unit_of_measurement: _Text | None = None
    entity_category: _Text | None = None
    enabled_by_default: bool | None = None


class Device(_Part, frozen=True, kw_only=True):
    """The device to which the entities belong."""

    identifiers: tuple[_Text]
    name: _Text
    model: _Text
    sw_version: _Text


class Origin(_Part, frozen=True, kw_only=True):
    """Who says it, for Home Assistant's log."""

    name: Literal["eyespot"]
    sw_version: _Text


class Availability(_Part, frozen=True, kw_only=True):
    """Where it is said whether the device is there: `status`, whose last will it is as well."""

    topic: _Text
    value_template: _Text


class Discovery(_Part, frozen=True, kw_only=True):
    """What Home Assistant makes a device and its entities of. It has no envelope: the form is not ours."""

    device: Device
    origin: Origin
    availability: tuple[Availability]
    qos: Literal[1]
    components: Annotated[dict[Key, Entity], Meta(max_length=2048)]

    @property
    def platforms(self) -> dict[Key, Platform]:
        """The platform of each component, also of those that are to be removed."""
        return {key: entity.platform for key, entity in self.components.items()}

    @property
    def live(self) -> set[str]:
        """The components that are there."""
        return {key for key, entity in self.components.items() if entity.unique_id is not None}


@dataclass(frozen=True, slots=True)
class Described:
    """A device as Home Assistant gets to know it.

    Attributes:
        root: topic prefix and device id, as `eyespot/v1/entrance-1`.
        name: for people.
        version: of Eyespot.
        hardware: in words.
        abilities: which of its buttons would be of use.
    """

    root: str
    name: str
    version: str
    hardware: str
    abilities: Abilities


def discovery(device: Described, rules: Iterable[Announced], before: Mapping[str, str]) -> Discovery:
    """Return the payload.

    Args:
        device: who says it.
        rules: that are there now.
        before: component -> platform, of what was announced earlier; what is gone is taken back.
    """
    root, device_id = device.root, device.root.rpartition("/")[2]
    components = of_device(root, device.abilities) | of_rules(root, rules)
    for key, component in components.items():
        component["unique_id"] = f"{device_id}_{key}"
    gone = {key: {"platform": platform} for key, platform in before.items() if key not in components}
    message = {
        "device": {
            "identifiers": [f"eyespot_{device_id}"],
            "name": device.name,
            "model": device.hardware,
            "sw_version": device.version,
        },
        "origin": {"name": "eyespot", "sw_version": device.version},
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
