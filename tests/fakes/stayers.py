"""People who come into a zone, stay, and go; and what a rule about the zone should have said of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eyespot.domain.polygon import inside as within
from eyespot.domain.polygon import sides_of

ZONE = ((0.2, 0.3), (0.85, 0.25), (0.8, 0.8), (0.5, 0.65), (0.2, 0.85))  # with a dent from below
_SPEED = 0.12  # of the frame in a second
_HIDDEN_S = (0.2, 1.0)
_NOT_WORTH_S = 1.0  # who steps out for less has not left


@dataclass(frozen=True)
class Stayer:
    """Somebody on a way of (seconds, x, y), hidden from time to time."""

    stops: tuple[tuple[float, float, float], ...]
    hidden: tuple[tuple[float, float], ...] = ()
    size: tuple[float, float] = (0.04, 0.12)
    kind: int = 0

    def where(self, seconds: float) -> tuple[float, float] | None:
        times, x, y = np.array(self.stops).T
        if not times[0] <= seconds <= times[-1]:
            return None
        return float(np.interp(seconds, times, x)), float(np.interp(seconds, times, y))

    def at(self, seconds: float) -> tuple[float, float] | None:
        """Where a detector could see it: as `Walker.at`."""
        if any(begin <= seconds < end for begin, end in self.hidden):
            return None
        return self.where(seconds)


def crowd(random: np.random.Generator, number: int, seconds: float) -> list[Stayer]:
    """Some who pass through, some who stay and shift about, some who pass by; nobody stands on a side."""
    people: list[Stayer] = []
    for _ in range(number):
        begin = random.uniform(0, seconds)
        edges = [
            (0.02, random.uniform(0.1, 0.9)),
            (0.98, random.uniform(0.1, 0.9)),
            (random.uniform(0.1, 0.9), 0.97),
        ]
        start, end = (edges[index] for index in random.permutation(3)[:2])
        if random.random() < 0.25:
            start, end = (0.02, random.uniform(0.08, 0.2)), (0.98, random.uniform(0.08, 0.2))  # behind it
            middles: list[tuple[float, float]] = []
        else:
            count = int(random.integers(1, 4))
            middles = [(random.uniform(0.24, 0.76), random.uniform(0.36, 0.58)) for _ in range(count)]
        people.append(
            _stayer(random, begin, [start, *middles, end], random.uniform(0, 40) / max(len(middles), 1))
        )
    return people


def _stayer(
    random: np.random.Generator, begin: float, places: Sequence[tuple[float, float]], pause: float
) -> Stayer:
    stops: list[tuple[float, float, float]] = []
    at = begin
    for index, (x, y) in enumerate(places):
        if index:
            at += max(np.hypot(x - places[index - 1][0], y - places[index - 1][1]) / _SPEED, 0.1)
        stops.append((at, x, y))
        if 0 < index < len(places) - 1:
            at += pause
            stops.append((at, x, y))
    number = random.poisson((at - begin) / 10)
    begins = random.uniform(begin, at, number)
    return Stayer(tuple(stops), tuple((float(t), float(t + random.uniform(*_HIDDEN_S))) for t in begins))


def inside(stayer: Stayer, corners: np.ndarray) -> Iterator[tuple[float, float]]:
    """Yield from when to when it is in a zone, in s, by the centre of its box, in steps of 10 ms."""
    at, x, y = np.array(stayer.stops).T
    times = np.arange(at[0], at[-1], 0.01)
    places = np.stack([np.interp(times, at, x), np.interp(times, at, y)], axis=1)
    there = np.concatenate([[False], within(places, sides_of(corners)), [False]]).astype(int)
    begins, ends = np.flatnonzero(np.diff(there) > 0), np.flatnonzero(np.diff(there) < 0)
    if not len(begins):
        return
    apart = times[begins[1:]] - times[ends[:-1] - 1] >= _NOT_WORTH_S
    first, last = np.concatenate([[True], apart]), np.concatenate([apart, [True]])
    yield from zip(times[begins[first]].tolist(), times[ends[last] - 1].tolist(), strict=True)


def matches(said: Sequence[float], true: Sequence[float], tolerance_s: float = 1.0) -> int:
    """Return how many instants of the one are near to one of the other; each counts once."""
    left = sorted(true)
    for at in sorted(said):
        match = next((one for one in left if abs(one - at) <= tolerance_s), None)
        if match is not None:
            left.remove(match)
    return len(true) - len(left)
