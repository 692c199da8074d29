"""Somebody at the door counts, too: how far what was counted is from that, and how sure that is."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import NamedTuple

from eyespot.domain.event import Direction
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.tally_result import Interval, TallyResult

DIRECTIONS: tuple[Direction, ...] = ("in", "out")
MOST_TALLIED = 16  # lines at once
MOST_MARKS = 20_000  # of either side: no door has as many in a day
NEAR_S = 3  # a press and an event this near are of the same person
_NEAR_NS = NEAR_S * SECOND_NS
_Z = 1.96  # for 95 %


class Mark(NamedTuple):
    """Somebody went through."""

    direction: Direction
    at_ns: int


@dataclass(slots=True)
class Tallying:
    """Takes both down.

    Attributes:
        seen: by the person at the door.
        counted: by the rule.
    """

    seen: list[Mark] = field(default_factory=list)
    counted: list[Mark] = field(default_factory=list)

    def undo(self) -> None:
        """Take the last press back."""
        if self.seen:
            self.seen.pop()

    def result(self) -> TallyResult:
        """Return how far the one is from the other."""
        pairs = Counter({way: _pairs(_of(self.seen, way), _of(self.counted, way)) for way in DIRECTIONS})
        seen, counted = _totals(self.seen), _totals(self.counted)
        n, every = len(self.seen), len(self.seen) + len(self.counted) - pairs.total()
        missed = {way: seen[way] - pairs[way] for way in DIRECTIONS}
        extra = {way: counted[way] - pairs[way] for way in DIRECTIONS}
        apart = sum(abs(seen[way] - counted[way]) for way in DIRECTIONS)
        return TallyResult(
            seen=seen,
            counted=counted,
            missed=missed,
            extra=extra,
            count_error=apart / n if n else None,
            wrong=wilson(sum(missed.values()) + sum(extra.values()), every),
            bias=_difference(wilson(sum(extra.values()), n), wilson(sum(missed.values()), n)),
        )


def wilson(hits: int, n: int) -> Interval:
    """Return a share of n with Wilson's score interval (Wilson 1927), which holds for few and for none.

    More hits than n count as n.
    """
    if n == 0:
        return Interval(0.0, 0.0, 1.0)
    share = min(hits / n, 1.0)
    spread = _Z * sqrt(share * (1 - share) / n + (_Z / (2 * n)) ** 2)
    middle, scale = share + _Z**2 / (2 * n), 1 + _Z**2 / n
    low, high = (middle - spread) / scale, (middle + spread) / scale
    return Interval(share, min(max(low, 0.0), share), max(min(high, 1.0), share))


def _difference(one: Interval, other: Interval) -> Interval:
    """Return one share less another, by Newcombe's method (Newcombe 1998, method 10)."""
    difference = one.share - other.share
    low = difference - sqrt((one.share - one.low) ** 2 + (other.high - other.share) ** 2)
    high = difference + sqrt((one.high - one.share) ** 2 + (other.share - other.low) ** 2)
    return Interval(difference, low, high)


def _of(marks: Sequence[Mark], way: Direction) -> list[int]:
    return sorted(mark.at_ns for mark in marks if mark.direction == way)


def _totals(marks: Sequence[Mark]) -> dict[Direction, int]:
    return {way: len(_of(marks, way)) for way in DIRECTIONS}


def _pairs(seen: Sequence[int], counted: Sequence[int]) -> int:
    """Return how many pairs of the same person there are at most: each goes with the first that is near."""
    pairs = place = 0
    for at_ns in seen:
        while place < len(counted) and counted[place] < at_ns - _NEAR_NS:
            place += 1
        if place < len(counted) and counted[place] <= at_ns + _NEAR_NS:
            pairs += 1
            place += 1
    return pairs
