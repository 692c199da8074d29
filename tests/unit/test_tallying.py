"""How far counts are from what somebody has seen, and how sure that is."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.app.tally import Tally, hash_of_rule
from eyespot.domain.event import Crossed
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Heard
from eyespot.domain.tallying import MOST_MARKS, Mark, Tallying, wilson
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native

ROOT = "eyespot/v1/shop"
MARKS = st.lists(
    st.builds(Mark, st.sampled_from(["in", "out"]), st.integers(0, 600 * SECOND_NS)), max_size=40
)


def at(*seconds: float, way: str = "in") -> list[Mark]:
    return [Mark(way, round(second * SECOND_NS)) for second in seconds]


def test_who_was_counted_within_three_seconds_is_the_same_person() -> None:
    result = Tallying(at(10, 20, 30), at(12.9, 17.1, 33.1)).result()
    assert (result.missed["in"], result.extra["in"]) == (1, 1)
    assert result.count_error == 0


def test_directions_do_not_make_up_for_each_other() -> None:
    result = Tallying(at(10), at(10, way="out")).result()
    assert (result.missed, result.extra) == ({"in": 1, "out": 0}, {"in": 0, "out": 1})
    assert result.count_error == 2


def test_two_who_go_together_are_two() -> None:
    result = Tallying(at(10, 10.2), at(11)).result()
    assert (result.n, result.missed["in"], result.extra["in"]) == (2, 1, 0)


def test_a_press_can_be_taken_back() -> None:
    tallying = Tallying(at(10, 20), at(10))
    tallying.undo()
    tallying.undo()
    tallying.undo()
    assert tallying.result().n == 0
    assert tallying.result().count_error is None


def test_intervals_are_those_of_the_papers() -> None:
    share, low, high = wilson(81, 263)  # Newcombe 1998, table I: 0.3080, 0.2553 to 0.3662
    assert (round(share, 4), round(low, 4), round(high, 4)) == (0.308, 0.2553, 0.3662)
    share, low, high = wilson(0, 20)  # and 0 to 0.1611
    assert (share, low, round(high, 4)) == (0, 0, 0.1611)


def test_without_a_fault_it_is_still_not_certain_and_the_more_so_the_fewer_there_were() -> None:
    highs = []
    for count in (5, 50, 500):
        marks = at(*range(0, count * 10, 10))
        result = Tallying(marks, marks).result()
        assert (result.wrong.share, result.bias.share) == (0, 0)
        assert result.bias.low < 0 < result.bias.high
        highs.append(result.wrong.high)
    assert all(more > less for more, less in pairwise(highs))


@given(MARKS, MARKS)
def test_whatever_is_seen_and_counted_adds_up(seen: list[Mark], counted: list[Mark]) -> None:
    result = Tallying(seen, counted).result()
    for way in ("in", "out"):
        pairs = result.seen[way] - result.missed[way]
        assert pairs == result.counted[way] - result.extra[way]
        assert 0 <= pairs <= min(result.seen[way], result.counted[way])
    assert 0 <= result.wrong.low <= result.wrong.share <= result.wrong.high <= 1
    assert result.bias.low <= result.bias.share <= result.bias.high


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.ns = 0

    def now_ns(self) -> int:
        return self.ns


def heard(topic: str, payload: bytes) -> Heard:
    return Heard(topic, payload, retain=False, qos=1)


def crossed(native: Native, way: str = "in", bundle: str = "m@1-a") -> Heard:
    event = Crossed("door", 5 * SECOND_NS, way, "person", 7, bundle)
    message = native.event(event, Timeline(0, synced=True))
    return heard(message.topic, message.payload)


@pytest.fixture
def native() -> Native:
    return Native(Gate(ROOT), "0123456789abcdef", 0)


def test_events_are_timed_when_they_come_as_the_clock_of_the_device_may_be_another(native: Native) -> None:
    clock = Hand()
    tally = Tally(ROOT, "door", clock)
    clock.ns = 1000 * SECOND_NS
    tally.saw("in")
    clock.ns += SECOND_NS
    tally.hear(crossed(native))
    result = tally.result()
    assert (result.n, result.missed["in"], result.extra["in"]) == (1, 0, 0)
    assert tally.models == ["m@1-a"]


def test_a_model_or_a_rule_that_changes_meanwhile_is_noticed(native: Native) -> None:
    tally = Tally(ROOT, "door", Hand())
    rules = [{"id": "gate", "a": 1}, {"id": "door", "a": 1}]
    for rule in (rules[1], rules[1] | {"a": 2}):
        config = {"camera": {"mount": "oblique"}, "rules": [rules[0], rule]}
        assert not tally.changed
        tally.hear(heard(f"{ROOT}/config/reported", json.dumps({"config": config}).encode()))
    assert tally.changed
    assert tally.rule_hash == hash_of_rule(config, "door")
    tally.hear(crossed(native))
    tally.hear(crossed(native, bundle="n@1-b"))
    assert tally.models == ["m@1-a", "n@1-b"]


def test_a_device_that_counts_without_end_is_taken_down_in_bounds(native: Native) -> None:
    tally = Tally(ROOT, "door", Hand())
    event = crossed(native)
    for _ in range(MOST_MARKS + 50):
        tally.hear(event)
    assert tally.result().counted["in"] == MOST_MARKS


def test_what_is_no_event_of_the_line_is_passed_over(native: Native) -> None:
    tally = Tally(ROOT, "door", Hand())
    for payload in (b"", b"{}", b'{"kind":"reset"}', b'{"config":3}', b"[" * 10_000):
        for topic in ("rule/door/event", "info", "config/reported", "rule/gate/event"):
            tally.hear(heard(f"{ROOT}/{topic}", payload))
    assert tally.result().counted == {"in": 0, "out": 0}
