"""Whose buckets, and which instant."""

from typing import NamedTuple
from zoneinfo import ZoneInfo

from eyespot.buckets.coverage import Coverage
from eyespot.domain.instants import SECOND_NS, Timeline

SLEW_NS = SECOND_NS  # by less than that clocks are set right unnoticed


class Span(NamedTuple):
    """Whose buckets they are, how long in s, and by the clock of which zone they begin."""

    rule: str
    bucket_s: int
    zone: ZoneInfo


class Now(NamedTuple):
    """An instant, as everything sees it.

    Attributes:
        taken_ns: in the time that orders everything.
        timeline: for UTC.
        coverage: how much was seen until then.
        bundle: id of the model bundle that looks.
    """

    taken_ns: int
    timeline: Timeline
    coverage: Coverage
    bundle: str

    @property
    def utc_ns(self) -> int:
        """UTC in ns since 1970."""
        return self.timeline.utc_ns(self.taken_ns)
