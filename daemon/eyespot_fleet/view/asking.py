"""What the page asks about rules that are not in force yet; answered by the device's own rules."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, ParamSpec, Protocol, TypeVar

import msgspec
import numpy as np

from eyespot.domain.geometry import Mount
from eyespot.domain.instants import rfc3339
from eyespot_fleet.view.flow import GRID, Arrow, Path, arrows_of, heat_of, paths_of, walks_of
from eyespot_fleet.view.replaying import (
    Counts,
    Device,
    config_of,
    counts_of,
    doubts_of,
    judged,
    newest,
    strip_of,
)
from eyespot_fleet.view.seen import Observations, Sightings
from eyespot_fleet.view.suggesting import suggestions

_WIDEST: Final = 65_536  # pixels of a frame
_LONGEST_RATIO: Final = 16  # of its sides: no camera has one

_T = TypeVar("_T")
_P = ParamSpec("_P")


class Proposal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules that are drawn in the page.

    Attributes:
        rules: all of them, as tables of a configuration.
        only: id of the one that is to be counted; None: all.
        doubts: whether these are wanted, too, which takes longer.
    """

    rules: list[dict[str, Any]]
    only: str | None = None
    doubts: bool = True


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
        refused: rule id -> why the device would refuse them, in one line; empty where it would not.
        counts: rule id -> of what -> how many, of those that it would not refuse.
        doubts: rule id -> why it cannot work, or does badly; None where nobody asked.
    """

    span: Span
    refused: Mapping[str, str]
    counts: Counts
    doubts: Mapping[str, Sequence[str]] | None


class Told(Protocol):
    """Knows what devices have told of themselves."""

    def told(self, device: str, name: str) -> bytes:
        """Return what a device has told last, as JSON; `null` where that is nothing."""


class Seen(msgspec.Struct, frozen=True):
    """Where those went that a device noticed.

    Attributes:
        span: of what was noticed.
        grid: columns and rows of `heat`.
        heat: how long somebody was in each cell, row by row, in hundredths of the most.
        arrows: which ways they went.
        paths: where the newest of them went.
    """

    span: Span
    grid: tuple[int, int]
    heat: list[int]
    arrows: list[Arrow]
    paths: list[Path]


class Suggested(msgspec.Struct, frozen=True):
    """A line across a flow, and what it would have counted; see `WhatIf`."""

    a: tuple[float, float]
    b: tuple[float, float]
    counts: Mapping[str, int]
    doubts: Sequence[str]


class Suggestions(msgspec.Struct, frozen=True):
    """Lines across the main flows of what was noticed; none where too few went anywhere."""

    span: Span
    lines: list[Suggested]


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
        sightings: what devices noticed.
        devices: what these are like.
    """

    def __init__(self, sightings: Sightings, devices: Told) -> None:
        self._sightings = sightings
        self._devices = devices
        self._turn = asyncio.Lock()

    async def what_if(self, device: str, proposal: Proposal) -> WhatIf:
        """Return what rules would have counted of what a device noticed."""
        return await self._in_turn(self._what_if, device, proposal)

    async def seen(self, device: str) -> Seen:
        """Return where those went that a device noticed."""
        return await self._in_turn(self._seen, device)

    async def suggestions(self, device: str) -> Suggestions:
        """Return lines across the main flows of what a device noticed."""
        return await self._in_turn(self._suggestions, device)

    async def _in_turn(self, ask: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        async with self._turn:
            return await asyncio.to_thread(ask, *args, **kwargs)

    def _what_if(self, device: str, proposal: Proposal) -> WhatIf:
        seen, about = newest(self._sightings.observations(device)), self._about(device)
        config, refused = judged(about, proposal.rules)
        counted = tuple(rule for rule in config.rules if proposal.only in {None, rule.id})
        counts = counts_of(msgspec.structs.replace(config, rules=counted), seen, strip_of(seen))
        doubts = doubts_of(config, seen, about.size) if proposal.doubts else None
        return WhatIf(span_of(seen), refused, counts, doubts)

    def _seen(self, device: str) -> Seen:
        seen = self._sightings.observations(device)
        walks = walks_of(seen, self._about(device).mount)
        return Seen(span_of(seen), GRID, heat_of(walks), arrows_of(walks), paths_of(walks, seen.labels))

    def _suggestions(self, device: str) -> Suggestions:
        seen, about = newest(self._sightings.observations(device)), self._about(device)
        found = suggestions(walks_of(seen, about.mount), about.size)
        rules = [{"kind": "line", "id": str(nth), "a": one.a, "b": one.b} for nth, one in enumerate(found)]
        config = config_of(about, rules)
        counts, doubts = counts_of(config, seen, strip_of(seen)), doubts_of(config, seen, about.size)
        lines = [
            Suggested(one.a, one.b, counts[str(nth)], doubts.get(str(nth), ()))
            for nth, one in enumerate(found)
        ]
        return Suggestions(span_of(seen), lines)

    def _about(self, device: str) -> Device:
        info = _read(self._devices.told(device, "info"), _Info())
        reported = _read(self._devices.told(device, "config/reported"), _Reported())
        camera = info.camera or _Camera()
        short, long = sorted((camera.width, camera.height))
        possible = short >= 1 and long <= min(_WIDEST, short * _LONGEST_RATIO)
        size = (camera.width, camera.height) if possible else Device().size
        mount: Mount = "overhead" if reported.config.camera.mount == "overhead" else "oblique"
        return Device(mount, info.timezone, info.model.labels, size)


def span_of(seen: Observations) -> Span:
    """Return of what an answer is."""
    if not len(seen.taken_ns):
        return Span(None, None, 0)
    first, last = (rfc3339(int(seen.taken_ns[at])) for at in (0, -1))
    return Span(first, last, len(np.unique(seen.rows["track"])))


def _read(payload: bytes, otherwise: _T) -> _T:
    """Return what a device has told as far as it matters here."""
    try:
        return msgspec.json.decode(payload, type=type(otherwise))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return otherwise
