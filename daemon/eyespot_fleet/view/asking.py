"""What the page asks about rules that are not in force yet; answered by the device's own rules."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
import numpy as np

from eyespot.domain.errors import ConfigError
from eyespot.domain.instants import rfc3339
from eyespot_fleet.view.replaying import Counts, Device, config_of, counts_of, doubts_of, strip_of
from eyespot_fleet.view.seen import History, Observations

_LATEST_NS: Final = 253_402_300_799_000_000_000  # the end of the year 9999

_T = TypeVar("_T")


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules that are drawn in the page.

    Attributes:
        rules: all of them, as tables of a configuration.
        moving: id of the one that is being moved: it alone is counted, and nothing else is told of it.
    """

    rules: list[dict[str, Any]]
    moving: str | None = None


class Span(msgspec.Struct, frozen=True):
    """Of what an answer is.

    Attributes:
        since: of the first observation, RFC 3339; None where there is none.
        until: of the last one.
        tracks: how many there are.
    """

    since: str | None
    until: str | None
    tracks: int


class WhatIf(msgspec.Struct, frozen=True):
    """What rules would have counted.

    Attributes:
        span: of what was noticed.
        refused: why the device would refuse them, in one line; empty where it would not.
        counts: rule id -> of what -> how many.
        doubts: rule id -> why it cannot work, or does badly; None while it is moving.
    """

    span: Span
    refused: str
    counts: Counts
    doubts: Mapping[str, Sequence[str]] | None


class Told(Protocol):
    """Knows what devices have told of themselves."""

    def told(self, device: str, name: str) -> bytes:
        """Return what a device has told last, as JSON; `null` where that is nothing."""


class _Camera(msgspec.Struct, frozen=True):
    width: float = 0
    height: float = 0
    mount: str | None = None


class _Model(msgspec.Struct, frozen=True):
    labels: tuple[str, ...] = ()


class _Info(msgspec.Struct, frozen=True):
    timezone: str | None = None
    camera: _Camera | None = None
    model: _Model = _Model()


class _Config(msgspec.Struct, frozen=True):
    camera: _Camera = _Camera()


class _Reported(msgspec.Struct, frozen=True):
    config: _Config = _Config()


class Answers:
    """Answers one question after the other, in a thread, so that what devices say goes on to the pages.

    Args:
        history: of what devices noticed.
        devices: what these are like.
    """

    def __init__(self, history: History, devices: Told) -> None:
        self._history = history
        self._devices = devices
        self._turn = asyncio.Lock()

    async def what_if(self, device: str, proposal: Proposal) -> WhatIf:
        """Return what rules would have counted of what a device noticed."""
        async with self._turn:
            return await asyncio.to_thread(self._what_if, device, proposal)

    def _what_if(self, device: str, proposal: Proposal) -> WhatIf:
        seen, about = self._history.observations(device), self._about(device)
        try:
            config = config_of(about, proposal.rules)
        except ConfigError as error:
            return WhatIf(span_of(seen), str(error), {}, {})
        if proposal.moving is None:
            doubts = doubts_of(config, seen, about.size)
            return WhatIf(span_of(seen), "", counts_of(config, seen, strip_of(seen)), doubts)
        moving = tuple(rule for rule in config.rules if rule.id == proposal.moving)
        alone = msgspec.structs.replace(config, rules=moving)
        return WhatIf(span_of(seen), "", counts_of(alone, seen, strip_of(seen)), None)

    def _about(self, device: str) -> Device:
        info = _read(self._devices.told(device, "info"), _Info())
        reported = _read(self._devices.told(device, "config/reported"), _Reported())
        camera = info.camera or _Camera()
        size = (camera.width, camera.height) if min(camera.width, camera.height) > 0 else Device().size
        return Device(reported.config.camera.mount, info.timezone, info.model.labels, size)


def span_of(seen: Observations) -> Span:
    """Return of what an answer is."""
    if not len(seen.taken_ns):
        return Span(None, None, 0)
    first, last = (rfc3339(min(int(seen.taken_ns[at]), _LATEST_NS)) for at in (0, -1))
    return Span(first, last, len(np.unique(seen.rows["track"])))


def _read(payload: bytes, otherwise: _T) -> _T:
    """Return what a device has told as far as it matters here."""
    try:
        return msgspec.json.decode(payload, type=type(otherwise))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return otherwise
