"""Where buckets begin: by the clock on the wall, also in the nights in which it is changed."""

from datetime import datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from eyespot.buckets.alignment import bounds
from eyespot.domain.instants import LATEST_S, SECOND_NS, parse_rfc3339

BERLIN, LORD_HOWE = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # by half an hour
    "Asia/Kathmandu",  # 5:45 ahead
    "America/Sao_Paulo",  # at midnight, once
    "Pacific/Apia",  # a day was left out in 2011
    "Africa/Casablanca",  # twice more a year
    "America/St_Johns",  # at one minute past midnight, once
]
LENGTHS = [1, 10, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400]
CHANGES = [  # of clocks, somewhere
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2026-11-01T06:00:00Z",
    "2026-04-04T15:00:00Z",
    "2011-12-30T10:00:00Z",
    "2018-11-04T03:00:00Z",
    "2019-02-17T02:00:00Z",
    "2006-10-29T02:31:00Z",
    "2026-02-15T02:00:00Z",
]
instants_s = st.one_of(
    st.integers(0, LATEST_S),
    st.builds(
        lambda change, beside_s: parse_rfc3339(change) // SECOND_NS + beside_s,
        st.sampled_from(CHANGES),
        st.integers(-90_000, 90_000),
    ),
)


def hours(first: str, bucket_s: int, number: int, zone: ZoneInfo = BERLIN) -> list[float]:
    """Return the lengths in hours of so many buckets, from the one on in which an instant lies."""
    begins = [parse_rfc3339(first)]
    for _ in range(number):
        begins.append(bounds(begins[-1], bucket_s, zone).end_utc_ns)
    return [(end - begin) / SECOND_NS / 3600 for begin, end in pairwise(begins)]


@given(instants_s, st.sampled_from(LENGTHS), st.sampled_from(ZONES))
def test_buckets_tile_time_in_every_zone(now_s: int, bucket_s: int, name: str) -> None:
    zone = ZoneInfo(name)
    now_ns = now_s * SECOND_NS + 123
    begin_ns, end_ns = bounds(now_ns, bucket_s, zone)
    assert begin_ns <= now_ns < end_ns
    assert bounds(begin_ns, bucket_s, zone) == bounds(end_ns - 1, bucket_s, zone) == (begin_ns, end_ns)
    assert bounds(end_ns, bucket_s, zone).begin_utc_ns == end_ns
    assert bounds(begin_ns - 1, bucket_s, zone).end_utc_ns == begin_ns


@given(st.integers(2 * 86_400, 2**32), st.sampled_from(LENGTHS), st.sampled_from(ZONES))
def test_where_clocks_are_left_alone_a_bucket_begins_at_a_multiple_and_is_as_long_as_it_should(
    now_s: int, bucket_s: int, name: str
) -> None:
    zone = ZoneInfo(name)
    begin_ns, end_ns = bounds(now_s * SECOND_NS, bucket_s, zone)
    begin, end = (datetime.fromtimestamp(at_ns // SECOND_NS, zone) for at_ns in (begin_ns, end_ns))
    if begin.utcoffset() == end.utcoffset():
        assert end_ns - begin_ns == bucket_s * SECOND_NS
        midnight_s = begin.hour * 3600 + begin.minute * 60 + begin.second
        assert midnight_s % bucket_s == 0


def test_a_day_has_twenty_three_or_twenty_five_hours_when_clocks_change() -> None:
    assert hours("2026-03-27T23:00:00Z", 86_400, 3) == [24, 23, 24]
    assert hours("2026-10-23T22:00:00Z", 86_400, 3) == [24, 25, 24]


def test_an_hour_is_left_out_in_spring_and_comes_twice_in_autumn() -> None:
    assert hours("2026-03-29T00:00:00Z", 3600, 3) == [1, 1, 1]
    spring = bounds(parse_rfc3339("2026-03-29T01:10:00Z"), 3600, BERLIN)
    assert datetime.fromtimestamp(spring.begin_utc_ns // SECOND_NS, BERLIN).hour == 3
    autumn = [bounds(parse_rfc3339(f"2026-10-25T0{hour}:10:00Z"), 3600, BERLIN) for hour in (0, 1, 2)]
    walls = [datetime.fromtimestamp(begin_ns // SECOND_NS, BERLIN).hour for begin_ns, _ in autumn]
    assert walls == [2, 2, 3]


def test_of_several_hours_one_is_shorter_or_longer() -> None:
    assert hours("2026-03-28T23:00:00Z", 14_400, 2) == [3, 4]
    assert hours("2026-10-24T22:00:00Z", 14_400, 2) == [5, 4]
    assert hours("2026-10-24T22:00:00Z", 7200, 3) == [2, 1, 2]  # 02:00 is read twice


def test_where_clocks_change_by_half_an_hour_one_hour_has_half_of_one_more_or_less() -> None:
    assert hours("2026-10-03T14:30:00Z", 3600, 3, LORD_HOWE) == [1, 0.5, 1]
    assert hours("2026-04-04T13:00:00Z", 3600, 3, LORD_HOWE) == [1, 1.5, 1]


def test_a_day_that_was_left_out_is_none() -> None:
    assert hours("2011-12-29T10:00:00Z", 86_400, 2, ZoneInfo("Pacific/Apia")) == [24, 24]
