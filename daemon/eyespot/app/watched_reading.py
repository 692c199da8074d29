"""Reads what devices say, as far as a terminal shows it: bounded, and fit for one."""

import math
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec

from eyespot.app.watched_device import Device, Place, Point, Seen
from eyespot.domain.shown import shown

_MOST_RULES = 64
_MOST_WORDS = 6
_MOST_TRACKS = 64
_MOST_CORNERS = 64
_TRAIL = 40
_LONGEST = 160
_LONGEST_NAME = 64
_RULE = re.compile(r"rule/([a-z0-9_-]{1,64})/state")


class _Status(msgspec.Struct, frozen=True):
    state: str


class _Model(msgspec.Struct, frozen=True):
    bundle: str


class _Info(msgspec.Struct, frozen=True):
    model: _Model
    name: str = ""


class _Trouble(msgspec.Struct, frozen=True):
    name: str
    reason: str = ""


class _Health(msgspec.Struct, frozen=True):
    ok: bool
    states: list[_Trouble]
    observations_hz: float
    temperature_c: float | None = None


class _Frame(msgspec.Struct, frozen=True):
    labels: list[str]
    tracks: list[int]
    classes: list[int]
    boxes: list[tuple[int, int, int, int]]


class _State(msgspec.Struct, frozen=True):
    kind: str = ""
    counts: dict[str, int | dict[str, int]] = {}
    occupancy: dict[str, int] = {}
    length: dict[str, int] = {}
    shares: dict[str, float] = {}


class _Camera(msgspec.Struct, frozen=True):
    mount: str = ""


class _Topics(msgspec.Struct, frozen=True):
    frame: bool | None = None


class _Config(msgspec.Struct, frozen=True):
    rules: list[dict[str, Any]] = []
    camera: _Camera = _Camera()
    topics: _Topics = _Topics()


class _Reported(msgspec.Struct, frozen=True):
    config: _Config


class _Drawn(msgspec.Struct, frozen=True):
    id: str
    kind: str = ""
    a: Point | None = None
    b: Point | None = None
    points: list[Point] = []


def told(known: Device, suffix: str, payload: bytes, now_s: float) -> Device:
    """Return what is known once a device has said this. Raises what msgspec raises."""
    if suffix in _READERS:
        return _READERS[suffix](known, payload, now_s)
    match = _RULE.fullmatch(suffix)
    return known if match is None else _counted(known, match[1], payload)


def _stated(known: Device, payload: bytes, _: float) -> Device:
    return replace(known, state=shown(msgspec.json.decode(payload, type=_Status).state, _LONGEST_NAME))


def _introduced(known: Device, payload: bytes, _: float) -> Device:
    info = msgspec.json.decode(payload, type=_Info)
    return replace(known, name=shown(info.name, _LONGEST_NAME), model=shown(info.model.bundle, _LONGEST))


def _healthy(known: Device, payload: bytes, _: float) -> Device:
    health = msgspec.json.decode(payload, type=_Health)
    troubles = [
        (shown(one.name, _LONGEST_NAME), shown(one.reason, _LONGEST)) for one in health.states[:_MOST_WORDS]
    ]
    return replace(
        known,
        ok=health.ok and not troubles,
        troubles=tuple(troubles),
        rate_hz=_finite(health.observations_hz),
        temperature_c=_finite(health.temperature_c),
    )


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None


def _configured(known: Device, payload: bytes, _: float) -> Device:
    config = msgspec.json.decode(payload, type=_Reported).config
    drawn = [msgspec.convert(one, _Drawn) for one in config.rules[:_MOST_RULES]]
    places = [Place(shown(one.id, _LONGEST_NAME), one.kind, _corners(one)) for one in drawn]
    return replace(
        known,
        places=tuple(place for place in places if place.points),
        lines=tuple(place.rule for place in places if place.kind == "line"),
        rules={rule: words for rule, words in known.rules.items() if rule in {one.rule for one in places}},
        overhead=config.camera.mount == "overhead",
        shows_frames=config.topics.frame,
    )


def _corners(rule: _Drawn) -> tuple[Point, ...]:
    """Return where to draw it; nowhere where it looks at the whole frame."""
    points = [_inside(one) for one in rule.points[:_MOST_CORNERS]]
    if rule.kind != "line":
        return (*points, points[0]) if points else ()
    ends = [] if rule.a is None or rule.b is None else [_inside(rule.a), _inside(rule.b)]
    return tuple(points or ends)


def _inside(point: Point) -> Point:
    x, y = (min(1.0, max(0.0, one)) if math.isfinite(one) else 0.0 for one in point)
    return x, y


def _framed(known: Device, payload: bytes, now_s: float) -> Device:
    frame = msgspec.json.decode(payload, type=_Frame)
    trails = {one.track: one.trail for one in known.now(now_s).seen}
    seen = []
    for track, index, sides in list(zip(frame.tracks, frame.classes, frame.boxes, strict=False))[
        :_MOST_TRACKS
    ]:
        x0, y0, x1, y1 = (min(1000, max(0, side)) / 1000 for side in sides)
        foot = ((x0 + x1) / 2, (y0 + y1) / 2 if known.overhead else y1)
        label = shown(frame.labels[index], _LONGEST_NAME) if 0 <= index < len(frame.labels) else ""
        trail = (*trails.get(track, ())[1 - _TRAIL :], foot)
        seen.append(Seen(track, label, (x0, y0, max(x0, x1), max(y0, y1)), trail))
    frames_s = (*known.now(now_s).frames_s[-299:], now_s)
    return replace(known, seen=tuple(seen), frame_s=now_s, frames_s=frames_s)


def _counted(known: Device, rule: str, payload: bytes) -> Device:
    if not payload and rule not in known.rules:
        return known
    others = {one: words for one, words in known.rules.items() if one != rule}
    if not payload:  # the rule was removed
        return replace(known, rules=others)
    if len(others) >= _MOST_RULES:
        return known
    words = _words(msgspec.json.decode(payload, type=_State))
    return replace(known, rules=dict(sorted((others | {rule: words}).items())))


def _words(state: _State) -> tuple[str, ...]:
    words = []
    for label, counts in state.counts.items():
        if isinstance(counts, dict):
            words.append(f"{label} {counts.get('in', 0)} in, {counts.get('out', 0)} out")
        else:
            words.append(f"{label} {counts}")
    words += [f"{label} {count} inside" for label, count in state.occupancy.items()]
    words += [f"{label} {count} waiting" for label, count in state.length.items()]
    words += [f"{label} {share:.0%}" for label, share in state.shares.items() if math.isfinite(share)]
    return tuple(shown(one, _LONGEST) for one in words[:_MOST_WORDS])


_READERS: dict[str, Callable[[Device, bytes, float], Device]] = {
    "status": _stated,
    "info": _introduced,
    "health": _healthy,
    "config/reported": _configured,
    "frame": _framed,
}
