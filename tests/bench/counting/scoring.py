"""How good a count is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eyespot.domain.event import Direction
from eyespot.domain.observation import Indexes
from fakes.simulated.truth import Crossing

TOLERANCE_S = 1.0
DIRECTIONS: tuple[Direction, ...] = ("in", "out")
Counted = tuple[float, Direction]  # seconds, direction


@dataclass
class Score:
    """Sums over clips, lines and directions."""

    true: int = 0
    predicted: int = 0
    wrong: int = 0
    matched: int = 0
    present: int = 0
    misjudged: int = 0
    clips: int = 0

    def add(self, other: "Score") -> None:
        """Add another one's sums to this one's."""
        for name in vars(self):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def error(self) -> float:
        """Count error in per cent: sum over line and direction of |predicted - true|, by the true number."""
        return 100 * self.wrong / max(self.true, 1)

    @property
    def bias(self) -> float:
        """By how much too many are counted, in per cent."""
        return 100 * (self.predicted - self.true) / max(self.true, 1)

    @property
    def f1(self) -> float:
        """Of events: those match that have the same direction within a second."""
        return 200 * self.matched / max(self.true + self.predicted, 1)

    @property
    def occupancy_error(self) -> float:
        """Mean difference of those in the zone, by the mean true number, in per cent."""
        return 100 * self.misjudged / max(self.present, 1)


def score(
    truth: Sequence[Sequence[Crossing]],
    counted: Sequence[Sequence[Counted]],
    inside: Indexes,
    thought: Indexes,
) -> Score:
    """Return the score of one clip.

    Args:
        truth: who crossed each line.
        counted: what was counted at each line.
        inside: (frames,) how many were in the zone.
        thought: (frames,) how many were thought to be there.
    """
    total = Score(present=int(inside.sum()), misjudged=int(np.abs(inside - thought).sum()), clips=1)
    for real, events in zip(truth, counted, strict=True):
        for direction in DIRECTIONS:
            true = [crossing.seconds for crossing in real if crossing.direction == direction]
            said = sorted(seconds for seconds, way in events if way == direction)
            total.true += len(true)
            total.predicted += len(said)
            total.wrong += abs(len(true) - len(said))
            total.matched += _matches(true, said)
    return total


def _matches(true: list[float], said: list[float]) -> int:
    """Return how many pair up: both are sorted, so the earliest that fits is the best."""
    count, place = 0, 0
    for seconds in said:
        while place < len(true) and true[place] < seconds - TOLERANCE_S:
            place += 1
        if place < len(true) and true[place] <= seconds + TOLERANCE_S:
            count, place = count + 1, place + 1
    return count
