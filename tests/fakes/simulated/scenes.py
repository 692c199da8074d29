"""Who goes where: doorways, corridors, plazas, and what makes counting hard there.

The floor is 8 m wide and 6 m deep; people come from beyond its edges. Lines lead from a to b in
metres; walking from a to b, from the left-hand to the right-hand side is in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from fakes.simulated.ways import Random, Stop, Way, walk

WIDE, DEEP = 8.0, 6.0
Place = tuple[float, float]
LineM = tuple[Place, Place]

_ACROSS: LineM = ((0.9, 3.0), (7.1, 3.0))
_UPRIGHT: LineM = ((4.0, 5.9), (4.0, 0.1))


@dataclass(frozen=True)
class Scene:
    """A place and its people.

    Attributes:
        name: of the scene.
        lines: to count at, in metres.
        zone: corners of a floor area, in metres.
        pillar: left, top, right, bottom of the floor that something hides, in metres; None: nothing.
        people: random source, seconds -> their ways.
    """

    name: str
    lines: tuple[LineM, ...]
    people: Callable[[Random, float], list[Way]]
    zone: tuple[Place, ...] = ((2.0, 1.5), (6.0, 1.5), (6.0, 4.5), (2.0, 4.5))
    pillar: tuple[float, float, float, float] | None = None


def _arrivals(random: Random, seconds: float, every_s: float) -> Iterator[float]:
    now = random.exponential(every_s / 2)
    while now < seconds:
        yield now
        now += random.exponential(every_s)


def _pace(random: Random) -> float:
    return float(np.clip(random.normal(1.25, 0.25), 0.6, 2.2))


def _outside(random: Random, side: int) -> Stop:
    """Somewhere beyond an edge: 0 left, 1 right, 2 far, 3 near."""
    x, y = random.uniform(1, WIDE - 1), random.uniform(0.5, DEEP - 0.5)
    return (Stop(-1.5, y), Stop(WIDE + 1.5, y), Stop(x, -1.5), Stop(x, DEEP + 2.5))[side]


def _doorway(random: Random, seconds: float) -> list[Way]:
    """In a wall at y = 3 there is a door of 1.6 m; not all who come near it go through."""
    ways = []
    for begins in _arrivals(random, seconds, 1.8):
        far, near = _outside(random, 2), _outside(random, 3)
        door = Stop(random.uniform(3.4, 4.6), 3.0, random.choice([0, 0, 0, 1.0]))
        way = [far, Stop(door.x, 2.4), door, Stop(door.x, 3.6), near]
        if random.random() < 0.15:  # passes by
            way = [_outside(random, 0), Stop(4, random.uniform(4.0, 5.0)), _outside(random, 1)]
        ways.append(walk(way[:: random.choice([-1, 1])], begins, _pace(random), random))
    return ways


def _corridor(random: Random, seconds: float) -> list[Way]:
    ways = []
    for begins in _arrivals(random, seconds, 1.5):
        lane, drift = random.uniform(1.0, 5.0), random.normal(0, 0.4)
        way = [Stop(-1.5, lane), Stop(4, lane + drift), Stop(9.5, lane + 2 * drift)]
        ways.append(walk(way[:: random.choice([-1, 1])], begins, _pace(random), random))
    return ways


def _plaza(random: Random, seconds: float) -> list[Way]:
    ways = []
    for begins in _arrivals(random, seconds, 2.5):
        sides = random.choice(4, 2, replace=False)
        middle = [
            Stop(random.uniform(1, 7), random.uniform(0.8, 5.2), random.choice([0, 0, 2.0, 4.0]))
            for _ in range(random.integers(1, 4))
        ]
        way = [_outside(random, sides[0]), *middle, _outside(random, sides[1])]
        ways.append(walk(way, begins, _pace(random), random))
    return ways


def _loiterers(random: Random, seconds: float) -> list[Way]:
    """Some stand on the line for a while, and then go on or back."""
    ways = []
    for begins in _arrivals(random, seconds, 2.5):
        far, near = _outside(random, 2), _outside(random, 3)
        way = [far, near]
        if random.random() < 0.4:
            x = random.uniform(2, 6)
            pause = Stop(x, 3 + random.normal(0, 0.07), random.uniform(4, 15))
            way = [far, pause, near if random.random() < 0.5 else far]
        if random.random() < 0.5:
            way = [Stop(stop.x, DEEP - stop.y, stop.wait_s) for stop in way]
        ways.append(walk(way, begins, _pace(random), random))
    return ways


def _turners(random: Random, seconds: float) -> list[Way]:
    """Some turn round beyond the line, some before it."""
    ways = []
    for begins in _arrivals(random, seconds, 2.0):
        side, other = random.permutation(2)
        start, lane = _outside(random, side), random.uniform(1.2, 4.8)
        way = [start, Stop(4, lane), _outside(random, other)]
        if random.random() < 0.5:
            reach = random.choice([-1, 1]) * random.uniform(0.45, 2.0)
            turn = Stop(4 + reach, lane, random.choice([0, 0.5, 2.0]))
            way = [start, turn, _outside(random, side)]
        ways.append(walk(way, begins, _pace(random), random))
    return ways


def _groups(random: Random, seconds: float) -> list[Way]:
    ways = []
    for begins in _arrivals(random, seconds, 5.0):
        lane, pace, back = random.uniform(1.5, 4.0), _pace(random), random.random() < 0.5
        for number in range(random.integers(2, 6)):
            shift = 0.75 * (number // 2), 0.65 * (number % 2) + random.normal(0, 0.08)
            way = [Stop(-1.5 - shift[0], lane + shift[1]), Stop(9.5, lane + shift[1])]
            if back:
                way = [Stop(WIDE - stop.x, stop.y) for stop in way]
            ways.append(walk(way, begins, pace * random.uniform(0.97, 1.03), random))
    return ways


def _overtaking(random: Random, seconds: float) -> list[Way]:
    """Fast ones and slow ones share lanes."""
    ways = []
    for begins in _arrivals(random, seconds, 1.6):
        lane = random.choice([1.6, 2.4, 3.6, 4.4]) + random.normal(0, 0.12)
        aside = random.choice([-1, 1]) * random.uniform(0.2, 0.45)
        way = [Stop(-1.5, lane), Stop(3, lane + aside), Stop(5, lane + aside), Stop(9.5, lane)]
        if lane > 3:
            way.reverse()
        pace = random.uniform(0.6, 0.9) if random.random() < 0.5 else random.uniform(1.6, 2.2)
        ways.append(walk(way, begins, pace, random))
    return ways


def _hidden(random: Random, seconds: float) -> list[Way]:
    """Across and along, so that people pass one behind the other, and all behind a pillar."""
    ways = []
    for begins in _arrivals(random, seconds, 1.5):
        if random.random() < 0.6:
            lane = random.uniform(1.8, 4.2)
            way = [Stop(-1.5, lane), Stop(9.5, lane + random.normal(0, 0.5))]
        else:
            way = [_outside(random, 2), Stop(random.uniform(2, 6), 3), _outside(random, 3)]
        ways.append(walk(way[:: random.choice([-1, 1])], begins, _pace(random), random))
    return ways


SCENES = MappingProxyType(
    {
        scene.name: scene
        for scene in (
            Scene("doorway", (((2.8, 3.0), (5.2, 3.0)), ((6.8, 4.6), (1.2, 4.6))), _doorway),
            Scene("corridor", (_UPRIGHT, ((6.2, 0.1), (6.2, 5.9))), _corridor),
            Scene("plaza", (((2.5, 1.5), (5.5, 4.5)), ((5.5, 2.0), (2.5, 2.0))), _plaza),
            Scene("loiterers", (_ACROSS,), _loiterers),
            Scene("turners", (_UPRIGHT, ((2.2, 0.5), (2.2, 5.5))), _turners),
            Scene("groups", (_UPRIGHT, ((3.0, 0.3), (5.0, 5.7))), _groups),
            Scene("overtaking", (((4.0, 0.3), (4.0, 5.7)), ((5.0, 5.7), (5.0, 0.3))), _overtaking),
            Scene("hidden", (_UPRIGHT, ((6.5, 3.3), (1.5, 3.3))), _hidden, pillar=(4.3, 2.2, 4.9, 3.0)),
        )
    }
)
