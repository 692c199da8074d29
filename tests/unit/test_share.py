"""The share rule: what it says of the frame as a whole, how calmly, and when it stops saying it."""

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.event import Changed, Event, ShareState
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Found, Labels, Observation, Shares, no_detections
from eyespot.domain.track import Scene
from eyespot.rules import build
from eyespot.rules.share import Share, ShareSettings
from eyespot.tracking.tracker import Tracker

LABELS = ("floor", "crate", "person")
NO_TRACKS = Tracker(0.5).step(0, None)
NOTHING = ShareState({}, None)


def a_share(labels: tuple[str, ...] = LABELS, **settings: object) -> Share:
    return Share(msgspec.convert({"kind": "share", "id": "hall", **settings}, ShareSettings), labels)


def shares(*parts: float) -> Shares:
    return Shares(np.array(parts, np.float32))


def labels(**scores: float) -> Labels:
    classes = [LABELS.index(label) for label in scores]
    return Labels(np.array(list(scores.values()), np.float32), np.array(classes, np.intp))


def look(rule: Share, at_s: float, found: Found | None) -> list[Event]:
    """Step once; None is the silence of the source."""
    taken_ns = round(at_s * SECOND_NS)
    observation = None if found is None else Observation(taken_ns, "m@1-abc", found)
    return rule.step(Scene(taken_ns, observation, NO_TRACKS), [])


def watch(rule: Share, found: Found | None, from_s: float, to_s: float, rate_hz: float = 10) -> list[Event]:
    """Step at a rate, and return what happened."""
    count = round((to_s - from_s) * rate_hz)
    return [event for n in range(1, count + 1) for event in look(rule, from_s + n / rate_hz, found)]


def ways(events: list[Event]) -> list[tuple[str | None, str | None]]:
    return [(event.before, event.after) for event in events if isinstance(event, Changed)]


def test_at_first_nothing_is_said() -> None:
    assert a_share(classes=("floor",)).state() == NOTHING


def test_shares_of_a_segmentation_are_said_by_name_the_largest_first() -> None:
    rule = a_share()
    look(rule, 0, shares(0.25, 0.6254, 0))
    assert list(rule.state().shares.items()) == [("crate", 0.625), ("floor", 0.25)]


def test_scores_of_a_classifier_are_said_likewise_and_what_it_does_not_name_is_0() -> None:
    rule = a_share(classes=("floor", "person"))
    look(rule, 0, labels(person=0.75, crate=0.125))
    assert rule.state().shares == {"person": 0.75, "floor": 0}


def test_only_so_many_classes_are_said() -> None:
    rule = a_share(most=1)
    look(rule, 0, shares(0.25, 0.5, 0.25))
    assert rule.state().shares == {"crate": 0.5}


def test_classes_of_the_same_name_are_one() -> None:
    rule = a_share(("floor", "crate", "floor"))
    look(rule, 0, shares(0.25, 0.5, 0.25))
    assert rule.state().shares == {"floor": 0.5, "crate": 0.5}


def test_a_sum_that_is_above_1_is_1() -> None:
    rule = a_share(("floor", "floor", "floor"))
    look(rule, 0, labels(floor=0.8, crate=0.7))
    assert rule.state().shares == {"floor": 1}


@pytest.mark.parametrize("rate_hz", [1, 5, 30])
def test_the_mean_goes_by_time_and_not_by_looks(rate_hz: float) -> None:
    rule = a_share(over_s=10, every_s=0.1, change=0.001)
    look(rule, 0, shares(1, 0, 0))
    watch(rule, shares(0, 1, 0), 0, 10, rate_hz)
    assert rule.state().shares["floor"] == pytest.approx(1 / math.e, abs=0.005)


def test_a_single_look_that_is_wrong_is_hardly_seen() -> None:
    rule = a_share()
    watch(rule, shares(1, 0, 0), 0, 5)
    assert look(rule, 5.1, shares(0, 1, 0)) == []
    assert rule.state() == ShareState({"floor": 1}, "floor")


def test_time_that_stands_still_or_goes_back_counts_nothing() -> None:
    rule = a_share()
    watch(rule, shares(1, 0, 0), 0, 5)
    for _ in range(1000):
        look(rule, 5, shares(0, 1, 0))
    look(rule, 3, shares(0, 1, 0))
    look(rule, 3, None)
    assert rule.state() == ShareState({"floor": 1}, "floor")


def test_less_than_a_change_is_not_published() -> None:
    rule = a_share(change=0.05)
    watch(rule, shares(0.5, 0.5, 0), 0, 20)
    before = rule.state()
    watch(rule, shares(0.54, 0.46, 0), 20, 40)
    assert rule.state() is before
    watch(rule, shares(0.56, 0.44, 0), 40, 60)
    assert rule.state().shares["floor"] == pytest.approx(0.55, abs=0.01)


def test_the_class_on_top_is_always_among_those_that_are_said() -> None:
    rule = a_share(most=1, over_s=0.1, every_s=0.1)
    watch(rule, shares(0.6, 0.3, 0.1), 0, 2)
    watch(rule, shares(0.47, 0.5, 0.03), 2, 6)  # ahead, but not by enough to come to the top
    assert (rule.state().top, list(rule.state().shares)) == ("floor", ["floor"])


def test_changes_are_published_at_most_every_so_often() -> None:
    rule = a_share(over_s=0.1, every_s=5, classes=("person",))
    watch(rule, shares(0, 0, 0.5), 0, 1)
    published = [(0.0, rule.state())]
    for n in range(10, 200):
        look(rule, n / 10, shares(0, 0, n % 2))
        if rule.state() is not published[-1][1]:
            published.append((n / 10, rule.state()))
    waits = np.diff([at for at, _ in published])
    assert len(waits) == 3
    assert (waits >= 5).all()


def test_what_changed_within_that_time_is_published_after_it_even_in_silence() -> None:
    rule = a_share(over_s=1, every_s=2, change=0.05)
    look(rule, 0, shares(0.5, 0.5, 0))
    look(rule, 0.5, shares(0, 1, 0))
    assert rule.state().shares["crate"] == 0.5
    look(rule, 2.5, None)
    assert rule.state().shares["crate"] > 0.6


def test_a_class_comes_to_the_top_once_it_has_led_long_enough() -> None:
    rule = a_share(over_s=2)
    look(rule, 0, shares(0.7, 0.2, 0))
    assert rule.state().top is None
    assert watch(rule, shares(0.7, 0.2, 0), 0, 1.9) == []
    [event] = watch(rule, shares(0.7, 0.2, 0), 1.9, 4)
    assert event == Changed("hall", 2 * SECOND_NS, None, "floor", "m@1-abc")
    assert rule.state() == ShareState({"floor": 0.7, "crate": 0.2}, "floor")


def test_another_one_has_to_lead_clearly() -> None:
    rule = a_share(change=0.1)
    watch(rule, shares(0.5, 0.4, 0), 0, 5)
    assert watch(rule, shares(0.44, 0.5, 0), 5, 60) == []
    assert ways(watch(rule, shares(0.3, 0.6, 0), 60, 80)) == [("floor", "crate")]


def test_two_that_take_turns_do_not_make_the_top_flap() -> None:
    rule = a_share(over_s=2)
    events = watch(rule, shares(0.6, 0.4, 0), 0, 5)
    for n in range(100):
        parts = shares(0.4, 0.6, 0) if n % 2 else shares(0.6, 0.4, 0)
        events += watch(rule, parts, 5 + n, 6 + n)
    assert ways(events) == [(None, "floor")]


def test_one_of_two_that_both_lead_comes_to_the_top() -> None:
    rule = a_share(over_s=2)
    events = watch(rule, shares(0.8, 0.1, 0.1), 0, 5)
    for n in range(40):
        parts = shares(0.2, 0.42, 0.38) if n % 2 else shares(0.2, 0.38, 0.42)
        events += watch(rule, parts, 5 + n, 6 + n)
    assert [before for before, _ in ways(events)] == [None, "floor"]


def test_when_nothing_is_there_any_more_nothing_is_on_top() -> None:
    rule = a_share(change=0.1)
    watch(rule, labels(crate=0.9), 0, 5)
    assert ways(watch(rule, labels(), 5, 25)) == [("crate", None)]
    assert rule.state().top is None
    assert rule.state().shares.get("crate", 0) < 0.1


def test_what_is_just_at_the_edge_of_being_there_does_not_flap() -> None:
    rule = a_share(change=0.1, over_s=0.5)
    events = watch(rule, labels(crate=0.15), 0, 5)
    for n in range(50):
        events += watch(rule, labels(crate=0.09 + 0.02 * (n % 2)), 5 + n, 6 + n)
    assert ways(events) == [(None, "crate")]


@pytest.mark.parametrize(("over_s", "patience_s"), [(2.0, 6), (0.1, 5), (10.0, 30)])
def test_in_silence_nothing_is_claimed_for_long(over_s: float, patience_s: float) -> None:
    rule = a_share(over_s=over_s)
    watch(rule, shares(1, 0, 0), 0, 100)
    assert watch(rule, None, 100, 100 + patience_s, 1) == []
    assert rule.state() == ShareState({"floor": 1}, "floor")
    assert ways(watch(rule, None, 100 + patience_s, 101 + patience_s, 1)) == [("floor", None)]
    assert rule.state() == NOTHING
    assert watch(rule, None, 200, 300, 1) == []


def test_after_a_silence_it_begins_anew() -> None:
    rule = a_share()
    watch(rule, shares(1, 0, 0), 0, 5)
    watch(rule, None, 5, 20, 1)
    look(rule, 20, shares(0, 1, 0))
    assert rule.state() == ShareState({"crate": 1}, None)
    assert ways(watch(rule, shares(0, 1, 0), 20, 25)) == [(None, "crate")]


def test_a_gap_without_steps_is_a_silence_too() -> None:
    rule = a_share()
    watch(rule, shares(1, 0, 0), 0, 5)
    assert ways(look(rule, 50, shares(0, 1, 0))) == [("floor", None)]
    assert rule.state() == ShareState({"crate": 1}, None)
    assert ways(watch(rule, shares(0, 1, 0), 50, 55)) == [(None, "crate")]


def test_objects_say_nothing_of_the_frame_as_a_whole() -> None:
    rule = a_share()
    watch(rule, no_detections(), 0, 5)
    assert rule.state() == NOTHING


def test_after_a_restart_nothing_is_claimed_and_what_is_still_on_top_is_no_event() -> None:
    rule = a_share()
    watch(rule, shares(1, 0, 0), 0, 5)
    fresh = a_share()
    fresh.restore(json.loads(json.dumps(rule.snapshot())))
    assert fresh.state() == NOTHING
    assert watch(fresh, None, 0, 60, 1) == []
    assert watch(fresh, shares(1, 0, 0), 60, 70) == []
    assert fresh.state() == ShareState({"floor": 1}, "floor")


@pytest.mark.parametrize(("found", "after"), [(shares(0, 1, 0), "crate"), (shares(0, 0, 0), None)])
def test_after_a_restart_events_go_on_from_what_was_on_top(found: Found, after: str | None) -> None:
    rule = a_share()
    rule.restore({"top": "floor"})
    assert ways(watch(rule, found, 0, 10)) == [("floor", after)]


@pytest.mark.parametrize("snapshot", [{}, {"top": 3}, {"top": "x" * 65}, {"counts": {}}])
def test_what_is_no_snapshot_is_refused(snapshot: dict[str, object]) -> None:
    rule = a_share()
    with pytest.raises(ValueError, match="not a snapshot of a share"):
        rule.restore(snapshot)


def test_the_factory_of_rules_makes_shares() -> None:
    rule = build(ShareSettings(id="hall"), LABELS, "oblique")
    assert (rule.state(), rule.snapshot()) == (NOTHING, {"top": None})


PARTS = st.tuples(*[st.floats(0, 1, width=32)] * 3)
STEPS = st.lists(st.tuples(st.floats(-2, 20), st.none() | PARTS), max_size=60)


@given(STEPS, st.floats(0.1, 10), st.floats(0.001, 1))
def test_whatever_is_seen_shares_stay_shares_and_events_follow_on_each_other(
    steps: list[tuple[float, tuple[float, ...] | None]], over_s: float, change: float
) -> None:
    rule = a_share(over_s=over_s, change=change)
    at_s, silent_s, events = 100.0, 0.0, []
    for wait_s, parts in steps:
        at_s += wait_s
        silent_s = 0 if parts else silent_s + max(wait_s, 0)
        told = look(rule, at_s, parts and shares(*parts))
        state = rule.state()
        assert all(0 <= share <= 1 for share in state.shares.values())
        assert state.top is None or state.top in LABELS
        if silent_s > max(3 * over_s, 5) + 0.001:
            assert state == NOTHING
        if told:
            assert told[-1].after == state.top
        events += ways(told)
    befores, afters = [before for before, _ in events], [after for _, after in events]
    assert befores == [None, *afters][: len(befores)]
    assert all(before != after for before, after in events)
