"""The facts that a door notice and an impact assessment ask for, out of configuration and schemas."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.plan import device_id
from eyespot.app.privacy.traces import by_kind
from eyespot.config import Config, load
from eyespot.store.budget import NAME as TRAFFIC
from eyespot.store.budget import spent_on
from eyespot.store.memo import Memo
from eyespot.store.settings import state_dir
from eyespot.topics.extent import extent, fields

_DAY_S = 86_400
_OF_FRAMES = "eyespot.frame/2"
_OF_WAYS = "eyespot.trajectories/1"
_OPEN = "(not filled in: see [privacy] in the configuration)"


@dataclass(frozen=True, slots=True)
class Label:
    """What is told about an installation.

    Attributes:
        device: its id.
        name: what people call it.
        purpose: what it is for, as the controller says.
        controller: who answers for it.
        contact: where one may ask.
        notice: sentences for a door.
        facts: what an impact assessment asks for, as pairs of a question and an answer.
        fields: what may leave: schema -> names of its fields.
        missing: keys of `[privacy]` that are not filled in.
    """

    device: str
    name: str
    purpose: str
    controller: str
    contact: str
    notice: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    fields: Mapping[str, list[str]]
    missing: tuple[str, ...]


def label(file: Path, environ: Mapping[str, str] = os.environ) -> Label:
    """Return what there is to tell of the installation that a configuration describes.

    Raises:
        ConfigError: it cannot be used.
    """
    config = load(file).config
    wanted = {key: getattr(config.privacy, key) for key in ("purpose", "controller", "contact", "retention")}
    sent = spent_on(int(time.time() // _DAY_S) - 1, Memo(state_dir(config.state, environ) / TRAFFIC))
    device = device_id(config)
    return Label(
        device=device,
        name=config.device.name or device,
        purpose=wanted["purpose"] or _OPEN,
        controller=wanted["controller"] or _OPEN,
        contact=wanted["contact"] or _OPEN,
        notice=_notice(config),
        facts=(
            *((key.capitalize(), text or _OPEN) for key, text in wanted.items()),
            ("Counted", ", ".join(f"{rule.id} ({_kind(rule)})" for rule in config.rules) or "nothing"),
            ("Kept on the device", _kept(config)),
            ("Goes to", config.mqtt.where),
            ("Encrypted on the way", "yes (TLS)" if _is_encrypted(config) else "no"),
            ("Bytes sent yesterday", by_kind(sent) if sent else "not known"),
            ("Digest of all that may leave", f"sha256 {extent().digest}"),
            ("Cannot be proved", _UNPROVED),
        ),
        fields={name: told for name, told in fields().items() if _leaves(name, config)},
        missing=tuple(key for key, text in wanted.items() if not text),
    )


_UNPROVED = (
    "pictures pass through the memory of the process that looks, where a processor runs the model; that it "
    "has no network and nothing to write to, `eyespot privacy audit` tries out"
)


def _notice(config: Config) -> tuple[str, ...]:
    """Return what holds of every installation of these settings, in sentences."""
    of_frames = ", and where in the picture whoever it sees is at each moment"
    where = of_frames if config.topics.frame else ""
    return (
        "A camera counts here.",
        "A program inside the device looks at its pictures. They are neither stored nor sent.",
        "It does not tell who somebody is.",
        *_walked(config),
        f"What it sends are numbers{where}.",
    )


def _walked(config: Config) -> tuple[str, ...]:
    settings = config.trajectories
    if not (settings.keep or settings.aim):
        return ()
    when = "It keeps" if settings.keep else "While it is being aimed it keeps"
    return (f"{when} for {settings.hours} hours where in its picture somebody walked, not who.",)


# Of `drift.kept.Kept`, to find out whether the camera was moved or covered.
_USUAL = (
    "what is usual, on the disk until it is learned anew: how many walked where in the picture and in each "
    "hour of the week, the light and the focus, as sums and means without a date or a number for anybody"
)


def _kept(config: Config) -> str:
    days = config.state.outbox_days
    return (
        f"totals, until they are reset; events that the broker does not have yet, {days} days at most; "
        f"the ways of the last hour, in memory only; {_ways(config)}; {_USUAL}; no images"
    )


def _ways(config: Config) -> str:
    """Return what is kept on the disk of where people went, in words."""
    settings = config.trajectories
    if not (settings.keep or settings.aim):
        return "on the disk the way of nobody"
    when = "" if settings.keep else ", only while an operator has it kept, a day at most each time,"
    return (
        f"on the disk where people went as numbered boxes without a score or an image{when} "
        f"each {settings.hours} h at most"
    )


def _kind(rule: object) -> str:
    return type(rule).__struct_config__.tag  # type: ignore[attr-defined, no-any-return]  # msgspec does not type it


def _is_encrypted(config: Config) -> bool:
    return all(url.startswith(("mqtts://", "unix://")) for url in config.mqtt.urls)


def _leaves(schema: str, config: Config) -> bool:
    if schema == _OF_FRAMES:
        return config.topics.frame
    if schema == _OF_WAYS:
        return config.trajectories.keep or config.trajectories.aim
    return schema.startswith("eyespot.") or schema == "UpdateState" or config.topics.onvif
