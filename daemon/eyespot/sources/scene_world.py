"""The world of the rendered scene: who walks where, known at every instant, so that counts can be checked.

Nothing is kept: walker k, and so everything about it, follows from the seed and k. Points are fractions
of the full frame, x right, y down; times are seconds since the scene began.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from eyespot.domain.event import Direction
from eyespot.domain.geometry import Mount, Point, Reals, along, anchors, rightward
from eyespot.domain.observation import Floats

WIDTH, HEIGHT = 640, 480

_SPACING_S = 2.0
_LONGEST_WALK_S = 20.0
_PAUSING, _TURNING_BACK = 0.15, 0.25  # shares of walkers, added up


class Look(NamedTuple):
    """A cut-out: its name in pictures/cutouts.npz, what it shows, width over height, usual height."""

    picture: str
    label: str
    shape: float
    height_n: float


_ASTRONAUT = Look("person_astronaut", "person", 103 / 150, 0.36)
_CAMERA = Look("person_camera", "person", 111 / 150, 0.38)
_CAT = Look("cat_chelsea", "cat", 218 / 150, 0.27)
_COFFEE = Look("coffee_cup", "coffee cup", 164 / 150, 0.33)

# Their lengths have no common divisor: in thirty walkers each look takes each route.
_LOOKS = (
    _ASTRONAUT,
    _CAMERA,
    _ASTRONAUT,
    _CAMERA,
    _CAT,
    _CAMERA,
    _ASTRONAUT,
    _CAMERA,
    _ASTRONAUT,
    _COFFEE,
    _CAMERA,
)
_ROUTES = ("rightward", "leftward", "downward", "rightward", "leftward", "upward")


@dataclass(frozen=True, slots=True)
class TrueCrossing:
    """A walker's anchor went over a line, in the contract's sense of direction."""

    time_s: float
    direction: Direction
    label: str
    walker: int


@dataclass(frozen=True, slots=True, eq=False)
class Walker:
    """A cut-out on its way, along straight pieces.

    Attributes:
        number: of the walker; lower ones set out earlier.
        look: what it looks like.
        mirrored: whether the cut-out is turned to look the other way.
        brightness: by which its colours are multiplied.
        size_n: (2,) width and height.
        times_s: (n,) ascending; when it is where.
        feet_n: (n, 2) bottom centre of the cut-out at these times.
    """

    number: int
    look: Look
    mirrored: bool
    brightness: float
    size_n: Reals
    times_s: Reals
    feet_n: Reals

    def whole_boxes(self, times_s: Reals) -> Reals:
        """Return (n, 4) boxes at (n,) times, reaching out of the frame where the walker does."""
        feet = np.stack([np.interp(times_s, self.times_s, axis) for axis in self.feet_n.T], axis=1)
        half = self.size_n[0] / 2
        x, y = feet.T
        boxes: Reals = np.stack([x - half, y - self.size_n[1], x + half, y], axis=1)
        return boxes

    def crossings(self, ends: Reals, mount: Mount) -> list[TrueCrossing]:
        """Return when the anchor of its box, as far as it is in the frame, goes over a line."""
        times_s = self._bends()
        points = anchors(_clipped(self.whole_boxes(times_s)), mount).astype(np.float64)
        offsets = rightward(points, ends)
        found = []
        for now, then in pairwise(range(len(times_s))):
            if (offsets[now] < 0) == (offsets[then] < 0):
                continue
            share = offsets[now] / (offsets[now] - offsets[then])
            met = points[now] + share * (points[then] - points[now])
            if 0 <= along(met[None], ends)[0] <= 1:
                time_s = times_s[now] + share * (times_s[then] - times_s[now])
                way: Direction = "in" if offsets[now] < 0 else "out"
                found.append(TrueCrossing(float(time_s), way, self.look.label, self.number))
        return found

    def _bends(self) -> Reals:
        """Return the times between which the clipped box moves straight: turns, and edges of the frame."""
        times_s = list(self.times_s)
        edges = self.whole_boxes(self.times_s)
        for piece, (begin, end) in enumerate(pairwise(edges)):
            begin_s, end_s = self.times_s[piece : piece + 2]
            for border in (0.0, 1.0):
                for low, high in zip(begin, end, strict=True):
                    if min(low, high) < border < max(low, high):
                        times_s.append(begin_s + (border - low) / (high - low) * (end_s - begin_s))
        bends: Reals = np.unique(times_s)
        return bends


class InView(NamedTuple):
    """A walker in the frame, and its (4,) box clipped to it."""

    walker: Walker
    box_xyxy_n: Floats


class World:
    """Walkers without end.

    Args:
        seed: the same seed gives the same world.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._walker = lru_cache(maxsize=64)(self._make)

    def boxes(self, time_s: float) -> list[InView]:
        """Return who is in the frame, and where; those behind first."""
        seen = []
        for walker in self._about(time_s, time_s):
            box = _clipped(walker.whole_boxes(np.array([time_s])))[0]
            if (box[:2] < box[2:]).all():
                seen.append(InView(walker, box))
        return sorted(seen, key=lambda one: float(one.walker.feet_n[:, 1].max()))

    def crossings(self, a: Point, b: Point, mount: Mount, until_s: float) -> list[TrueCrossing]:
        """Return every crossing of the line from a to b from the beginning on, earliest first."""
        ends = np.array([a, b])
        found = [one for walker in self._about(0, until_s) for one in walker.crossings(ends, mount)]
        return sorted((one for one in found if 0 <= one.time_s < until_s), key=lambda one: one.time_s)

    def _about(self, since_s: float, until_s: float) -> list[Walker]:
        first = int((since_s - _LONGEST_WALK_S) // _SPACING_S)
        last = int(until_s // _SPACING_S)
        walkers = map(self._walker, range(first, last + 1))
        return [one for one in walkers if one.times_s[0] <= until_s and one.times_s[-1] >= since_s]

    def _make(self, number: int) -> Walker:
        rng = np.random.default_rng([self.seed, number % 2**32])
        look = _LOOKS[number % len(_LOOKS)]
        height = look.height_n * rng.uniform(0.85, 1.1)
        size = np.array([height * look.shape * HEIGHT / WIDTH, height])
        feet = _way(rng, _ROUTES[number % len(_ROUTES)], size)
        seconds, feet = _timed(rng, feet)
        begin_s = (number + rng.uniform(0, 0.5)) * _SPACING_S
        mirrored = bool(rng.integers(2))
        return Walker(number, look, mirrored, rng.uniform(0.85, 1.1), size, begin_s + seconds, feet)


def _way(rng: np.random.Generator, route: str, size: Reals) -> Reals:
    """Return where the feet enter and leave the frame, as (2, 2) points just outside it."""
    bend = rng.uniform(-0.02, 0.02)
    if route in ("rightward", "leftward"):
        lane = rng.uniform(0.38, 0.42) if route == "rightward" else rng.uniform(0.88, 0.94)
        ways = [[-size[0] / 2, lane], [1 + size[0] / 2, lane + bend]]
    else:
        lane = rng.uniform(0.20, 0.32) if route == "downward" else rng.uniform(0.68, 0.80)
        ways = [[lane, 0.0], [lane + bend, 1 + size[1]]]
    return np.array(ways if route in ("rightward", "downward") else ways[::-1])


def _timed(rng: np.random.Generator, way: Reals) -> tuple[Reals, Reals]:
    """Return seconds and points of a walk along a way: straight through, with a pause, or back again."""
    whole_s = np.abs(way[1] - way[0]).max() / rng.uniform(0.12, 0.2)
    share, fate = rng.uniform(0.35, 0.65), rng.random()
    middle = way[0] + share * (way[1] - way[0])
    if fate < _PAUSING:
        rest_s = rng.uniform(1, 2.5)
        times_s = [0, share * whole_s, share * whole_s + rest_s, whole_s + rest_s]
        return np.array(times_s), np.array([way[0], middle, middle, way[1]])
    if fate < _TURNING_BACK:
        return np.array([0, share, 2 * share]) * whole_s, np.array([way[0], middle, way[0]])
    return np.array([0, whole_s]), way


def _clipped(boxes: Reals) -> Floats:
    clipped: Floats = np.clip(boxes, 0, 1).astype(np.float32)
    return clipped
