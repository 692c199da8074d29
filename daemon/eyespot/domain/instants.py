"""Instants: what orders things, and what people read.

`taken_ns` is nanoseconds of CLOCK_BOOTTIME (or of a recording): it never goes back and orders
everything. UTC is attached at the edge, through a `Timeline`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

SECOND_NS = 1_000_000_000
LONGEST_LOOK_NS = 2 * SECOND_NS  # one look tells of so much of the time before it, at most
LATEST_NS = 2**63 - 1 - 86_400 * SECOND_NS  # in the year 2262: fits into int64, with a day added to it
LATEST_S = 253_402_300_799  # the end of the year 9999, the last that can be written
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Timeline:
    """How `taken_ns` maps to UTC, and whether that can be relied upon."""

    utc_at_zero_ns: int
    synced: bool

    def utc_ns(self, taken_ns: int) -> int:
        """Return the UTC instant, in ns since 1970, of an instant of this timeline."""
        return self.utc_at_zero_ns + taken_ns


NO_TIMELINE = Timeline(0, synced=False)


def rfc3339(utc_ns: int) -> str:
    """Return RFC 3339 in UTC with milliseconds, as `2026-01-01T00:00:00.000Z` (RFC 3339, 5.6)."""
    utc_ms = utc_ns // 1_000_000
    return f"{_whole_minutes(utc_ms // 60_000)}:{utc_ms // 1000 % 60:02}.{utc_ms % 1000:03}Z"


@lru_cache(maxsize=16)
def _whole_minutes(utc_min: int) -> str:
    """Return RFC 3339 without seconds and offset; what is told at one moment mostly has the same."""
    moment = _EPOCH + timedelta(minutes=utc_min)
    return moment.replace(tzinfo=None).isoformat(timespec="minutes")


def parse_rfc3339(text: str) -> int:
    """Return ns since 1970 of an RFC 3339 time that names its offset from UTC.

    Raises:
        ValueError: it is not such a time, or lacks the offset.
    """
    moment = datetime.fromisoformat(text.upper())  # the standard takes "t" and "z" as well
    if moment.tzinfo is None:
        message = "the time names no offset from UTC; end it with Z"
        raise ValueError(message)
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000
