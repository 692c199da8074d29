"""The whole configuration. The settings of each part stand beside the part; they are gathered here."""

from typing import Annotated

import msgspec

from eyespot.broker.settings import MqttSettings
from eyespot.host.settings import DeviceSettings
from eyespot.rules import RuleSettings
from eyespot.sources.settings import CameraSettings
from eyespot.store.settings import StateSettings, TrajectoriesSettings
from eyespot.update.settings import UpdateSettings

_MOST_RULES = 100


class ModelSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which model looks.

    Attributes:
        bundle: "factory", the one that comes along, or the folder of a bundle with its manifest.
        min_score: a detection at or above it can start a track; one from half of it on can continue
            one, and is recorded. Default: the bundle's.
    """

    bundle: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)] = "factory"
    min_score: Annotated[float, msgspec.Meta(ge=0.01, le=0.99)] | None = None


class TopicsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is published beyond states and events.

    Attributes:
        frame: publish the boxes of each frame on `frame`. Off, as it says where each person is.
        health_s: how often `health` is published where nothing changes.
        onvif: publish crossings and totals as ONVIF's events, too, below `onvif-ej`.
    """

    frame: bool = False
    health_s: Annotated[int, msgspec.Meta(ge=10, le=3600)] = 60
    onvif: bool = False


class HomeAssistantSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How Home Assistant gets to know the device.

    Attributes:
        discovery: tell it of the device, so that it makes entities by itself.
        prefix: below which it looks for devices, and says that it has begun.
    """

    discovery: bool = False
    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128)] = (
        "homeassistant"
    )


_Told = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class PrivacySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What people are told of the installation: see `eyespot privacy label`. It changes nothing else.

    Attributes:
        purpose: what is counted for.
        controller: who answers for it: name and address.
        contact: where those who are counted may ask.
        retention: how long whoever receives the numbers keeps them.
    """

    purpose: _Told | None = None
    controller: _Told | None = None
    contact: _Told | None = None
    retention: _Told | None = None


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A configuration of Eyespot.

    Attributes:
        device: what the device is called.
        camera: where frames come from.
        model: which model looks.
        mqtt: where to publish.
        state: where counts are kept.
        topics: what is published beyond states and events.
        trajectories: whether it is kept where people went.
        home_assistant: how Home Assistant gets to know the device.
        update: where models come from.
        privacy: what people are told of the installation.
        rules: what is counted.
    """

    device: DeviceSettings = DeviceSettings()
    camera: CameraSettings
    model: ModelSettings = ModelSettings()
    mqtt: MqttSettings
    state: StateSettings = StateSettings()
    topics: TopicsSettings = TopicsSettings()
    trajectories: TrajectoriesSettings = TrajectoriesSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    update: UpdateSettings = UpdateSettings()
    privacy: PrivacySettings = PrivacySettings()
    rules: Annotated[tuple[RuleSettings, ...], msgspec.Meta(max_length=_MOST_RULES)] = ()


def problems(config: Config) -> list[tuple[str, str]]:
    """Return which tables do not fit together, as pairs of name and message."""
    if f"{config.home_assistant.prefix}/".startswith(f"{config.mqtt.prefix}/"):
        return [("home_assistant", "prefix lies below [mqtt] prefix; they have to differ")]
    return []
