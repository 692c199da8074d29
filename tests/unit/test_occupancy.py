"""The occupancy rule: who is behind lines, and how the count heals itself, never in silence."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.event import Crossed, Event, Reset
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, Sight, no_detections
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene, Tracks
from eyespot.rules import build
from eyespot.rules.occupancy import Occupancy, OccupancySettings
from eyespot.tracking.tracker import Tracker

LABELS = ("person", "dog")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR_S = 3600


def an_occupancy(**settings: object) -> Occupancy:
    given = {"kind": "occupancy", "id": "shop", "from": ["door", "back"], **settings}
    rule = build(msgspec.convert(given, OccupancySettings), LABELS, "oblique", BERLIN)
    assert isinstance(rule, Occupancy)
    return rule


def at(text: str) -> Timeline:
    """A timeline that begins then, by the clock of the device."""
    begins = datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)
    return Timeline(int(begins.timestamp()) * SECOND_NS, synced=True)


NOON = at("2026-07-01T12:00:00")


def look(
    rule: Occupancy,
    at_s: float,
    *ways: str,
    label: str = "person",
    line: str = "door",
    in_view: Sequence[int] = (),
    timeline: Timeline = NOON,
    silent: bool = False,
    sight: Sight = "clear",
) -> list[Event]:
    """Step once, while the lines tell of crossings, "in" or "out"."""
    taken_ns = round(at_s * SECOND_NS)
    count = len(in_view)
    tracks = Tracks(
        ids=np.arange(count),
        classes=np.array(in_view, np.intp),
        boxes_xyxy_n=np.zeros((count, 4), np.float32),
        scores=np.ones(count, np.float32),
        seen=np.ones(count, np.bool_),
        confirmed=np.ones(count, np.bool_),
    )
    observation = None if silent else Observation(taken_ns, "m@1-abc", no_detections(), sight)
    crossed = [Crossed(line, taken_ns, way, label, 1, "m@1-abc") for way in ways]
    return rule.step(Scene(taken_ns, observation, tracks, timeline), crossed)


def inside(rule: Occupancy, label: str = "person") -> int:
    state = rule.state()
    assert state.occupancy == {one: state.entered[one] - state.left[one] for one in state.entered}
    return state.occupancy.get(label, 0)


def restarted(rule: Occupancy, **settings: object) -> Occupancy:
    fresh = an_occupancy(**settings)
    fresh.restore(json.loads(json.dumps(rule.snapshot())))
    return fresh


def causes(events: list[Event]) -> list[str]:
    return [event.cause for event in events if isinstance(event, Reset)]


def test_who_comes_in_over_any_line_is_inside_until_somebody_goes_out_over_any() -> None:
    rule = an_occupancy()
    assert look(rule, 0, "in", "in") == []
    look(rule, 1, "in", line="back")
    look(rule, 2, "out", line="back")
    assert inside(rule) == 2
    assert rule.state().entered == {"person": 3}
    assert rule.state().left == {"person": 1}


def test_it_is_due_when_an_hour_or_the_longest_stay_is_over_and_else_never() -> None:
    rule, bounded = an_occupancy(), an_occupancy(max_dwell_s=60)
    strip = Strip.of([Scene(second * SECOND_NS, None, Tracker(0.5).step(0, None)) for second in range(5, 99)])
    for one in (rule, bounded):
        look(one, 5, "in")
    assert rule.due(strip, 0) == len(strip)
    assert bounded.due(strip, 0) == 60


def test_other_lines_and_other_classes_do_not_count() -> None:
    rule = an_occupancy(classes=["person"])
    look(rule, 0, "in", line="garage")
    look(rule, 1, "in", label="dog")
    assert rule.state().occupancy == {"person": 0}


def test_classes_are_counted_each_for_itself() -> None:
    rule = an_occupancy()
    look(rule, 0, "in", "in")
    look(rule, 1, "in", label="dog")
    look(rule, 2, "out", label="dog")
    assert rule.state().occupancy == {"person": 2, "dog": 0}


def test_when_more_left_than_had_come_that_is_told_and_the_class_begins_at_zero() -> None:
    rule = an_occupancy()
    look(rule, 0, "in", label="dog")
    look(rule, 0, "in")
    [reset] = look(rule, 1, "out", "out", "in")
    assert isinstance(reset, Reset)
    assert reset.cause == "negative"
    assert (reset.state.entered["person"], reset.state.left["person"]) == (1, 2)
    assert rule.state().occupancy == {"person": 1, "dog": 1}


@given(st.lists(st.tuples(st.sampled_from(("in", "out")), st.sampled_from(LABELS)), max_size=40))
def test_nobody_is_ever_less_than_nobody_and_each_clamp_is_told(crossings: list[tuple[str, str]]) -> None:
    rule, number, clamps = an_occupancy(), dict.fromkeys(LABELS, 0), 0
    for at_s, (way, label) in enumerate(crossings):
        events = look(rule, at_s, way, label=label)
        clamp = way == "out" and number[label] == 0
        clamps += clamp
        number[label] = max(number[label] + (1 if way == "in" else -1), 0)
        assert causes(events) == (["negative"] if clamp else [])
        assert {one: inside(rule, one) for one in LABELS} == number


def test_at_an_hour_of_the_devices_day_it_begins_at_zero() -> None:
    rule = an_occupancy(reset_at=["04:00", "13:00"])
    look(rule, 0, "in", "in")
    assert look(rule, HOUR_S - 1) == []
    [reset] = look(rule, HOUR_S)
    assert isinstance(reset, Reset)
    assert (reset.cause, reset.state.occupancy) == ("schedule", {"person": 2})
    assert rule.state().occupancy == {"person": 0}
    assert look(rule, 2 * HOUR_S) == []


def test_an_hour_that_came_while_nothing_ran_is_made_up_for() -> None:
    settings = {"reset_at": ["13:00"]}
    rule = an_occupancy(**settings)
    look(rule, 0, "in")
    assert causes(look(restarted(rule, **settings), 0, timeline=at("2026-07-01T12:59:00"))) == []
    assert causes(look(restarted(rule, **settings), 0, timeline=at("2026-07-01T15:00:00"))) == ["schedule"]


def test_a_clock_that_is_not_set_yet_begins_nothing_anew_nor_does_setting_it() -> None:
    settings = {"reset_at": ["04:00"]}
    rule = an_occupancy(**settings)
    look(rule, 0, "in")
    fresh = restarted(rule, **settings)
    assert look(fresh, 5, timeline=Timeline(0, synced=False)) == []
    assert look(fresh, 6, timeline=NOON) == []
    assert inside(fresh) == 1


def test_a_clock_that_was_ahead_and_is_set_right_does_not_hold_up_the_next_hour() -> None:
    rule = an_occupancy(reset_at=["13:00"])
    look(rule, 0, "in", timeline=at("2031-01-01T00:00:00"))
    assert look(rule, 1, timeline=NOON) == []
    assert causes(look(rule, HOUR_S, timeline=NOON)) == ["schedule"]


def test_in_the_night_in_which_an_hour_is_left_out_it_comes_later_and_once_where_it_comes_twice() -> None:
    for day, told_at_s in (("2026-03-29", 1.5 * HOUR_S), ("2026-10-25", 1.5 * HOUR_S)):
        rule = an_occupancy(reset_at=["02:30"])
        told = [
            minute
            for minute in range(300)
            if causes(look(rule, minute * 60 + HOUR_S, timeline=at(f"{day}T00:00:00")))
        ]
        assert [minute * 60 for minute in told] == [told_at_s]


def test_nobody_stays_for_longer_than_anybody_does() -> None:
    rule = an_occupancy(max_dwell_s=1000)
    look(rule, 0, "in", "in")
    look(rule, 600, "in")
    assert look(rule, 999) == []
    [reset] = look(rule, 1000)
    assert isinstance(reset, Reset)
    assert (reset.cause, reset.state.occupancy) == ("max_dwell", {"person": 3})
    assert (inside(rule), rule.state().entered) == (1, {"person": 1})
    assert causes(look(rule, 1600)) == ["max_dwell"]
    assert inside(rule) == 0


def test_the_first_to_come_are_the_first_to_go() -> None:
    rule = an_occupancy(max_dwell_s=1000)
    look(rule, 0, "in")
    look(rule, 600, "in")
    look(rule, 700, "out")
    assert look(rule, 1500) == []


def test_a_crowd_takes_no_memory() -> None:
    rule = an_occupancy(max_dwell_s=86_400)
    for at_s in range(0, 80_000, 4):
        look(rule, at_s, "in")
    assert inside(rule) == 20_000
    assert len(json.dumps(rule.snapshot())) < 5000
    assert inside(restarted(rule, max_dwell_s=86_400)) == 20_000


def test_how_long_somebody_has_been_there_survives_a_restart_also_of_the_machine() -> None:
    rule = an_occupancy(max_dwell_s=1000)
    look(rule, 900, "in")
    fresh = restarted(rule, max_dwell_s=1000)
    later = Timeline(NOON.utc_at_zero_ns + 1000 * SECOND_NS, synced=True)
    assert look(fresh, 10, timeline=later) == []
    assert look(fresh, 899, timeline=later) == []
    assert causes(look(fresh, 901, timeline=later)) == ["max_dwell"]


@pytest.mark.parametrize("wrong_by_s", [-1_000_000, 1_000_000])
def test_how_long_somebody_has_been_there_is_known_once_the_clock_is_set_and_not_before(
    wrong_by_s: int,
) -> None:
    rule = an_occupancy(max_dwell_s=1000)
    look(rule, 900, "in")
    fresh = restarted(rule, max_dwell_s=1000)
    unset = Timeline(NOON.utc_at_zero_ns + wrong_by_s * SECOND_NS, synced=False)
    later = Timeline(NOON.utc_at_zero_ns + 1000 * SECOND_NS, synced=True)
    assert look(fresh, 10, "in", timeline=unset) == []
    assert look(fresh, 500, timeline=unset) == []
    assert look(fresh, 899, timeline=later) == []
    assert causes(look(fresh, 901, timeline=later)) == ["max_dwell"]
    assert inside(fresh) == 1


def test_where_the_clock_is_never_set_nobody_stays_for_ever_all_the_same() -> None:
    rule = an_occupancy(max_dwell_s=1000)
    look(rule, 900, "in")
    fresh = restarted(rule, max_dwell_s=1000)
    unset = Timeline(NOON.utc_at_zero_ns - 1_000_000 * SECOND_NS, synced=False)
    assert look(fresh, 10, timeline=unset) == []
    assert look(fresh, 1009, timeline=unset) == []
    assert causes(look(fresh, 1010, timeline=unset)) == ["max_dwell"]


def test_what_is_restored_is_kept_again_before_the_first_look() -> None:
    rule = an_occupancy()
    look(rule, 0, "in")
    assert json.dumps(restarted(restarted(rule)).snapshot()) == json.dumps(rule.snapshot())


def test_a_clock_that_wavers_gives_nothing_new_to_keep() -> None:
    rule = an_occupancy()
    look(rule, 0, "in")
    before = rule.snapshot()
    for at_s in range(100):
        look(rule, at_s, timeline=Timeline(NOON.utc_at_zero_ns + at_s * 1_000_000, synced=True))
    assert rule.snapshot() == before


def watch(rule: Occupancy, from_s: int, to_s: int, **more: object) -> list[Event]:
    return [event for at_s in range(from_s, to_s) for event in look(rule, at_s, **more)]


def test_when_nobody_has_been_in_view_for_long_nobody_is_there() -> None:
    rule = an_occupancy(empty_s=60)
    look(rule, 0, "in", in_view=[0])
    assert watch(rule, 1, 100, in_view=[0]) == []
    assert causes(watch(rule, 100, 200)) == ["empty"]
    assert inside(rule) == 0


def test_a_dog_in_view_is_no_person() -> None:
    rule = an_occupancy(empty_s=60)
    look(rule, 0, "in", in_view=[0])
    assert causes(watch(rule, 1, 100, in_view=[1])) == ["empty"]


def test_what_could_not_be_seen_is_not_empty() -> None:
    rule = an_occupancy(empty_s=60)
    look(rule, 0, "in", in_view=[0])
    assert watch(rule, 1, 500, silent=True) == []
    assert watch(rule, 500, 1000, sight="dark") == []
    assert watch(rule, 1000, 1050) == []
    assert inside(rule) == 1


def test_somebody_can_say_that_nobody_is_there() -> None:
    rule = an_occupancy()
    look(rule, 0, "in", "in")
    rule.reset()
    assert rule.state().occupancy == {"person": 0}
    assert causes(look(rule, 1, "out")) == ["negative"]


def test_with_another_model_those_who_are_inside_stay() -> None:
    rule = an_occupancy(empty_s=60)
    look(rule, 0, "in", in_view=[0])
    rule.relabel(("cat", "person"), "m@2-abc")
    assert watch(rule, 1, 100, in_view=[1]) == []
    assert inside(rule) == 1


@pytest.mark.parametrize(
    "harm",
    [
        {"entered": {"person": -1}},
        {"entered": {"person": 5}},
        {"inside": {"person": [[0, 1], [0, -1]]}},
        {"inside": {"person": [[0, 1]] * 1000}},
        {"reset_s": "now"},
        {"more": 1},
    ],
)
def test_what_no_occupancy_has_kept_is_refused(harm: dict[str, object]) -> None:
    rule = an_occupancy()
    look(rule, 0, "in")
    with pytest.raises(ValueError, match=r"occupancy|agree"):
        an_occupancy().restore({**rule.snapshot(), **harm})


def test_time_that_goes_back_does_no_harm() -> None:
    rule = an_occupancy(max_dwell_s=100, empty_s=20)
    look(rule, 50, "in", in_view=[0])
    look(rule, 10, "in", in_view=[0])
    assert inside(rule) == 2
    assert causes(look(rule, 151, in_view=[0])) == ["max_dwell"]
