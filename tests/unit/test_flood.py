"""What is said over and over: the first few get through, nothing is lost without being counted."""

import math

from hypothesis import given
from hypothesis import strategies as st

from eyespot.host.flood import Flood

BURST, WINDOW_S, LONGEST_S, MOST_KEYS = 5, 60.0, 900.0, 100

Sayings = st.lists(
    st.tuples(st.integers(0, 150), st.sampled_from([0.0, 0.1, 7.0, 61.0, 1000.0])), max_size=400
)


@given(Sayings)
def test_nothing_is_lost_without_being_counted(sayings: list[tuple[int, float]]) -> None:
    flood: Flood[int] = Flood()
    now_s, through, counted = 0.0, 0, 0
    for key, pause_s in sayings:
        now_s += pause_s
        counted += sum(held.count for held in flood.due(now_s))
        through += flood.admits(key, key, now_s)
        assert len(flood) <= MOST_KEYS + 1
    counted += sum(held.count for held in flood.rest(now_s))
    assert through + counted == len(sayings)
    assert not len(flood)


@given(Sayings)
def test_of_one_kind_no_more_than_a_burst_and_one_line_gets_through_in_a_window(
    sayings: list[tuple[int, float]],
) -> None:
    flood: Flood[int] = Flood()
    now_s = 0.0
    said: dict[int, list[float]] = {}
    for kind, pause_s in sayings:
        key, now_s = kind % 3, now_s + pause_s
        for held in flood.due(now_s):
            said.setdefault(held.newest, []).append(now_s)
        if flood.admits(key, key, now_s):
            said.setdefault(key, []).append(now_s)
    for times in said.values():
        within = [sum(begun_s <= at_s < begun_s + WINDOW_S for at_s in times) for begun_s in times]
        assert max(within) <= 2 * BURST + 1  # the end of one window and the beginning of the next


def test_the_newest_of_what_was_held_back_is_told_when_the_window_ends() -> None:
    flood: Flood[str] = Flood()
    admitted = [flood.admits("broker", f"try {n}", n / 10) for n in range(100)]
    assert admitted == [True] * BURST + [False] * 95
    assert flood.due_s() == WINDOW_S
    assert flood.due(WINDOW_S - 1) == []
    [held] = flood.due(WINDOW_S)
    assert (held.newest, held.count, held.within_s) == ("try 99", 95, WINDOW_S)
    assert flood.due_s() == math.inf


def test_what_goes_on_is_told_ever_more_seldom() -> None:
    flood: Flood[int] = Flood()
    told = []
    for second in range(4000):
        told += [second for _ in flood.due(second)]
        flood.admits("broker", second, second)
    assert told == [60, 60 + 120, 180 + 240, 420 + 480, 900 + 900, 1800 + 900, 2700 + 900]


def test_after_a_quiet_window_all_is_as_in_the_beginning() -> None:
    flood: Flood[int] = Flood()
    for n in range(BURST + 1):
        flood.admits("broker", n, 0)
    assert len(flood.due(WINDOW_S)) == 1
    assert not flood.admits("broker", 9, WINDOW_S + 1)
    assert len(flood.due(WINDOW_S * 3)) == 1
    assert flood.due(WINDOW_S * 3 + WINDOW_S * 4) == []
    assert len(flood) == 0
    assert flood.admits("broker", 10, 1000)


def test_kinds_do_not_hold_each_other_back() -> None:
    flood: Flood[int] = Flood()
    for n in range(50):
        flood.admits("broker", n, 0)
    assert flood.admits("disk", 0, 0)
