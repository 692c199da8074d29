"""What really happened: crossings by whole bodies, and how many are where."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from eyespot.domain.event import Direction
from eyespot.domain.geometry import along, rightward
from eyespot.domain.observation import Indexes
from fakes.simulated.scenes import LineM, Place
from fakes.simulated.ways import STEP_S, Reals, Way

BODY_M = 0.25  # from the middle to the shoulder: who has crossed is over with all of it


class Crossing(NamedTuple):
    """Somebody went over a line."""

    seconds: float
    direction: Direction
    person: int


def crossings(ways: Sequence[Way], line: LineM, body_m: float = BODY_M) -> list[Crossing]:
    """Return who went over a line, in order of time.

    Somebody is on a side when his middle is further than `body_m` from the line; he has crossed when he
    is on the other one, and his way last met the line between its ends.
    """
    found = [
        Crossing(way.begins_s + step * STEP_S, direction, person)
        for person, way in enumerate(ways)
        for step, direction in _of_one(way.points, np.array(line), body_m)
    ]
    return sorted(found)


def _of_one(points: Reals, ends: Reals, body_m: float) -> list[tuple[int, Direction]]:
    offsets = rightward(points, ends) / np.hypot(*(ends[1] - ends[0]))
    clear = np.flatnonzero(np.abs(offsets) > body_m)
    sides = np.sign(offsets[clear])
    found: list[tuple[int, Direction]] = []
    for turn in np.flatnonzero(sides[1:] != sides[:-1]):
        first, last = clear[turn], clear[turn + 1]
        between = offsets[first : last + 1]
        met = first + np.flatnonzero(np.sign(between[1:]) != np.sign(between[:-1]))[-1]
        if 0 <= along(points[met : met + 1], ends)[0] <= 1:
            found.append((int(met), "in" if sides[turn + 1] > 0 else "out"))
    return found


def inside(ways: Sequence[Way], zone: Sequence[Place], seconds: Reals) -> Indexes:
    """Return how many stand in a convex zone, its corners clockwise as seen, at each of (n,) instants."""
    counts = np.zeros(len(seconds), np.intp)
    for way in ways:
        points = way.at(seconds)
        sides = [rightward(points, np.array([a, b])) for a, b in zip(zone, [*zone[1:], zone[0]], strict=True)]
        counts += (np.array(sides) >= 0).all(axis=0)
    return counts
