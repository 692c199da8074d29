"""A place where people walk, seen by a camera that can be turned: tracks at one look a second, over days.

The ground is a plane with perspective: y of a person's feet says how large he is. Ways are lines between two
points of the picture as the camera first hung; whoever turns the camera moves all of them in the picture.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.track import Scene, Tracks

MONDAY = 1_767_571_200  # 2026-01-05 00:00 UTC
_NOBODY = np.empty((0, 4), np.float32)
Point = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """From here to there; so many an hour, by hour of the day."""

    start: Point
    end: Point
    per_hour: tuple[float, ...]
    wobble: float = 0.02


@dataclass(frozen=True)
class Turned:
    """How the camera looks now, compared with before: moved across the picture, rotated, closer."""

    shift: Point = (0.0, 0.0)
    degrees: float = 0.0
    zoom: float = 1.0

    def at(self, x: float, y: float) -> Point:
        turn = math.radians(self.degrees)
        x, y = (x - 0.5) * self.zoom, (y - 0.5) * self.zoom
        x, y = x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)
        return x + 0.5 + self.shift[0], y + 0.5 + self.shift[1]


def hours(day: float, morning: float = 1.0, evening: float = 1.0) -> tuple[float, ...]:
    """By hour of the day: few at night, peaks in the morning and in the evening."""
    night = [day * 0.02] * 6
    return (*night, day * 0.5, day * morning, day * morning, *[day] * 7, day * evening, day * evening,
            day * evening, day * 0.5, *[day * 0.2] * 2, *[day * 0.05] * 2)  # fmt: skip


@dataclass
class Street:
    """What there is to be seen.

    Attributes:
        ways: of those who walk.
        seed: of chance.
        rain: tracks an hour that are nobody, anywhere; each stays about where it is.
        birds: tracks an hour that are nobody, and cross the picture anywhere, in any size.
        missed: share of looks in which somebody is not found.
    """

    ways: Sequence[Way]
    seed: int = 1
    rain: float = 0.0
    birds: float = 0.0
    missed: float = 0.1
    _next: int = field(default=1, init=False)

    def scenes(
        self,
        begin_h: float,
        end_h: float,
        *,
        turned: Turned = Turned(),
        scale: Callable[[float], float] = lambda _: 1.0,
        bundle: str = "m",
    ) -> Iterator[Scene]:
        """Yield a scene a second, from an hour since Monday's midnight to another.

        Args:
            turned: the camera.
            scale: of how many walk, by the hour since Monday's midnight.
        """
        random = np.random.default_rng([self.seed, int(begin_h * 3600), int(turned.zoom * 100)])
        alive: list[tuple[int, float, list[tuple[float, float, float]]]] = []
        timeline = Timeline(MONDAY * SECOND_NS, synced=True)
        for second in range(int(begin_h * 3600), int(end_h * 3600)):
            for track in self._come(random, second, scale(second / 3600)):
                alive.append((self._next, second, track))
                self._next += 1
            alive = [one for one in alive if second - one[1] < len(one[2])]
            rows = [(ident, *track[int(second - since)]) for ident, since, track in alive]
            yield Scene(
                second * SECOND_NS,
                Observation(second * SECOND_NS, bundle, no_detections()),
                _tracks(
                    [row for row in rows if random.random() >= self.missed] if rows else [], rows, turned
                ),
                timeline,
            )

    def _come(
        self, random: np.random.Generator, second: int, scale: float
    ) -> Iterator[list[tuple[float, float, float]]]:
        hour = second // 3600 % 24
        for way in self.ways:
            if random.random() < way.per_hour[hour] * scale / 3600:
                yield _walk(way, random)
        if self.rain and random.random() < self.rain / 3600:
            x, y, height = random.random(), random.random(), random.uniform(0.03, 0.3)
            yield [(x + random.normal(0, 0.005), y, height) for _ in range(int(random.integers(2, 40)))]
        if self.birds and random.random() < self.birds / 3600:
            yield _walk(Way(tuple(random.random(2)), tuple(random.random(2)), ()), random)


def height_at(y: float) -> float:
    """How tall somebody is whose feet are there."""
    return 0.05 + 0.3 * max(y, 0.0)


def _walk(way: Way, random: np.random.Generator) -> list[tuple[float, float, float]]:
    off = random.normal(0, way.wobble, 2)
    ends = [way.start, way.end] if random.random() < 0.5 else [way.end, way.start]
    seconds = int(random.integers(4, 15))
    tall = random.normal(1, 0.07)
    walked = []
    for step in range(seconds + 1):
        share = step / seconds
        x, y = (a + share * (b - a) + o for a, b, o in zip(*ends, off, strict=True))
        walked.append((x, y, height_at(y) * tall * random.normal(1, 0.04)))
    return walked


def _tracks(
    seen: list[tuple[int, float, float, float]], rows: list[tuple[int, float, float, float]], turned: Turned
) -> Tracks:
    found = {row[0] for row in seen}
    kept = [(ident, *turned.at(x, y), height * turned.zoom) for ident, x, y, height in rows]
    kept = [one for one in kept if 0 < one[1] < 1 and 0 < one[2] < 1.05]
    boxes = [(x - h / 6, y - h, x + h / 6, y) for _, x, y, h in kept]
    count = len(kept)
    return Tracks(
        ids=np.array([one[0] for one in kept], np.int64),
        classes=np.zeros(count, np.intp),
        boxes_xyxy_n=np.clip(np.array(boxes, np.float32), 0, 1) if boxes else _NOBODY.copy(),
        scores=np.full(count, 0.7, np.float32),
        seen=np.array([one[0] in found for one in kept], np.bool_),
        confirmed=np.ones(count, np.bool_),
    )


PAVEMENT = (
    Way((0.0, 0.45), (1.0, 0.5), hours(90)),
    Way((0.0, 0.75), (1.0, 0.8), hours(60, morning=2)),
    Way((0.3, 0.75), (0.35, 0.3), hours(30, morning=0.2, evening=3)),
)
DOOR = (
    Way((0.45, 0.2), (0.5, 0.95), hours(60, morning=2)),
    Way((0.5, 0.25), (0.75, 0.9), hours(40, evening=3)),
)
SQUARE = tuple(
    Way((x, 0.3), (1 - x, 0.95), hours(25, morning=m, evening=3 - m))
    for x, m in ((0.1, 0.2), (0.3, 2.0), (0.5, 1.0), (0.7, 2.5), (0.9, 0.1))
)
PLACES = {"pavement": PAVEMENT, "door": DOOR, "square": SQUARE}
