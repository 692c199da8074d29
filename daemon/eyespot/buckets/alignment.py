"""Where buckets begin and end: whenever the clock on the device's wall reads a multiple of their length.

In a night in which clocks change a bucket is longer or shorter, where it is not cut into such that are not:
of a day it has 23 or 25 hours, of an hour one is left out, or comes twice. What the clock jumps over
counts as read.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from eyespot.domain.instants import LATEST_S, SECOND_NS

_DAY_S = 86_400
_STRIDE_S = 3600  # no zone has changed its clocks twice in an hour


class Bounds(NamedTuple):
    """Where a bucket begins, and where the next one does; UTC in ns since 1970."""

    begin_utc_ns: int
    end_utc_ns: int


def bounds(utc_ns: int, bucket_s: int, zone: ZoneInfo) -> Bounds:
    """Return the bucket that an instant lies in.

    Args:
        utc_ns: UTC in ns since 1970.
        bucket_s: length; a day has a whole number of them.
        zone: whose clock.
    """
    now_s = utc_ns // SECOND_NS
    return Bounds(_begin(now_s, bucket_s, zone) * SECOND_NS, _end(now_s, bucket_s, zone) * SECOND_NS)


def _begin(now_s: int, bucket_s: int, zone: ZoneInfo) -> int:
    while True:
        wall_s = now_s + _offset_s(now_s, zone)
        candidate_s = now_s - wall_s % bucket_s
        changed_s = _last_change(candidate_s, now_s, zone)
        if changed_s is None:
            return candidate_s
        if _is_read_at(changed_s, bucket_s, zone):
            return changed_s
        now_s = changed_s - 1


def _end(now_s: int, bucket_s: int, zone: ZoneInfo) -> int:
    while True:
        wall_s = now_s + _offset_s(now_s, zone)
        candidate_s = now_s + bucket_s - wall_s % bucket_s
        changed_s = _first_change(now_s, candidate_s, zone)
        if changed_s is None:
            return candidate_s
        if _is_read_at(changed_s, bucket_s, zone):
            return changed_s
        now_s = changed_s


def _is_read_at(changed_s: int, bucket_s: int, zone: ZoneInfo) -> bool:
    """Whether the clock reads a multiple when it is changed, or jumps over one."""
    before_s = changed_s - 1 + _offset_s(changed_s - 1, zone)
    after_s = changed_s + _offset_s(changed_s, zone)
    return after_s % bucket_s == 0 or before_s // bucket_s != after_s // bucket_s


def _first_change(from_s: int, to_s: int, zone: ZoneInfo) -> int | None:
    """Return the first second with another offset than the one before it, after `from_s`; `to_s` at most."""
    while from_s < to_s:
        next_s = min(from_s + _STRIDE_S, to_s)
        if _offset_s(next_s, zone) != _offset_s(from_s, zone):
            return _change(from_s, next_s, zone)
        from_s = next_s
    return None


def _last_change(from_s: int, to_s: int, zone: ZoneInfo) -> int | None:
    """Return the last second with another offset than the one before it, after `from_s`; `to_s` at most."""
    while from_s < to_s:
        next_s = max(to_s - _STRIDE_S, from_s)
        if _offset_s(next_s, zone) != _offset_s(to_s, zone):
            return _change(next_s, to_s, zone)
        to_s = next_s
    return None


def _change(before_s: int, after_s: int, zone: ZoneInfo) -> int:
    """Return the first second of the later offset."""
    offset_s = _offset_s(before_s, zone)
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if _offset_s(middle_s, zone) == offset_s:
            before_s = middle_s
        else:
            after_s = middle_s
    return after_s


def _offset_s(utc_s: int, zone: ZoneInfo) -> int:
    if not _DAY_S < utc_s < LATEST_S - _DAY_S:  # where a zone could lead out of what dates can be
        return 0
    offset = datetime.fromtimestamp(utc_s, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
