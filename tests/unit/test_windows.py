"""The hours in which a model may be taken, in the device's time zone, also on nights when clocks change."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.windows import closes_s, opens_s

BERLIN = ZoneInfo("Europe/Berlin")  # clocks change 2026-03-29 02:00 -> 03:00 and 2026-10-25 03:00 -> 02:00
ZONES = [
    ZoneInfo(name) for name in ("Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu", "UTC")
]


def utc_s(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def opens(window: str, text: str) -> str | None:
    opening = opens_s(window, utc_s(text), BERLIN)
    return None if opening is None else f"{datetime.fromtimestamp(opening, UTC):%Y-%m-%dT%H:%M}"


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        ("09:00-17:00", "2026-06-01T06:59", "2026-06-01T07:00"),
        ("09:00-17:00", "2026-06-01T07:00", None),
        ("09:00-17:00", "2026-06-01T14:59", None),
        ("09:00-17:00", "2026-06-01T15:00", "2026-06-02T07:00"),
        ("22:00-05:00", "2026-06-01T19:59", "2026-06-01T20:00"),
        ("22:00-05:00", "2026-06-01T22:30", None),
        ("22:00-05:00", "2026-06-02T02:59", None),
        ("22:00-05:00", "2026-06-02T03:00", "2026-06-02T20:00"),
        ("00:00-00:00", "2026-06-01T12:00", None),
        ("12:00-12:00", "2026-06-01T09:59", None),
    ],
)
def test_a_window_is_open_in_its_hours(window: str, now: str, opening: str | None) -> None:
    assert opens(window, now) == opening


@pytest.mark.parametrize(
    ("window", "now", "opening"),
    [
        ("22:00-05:00", "2026-03-29T00:30", None),  # an hour shorter
        ("22:00-05:00", "2026-03-29T03:00", "2026-03-29T20:00"),
        ("02:15-02:45", "2026-03-28T23:00", "2026-03-29T01:15"),  # moved by the hour that is not there
        ("01:00-03:00", "2026-10-25T01:30", None),  # an hour longer
        ("01:00-03:00", "2026-10-25T02:00", "2026-10-26T00:00"),
    ],
)
def test_a_window_on_a_night_when_clocks_change(window: str, now: str, opening: str | None) -> None:
    assert opens(window, now) == opening


@given(
    st.integers(0, 1439),
    st.integers(0, 1439),
    st.integers(1_700_000_000, 1_900_000_000),
    st.sampled_from(ZONES),
)
def test_a_window_that_is_shut_is_open_when_it_says_so(
    first: int, last: int, now_s: int, zone: ZoneInfo
) -> None:
    window = f"{first // 60:02d}:{first % 60:02d}-{last // 60:02d}:{last % 60:02d}"
    opening = opens_s(window, now_s, zone)
    if opening is not None:
        assert now_s < opening <= now_s + 3 * 86_400
        assert opens_s(window, opening, zone) is None
        assert opens_s(window, opening - 1, zone) == opening


@given(
    hours=st.lists(st.tuples(st.integers(0, 23), st.sampled_from([0, 15, 59])), min_size=2, max_size=2),
    now_s=st.integers(1_767_225_600, 1_798_761_600),
    zone=st.sampled_from(ZONES),
)
def test_a_window_that_is_open_is_so_until_it_closes(
    hours: list[tuple[int, int]], now_s: int, zone: ZoneInfo
) -> None:
    window = "-".join(f"{hour:02}:{minute:02}" for hour, minute in hours)
    closes = closes_s(window, now_s, zone)
    assert (closes is None) == (opens_s(window, now_s, zone) is not None)
    if closes is not None:
        between = {now_s + (closes - 1 - now_s) * part // 5 for part in range(6)}
        assert all(opens_s(window, instant, zone) is None for instant in between)


def test_the_end_of_a_window_goes_by_the_clock_on_the_wall() -> None:
    assert closes_s("22:00-05:00", utc_s("2026-06-01T22:30"), BERLIN) == utc_s("2026-06-02T03:00")
    assert closes_s("22:00-05:00", utc_s("2026-03-28T23:00"), BERLIN) == utc_s("2026-03-29T03:00")
    assert closes_s("22:00-05:00", utc_s("2026-10-24T23:00"), BERLIN) == utc_s("2026-10-25T04:00")
    assert closes_s("22:00-05:00", utc_s("2026-06-02T03:00"), BERLIN) is None
