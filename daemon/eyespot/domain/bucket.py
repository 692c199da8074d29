"""Buckets: what a rule counted between two instants of the clock on the wall, and how much that is worth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta

from eyespot.domain.kept import KeptUtc

_DAY_S = 86_400

BucketLength = Annotated[int, Meta(ge=1, le=_DAY_S)]  # in s; see `check_length`
# Why nothing was seen: no process ran, nothing came, it was too dark, something lay over the lens, it was
# not sharp, the camera looked elsewhere, or the clock was set, so that nobody knows which time that was.
GapCause = Literal["restart", "silent", "dark", "covered", "defocused", "moved", "clock"]
# Whether a look is worth something, and if not, why.
Worth = Literal["clear", "dark", "covered", "defocused", "moved"]
# Why a bucket ends before its time: another model took over, totals began at zero, the rule was changed, the
# process ended and went on by a clock that cannot be compared, the clock was set, the recording was over.
Cut = Literal["model", "reset", "changed", "restart", "clock", "end"]

Counts = Mapping[str, Mapping[str, int]]  # class name -> of what -> how many


class Gap(NamedTuple):
    """A while in which nothing was seen; UTC in ns since 1970."""

    begin_utc_ns: KeptUtc
    end_utc_ns: KeptUtc
    cause: GapCause


class Level(NamedTuple):
    """What a gauge showed while it could be seen: last, least, most, and on average over time."""

    now: float
    least: float
    most: float
    mean: float


class Spread(NamedTuple):
    """How long things lasted, in s; median and p90 are right to 2.5 %."""

    number: int
    mean: float
    median: float
    p90: float
    longest: float


@dataclass(frozen=True, slots=True)
class Bucket:
    """A closed interval of a rule.

    Attributes:
        rule: id of the rule.
        begin_utc_ns: UTC in ns since 1970, where it begins.
        end_utc_ns: and where it ends; not included.
        bucket_s: how long it is meant to be.
        rev: 0, and one more with each correction.
        cut: why it ends before its time; None where it does not.
        counts: class -> of what -> how many, all from zero; None where nothing was seen.
        gauges: of what -> class -> level; None where nothing was seen.
        durations: of what -> class -> spread.
        coverage: share of the time in which was looked often enough, and something could be seen; 0..1.
        gaps: the longest whiles in which nothing was seen, in order.
        ambiguous: tracks of which nobody knows whether they should have counted.
        uncertainty: by how much the sum of all counts may be wrong for what was not seen or not decided;
            None where nothing was seen.
        bundle: id of the model bundle whose work it is.
        synced: whether UTC was known to be right.
    """

    rule: str
    begin_utc_ns: int
    end_utc_ns: int
    bucket_s: int
    rev: int
    cut: Cut | None
    counts: Counts | None
    gauges: Mapping[str, Mapping[str, Level]] | None
    durations: Mapping[str, Mapping[str, Spread]]
    coverage: float
    gaps: tuple[Gap, ...]
    ambiguous: int
    uncertainty: float | None
    bundle: str
    synced: bool


def check_length(bucket_s: int | None) -> None:
    """Check that every day begins with a bucket.

    Raises:
        ValueError: a day has no whole number of such buckets.
    """
    if bucket_s is not None and _DAY_S % bucket_s:
        near = min(
            (one for one in range(1, _DAY_S + 1) if not _DAY_S % one), key=lambda one: abs(one - bucket_s)
        )
        raise ValueError(f"a day has no whole number of buckets of {bucket_s} s; {near} s would do")
