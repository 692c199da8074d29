"""How long to wait after crashes, and when they are over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.host.clock import ManualClock
from eyespot.supervisor.comeback import Comeback, in_words, wait_s
from eyespot.supervisor.health import Health


@pytest.mark.parametrize(
    ("crashes", "seconds"), [(0, 0), (1, 0), (2, 5), (3, 15), (4, 35), (8, 635), (9, 900)]
)
def test_with_the_5_s_of_the_unit_each_wait_is_twice_the_last_until_15_minutes(
    crashes: int, seconds: float
) -> None:
    assert wait_s(crashes, 900, 0) == seconds


@given(st.integers(0, 10**6), st.floats(0, 86_400), st.floats(0, 1))
def test_no_wait_is_above_the_limit_or_shorter_by_more_than_a_fifth(
    crashes: int, most_s: float, random: float
) -> None:
    whole, waited = wait_s(crashes, most_s, 0), wait_s(crashes, most_s, random)
    assert 0.79 * whole <= waited <= whole <= most_s


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.floats(0, 86_400))
def test_more_crashes_never_mean_a_shorter_wait(one: int, other: int, most_s: float) -> None:
    fewer, more = sorted((one, other))
    assert wait_s(fewer, most_s, 0) <= wait_s(more, most_s, 0)


def test_crashes_are_said_for_ten_good_minutes_and_then_forgotten_once() -> None:
    clock, forgotten = ManualClock(), list[bool]()
    health = Health(clock)
    comeback = Comeback(in_words(7, "killed by signal SEGV"), lambda: forgotten.append(True), clock)
    for _ in range(599):
        comeback.tick(health)
        clock.sleep(1)
    (trouble,) = health.troubles()
    assert trouble.name == "crash_loop"
    assert "crashed 7 times in a row, last: killed by signal SEGV" in trouble.reason
    assert not forgotten
    for _ in range(5):
        clock.sleep(1)
        comeback.tick(health)
    assert not health.troubles()
    assert forgotten == [True]


def test_without_crashes_nothing_is_said() -> None:
    clock = ManualClock()
    health = Health(clock)
    Comeback("", lambda: pytest.fail("there was nothing to forget"), clock).tick(health)
    clock.sleep(3600)
    assert health.changes == 0


def test_one_crash_is_no_row() -> None:
    assert in_words(1, "exit code 70") == "crashed once: exit code 70"
