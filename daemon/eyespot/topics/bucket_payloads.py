"""What was counted, bucket by bucket."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.bucket import Cut, GapCause
from eyespot.topics.payloads import (
    MOST_MEASURES,
    BundleId,
    ClassName,
    Count,
    Envelope,
    Fraction,
    Short,
    Utc,
)


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A while in which nothing was seen, and why.

    `cause`: "restart", nobody looked, as no process ran; "silent", nothing came of what looks; "dark", it was
    too dark; "covered", something lay over the lens; "defocused", the picture was not sharp; "moved", the
    camera looked elsewhere; "clock", the clock was set, so that nobody knows which time that was.
    """

    start: Utc
    end: Utc
    cause: GapCause


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gauge showed in the time that was seen: at its end, least, most, and on average over time."""

    now: float
    min: float
    max: float
    mean: float


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things lasted that ended in a bucket, in s; median and p90 are right to 2.5 %."""

    n: Count
    mean: float
    median: float
    p90: float
    max: float


class Bucket(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A closed interval of a rule; `t` is where it ends, `clock` tells whether `start` and `end` are certain.

    Attributes:
        start: where it begins.
        end: where the next one begins.
        bucket_s: how long it is meant to be. It is shorter where `cut` says why, in a night in which clocks
            change, and where one begins late; longer where nothing was known for longer, and in such nights.
        rev: 0; a greater one takes the place of the one with the same rule, `start` and `end`.
        cut: why it ends before its time: "model", another one looks from there on; "reset", totals began
            at zero; "changed", the rule was changed; "restart", the process began anew, by a clock that
            cannot be compared; "clock", the clock was set; "end", the recording was over; null: it does not.
        counts: class -> what -> how many, as in the totals; null where nothing was seen.
        gauges: what -> class -> level; null where nothing was seen.
        durations: what -> class -> spread.
        coverage: share of its time in which was looked often enough, and something could be seen.
        gaps: the longest whiles in which nothing was seen, of a second or more.
        ambiguous: tracks of which nobody knows whether they should have counted.
        uncertainty: by how much the sum of `counts` may be wrong, for what was not seen or not decided;
            null where nothing was seen.
    """

    kind: Literal["bucket"] = "bucket"
    rule: Short
    start: Utc
    end: Utc
    bucket_s: Annotated[int, Meta(ge=1, le=86_400)]
    rev: Count
    cut: Cut | None
    counts: Annotated[dict[ClassName, dict[Short, Count]], Meta(max_length=1024)] | None
    gauges: (
        Annotated[
            dict[Short, Annotated[dict[ClassName, Level], Meta(max_length=1024)]],
            Meta(max_length=MOST_MEASURES),
        ]
        | None
    )
    durations: Annotated[
        dict[Short, Annotated[dict[ClassName, Spread], Meta(max_length=1024)]], Meta(max_length=MOST_MEASURES)
    ]
    coverage: Fraction
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=32)]
    ambiguous: Count
    uncertainty: Annotated[float, Meta(ge=0)] | None
    model: BundleId
