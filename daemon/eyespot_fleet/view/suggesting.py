"""Lines across the main flows of what was seen: where they lie, and how well they cut the ways of people."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.track import Mask
from eyespot_fleet.view.flow import Walks

MOST_LINES: Final = 3
_LONG: Final = 0.15  # of the frame: who went less far passes no line worth one
_MOST_WAYS: Final = 200
_MOST_MIDDLES: Final = 40
_POINTS: Final = 24  # of one way
_FEW: Final = 4  # ways, before anything is made of them
_SHARE: Final = 0.1  # of all ways
_ASIDE: Final = 0.57  # the sine of 35 degrees: who comes at a flatter angle is no part of the flow
_TURNS: Final = 2  # a way gives the first direction, those along with it the one that counts
_GAP: Final = 0.12  # of the frame: who passes further aside is in another flow
_ROOM: Final = 0.05  # beside the outermost way, at least
_BOXES: Final = 0.75  # likewise, in widths of a box
_ENOUGH_ROOM: Final = 0.3  # before a line and behind it
_EDGE: Final = 0.02


class Suggestion(NamedTuple):
    """A line across a flow.

    Attributes:
        a: where it begins, in fractions of the frame; the end further to the left, or further up.
        b: where it ends.
        ways: how many of those that were looked at it cuts.
    """

    a: tuple[float, float]
    b: tuple[float, float]
    ways: int


def suggestions(walks: Walks, size: tuple[float, float]) -> list[Suggestion]:
    """Return up to three lines that cut the main flows, the one that cuts most ways first.

    Around the middle of a way those that go along with it, there or back, are gathered; the line goes
    square across them, as wide as they are. It is worth the ways that it cuts once, more where they begin
    and end far from it. Whom a line cuts counts for no other one.

    Args:
        walks: where tracks were seen.
        size: width and height of the frame, of which the ratio matters.
    """
    scale = np.array(size) / max(size)
    ways = _long_ways(walks, scale)
    left = np.ones(len(ways), np.bool_)
    beside = max(_ROOM, _BOXES * float(np.median(walks.widths)) * scale[0]) if len(ways) else _ROOM
    found: list[Suggestion] = []
    while len(found) < MOST_LINES and left.sum() >= max(_FEW, _SHARE * len(ways)):
        best = max(_candidates(ways, left), key=lambda one: one.worth, default=None)
        if best is None or best.cut.sum() < max(_FEW, _SHARE * len(ways)):
            break
        found.append(_suggested(best, beside, scale))
        left &= ~best.cut
    return found


class _Candidate(NamedTuple):
    """A line that may be suggested.

    Attributes:
        middle: where it goes through.
        direction: across it.
        reach: from where to where along it those pass whom it cuts.
        cut: (ways,) bool; which these are.
        worth: the more, the better.
    """

    middle: Reals
    direction: Reals
    reach: tuple[float, float]
    cut: Mask
    worth: float


class _Meetings(NamedTuple):
    """Where ways meet a line without ends.

    Attributes:
        meets: (ways,) bool; whether a way leads from one side to the other.
        places: (ways,) how far along the line that is.
        angles: (ways,) from the direction across the line to that of the way, in radians.
    """

    meets: Mask
    places: Reals
    angles: Reals


def _long_ways(walks: Walks, scale: Reals) -> Reals:
    """Return (ways, points, 2): where the newest tracks went that went far, in steps of the same length."""
    ways: list[Reals] = []
    for track in range(len(walks.labels) - 1, -1, -1):
        first, beyond = np.searchsorted(walks.tracks, [track, track + 1])
        points = walks.points[first:beyond] * scale
        if np.hypot(*(points[-1] - points[0])) >= _LONG and len(ways) < _MOST_WAYS:
            ways.append(_even(points))
    return np.array(ways).reshape(-1, _POINTS, 2)


def _even(points: Reals) -> Reals:
    far = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, far[-1], _POINTS)
    return np.stack([np.interp(at, far, points[:, axis]) for axis in (0, 1)], axis=1)


def _candidates(ways: Reals, left: Mask) -> Iterator[_Candidate]:
    those = np.flatnonzero(left)
    for way in those[:: -(-len(those) // _MOST_MIDDLES)].tolist():
        for at in (_POINTS // 3, _POINTS // 2, 2 * _POINTS // 3):
            if (one := _across(ways, left, (way, at))) is not None:
                yield one


def _across(ways: Reals, left: Mask, at: tuple[int, int]) -> _Candidate | None:
    """Return a line across the flow of which a way is part, through a point of that; None where none is."""
    way, point = at
    middle = ways[way, point]
    direction = _unit(ways[way, point + 3] - ways[way, point - 3])
    for _ in range(_TURNS):
        met = _meetings(ways, middle, direction)
        along = left & met.meets & (np.abs(np.sin(met.angles)) <= _ASIDE)
        if along.sum() < _FEW:
            return None
        turn = np.angle(np.exp(2j * met.angles[along]).mean()) / 2  # there and back are one axis
        direction = _turned(direction, turn)
    met = _meetings(ways, middle, direction)
    along = left & met.meets & (np.abs(np.sin(met.angles)) <= _ASIDE)
    low, high = _around(np.sort(met.places[along]))
    cut = along & (met.places >= low) & (met.places <= high)
    away = np.minimum(*(np.abs((ways[cut, end] - middle) @ direction) for end in (0, -1)))
    return _Candidate(middle, direction, (low, high), cut, float(np.minimum(away, _ENOUGH_ROOM).sum()))


def _meetings(ways: Reals, middle: Reals, direction: Reals) -> _Meetings:
    ahead = (ways - middle) @ direction
    turns = np.diff(ahead > 0, axis=1)
    first, every = turns.argmax(axis=1), np.arange(len(ways))
    before, after = ahead[every, first], ahead[every, first + 1]
    share = before / np.where(before == after, 1, before - after)
    leg = ways[every, first + 1] - ways[every, first]
    met = ways[every, first] + share[:, None] * leg
    normal = _normal(direction)
    angles = np.arctan2(leg @ normal, leg @ direction)
    return _Meetings(turns.sum(axis=1) % 2 == 1, (met - middle) @ normal, angles)


def _around(places: Reals) -> tuple[float, float]:
    """Return from where to where sorted places lie close to each other, around 0."""
    cuts = np.flatnonzero(np.diff(places) > _GAP) + 1
    groups = np.split(places, cuts)
    nearest = min(groups, key=lambda group: float(np.abs(group).min(initial=np.inf)))
    return float(nearest[0]), float(nearest[-1])


def _inside(middle: Reals, normal: Reals, reach: tuple[float, float], scale: Reals) -> Reals:
    """Return the ends of a line through a point, cut off near the edges of the frame."""
    with np.errstate(divide="ignore"):
        edges = np.stack([(_EDGE * scale - middle) / normal, ((1 - _EDGE) * scale - middle) / normal])
    low, high = max(reach[0], edges.min(axis=0).max()), min(reach[1], edges.max(axis=0).min())
    return middle + np.outer([low, high], normal)


def _suggested(one: _Candidate, beside: float, scale: Reals) -> Suggestion:
    low, high = one.reach
    ends = _inside(one.middle, _normal(one.direction), (low - beside, high + beside), scale)
    (ax, ay), (bx, by) = sorted(np.round(np.clip(ends / scale, 0, 1), 3).tolist())
    return Suggestion((ax, ay), (bx, by), int(one.cut.sum()))


def _unit(way: Reals) -> Reals:
    unit: Reals = way / max(float(np.hypot(*way)), 1e-9)
    return unit


def _normal(direction: Reals) -> Reals:
    return np.array([-direction[1], direction[0]])


def _turned(direction: Reals, angle: float) -> Reals:
    turned: Reals = np.cos(angle) * direction + np.sin(angle) * _normal(direction)
    return turned
