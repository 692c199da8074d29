"""The zone rule: who is inside, who came and left, for how long, and who should not be there."""

import dataclasses
import json
from collections import Counter
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Entered, Event, Intruded, Left, Loitered
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.track import Scene
from eyespot.rules import build
from eyespot.rules.zone import Zone, ZoneSettings
from fakes.visitors import LABELS, STEP_NS, TIMELINE, scene, wait, walk, way

SQUARE = ((0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7))
OUTSIDE, INSIDE, BEYOND = (0.1, 0.5), (0.5, 0.5), (0.9, 0.5)
THROUGH = way(OUTSIDE, BEYOND, 8)  # inside from 2 s to 6 s
IN = way(OUTSIDE, INSIDE, 4)
OUT = way(INSIDE, BEYOND, 4)
BERLIN = ZoneInfo("Europe/Berlin")


def a_zone(**settings: object) -> Zone:
    given = {"kind": "zone", "id": "hall", "points": SQUARE, **settings}
    rule = build(msgspec.convert(given, ZoneSettings), LABELS, "overhead", BERLIN)
    assert isinstance(rule, Zone)
    return rule


def told(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def restarted(zone: Zone, **settings: object) -> Zone:
    fresh = a_zone(**settings)
    fresh.restore(json.loads(json.dumps(zone.snapshot())))
    return fresh


def occupancy(zone: Zone, label: str = "person") -> int:
    state = zone.state()
    assert state.occupancy == {one: total - state.left[one] for one, total in state.entered.items()}
    return state.occupancy.get(label, 0)


def test_who_walks_through_enters_and_leaves_at_the_sides_and_stayed_as_long_as_it_took() -> None:
    zone = a_zone()
    entered, left = walk(zone, THROUGH)
    assert isinstance(entered, Entered)
    assert isinstance(left, Left)
    assert entered.taken_ns == pytest.approx(2 * SECOND_NS, abs=1000)
    assert left.taken_ns == pytest.approx(6 * SECOND_NS, abs=1000)
    assert left.dwell_s == pytest.approx(4, abs=1e-5)
    assert (entered.label, entered.track, entered.rule, entered.bundle) == ("person", 1, "hall", "m@1-abc")
    assert (entered.found, left.found, left.lost) == (False, False, False)
    assert zone.state().occupancy == {"person": 0}


def test_who_is_inside_is_counted_until_leaving() -> None:
    zone = a_zone()
    walk(zone, IN)
    assert occupancy(zone) == 1
    walk(zone, OUT, from_s=5)
    assert occupancy(zone) == 0


def test_who_wavers_on_a_side_neither_comes_nor_goes() -> None:
    zone = a_zone()
    random = np.random.default_rng(3)
    wavering = [(0.3 + x, 0.5) for x in random.uniform(-0.011, 0.011, 300)]
    assert walk(zone, wavering) == []
    assert told(
        walk(zone, [*way((0.3, 0.5), INSIDE, 2), *way(INSIDE, (0.3, 0.5), 2), *wavering], from_s=40)
    ) == ["Entered"]


def test_who_is_seen_a_little_inside_in_each_look_for_a_second_is_inside() -> None:
    zone, place = a_zone(), (0.31, 0.5)  # nearer to a side than is certain in one look
    walk(zone, way(OUTSIDE, place, 4))
    assert occupancy(zone) == 0
    [entered] = wait(zone, 4, 6, (1, place))
    assert entered.taken_ns < 4 * SECOND_NS
    assert occupancy(zone) == 1
    [left] = walk(zone, way(place, OUTSIDE, 4), from_s=6)
    assert isinstance(left, Left)


def test_who_is_found_inside_has_entered_and_that_is_told() -> None:
    [entered] = wait(a_zone(), 0, 2, (1, INSIDE))
    assert isinstance(entered, Entered)
    assert (entered.found, entered.taken_ns) == (True, 0)


def test_who_is_found_inside_and_vanishes_within_a_second_was_nobody() -> None:
    zone = a_zone()
    assert wait(zone, 0, 0.9, (1, INSIDE)) == []
    assert wait(zone, 1, 10) == []
    assert zone.state().entered == {}


def test_a_track_that_is_thought_to_be_inside_and_is_not_seen_any_more_was_nobody() -> None:
    zone = a_zone()
    assert wait(zone, 0, 0.5, (1, INSIDE)) == []
    assert wait(zone, 0.5, 2, (1, INSIDE), seen=False) == []
    [entered] = wait(zone, 2, 2.5, (1, INSIDE))
    assert entered.taken_ns == 0


def test_while_nobody_looks_it_does_not_become_known_who_was_found_inside() -> None:
    zone = a_zone()
    walk(zone, IN)
    there = (2, (0.52, 0.5))
    assert wait(zone, 4.5, 5, (1, INSIDE), there, seen=(False, True)) == []
    assert wait(zone, 5, 8, there, silent=True, seen=False) == []
    assert wait(zone, 8, 12, there) == []
    assert occupancy(zone) == 1


def test_who_is_found_inside_and_leaves_within_a_second_was_there() -> None:
    assert told(walk(a_zone(), way((0.68, 0.5), (0.75, 0.5), 0.5))) == ["Entered", "Left"]


def test_a_dent_is_outside() -> None:
    dented = (*SQUARE[:3], (0.5, 0.35), SQUARE[3])
    assert walk(a_zone(points=dented), way((0.5, 0.9), (0.5, 0.55), 4)) == []


def test_at_an_edge_of_the_frame_along_which_the_zone_lies_one_is_inside() -> None:
    zone = a_zone(points=((0.3, 0.5), (0.7, 0.5), (0.7, 1.0), (0.3, 1.0)))
    walk(zone, way((0.5, 0.2), (0.5, 0.99), 4))
    assert occupancy(zone) == 1


def test_a_zone_that_is_smaller_than_a_box_sees_who_walks_through_its_middle() -> None:
    zone = a_zone(points=((0.49, 0.49), (0.51, 0.49), (0.51, 0.51), (0.49, 0.51)))
    assert told(walk(zone, way(OUTSIDE, BEYOND, 20))) == ["Entered", "Left"]


def test_only_observed_positions_count() -> None:
    zone = a_zone()
    assert walk(zone, THROUGH, seen=False) == []


def test_a_look_long_after_the_last_one_finds_both_ways_in_time() -> None:
    [entered] = walk(a_zone(), [(0.2, 0.5), (0.4, 0.5)])
    assert entered.taken_ns == pytest.approx(STEP_NS / 2, abs=1000)


def test_who_vanishes_inside_has_left_when_nobody_turned_up_there_for_a_while() -> None:
    zone = a_zone()
    walk(zone, IN)
    assert wait(zone, 4.1, 7.4) == []
    assert occupancy(zone) == 1
    [left] = wait(zone, 7.4, 9)
    assert isinstance(left, Left)
    assert (left.lost, left.taken_ns) == (True, 4 * SECOND_NS)
    assert left.dwell_s == pytest.approx(2, abs=1e-5)
    assert occupancy(zone) == 0


def test_who_vanishes_at_an_edge_of_the_frame_has_left_sooner() -> None:
    zone = a_zone(points=((0.3, 0.3), (1.0, 0.3), (1.0, 0.7), (0.3, 0.7)))
    walk(zone, way(INSIDE, (0.98, 0.5), 2))
    assert told(wait(zone, 2.1, 3)) == ["Left"]


def test_while_nobody_looks_nobody_is_given_up() -> None:
    zone = a_zone()
    walk(zone, IN)
    assert wait(zone, 4.1, 300, silent=True) == []
    assert wait(zone, 300, 301) == []
    assert walk(zone, [INSIDE], track=2, from_s=301) == []
    assert occupancy(zone) == 1


def test_but_who_was_not_seen_for_very_long_is_not_who_is_seen_now() -> None:
    zone = a_zone()
    walk(zone, IN)
    zone.step(scene(700 * SECOND_NS, silent=True), [])
    assert told(wait(zone, 701, 703, (2, INSIDE))) == ["Left", "Entered"]


def test_who_was_hidden_and_turns_up_in_the_same_place_has_not_left() -> None:
    zone = a_zone()
    walk(zone, IN)
    assert wait(zone, 4.1, 6.0) == []
    assert walk(zone, [(0.52, 0.5)] * 5, track=2, from_s=6.0, confirmed=False) == []
    [left] = walk(zone, way((0.52, 0.5), BEYOND, 4), track=2, from_s=7.0)
    assert isinstance(left, Left)
    assert (left.track, left.found, left.lost) == (2, False, False)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS - 2)
    assert zone.state().entered == {"person": 1}


def test_who_turns_up_outside_has_left_while_hidden() -> None:
    zone = a_zone()
    walk(zone, way(OUTSIDE, (0.34, 0.5), 3))
    [left] = wait(zone, 5, 6.5, (2, (0.27, 0.5)))
    assert isinstance(left, Left)
    assert (left.taken_ns, left.lost) == (5 * SECOND_NS, False)


def test_who_turns_up_on_the_side_goes_on_until_certainly_outside() -> None:
    zone = a_zone()
    walk(zone, way(OUTSIDE, (0.34, 0.5), 3))
    assert walk(zone, way((0.305, 0.5), (0.3, 0.5), 1), track=2, from_s=5) == []
    assert told(walk(zone, way((0.3, 0.5), (0.2, 0.5), 1), track=2, from_s=7)) == ["Left"]


@pytest.mark.parametrize(("place", "kind"), [((0.67, 0.5), 0), (INSIDE, 1)])
def test_elsewhere_or_of_another_class_it_is_somebody_else(place: tuple[float, float], kind: int) -> None:
    zone = a_zone()
    walk(zone, IN)
    wait(zone, 4.1, 4.5)
    assert told(wait(zone, 4.5, 6, (2, place), kinds=kind)) == ["Entered"]
    assert occupancy(zone) == 2 - kind


def test_a_track_that_takes_the_place_of_one_that_is_not_seen_is_the_same_person() -> None:
    zone = a_zone()
    walk(zone, IN)
    both = ((1, INSIDE), (2, (0.51, 0.5)))
    assert wait(zone, 4.1, 4.4, *both, seen=(False, True), confirmed=(True, False)) == []
    assert wait(zone, 4.4, 5.0, *both, seen=(False, True)) == []
    assert wait(zone, 5.0, 20.0, (2, (0.51, 0.5))) == []
    assert occupancy(zone) == 1


def test_where_the_one_before_turns_up_after_all_they_are_two() -> None:
    zone = a_zone()
    walk(zone, IN)
    both = ((1, INSIDE), (2, (0.55, 0.5)))
    assert wait(zone, 4.1, 5.3, *both, seen=(False, True)) == []
    assert told(wait(zone, 5.3, 7.0, *both)) == ["Entered"]
    assert occupancy(zone) == 2
    assert told(wait(zone, 7.0, 15.0)) == ["Left", "Left"]


def test_who_was_seen_to_come_in_is_not_who_vanished_there() -> None:
    zone = a_zone()
    walk(zone, way(OUTSIDE, (0.34, 0.5), 3))
    wait(zone, 3.1, 4.0)
    coming = [*way((0.25, 0.5), (0.34, 0.5), 1), *[(0.34, 0.5)] * 30]
    assert told(walk(zone, coming, track=2, from_s=4.0)) == ["Entered", "Left"]
    assert occupancy(zone) == 1
    assert told(wait(zone, 9, 15)) == ["Left"]


def test_two_that_vanish_and_two_that_turn_up_are_the_same_two() -> None:
    zone = a_zone()
    wait(zone, 0, 2, (1, (0.4, 0.5)), (2, (0.6, 0.5)))
    wait(zone, 2, 4)
    assert wait(zone, 4, 6, (3, (0.6, 0.52)), (4, (0.41, 0.5))) == []
    lefts = wait(zone, 6, 15, (4, (0.41, 0.5)))
    assert [(event.track, event.lost) for event in lefts if isinstance(event, Left)] == [(3, True)]


def test_what_an_unconfirmed_track_does_is_told_once_it_is_confirmed() -> None:
    zone = a_zone()
    assert walk(zone, THROUGH, confirmed=False) == []
    entered, left = walk(zone, [BEYOND], from_s=9)
    assert [event.taken_ns / SECOND_NS for event in (entered, left)] == pytest.approx([2, 6], abs=1e-5)
    assert occupancy(zone) == 0


def test_what_a_track_did_that_is_never_confirmed_is_forgotten() -> None:
    zone = a_zone()
    walk(zone, IN, confirmed=False)
    assert wait(zone, 5, 20) == []
    assert zone.state().entered == {}


def test_only_the_classes_that_are_named_count_and_are_there_from_the_start() -> None:
    zone = a_zone(classes=("person",))
    assert walk(zone, THROUGH, kinds=1) == []
    assert zone.state().occupancy == {"person": 0}


def test_a_track_counts_from_when_it_came_once_it_is_of_a_class_that_does() -> None:
    zone = a_zone(classes=("person",))
    assert walk(zone, IN, kinds=1) == []
    [entered] = walk(zone, [INSIDE], from_s=5)
    assert entered.taken_ns == pytest.approx(2 * SECOND_NS, abs=1000)
    assert told(walk(zone, OUT, from_s=5, kinds=1)) == ["Left"]
    assert zone.state().left == {"person": 1}


def test_who_stays_too_long_loiters_once() -> None:
    zone = a_zone(loiter_s=3)
    walk(zone, IN)
    events = wait(zone, 4.1, 60, (1, INSIDE))
    [loitered] = events
    assert isinstance(loitered, Loitered)
    assert loitered.taken_ns == pytest.approx(5 * SECOND_NS, abs=1000)
    assert loitered.dwell_s == 3


def test_each_class_may_stay_as_long_as_is_said_of_it() -> None:
    zone = a_zone(loiter_s={"dog": 3})
    events = wait(zone, 0, 60, (1, INSIDE), (2, (0.6, 0.5)), kinds=(0, 1))
    assert [event.label for event in events if isinstance(event, Loitered)] == ["dog"]


def test_who_is_not_seen_is_not_said_to_loiter() -> None:
    zone = a_zone(loiter_s=3)
    walk(zone, IN)
    assert told(wait(zone, 4.1, 20)) == ["Left"]


def test_who_comes_in_hours_in_which_nobody_may_intrudes_once() -> None:
    zone = a_zone(armed=("00:30-02:00",))  # the scene begins at one o'clock in Berlin
    events = walk(zone, [*THROUGH[:40], *[INSIDE] * 100])
    assert told(events) == ["Entered", "Intruded"]
    assert events[1].taken_ns == events[0].taken_ns


def test_at_other_hours_nobody_does() -> None:
    zone = a_zone(armed=("02:00-06:00", "23:00-01:00"))
    assert told(walk(zone, IN)) == ["Entered"]


def test_who_is_inside_when_the_hours_begin_intrudes_then() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    walk(zone, IN)
    [intruded] = wait(zone, 4.1, 70, (1, INSIDE))
    assert isinstance(intruded, Intruded)
    assert intruded.taken_ns == 60 * SECOND_NS


def test_whose_track_was_lost_does_not_begin_to_intrude() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    wait(zone, 55, 57, (1, INSIDE))
    assert told(wait(zone, 57, 80)) == ["Left"]


ALWAYS = ("00:00-00:00",)


def intrusions(events: list[Event]) -> list[tuple[int, int]]:
    """By which tracks, and when."""
    return [(event.track, event.taken_ns) for event in events if isinstance(event, Intruded)]


def test_who_is_found_inside_and_does_not_move_intrudes_after_three_seconds_since_it_was_seen_first() -> None:
    zone = a_zone(armed=ALWAYS)
    assert told(wait(zone, 0, 3, (1, INSIDE))) == ["Entered"]
    assert intrusions(wait(zone, 3, 9, (1, INSIDE))) == [(1, 0)]


def test_who_is_found_inside_and_moves_intrudes_sooner() -> None:
    assert intrusions(walk(a_zone(armed=ALWAYS), way(INSIDE, (0.6, 0.5), 1.2))) == [(1, 0)]


def test_a_reflection_that_is_gone_within_three_seconds_is_no_intrusion() -> None:
    zone = a_zone(armed=ALWAYS)
    assert told([*wait(zone, 0, 2.5, (1, INSIDE)), *wait(zone, 2.5, 20)]) == ["Entered", "Left"]


def test_a_reflection_that_becomes_another_track_is_still_one_until_it_moves() -> None:
    zone = a_zone(armed=ALWAYS)
    wait(zone, 0, 2, (1, INSIDE))
    wait(zone, 2, 4)
    assert wait(zone, 4, 5.5, (2, INSIDE)) == []
    assert intrusions(walk(zone, way(INSIDE, (0.6, 0.5), 1), track=2, from_s=5.5)) == [(2, 0)]


def test_who_is_found_inside_before_the_hours_begin_intrudes_when_they_do() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    assert intrusions(wait(zone, 50, 70, (1, INSIDE))) == [(1, 60 * SECOND_NS)]


@pytest.mark.parametrize(
    ("place", "kinds", "intrudes"),
    [((0.53, 0.53), (0, 0), False), ((0.6, 0.5), (0, 0), True), ((0.53, 0.53), (0, 1), True)],
    ids=["beside", "elsewhere", "of another class"],
)
def test_who_is_found_inside_beside_one_who_intruded_does_not_intrude_once_more(
    place: tuple[float, float], kinds: tuple[int, int], intrudes: bool
) -> None:
    zone = a_zone(armed=ALWAYS)
    walk(zone, IN)
    events = wait(zone, 4.1, 12, (1, INSIDE), (2, place), kinds=kinds)
    assert told(events)[0] == "Entered"
    assert intrusions(events) == ([(2, events[0].taken_ns)] if intrudes else [])
    assert sum(zone.state().occupancy.values()) == 2


def test_who_proves_real_when_the_hours_are_over_intruded_all_the_same() -> None:
    zone = a_zone(armed=("01:00-01:01",))
    assert intrusions(wait(zone, 58.5, 70, (1, INSIDE))) == [(1, 58.5 * SECOND_NS)]


def test_who_is_found_inside_just_before_the_hours_begin_intrudes_from_then_on() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    assert intrusions(wait(zone, 58.5, 70, (1, INSIDE))) == [(1, 60 * SECOND_NS)]


def test_who_is_found_before_a_gap_and_still_there_in_the_hours_intrudes_then_and_not_before() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    wait(zone, 50, 50.5, (1, INSIDE))
    [(track, at_ns)] = intrusions(wait(zone, 120, 125, (1, INSIDE)))
    assert (track, at_ns >= 60 * SECOND_NS) == (1, True)


def test_who_stands_still_and_is_a_new_track_every_other_second_intrudes_after_ten() -> None:
    zone = a_zone(armed=ALWAYS)
    events = [event for n in range(4) for event in wait(zone, 3 * n, 3 * n + 2.5, (n + 1, INSIDE))]
    assert intrusions(events) == [(4, 0)]


def test_who_moved_before_it_was_known_that_he_had_been_there_is_no_reflection() -> None:
    zone = a_zone(armed=ALWAYS)
    wait(zone, 0, 2, (1, INSIDE))
    wait(zone, 2, 3)
    to_and_fro = [*way(INSIDE, (0.56, 0.5), 0.4), *way((0.56, 0.5), INSIDE, 0.4)]
    walk(zone, to_and_fro, track=2, from_s=3)
    assert intrusions(wait(zone, 3.9, 5, (2, INSIDE))) == [(2, 0)]


def test_beside_one_who_intruded_at_other_hours_somebody_intrudes_when_the_next_ones_begin() -> None:
    zone = a_zone(armed=("01:00-01:01", "01:02-05:00"))
    wait(zone, 50, 70, (1, INSIDE))
    wait(zone, 70, 90, (1, INSIDE), (2, (0.53, 0.53)))
    wait(zone, 90, 110, (2, (0.53, 0.53)))
    assert intrusions(wait(zone, 110, 130, (2, (0.53, 0.53)))) == [(2, 120 * SECOND_NS)]


def test_beside_one_who_intruded_a_nearer_one_of_another_class_changes_nothing() -> None:
    zone = a_zone(armed=ALWAYS)
    walk(zone, IN)
    people = (1, INSIDE), (3, (0.54, 0.54))
    wait(zone, 4.1, 10, *people, kinds=(0, 1))
    events = wait(zone, 10, 15, *people, (2, (0.53, 0.53)), kinds=(0, 1, 0))
    assert (told(events), intrusions(events)) == (["Entered"], [])


def test_beside_one_who_is_not_seen_any_more_somebody_else_intrudes() -> None:
    zone = a_zone(armed=ALWAYS)
    walk(zone, IN)
    wait(zone, 4.1, 5, (1, INSIDE), seen=False)
    both = (1, INSIDE), (2, (0.53, 0.53))
    wait(zone, 5, 5.5, *both, seen=(False, True))
    assert [track for track, _ in intrusions(wait(zone, 5.5, 12, *both))] == [2]


def test_two_who_are_found_beside_each_other_both_intrude_when_the_hours_begin() -> None:
    zone = a_zone(armed=("01:01-05:00",))
    events = wait(zone, 50, 70, (1, INSIDE), (2, (0.53, 0.53)))
    assert intrusions(events) == [(1, 60 * SECOND_NS), (2, 60 * SECOND_NS)]


def test_a_reset_counts_anew_and_forgets_nobody_who_is_inside() -> None:
    zone = a_zone()
    walk(zone, THROUGH)
    walk(zone, IN, track=2, from_s=10)
    zone.reset()
    assert (zone.state().entered, zone.state().left) == ({"person": 1}, {"person": 0})
    [left] = walk(zone, OUT, track=2, from_s=15)
    assert isinstance(left, Left)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS - 12)


def test_with_another_model_whoever_is_inside_stays_under_the_same_name() -> None:
    zone = a_zone()
    walk(zone, IN)
    zone.relabel(("cat", "person"), "n@2-def")
    for number, place in enumerate(OUT):
        seen = scene(5 * SECOND_NS + number * STEP_NS, (1, place), kinds=1)
        events = zone.step(Scene(seen.taken_ns, Observation(0, "n@2-def", no_detections()), seen.tracks), [])
        assert all((event.label, event.bundle) == ("person", "n@2-def") for event in events)
    assert occupancy(zone) == 0


def later(seconds: float) -> Timeline:
    """How a process that starts so many seconds after the first one tells the time."""
    return Timeline(TIMELINE.utc_at_zero_ns + round(seconds * SECOND_NS), synced=True)


def test_after_a_restart_who_is_still_there_has_been_there_since_before() -> None:
    zone = a_zone(loiter_s=3)
    walk(zone, IN)
    wait(zone, 4.1, 6, (1, INSIDE))
    fresh = restarted(zone, loiter_s=3)
    assert occupancy(fresh) == 1
    assert wait(fresh, 0, 20, silent=True, timeline=later(60)) == []
    assert wait(fresh, 20, 30, (1, INSIDE), timeline=later(60)) == []
    [left] = walk(fresh, OUT, from_s=40, timeline=later(60))
    assert isinstance(left, Left)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS + 60 - 2, abs=0.01)


def test_after_a_restart_who_is_not_found_again_has_left_when_seen_last() -> None:
    zone = a_zone()
    walk(zone, IN)
    fresh = restarted(zone)
    assert wait(fresh, 0, 59, timeline=later(30)) == []
    [left] = wait(fresh, 59, 62, timeline=later(30))
    assert isinstance(left, Left)
    assert left.lost
    assert later(30).utc_ns(left.taken_ns) == TIMELINE.utc_ns(4 * SECOND_NS)
    assert occupancy(fresh) == 0


def test_after_a_night_without_power_it_is_somebody_else() -> None:
    zone = a_zone()
    walk(zone, IN)
    events = wait(restarted(zone), 0, 2, (1, INSIDE), timeline=later(36_000))
    assert told(events) == ["Left", "Entered"]


def test_where_the_clock_was_set_back_meanwhile_no_stay_is_shorter_than_nothing() -> None:
    zone = a_zone()
    walk(zone, IN)
    fresh = restarted(zone)
    wait(fresh, 0, 1, (1, INSIDE), timeline=Timeline(0, synced=False))
    [left] = walk(fresh, OUT, from_s=1, timeline=Timeline(0, synced=False))
    assert isinstance(left, Left)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS, abs=1e-6)


def test_a_clock_that_is_set_after_the_restart_tells_how_long_somebody_has_been_there() -> None:
    zone = a_zone()
    walk(zone, IN)
    fresh = restarted(zone)
    wait(fresh, 0, 2, (1, INSIDE), timeline=Timeline(0, synced=False))
    assert wait(fresh, 2, 4, (1, INSIDE), timeline=later(60)) == []
    [left] = walk(fresh, OUT, from_s=4, timeline=later(60))
    assert isinstance(left, Left)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS + 60 - 2, abs=0.01)


def test_and_where_that_was_long_ago_it_is_since_the_restart() -> None:
    zone = a_zone()
    walk(zone, IN)
    fresh = restarted(zone)
    wait(fresh, 0, 2, (1, INSIDE), timeline=Timeline(0, synced=False))
    wait(fresh, 2, 4, (1, INSIDE), timeline=later(36_000))
    [left] = walk(fresh, OUT, from_s=4, timeline=later(36_000))
    assert isinstance(left, Left)
    assert left.dwell_s == pytest.approx(left.taken_ns / SECOND_NS, abs=0.01)


def test_what_was_told_of_a_stay_is_not_told_again_after_a_restart() -> None:
    hours = ("00:00-00:00",)
    zone = a_zone(loiter_s=1, armed=hours)
    assert told(walk(zone, [INSIDE] * 50)) == ["Entered", "Loitered", "Intruded"]
    fresh = restarted(zone, loiter_s=1, armed=hours)
    assert wait(fresh, 0, 10, (1, INSIDE), timeline=later(10)) == []


def test_a_process_that_ends_before_its_first_look_keeps_who_was_inside() -> None:
    zone = a_zone()
    walk(zone, IN)
    between = restarted(zone)
    wait(between, 0, 5, silent=True)
    assert between.snapshot() == zone.snapshot()


@pytest.mark.parametrize(
    "snapshot",
    [
        {},
        {"counts": {}},
        {"entered": {"person": -1}, "left": {}, "stays": []},
        {"entered": {"person": 1}, "left": {}, "stays": []},
        {"entered": {}, "left": {"person": 1}, "stays": []},
        {"entered": {}, "left": {}, "stays": [{"label": "person"}]},
    ],
)
def test_what_is_no_snapshot_is_refused(snapshot: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of a zone"):
        a_zone().restore(snapshot)


@pytest.mark.parametrize(
    ("points", "problem"),
    [
        (SQUARE[:2], "length >= 3"),
        ([(n / 200, n**2 / 40_000) for n in range(100)], "length <= 64"),
        ((*SQUARE[:3], (1.2, 0.5)), "<= 1.0"),
        ((*SQUARE[:3], (float("nan"), 0.5)), ">= 0.0"),
        ((SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]), "its sides 1 and 3 meet"),
        (((0.1, 0.1), (0.5, 0.1), (0.9, 0.1)), "no area"),
    ],
)
def test_points_that_are_no_polygon_are_refused(points: object, problem: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=problem):
        a_zone(points=points)


def test_boxes_that_are_no_numbers_say_nothing() -> None:
    zone = a_zone()
    walk(zone, IN)
    for value in (np.nan, np.inf, -np.inf):
        there = scene(5 * SECOND_NS, (1, INSIDE))
        boxes = np.full((1, 4), value, np.float32)
        odd = dataclasses.replace(there.tracks, boxes_xyxy_n=boxes)
        zone.step(dataclasses.replace(there, tracks=odd), [])
        assert occupancy(zone) == 1


def test_where_time_goes_back_no_dwell_is_negative() -> None:
    zone = a_zone()
    walk(zone, IN, from_s=100)
    [left] = walk(zone, OUT, from_s=0)
    assert isinstance(left, Left)
    assert left.dwell_s >= 0
    assert occupancy(zone) == 0


def test_hundreds_of_new_tracks_a_second_leave_a_bounded_state() -> None:
    zone = a_zone()
    places = [(0.35 + 0.01 * (n % 30), 0.35 + 0.01 * (n // 30)) for n in range(600)]
    for number in range(16):
        who = number // 2  # everybody is another one, of another class, every two seconds
        tracks = ((who * 600 + n, place) for n, place in enumerate(places))
        zone.step(scene(number * SECOND_NS, *tracks, kinds=who % 2), [])
        assert sum(zone.state().occupancy.values()) <= 1000
    assert zone.state().left["dog"] >= 600
    assert len(json.dumps(zone.snapshot())) < 500_000
    assert restarted(zone).state() == zone.state()


steps = st.lists(
    st.tuples(
        st.lists(
            st.tuples(st.integers(1, 4), st.sampled_from([0.1, 0.29, 0.31, 0.35, 0.5, 0.9])), max_size=4
        ),
        st.booleans(),
        st.sampled_from([0.1, 0.5, 2.0, 61.0]),
    ),
    max_size=25,
)


def played(zone: Zone, script: list, shift_s: int = 0, restart_at: int | None = None) -> list[Event]:
    """Let tracks be where a script says; ids that are gone come back as others, as those of trackers do."""
    events: list[Event] = []
    at_ns, alive, base = shift_s * SECOND_NS, {}, 0
    for number, (places, silent, pause_s) in enumerate(script):
        at_ns += round(pause_s * SECOND_NS)
        if number == restart_at:
            zone = restarted(zone)
        base += 10
        alive = {one: alive.get(one, base + one) for one, _ in places}
        where = {alive[one]: (x, 0.5) for one, x in places}
        tracks = sorted(where.items())
        more = {"seen": not silent, "confirmed": [track % 3 > 0 or number % 2 == 0 for track, _ in tracks]}
        timeline = Timeline(TIMELINE.utc_at_zero_ns - shift_s * SECOND_NS, synced=True)
        events += zone.step(scene(at_ns, *tracks, timeline=timeline, silent=silent, **more), [])
        inside = Counter[str]()
        for event in events:
            inside[event.label] += isinstance(event, Entered)
            inside[event.label] -= isinstance(event, Left)
        assert +inside == +Counter(zone.state().occupancy)
        assert min(inside.values(), default=0) >= 0
        occupancy(zone)
    for _ in range(100):
        at_ns += SECOND_NS
        zone.step(scene(at_ns), [])
    assert not any(zone.state().occupancy.values()), "somebody is forgotten inside"
    return events


@settings(max_examples=200)
@given(steps, st.integers(0, 25))
def test_inside_are_always_those_that_entered_and_have_not_left_over_restarts_too(
    script: list, restart_at: int
) -> None:
    played(a_zone(), script, restart_at=restart_at)


@given(steps, st.integers(0, 10**6))
def test_the_same_a_while_later_is_the_same_a_while_later(script: list, shift_s: int) -> None:
    first, second = (played(a_zone(loiter_s=2), script, shift) for shift in (10, 10 + shift_s))
    assert told(first) == told(second)
    shift_ns = shift_s * SECOND_NS
    assert [event.taken_ns + shift_ns for event in first] == [event.taken_ns for event in second]
    dwells = [[event.dwell_s for event in events if isinstance(event, Left)] for events in (first, second)]
    assert dwells[0] == dwells[1]


@given(st.integers(0, 10**6), st.floats(0, 1), st.floats(0, 1), st.booleans())
def test_a_track_of_one_observation_is_nobody_unless_confirmed(
    at_ns: int, x: float, y: float, confirmed: bool
) -> None:
    zone = a_zone()
    events = zone.step(scene(at_ns, (1, (x, y)), confirmed=confirmed), [])
    assert len(events) <= confirmed
    events += wait(zone, 1, 10)
    assert told(events) in ([], ["Entered", "Left"])
    assert all(event.dwell_s == 0 for event in events if isinstance(event, Left))


def test_an_empty_input_says_nothing() -> None:
    zone = a_zone()
    assert wait(zone, 0, 5) == []
    assert wait(zone, 5, 10, silent=True) == []
