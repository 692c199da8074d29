"""Instants as people and machines read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.instants import Timeline, parse_rfc3339, rfc3339

MILLISECOND_NS = 1_000_000


@pytest.mark.parametrize(
    ("text", "utc_ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-01T00:00:00.250Z", 1_767_225_600_250_000_000),
        ("2026-01-01t00:00:00z", 1_767_225_600_000_000_000),
        ("2026-01-01T01:00:00+01:00", 1_767_225_600_000_000_000),
    ],
)
def test_a_time_with_its_offset_is_understood(text: str, utc_ns: int) -> None:
    assert parse_rfc3339(text) == utc_ns


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "yesterday", "", "2026-13-01T00:00:00Z"])
def test_a_time_that_could_mean_several_instants_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        parse_rfc3339(text)


@given(st.integers(0, 4_000_000_000_000))
def test_milliseconds_survive_the_way_to_text_and_back(utc_ms: int) -> None:
    assert parse_rfc3339(rfc3339(utc_ms * MILLISECOND_NS)) == utc_ms * MILLISECOND_NS


def test_a_timeline_shifts_instants_to_utc() -> None:
    assert Timeline(1000, synced=True).utc_ns(7) == 1007
