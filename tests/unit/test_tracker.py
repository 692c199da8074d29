"""The tracker against walkers whose ways are known."""

import gc
import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, no_detections
from eyespot.domain.track import Tracks
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Faults, Walker, detections, film

MIN_SCORE = 0.35
STEP_NS = SECOND_NS // 10


def confirmed_ids(tracks: Tracks) -> set[int]:
    return set(tracks.ids[tracks.confirmed].tolist())


def ids_of(walkers: list[Walker], rate_hz: float, seconds: float, faults: Faults) -> set[int]:
    tracker = Tracker(MIN_SCORE)
    ids: set[int] = set()
    for taken_ns, found in film(walkers, rate_hz, seconds, faults):
        ids |= confirmed_ids(tracker.step(taken_ns, found))
    return ids


@pytest.mark.parametrize("rate_hz", [5, 10, 30, 60])
@pytest.mark.parametrize("missed", [0, 0.2])
def test_a_walker_is_one_track_at_every_rate_with_jitter_and_misses(rate_hz: float, missed: float) -> None:
    walker = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)
    assert len(ids_of([walker], rate_hz, 8, Faults(missed=missed, jitter=0.06))) == 1


@pytest.mark.parametrize("rate_hz", [1, 2, 3])
def test_where_observations_are_rare_a_walker_may_be_box_sizes_away_in_the_next_one(rate_hz: float) -> None:
    walker = Walker((0.05, 0.5), (0.95, 0.5), 0, 4)  # 3.75 widths a second
    assert len(ids_of([walker], rate_hz, 4, Faults())) == 1


def test_walkers_side_by_side_and_in_opposite_directions_keep_their_tracks() -> None:
    ways = [
        Walker((0.1, 0.30), (0.9, 0.30), 0, 8),
        Walker((0.1, 0.55), (0.9, 0.55), 0, 8),
        Walker((0.9, 0.80), (0.1, 0.80), 0, 8),
    ]
    assert len(ids_of(ways, 10, 8, Faults(missed=0.1, jitter=0.05))) == 3


def test_double_detections_do_not_start_tracks_of_their_own() -> None:
    walker = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)
    assert len(ids_of([walker], 10, 8, Faults(doubled=0.5, jitter=0.04))) == 1


def test_scattered_false_detections_are_hardly_ever_confirmed() -> None:
    false_frames = Faults(false_per_frame=0.5)
    assert len(ids_of([], 10, 60, false_frames)) <= 3


def test_a_class_that_flips_now_and_then_is_voted_down() -> None:
    tracker = Tracker(MIN_SCORE)
    for taken_ns, found in film([Walker((0.1, 0.5), (0.9, 0.5), 0, 8)], 10, 8, Faults(flipped=0.25)):
        tracks = tracker.step(taken_ns, found)
        if taken_ns > SECOND_NS:
            assert tracks.classes.tolist() == [0]


def test_a_class_that_was_wrong_at_first_is_corrected() -> None:
    tracker = Tracker(MIN_SCORE)
    for number, kind in enumerate([1, 1, 0, 0, 0, 0]):
        tracks = tracker.step(number * STEP_NS, detections((0.5, 0.5, 0.1, 0.2, 0.6, kind)))
    assert tracks.classes.tolist() == [0]
    assert tracks.ids.tolist() == [1]


def test_a_walker_who_is_hidden_for_a_second_is_the_same_track_afterwards() -> None:
    tracker = Tracker(MIN_SCORE)
    walker = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)
    ids: set[int] = set()
    for taken_ns, found in film([walker], 10, 8):
        hidden = 3 * SECOND_NS < taken_ns < 4 * SECOND_NS
        tracks = tracker.step(taken_ns, no_detections() if hidden else found)
        ids |= confirmed_ids(tracks)
    assert ids == {1}


@pytest.mark.parametrize(("looks", "further", "ids"), [(4, 0.17, [1]), (4, 0.35, [2]), (1, 0.17, [2])])
def test_who_was_followed_and_is_missed_is_found_again_as_far_as_people_walk_meanwhile(
    looks: int, further: float, ids: list[int]
) -> None:
    tracker = Tracker(MIN_SCORE)
    for number in range(looks + 8):
        found = detections((0.2, 0.5, 0.1, 0.2, 0.6, 0)) if number < looks else no_detections()
        tracker.step(number * STEP_NS, found)
    tracks = tracker.step((looks + 8) * STEP_NS, detections((0.2 + further, 0.5, 0.1, 0.2, 0.6, 0)))
    assert tracks.ids[tracks.seen].tolist() == ids


def test_another_box_of_somebody_seen_does_not_lead_one_astray_who_is_missed_further_away() -> None:
    tracker = Tracker(MIN_SCORE)
    stays, goes = (0.5, 0.5, 0.1, 0.2, 0.6, 0), (0.3, 0.5, 0.1, 0.2, 0.6, 0)
    double = (0.49, 0.51, 0.1, 0.2, 0.5, 0)
    for number in range(20):
        found = detections(stays, goes) if number < 10 else detections(stays, double)
        tracks = tracker.step(number * STEP_NS, found)
    assert tracks.seen.tolist() == [True, False]


@pytest.mark.parametrize("kept", ["top", "bottom"])
def test_of_somebody_half_hidden_for_a_second_the_box_stays_where_he_is(kept: str) -> None:
    tracker = Tracker(MIN_SCORE)
    whole, part = (0.5, 0.5, 0.1, 0.4, 0.6, 0), (0.5, 0.41 if kept == "top" else 0.59, 0.1, 0.22, 0.6, 0)
    for number in range(20):
        tracks = tracker.step(number * STEP_NS, detections(whole if number < 10 else part))
    assert len(tracks) == 1
    top, bottom = tracks.boxes_xyxy_n[0, 1::2]
    assert (top, bottom) == pytest.approx((0.3, 0.7), abs=0.12)
    assert (top if kept == "top" else bottom) == pytest.approx(0.3 if kept == "top" else 0.7, abs=0.06)


def test_who_has_become_smaller_is_followed_as_he_is_after_some_seconds() -> None:
    tracker = Tracker(MIN_SCORE)
    for number in range(100):
        height = 0.4 if number < 10 else 0.22
        tracks = tracker.step(number * STEP_NS, detections((0.5, 0.3 + height / 2, 0.1, height, 0.6, 0)))
    assert tracks.boxes_xyxy_n[0, 1::2] == pytest.approx((0.3, 0.52), abs=0.02)


def test_while_not_seen_a_track_goes_on_the_way_it_went_and_says_it_was_not_seen() -> None:
    tracker = Tracker(MIN_SCORE)
    for number in range(10):
        tracks = tracker.step(number * STEP_NS, detections((0.1 + 0.02 * number, 0.5, 0.1, 0.2, 0.6, 0)))
    last_x = tracks.boxes_xyxy_n[0, 0]
    tracks = tracker.step(10 * STEP_NS, None)
    assert not tracks.seen[0]
    assert tracks.boxes_xyxy_n[0, 0] > last_x + 0.01


@pytest.mark.parametrize(("rate_hz", "number"), [(2, 3), (5, 3), (10, 4), (30, 10), (60, 19)])
def test_a_track_is_confirmed_by_three_hits_over_three_tenths_of_a_second(rate_hz: int, number: int) -> None:
    tracker = Tracker(MIN_SCORE)
    found = detections((0.5, 0.5, 0.1, 0.2, 0.6, 0))
    steps = (tracker.step(look * SECOND_NS // rate_hz, found) for look in range(30))
    assert [bool(tracks.confirmed[0]) for tracks in steps].index(True) == number - 1


def test_a_low_score_continues_a_confirmed_track_and_starts_none() -> None:
    tracker = Tracker(MIN_SCORE)
    low = detections((0.5, 0.5, 0.1, 0.2, 0.2, 0))
    assert len(tracker.step(0, low)) == 0
    for number in range(1, 5):
        tracker.step(number * STEP_NS, detections((0.5, 0.5, 0.1, 0.2, 0.6, 0)))
    assert tracker.step(5 * STEP_NS, low).seen.tolist() == [True]


def test_a_lower_score_than_half_the_least_is_not_looked_at() -> None:
    tracker = Tracker(MIN_SCORE)
    for number in range(4):
        tracker.step(number * STEP_NS, detections((0.5, 0.5, 0.1, 0.2, 0.6, 0)))
    assert tracker.step(4 * STEP_NS, detections((0.5, 0.5, 0.1, 0.2, 0.17, 0))).seen.tolist() == [False]


def test_tracks_die_when_nothing_is_seen_of_them_and_ids_are_never_used_again() -> None:
    tracker = Tracker(MIN_SCORE)
    found = (0.5, 0.5, 0.1, 0.2, 0.6, 0)
    for number in range(4):
        tracker.step(number * STEP_NS, detections(found))
    assert len(tracker.step(10 * SECOND_NS, None)) == 0
    assert tracker.step(11 * SECOND_NS, detections(found)).ids.tolist() == [2]


def test_time_that_stands_still_or_goes_back_harms_nothing() -> None:
    tracker = Tracker(MIN_SCORE)
    found = (0.5, 0.5, 0.1, 0.2, 0.6, 0)
    for taken_ns in (5 * SECOND_NS, 5 * SECOND_NS, 4 * SECOND_NS, 4 * SECOND_NS + STEP_NS):
        tracks = tracker.step(taken_ns, detections(found))
    assert tracks.ids.tolist() == [1]
    assert np.isfinite(tracks.boxes_xyxy_n).all()


def test_what_is_kept_is_bounded_however_much_is_detected() -> None:
    tracker = Tracker(MIN_SCORE)
    random = np.random.default_rng(0)
    for number in range(20):
        rows = [(*random.uniform(0, 1, 2), 0.001, 0.001, 0.9, 0) for _ in range(2000)]
        tracks = tracker.step(number * STEP_NS // 100, detections(*rows))
    assert len(tracks) <= 600


def test_ten_thousand_boxes_in_one_observation_are_bounded_work() -> None:
    tracker = Tracker(MIN_SCORE)
    random = np.random.default_rng(0)
    for number in range(5):
        rows = [(*random.uniform(0, 1, 2), 0.2, 0.2, 0.9, 0) for _ in range(10_000)]
        begun = time.thread_time()
        tracks = tracker.step(number * STEP_NS, detections(*rows))
        assert time.thread_time() - begun < 1
        assert len(tracks) <= 600


def test_nothing_is_kept_of_people_who_have_gone() -> None:
    tracker = Tracker(MIN_SCORE)
    sizes = []
    tracemalloc.start()
    for lap in range(30):
        for taken_ns, found in film([Walker((0.1, 0.5), (0.9, 0.5), 0, 4)], 10, 4):
            tracks = tracker.step(lap * 10 * SECOND_NS + taken_ns, found)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert tracks.ids.tolist() == [30]
    assert sizes[-1] - sizes[10] < 5_000


@given(st.integers(0, 10**18), st.integers(1, 5))
@settings(max_examples=10)
def test_at_another_time_the_same_tracks_are_found(shift_ns: int, seed: int) -> None:
    one, other = Tracker(MIN_SCORE), Tracker(MIN_SCORE)
    faults = Faults(missed=0.2, doubled=0.1, jitter=0.05, false_per_frame=0.3)
    for taken_ns, found in film([Walker((0.1, 0.5), (0.9, 0.5), 0, 4)], 10, 4, faults, seed):
        first, second = one.step(taken_ns, found), other.step(taken_ns + shift_ns, found)
        assert first.ids.tolist() == second.ids.tolist()
        assert np.array_equal(first.boxes_xyxy_n, second.boxes_xyxy_n)


@pytest.mark.parametrize(("score", "min_score"), [(0.4, 0.35), (0.9, 0.35), (0.35, 0.3), (0.9, 0.6)])
@pytest.mark.parametrize("rate_hz", [5, 10, 30, 60])
def test_a_walker_is_one_track_whatever_scores_a_model_gives(
    score: float, min_score: float, rate_hz: int
) -> None:
    tracker = Tracker(min_score)
    walker = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)
    ids: set[int] = set()
    for taken_ns, found in film([walker], rate_hz, 8, Faults(missed=0.1, jitter=0.04, score=score)):
        ids |= confirmed_ids(tracker.step(taken_ns, found))
    assert ids == {1}


def test_frames_without_detections_leave_nothing() -> None:
    tracker = Tracker(MIN_SCORE)
    assert [len(tracker.step(number * STEP_NS, no_detections())) for number in range(5)] == [0] * 5


NUMBERS = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.floats(0, 1, width=32)
ROWS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.floats(0, 1), st.integers(0, 3)), max_size=8)
STEPS = st.lists(st.tuples(st.integers(-SECOND_NS, 3 * SECOND_NS), st.none() | ROWS), max_size=12)


@given(STEPS)
def test_whatever_is_detected_ids_ascend_and_boxes_stay_in_the_frame(
    steps: list[tuple[int, list[tuple[float, float, float, float, float, int]] | None]],
) -> None:
    tracker = Tracker(MIN_SCORE)
    taken_ns, newest = 0, 0
    for elapsed_ns, rows in steps:
        taken_ns += elapsed_ns
        found = None if rows is None else _raw(rows)
        tracks = tracker.step(taken_ns, found)
        assert all(one < other for one, other in itertools.pairwise(tracks.ids.tolist()))
        fresh = [track for track in tracks.ids.tolist() if track > newest]
        assert fresh == list(range(newest + 1, newest + 1 + len(fresh)))
        newest += len(fresh)
        assert ((tracks.boxes_xyxy_n >= 0) & (tracks.boxes_xyxy_n <= 1)).all()


def _raw(rows: list[tuple[float, float, float, float, float, int]]) -> Detections:
    table = np.array([row[:5] for row in rows], np.float32).reshape(-1, 5)
    return Detections(table[:, :4].copy(), table[:, 4].copy(), np.array([r[5] for r in rows], np.intp))
