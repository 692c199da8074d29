"""The last hour of the running service, as it is told at a local door and read by `eyespot why`."""

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec

from eyespot.config import Config
from eyespot.domain.errors import InputError
from eyespot.domain.geometry import Mount
from eyespot.domain.instants import Timeline
from eyespot.domain.strip import Strip
from eyespot.host.door import ask
from eyespot.host.identity import system_timezone
from eyespot.ports import Clock, View
from eyespot.rules import RuleSettings
from eyespot.store.packed_strips import strips_in
from eyespot.supervisor.track_hour import TrackHour

_UNKNOWN_SIZE = (4.0, 3.0)


class Hour(msgspec.Struct, frozen=True):
    """What goes before the tracks.

    Attributes:
        labels: class names by class index.
        utc_at_zero_ns: of the timeline.
        size: width and height of the picture.
        rules: in force.
        mount: which point of a box counts.
        timezone: of the device.
    """

    labels: tuple[str, ...]
    utc_at_zero_ns: int
    size: tuple[float, float]
    rules: tuple[RuleSettings, ...]
    mount: Mount
    timezone: str


def door_in(state_dir: Path) -> Path:
    """Return where the running service may be asked."""
    return state_dir / "why.sock"


def last_hour(hour: TrackHour, config: Config, view: View | None, clock: Clock) -> bytes:
    """Return all that is told: a line of JSON, then packed strips."""
    strips, labels = hour.told()
    head = Hour(
        labels=labels,
        utc_at_zero_ns=clock.timeline().utc_at_zero_ns,
        size=_UNKNOWN_SIZE if view is None else (view.width, view.height),
        rules=tuple(config.rules),
        mount=config.camera.mount,
        timezone=config.device.timezone or system_timezone(),
    )
    return msgspec.json.encode(head) + b"\n" + strips


def asked_at(path: Path) -> tuple[Hour, Iterator[Strip]]:
    """Return what the service tells at its door.

    Raises:
        InputError: nobody is there, or it is of another version; the latter also while strips are taken.
    """
    told = ask(path)
    head, _, strips = told.partition(b"\n")
    try:
        hour = msgspec.json.decode(head, type=Hour)
    except msgspec.DecodeError as error:
        raise _of_another(path, error) from error
    return hour, _strips(path, strips, Timeline(hour.utc_at_zero_ns, synced=True))


def _strips(path: Path, data: bytes, timeline: Timeline) -> Iterator[Strip]:
    try:
        yield from strips_in(io.BytesIO(data), "", timeline)
    except ValueError as error:
        raise _of_another(path, error) from error


def _of_another(path: Path, error: Exception) -> InputError:
    return InputError(f"{path}: what the service says is not understood ({error}); is it of this version?")
