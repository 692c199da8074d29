"""What of buckets outlives the process, and whether another one may go on with it."""

from typing import Annotated

import msgspec

from eyespot.buckets.now import SLEW_NS, Now, Span
from eyespot.buckets.tally import MOST_BYTES, Tally, Utc
from eyespot.domain.bucket import Cut

_MOST_WAITING = 100


class Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The buckets of a rule that are not published.

    Attributes:
        bucket_s: length.
        tally: the open bucket.
        until_utc_ns: until when it holds what happened.
        zero_utc_ns: UTC of the clock's zero: another one after a reboot, and when the clock was set.
        told_utc_ns: where the one before it ended; None: it is the first.
        waiting: ended, not published yet.

    Raises:
        ValueError: one ends before it begins, or holds more than can be told.
    """

    bucket_s: int
    tally: Tally
    until_utc_ns: Utc
    zero_utc_ns: int
    told_utc_ns: Utc | None = None
    waiting: Annotated[list[Tally], msgspec.Meta(max_length=_MOST_WAITING)] = []

    def __post_init__(self) -> None:
        """Check that each has some length, and can be told."""
        for tally in (self.tally, *self.waiting):
            if tally.begin_utc_ns >= tally.end_utc_ns:
                raise ValueError("a bucket ends before it begins")
            if tally.told.most_bytes > MOST_BYTES:
                raise ValueError("a bucket is too large to be told")


def read(kept: object) -> Kept:
    """Return what was kept.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        return msgspec.convert(kept, Kept)
    except OverflowError as error:
        raise ValueError("a number is too large") from error


def cut_after(kept: Kept, span: Span, now: Now) -> Cut | None:
    """Return why the open bucket ended with its process; None where it goes on.

    Where UTC is not known to be right, what it says is comparable only if neither the machine was restarted
    nor its clock set.
    """
    if kept.bucket_s != span.bucket_s:
        return "changed"
    if kept.tally.bundle != now.bundle:
        return "model"
    uninterrupted = abs(now.timeline.utc_at_zero_ns - kept.zero_utc_ns) < SLEW_NS
    comparable = now.timeline.synced or uninterrupted
    behind = now.utc_ns < kept.until_utc_ns - SLEW_NS
    return "restart" if behind or not comparable else None
