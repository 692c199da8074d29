"""The line rule: what counts, which way, and when."""

import itertools
import json
import math
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.event import Crossed, Event
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene, Tracks
from eyespot.rules import build
from eyespot.rules.line import Line, LineSettings

LABELS = ("person", "dog")
DOWNWARDS = [(0.5, y / 100) for y in range(20, 81, 5)]
UPWARDS = DOWNWARDS[::-1]
STEP_NS = SECOND_NS // 10


def a_line(**settings: object) -> Line:
    """From the left to the right of the picture, in its middle; downwards is in."""
    given = {"kind": "line", "id": "door", "a": (0.1, 0.5), "b": (0.9, 0.5), **settings}
    return Line(msgspec.convert(given, LineSettings), LABELS, "overhead")


def scene(
    taken_ns: int, *tracks: tuple[int, tuple[float, float]], seen: bool = True, **more: object
) -> Scene:
    """Tracks of 0.06 by 0.1 with their centres at given points."""
    points = np.array([point for _, point in tracks], np.float32).reshape(-1, 2)
    count, half = len(tracks), np.array([0.03, 0.05], np.float32)
    columns = Tracks(
        ids=np.array([track for track, _ in tracks], np.int64),
        classes=np.full(count, more.get("kind", 0), np.intp),
        boxes_xyxy_n=np.concatenate([points - half, points + half], axis=1),
        scores=np.ones(count, np.float32),
        seen=np.full(count, seen),
        confirmed=np.full(count, more.get("confirmed", True)),
    )
    return Scene(taken_ns, Observation(taken_ns, "m@1-abc", no_detections()), columns)


def walk(line: Line, way: list[tuple[float, float]], **more: object) -> list[Event]:
    events: list[Event] = []
    for number, point in enumerate(way):
        events += line.step(scene(number * STEP_NS, (1, point), **more), events)
    return events


def totals(line: Line) -> tuple[int, int]:
    counts = line.state().counts.get("person", {"in": 0, "out": 0})
    return counts["in"], counts["out"]


def test_a_box_that_is_none_is_passed_over_on_the_way() -> None:
    line = a_line()
    ways = [(0.5, 0.3), (0.5, 0.49), (math.nan, 0.5), (0.5, math.inf), (0.5, 0.7)]
    assert len(walk(line, ways)) == 1
    assert totals(line) == (1, 0)


def test_from_a_to_b_as_the_picture_is_seen_left_to_right_is_in() -> None:
    line = a_line()
    [event] = walk(line, DOWNWARDS)
    assert (event.direction, event.label, event.track, event.rule) == ("in", "person", 1, "door")
    assert totals(line) == (1, 0)


def test_the_other_way_is_out() -> None:
    line = a_line()
    assert [event.direction for event in walk(line, UPWARDS)] == ["out"]


def test_swap_turns_it_round() -> None:
    assert [event.direction for event in walk(a_line(swap=True), DOWNWARDS)] == ["out"]


def test_the_instant_is_interpolated_between_the_observations_beside_the_line() -> None:
    [event] = walk(a_line(), [(0.5, 0.2), (0.5, 0.4), (0.5, 0.8)])
    assert event.taken_ns == pytest.approx(1.25 * STEP_NS, abs=100)


def test_the_bundle_that_saw_it_is_named() -> None:
    [event] = walk(a_line(), DOWNWARDS)
    assert event.bundle == "m@1-abc"


def test_there_and_back_counts_once_each_way() -> None:
    line = a_line()
    walk(line, DOWNWARDS + UPWARDS)
    assert totals(line) == (1, 1)


def test_who_stands_on_the_line_and_jitters_is_not_counted() -> None:
    line = a_line()
    random = np.random.default_rng(3)
    walk(line, [(0.5, 0.5 + jitter) for jitter in random.uniform(-0.019, 0.019, 500)])
    assert totals(line) == (0, 0)


def test_who_comes_to_the_line_jitters_there_and_goes_on_is_counted_once() -> None:
    line = a_line()
    random = np.random.default_rng(3)
    pause = [(0.5, 0.5 + jitter) for jitter in random.uniform(-0.019, 0.019, 100)]
    walk(line, [*DOWNWARDS[:6], *pause, *DOWNWARDS[8:]])
    assert totals(line) == (1, 0)


def test_of_who_lingers_the_smoothed_way_tells_when_he_crossed() -> None:
    before, behind = [(0.5, 0.49)] * 20, [(0.5, 0.51)] * 20
    jitter = [(0.5, 0.495), (0.5, 0.505)]  # met once more just before he goes on
    [event] = walk(a_line(), [(0.5, 0.4), *before, *behind, *jitter, (0.5, 0.6)])
    assert event.taken_ns == pytest.approx(20 * STEP_NS, abs=4 * STEP_NS)


def test_of_who_walks_on_within_a_second_it_is_where_his_way_met_the_line_last() -> None:
    [event] = walk(a_line(), [(0.5, 0.4), *[(0.5, 0.49)] * 8, (0.5, 0.6)])
    assert event.taken_ns == pytest.approx((8 + 1 / 11) * STEP_NS, abs=1000)


def test_who_lingers_before_the_line_crosses_when_he_goes_on() -> None:
    [event] = walk(a_line(), [(0.5, 0.4), *[(0.5, 0.49)] * 30, (0.5, 0.6)])
    assert event.taken_ns >= 25 * STEP_NS


@given(seed=st.integers(0, 10_000), cuts=st.sets(st.integers(1, 199), max_size=5))
def test_who_lingers_is_told_of_the_same_however_scenes_are_cut_into_strips(
    seed: int, cuts: set[int]
) -> None:
    random = np.random.default_rng(seed)
    ways = 0.45 + np.cumsum(random.normal(0, 0.012, (200, 3)), axis=0) % 0.1
    film = [
        scene(number * STEP_NS, *((track, (0.5, y)) for track, y in enumerate(row)))
        for number, row in enumerate(ways.tolist())
    ]
    one, other = a_line(), a_line()
    expected = [event for each in film for event in one.step(each, [])]
    bounds = itertools.pairwise([0, *sorted(cuts), len(film)])
    strips = [Strip.of(film[begin:end]) for begin, end in bounds]
    assert [event for strip in strips for _, told in other.sweep(strip) for event in told] == expected
    assert all(0 <= event.taken_ns < len(film) * STEP_NS for event in expected)


def test_who_walks_past_the_end_of_the_line_is_not_counted() -> None:
    line = a_line(b=(0.4, 0.5))
    assert walk(line, DOWNWARDS) == []


def test_round_the_end_and_back_through_the_line_counts_the_way_through() -> None:
    line = a_line(b=(0.4, 0.5))
    around = [(0.6, 0.3), (0.6, 0.7), (0.3, 0.7), (0.3, 0.3)]
    assert [event.direction for event in walk(line, around)] == ["out"]


def test_a_track_that_is_not_seen_at_the_line_is_counted_when_it_is_seen_again() -> None:
    line = a_line()
    line.step(scene(0, (1, (0.5, 0.3))), [])
    line.step(scene(STEP_NS, (1, (0.5, 0.5)), seen=False), [])
    assert line.step(scene(2 * STEP_NS, (1, (0.5, 0.6)), seen=False), []) == []
    assert len(line.step(scene(3 * STEP_NS, (1, (0.5, 0.7))), [])) == 1


def test_a_track_that_dies_beside_the_line_leaves_nothing_to_the_next_one() -> None:
    line = a_line()
    line.step(scene(0, (1, (0.5, 0.3))), [])
    assert line.step(scene(STEP_NS, (2, (0.5, 0.7))), []) == []


def test_crossings_of_an_unconfirmed_track_count_once_it_is_confirmed() -> None:
    line = a_line()
    assert walk(line, DOWNWARDS, confirmed=False) == []
    [event] = line.step(scene(SECOND_NS * 2, (1, (0.5, 0.8))), [])
    assert event.taken_ns < SECOND_NS * 2


def test_crossings_of_a_track_that_is_never_confirmed_are_forgotten() -> None:
    line = a_line()
    walk(line, DOWNWARDS, confirmed=False)
    assert line.step(scene(SECOND_NS * 2), []) == []
    assert line.step(scene(SECOND_NS * 3, (1, (0.5, 0.8))), []) == []


ON_IT, ABOVE, BELOW = (0.5, 0.505), (0.5, 0.3), (0.5, 0.7)


@pytest.mark.parametrize(
    ("way", "undecided"),
    [
        ([ABOVE, ABOVE, ON_IT], 1),  # lost on the line
        ([ON_IT, BELOW, BELOW], 1),  # born on it
        ([ON_IT, ON_IT], 1),
        ([ABOVE, ON_IT, ABOVE], 0),
        ([ABOVE, ON_IT, BELOW], 0),  # it was counted
        ([(0.97, 0.3), (0.97, 0.5)], 0),  # beyond its end
    ],
)
def test_who_is_born_or_lost_on_the_line_is_told_as_undecided(
    way: list[tuple[float, float]], undecided: int
) -> None:
    line = a_line()
    walk(line, way)
    assert line.undecided == 0, "nobody has gone yet"
    line.step(scene(SECOND_NS * 9), [])
    assert line.undecided == undecided


@pytest.mark.parametrize(
    ("way", "more", "undecided"),
    [
        ([ABOVE, ON_IT, BELOW], {"confirmed": False}, 1),
        ([ABOVE, ON_IT], {"confirmed": False}, 0),  # as a ghost
        ([ABOVE, ON_IT, BELOW], {"confirmed": False, "kind": 1}, 0),
        ([ABOVE, ON_IT], {"kind": 1}, 0),
    ],
)
def test_who_was_never_confirmed_is_undecided_if_it_crossed_and_others_never(
    way: list[tuple[float, float]], more: dict[str, object], undecided: int
) -> None:
    line = a_line(classes=["person"])
    walk(line, way, **more)
    line.step(scene(SECOND_NS * 9), [])
    assert line.undecided == undecided


def test_only_the_classes_that_are_named_count() -> None:
    line = a_line(classes=("person",))
    assert walk(line, DOWNWARDS, kind=1) == []
    assert line.state().counts == {"person": {"in": 0, "out": 0}}


def test_without_classes_everything_counts_under_its_own_name() -> None:
    line = a_line()
    walk(line, DOWNWARDS, kind=1)
    assert line.state().counts == {"dog": {"in": 1, "out": 0}}


def test_silence_of_the_source_counts_nothing() -> None:
    line = a_line()
    silent = scene(0, (1, (0.5, 0.3)))
    assert line.step(Scene(silent.taken_ns, None, silent.tracks), []) == []


def test_a_snapshot_goes_through_json_and_brings_the_totals_back() -> None:
    line = a_line(classes=("person",))
    walk(line, DOWNWARDS)
    fresh = a_line(classes=("person",))
    fresh.restore(json.loads(json.dumps(line.snapshot())))
    assert fresh.state() == line.state()
    walk(fresh, DOWNWARDS)
    assert totals(fresh) == (2, 0)


@pytest.mark.parametrize(
    "snapshot",
    [{}, {"counts": {"person": {"in": -1, "out": 0}}}, {"counts": {"person": {"up": 1}}}, {"counts": []}],
)
def test_what_is_no_snapshot_is_refused(snapshot: dict[str, object]) -> None:
    line = a_line()
    with pytest.raises(ValueError, match="not a snapshot of a line"):
        line.restore(snapshot)


@pytest.mark.parametrize("bucket_s", [0, 86_401, 7, 700])
def test_a_day_has_a_whole_number_of_buckets(bucket_s: int) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"bucket_s|buckets of 7(00)? s"):
        a_line(bucket_s=bucket_s)
    assert a_line(bucket_s=900)


def test_a_line_between_two_equal_points_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match="same point"):
        a_line(b=(0.1, 0.5))


def test_the_factory_of_rules_makes_lines() -> None:
    rule = build(LineSettings(id="door", a=(0.1, 0.5), b=(0.9, 0.5)), LABELS, "oblique")
    assert rule.state().counts == {}


def test_a_line_through_points_counts_at_each_of_its_pieces() -> None:
    line = a_line(a=None, b=None, points=((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)))
    events = walk(line, [(0.5, 0.1), (0.5, 0.15), (0.5, 0.4), (0.9, 0.4), (0.95, 0.5)])
    assert [event.direction for event in events] == ["in", "out"]


def test_round_the_corner_of_a_line_nothing_is_counted() -> None:
    line = a_line(a=None, b=None, points=((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)))
    assert walk(line, [(0.5, 0.1), (0.8, 0.1), (0.95, 0.15), (0.95, 0.5)]) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"b": None}, "needs a and b, or points"),
        ({"points": ((0.1, 0.1), (0.9, 0.9))}, "either a and b, or points"),
        ({"a": None, "b": None, "points": ((0.1, 0.1), (0.1, 0.1))}, "points: two points in a row"),
        ({"a": None, "b": None, "points": ((0.1, 0.1),)}, "length >= 2"),
        ({"a": (0.1, 1.1)}, "<= 1"),
        ({"a": (math.nan, 0.1)}, "0"),
    ],
)
def test_what_makes_no_line_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        a_line(**settings)


def gone(line: Line, taken_ns: int = 60 * SECOND_NS) -> list[Event]:
    return line.step(scene(taken_ns), [])


def test_in_late_mode_a_crossing_counts_when_its_track_has_ended_and_names_when_it_was() -> None:
    line = a_line(mode="late")
    assert walk(line, DOWNWARDS) == []
    assert (totals(line), line.state().waiting) == ((0, 0), 1)
    [event] = gone(line)
    assert (event.direction, event.taken_ns) == ("in", pytest.approx(6 * STEP_NS, abs=100))
    assert (totals(line), line.state().waiting) == ((1, 0), 0)
    assert gone(line, 61 * SECOND_NS) == []


def test_in_late_mode_who_goes_back_is_not_counted_at_all() -> None:
    line = a_line(mode="late")
    walk(line, DOWNWARDS + UPWARDS)
    assert gone(line) == []
    assert totals(line) == (0, 0)


def test_in_late_mode_there_and_back_and_there_counts_once() -> None:
    line = a_line(mode="late")
    walk(line, DOWNWARDS + UPWARDS + DOWNWARDS)
    assert [event.direction for event in gone(line)] == ["in"]


def test_what_waits_in_late_mode_is_counted_after_a_restart_as_those_people_are_gone() -> None:
    line = a_line(mode="late")
    walk(line, DOWNWARDS)
    fresh = a_line(mode="late")
    kept = json.loads(json.dumps(line.snapshot()))
    fresh.restore(kept)
    assert fresh.snapshot() == kept
    boot = Timeline(-5 * SECOND_NS, synced=True)
    [event] = fresh.step(replace(scene(70 * SECOND_NS), timeline=boot), [])
    assert boot.utc_ns(event.taken_ns) == pytest.approx(6 * STEP_NS, abs=100)
    assert totals(fresh) == (1, 0)


def test_what_waits_in_late_mode_is_the_work_of_the_model_that_saw_it_end() -> None:
    line = a_line(mode="late")
    walk(line, DOWNWARDS)
    line.relabel(("human",), "n@1-def")
    [event] = gone(line)
    assert (event.label, event.bundle) == ("person", "n@1-def")


def test_in_late_mode_a_reset_lets_those_who_are_there_count_after_it() -> None:
    line = a_line(mode="late")
    walk(line, DOWNWARDS)
    line.reset()
    assert line.state().waiting == 1
    assert len(gone(line)) == 1


PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))
WAYS = st.lists(st.none() | PLACES, max_size=30)  # None: not seen
MODES = st.sampled_from(["immediate", "late"])


def steps(line: Line, way: list[tuple[float, float] | None], shift_ns: int = 0) -> list[Event]:
    """One track, and its end."""
    events: list[Event] = []
    last = (0.5, 0.5)
    for number, point in enumerate(way):
        last = point or last
        look = scene(shift_ns + number * STEP_NS, (1, last), seen=point is not None)
        events += line.step(look, [])
    return events + line.step(scene(shift_ns + len(way) * STEP_NS), [])


@given(WAYS)
def test_crossings_of_one_track_alternate_where_the_line_has_no_ends_to_go_round(
    way: list[tuple[float, float] | None],
) -> None:
    directions = [event.direction for event in steps(a_line(a=(0, 0.5), b=(1, 0.5)), way)]
    assert all(one != other for one, other in itertools.pairwise(directions))


@given(WAYS, MODES, st.integers(0, 10**18))
def test_at_another_time_the_same_happens(
    way: list[tuple[float, float] | None], mode: str, shift_ns: int
) -> None:
    line, later = a_line(mode=mode), a_line(mode=mode)
    first, second = steps(line, way), steps(later, way, shift_ns)
    assert [msgspec.structs.replace(event, taken_ns=event.taken_ns + shift_ns) for event in first] == second
    assert line.state() == later.state()


@given(WAYS)
def test_late_counts_no_more_than_immediate_and_the_same_on_balance(
    way: list[tuple[float, float] | None],
) -> None:
    now, late = a_line(), a_line(mode="late")
    assert len(steps(late, way)) <= len(steps(now, way))
    (came, went), (came_late, went_late) = totals(now), totals(late)
    assert came - went == came_late - went_late
    assert late.state().waiting == 0


@given(WAYS)
def test_events_and_totals_agree(way: list[tuple[float, float] | None]) -> None:
    line = a_line()
    directions = [event.direction for event in steps(line, way)]
    assert totals(line) == (directions.count("in"), directions.count("out"))


def test_a_track_that_is_seen_once_counts_nothing() -> None:
    assert steps(a_line(), [(0.5, 0.5)]) == []
    assert steps(a_line(mode="late"), [(0.5, 0.9)]) == []


def test_who_walks_along_the_line_is_not_counted() -> None:
    random = np.random.default_rng(5)
    way = [(x, 0.5 + random.uniform(-0.015, 0.015)) for x in np.linspace(0.0, 1.0, 100)]
    assert walk(a_line(), way) == []


def test_a_jump_over_the_whole_band_from_one_look_to_the_next_is_a_crossing() -> None:
    assert [event.direction for event in walk(a_line(), [(0.5, 0.1), (0.5, 0.9)])] == ["in"]


def test_after_ten_seconds_without_a_look_at_it_a_track_still_has_its_side() -> None:
    line = a_line()
    line.step(scene(0, (1, (0.5, 0.3))), [])
    for second in range(1, 10):
        line.step(scene(second * SECOND_NS, (1, (0.5, 0.5)), seen=False), [])
    [event] = line.step(scene(10 * SECOND_NS, (1, (0.5, 0.7))), [])
    assert event.taken_ns == pytest.approx(5 * SECOND_NS, abs=1000)


def test_time_that_stands_still_or_goes_back_counts_all_the_same() -> None:
    line = a_line()
    instants = [5 * SECOND_NS, 5 * SECOND_NS, 3 * SECOND_NS, 3 * SECOND_NS]
    way = zip(instants, [0.2, 0.4, 0.6, 0.8], strict=True)
    assert sum(len(line.step(scene(at, (1, (0.5, y))), [])) for at, y in way) == 1


def test_what_a_line_remembers_goes_with_the_tracks() -> None:
    line = a_line(mode="late")
    for number in range(2000):
        line.step(scene(number, (number, (0.5, 0.3))), [])
        line.step(scene(number, (number, (0.5, 0.7)), (number + 1, (0.2, 0.4))), [])
    gone(line)
    assert len(line._paths) == 0
    assert not line._lingering.tracks
    assert totals(line) == (2000, 0)


ANGLES = st.floats(0, 2 * math.pi)


@given(ANGLES, ANGLES, st.floats(0.05, 0.2))
def test_whichever_way_line_and_walker_lie_a_clear_crossing_counts_once_and_the_right_way(
    line_angle: float, way_angle: float, pace: float
) -> None:
    turn = math.sin(way_angle - line_angle)  # y points down: positive is from left to right
    if abs(turn) < 0.5:
        return
    along = np.array([math.cos(line_angle), math.sin(line_angle)]) * 0.35
    way = np.array([math.cos(way_angle), math.sin(way_angle)]) * 0.35
    line = a_line(a=tuple((0.5 - along).tolist()), b=tuple((0.5 + along).tolist()))
    points = [tuple(0.5 + share * way) for share in np.arange(-1, 1 + pace, pace)]
    events = walk(line, points)
    assert [event.direction for event in events] == ["in" if turn > 0 else "out"]
    assert isinstance(events[0], Crossed)
