"""Hours of the device's day, as "22:00-05:00", whatever clocks do."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Meta

_TIME = "([01][0-9]|2[0-3]):[0-5][0-9]"
Window = Annotated[
    str, Meta(pattern=rf"\A{_TIME}-{_TIME}\Z", description='two times of the day, as "22:00-06:00"')
]
Hour = Annotated[str, Meta(pattern=rf"\A{_TIME}\Z", description='a time of the day, as "04:00"')]

_A_DAY, _MINUTES = timedelta(days=1), 24 * 60
_DAYS = range(-1, 9)  # one of them has it, whatever becomes of a night's hour


class _Span(NamedTuple):
    """Instants, UTC in s."""

    begin_s: float
    end_s: float


def opens_s(window: str, now_s: float, zone: ZoneInfo) -> int | None:
    """Return when a window opens next, UTC in s; None where it is open.

    Where clocks are set forward in it, it is shorter, or left out for that day; set back, it is longer.

    Args:
        window: "HH:MM-HH:MM"; over midnight where it ends before it begins; both the same: always.
        now_s: UTC.
        zone: of the device.
    """
    today = datetime.fromtimestamp(now_s, zone).date()
    spans = [span for span in _spans(window, today, zone) if span.end_s > now_s]
    if not spans or spans[0].begin_s <= now_s:
        return None
    return int(spans[0].begin_s)


def closes_s(window: str, now_s: float, zone: ZoneInfo) -> int | None:
    """Return when a window that is open closes, UTC in s; None where it is not. See `opens_s`."""
    today = datetime.fromtimestamp(now_s, zone).date()
    spans = (span for span in _spans(window, today, zone) if span.begin_s <= now_s < span.end_s)
    return max((int(span.end_s) for span in spans), default=None)


def latest_s(hour: str, now_s: float, zone: ZoneInfo) -> int:
    """Return when it was last that hour of the day, UTC in s; now, where it is.

    An hour that clocks leave out comes as much later as they are set forward; of one that comes twice the
    first counts.

    Args:
        hour: "HH:MM".
        now_s: UTC.
        zone: of the device.
    """
    today = datetime.fromtimestamp(now_s, zone).date()
    days = (today, today - _A_DAY, today - 2 * _A_DAY)
    instants = (datetime.combine(day, time.fromisoformat(hour), zone).timestamp() for day in days)
    return int(max(instant for instant in instants if instant <= now_s))


def span_min(window: str) -> int:
    """Return how long a window is open, in minutes, on a day when clocks are left alone."""
    first, last = (time.fromisoformat(part) for part in window.split("-"))
    return (60 * (last.hour - first.hour) + last.minute - first.minute) % _MINUTES or _MINUTES


def _spans(window: str, today: date, zone: ZoneInfo) -> Iterator[_Span]:
    first, last = (time.fromisoformat(part) for part in window.split("-"))
    over_midnight = _A_DAY if last <= first else timedelta()
    for days in _DAYS:
        day = today + days * _A_DAY
        begin = datetime.combine(day, first, zone)
        end = datetime.combine(day + over_midnight, last, zone)
        if end.timestamp() > begin.timestamp():
            yield _Span(begin.timestamp(), end.timestamp())
