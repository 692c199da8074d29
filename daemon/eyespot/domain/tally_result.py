"""How far what was counted is from what a person at the door has seen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

_Direction = Literal["in", "out"]  # as `event.Direction`, where results are parts of an event


class Interval(NamedTuple):
    """A share, and between which it lies with 95 % confidence."""

    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TallyResult:
    """How far what was counted is from what a person at the door has seen.

    Attributes:
        seen: by direction, how many that person has seen.
        counted: by direction, how many were counted meanwhile.
        missed: by direction, of those seen: not counted within three seconds.
        extra: by direction, of those counted: not seen within three seconds.
        count_error: differences by direction, added up, as a share of those seen; None: nobody was.
        wrong: missed and extra ones, as a share of all that were seen or counted; Wilson's interval.
        bias: counted less seen, as a share of those seen; Newcombe's interval.
    """

    seen: Mapping[_Direction, int]
    counted: Mapping[_Direction, int]
    missed: Mapping[_Direction, int]
    extra: Mapping[_Direction, int]
    count_error: float | None
    wrong: Interval
    bias: Interval

    @property
    def n(self) -> int:
        """How many were seen."""
        return sum(self.seen.values())
