"""The heatmap rule: where tracks went, for how long and how many, hour by hour, whatever the clock does."""

import json
from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import HeatmapState
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Sight
from eyespot.domain.strip import Strip
from eyespot.rules import build
from eyespot.rules.heatmap import Heatmap, HeatmapSettings
from fakes.visitors import LABELS, STEP_NS, TIMELINE, At, scene, wait, walk, way

HOUR_NS = 3600 * SECOND_NS
KATHMANDU = ZoneInfo("Asia/Kathmandu")  # 5 h 45 min ahead of UTC


def a_heatmap(zone: ZoneInfo = ZoneInfo("UTC"), **more: object) -> Heatmap:  # noqa: B008 - a constant
    given = {"kind": "heatmap", "id": "floor", "grid": [10, 10], **more}
    rule = build(msgspec.convert(given, HeatmapSettings), LABELS, "overhead", zone)
    assert isinstance(rule, Heatmap)
    return rule


def told(rule: Heatmap) -> HeatmapState:
    rule.close()
    return rule.state()


def cells(rule: Heatmap) -> dict[tuple[int, int], tuple[float, int]]:
    return {(column, row): (seconds, tracks) for column, row, seconds, tracks in told(rule).cells}


def restarted(rule: Heatmap) -> Heatmap:
    fresh = a_heatmap()
    fresh.restore(json.loads(json.dumps(rule.snapshot())))
    return fresh


def step(
    rule: Heatmap, at_s: float, *tracks: At, timeline: Timeline = TIMELINE, silent: bool = False
) -> None:
    assert rule.step(scene(round(at_s * SECOND_NS), *tracks, timeline=timeline, silent=silent), []) == []


def test_a_walk_leaves_its_time_in_each_cell_on_its_way() -> None:
    rule = a_heatmap()
    walk(rule, way((0.05, 0.55), (0.95, 0.55), 9))
    found = cells(rule)
    assert sorted(found) == [(column, 5) for column in range(10)]
    assert all(found[column, 5] == (pytest.approx(1, abs=0.15), 1) for column in range(1, 9))
    assert sum(seconds for seconds, _ in found.values()) == pytest.approx(9, abs=0.5)


def test_somebody_who_is_seen_seldom_has_been_in_between_too() -> None:
    rule = a_heatmap()
    for at_s in range(4):
        step(rule, at_s, (1, (0.05 + 0.3 * at_s, 0.55)))
    assert sorted(cells(rule)) == [(column, 5) for column in range(10)]


def test_who_stands_still_is_one_track_for_a_long_time() -> None:
    rule = a_heatmap()
    wait(rule, 0, 60, (1, (0.55, 0.55)))
    assert cells(rule) == {(5, 5): (pytest.approx(60, abs=0.2), 1)}


def test_each_track_counts_once_in_a_cell_however_often_it_comes_back() -> None:
    rule = a_heatmap()
    walk(rule, [*way((0.15, 0.55), (0.35, 0.55), 2), *way((0.35, 0.55), (0.15, 0.55), 2)])
    walk(rule, way((0.15, 0.55), (0.35, 0.55), 2), track=2, from_s=10)
    assert cells(rule)[2, 5][1] == 2
    assert told(a_heatmap()).tracks == 0


def test_only_confirmed_tracks_where_they_were_seen_and_of_the_classes_named_count() -> None:
    for more in ({"seen": False}, {"confirmed": False}, {"kinds": 1}):
        rule = a_heatmap(classes=["person"])
        walk(rule, way((0.05, 0.55), (0.95, 0.55), 3), **more)
        assert cells(rule) == {}


def test_until_an_hour_is_over_nothing_is_told() -> None:
    rule = a_heatmap()
    before = rule.state()
    wait(rule, 0, 300, (1, (0.55, 0.55)))
    assert rule.state() == before == HeatmapState(None, None, 0.0, (10, 10), 0, ())


def test_an_hour_is_told_when_it_is_over_and_the_next_begins_with_nothing() -> None:
    rule = a_heatmap()
    for at_s in range(1800, 3700):
        step(rule, at_s, (1, (0.55, 0.55)))
    hour = rule.state()
    zero_ns = TIMELINE.utc_at_zero_ns
    assert (hour.begin_utc_ns, hour.end_utc_ns) == (zero_ns + HOUR_NS // 2, zero_ns + HOUR_NS)
    assert (hour.observed_s, hour.tracks) == (1799, 1)
    assert hour.cells == ((5, 5, 1799.0, 1),)
    for at_s in range(3700, 7300):
        step(rule, at_s)
    hour = rule.state()
    assert (hour.begin_utc_ns, hour.end_utc_ns) == (zero_ns + HOUR_NS, zero_ns + 2 * HOUR_NS)
    assert hour.cells == ((5, 5, 100.0, 1),)
    assert hour.observed_s == 3600


def test_hours_are_those_of_the_devices_clock() -> None:
    rule = a_heatmap(KATHMANDU)
    step(rule, 14 * 60)
    step(rule, 15 * 60)
    assert rule.state().end_utc_ns == TIMELINE.utc_at_zero_ns + 15 * 60 * SECOND_NS


def test_where_nothing_could_be_seen_that_is_told() -> None:
    rule = a_heatmap()
    wait(rule, 0, 60)
    for at_s in range(60, 3601):
        step(rule, at_s, silent=True)
    assert rule.state().observed_s == pytest.approx(59.9)


def test_time_in_the_dark_is_not_observed() -> None:
    rule = a_heatmap()
    wait(rule, 0, 60, sight="dark")
    wait(rule, 60, 70)
    assert told(rule).observed_s == pytest.approx(10)


def test_where_only_tracks_are_known_each_look_was_a_clear_one() -> None:
    rule, other = a_heatmap(), a_heatmap()
    strip = Strip.of([scene(n * SECOND_NS, (7, (0.5, 0.5)), timeline=TIMELINE) for n in range(20)])
    assert [*rule.sweep(strip), *other.sweep(replace(strip, observations=()))] == []
    assert told(other) == told(rule)


def test_where_only_tracks_are_known_time_in_the_dark_is_not_observed_either() -> None:
    rule = a_heatmap()
    sights: list[Sight] = ["dark"] * 20 + ["clear"] * 10
    dusk = [scene(n * SECOND_NS, timeline=TIMELINE, sight=sight) for n, sight in enumerate(sights)]
    assert list(rule.sweep(replace(Strip.of(dusk), observations=()))) == []
    assert told(rule).observed_s == pytest.approx(10)


def test_a_clock_that_is_set_ends_the_hour_as_it_was() -> None:
    rule, later = a_heatmap(), Timeline(TIMELINE.utc_at_zero_ns + 100 * HOUR_NS, synced=True)
    step(rule, 60, (1, (0.55, 0.55)))
    step(rule, 61, (1, (0.55, 0.55)), timeline=later)
    hour, zero_ns = rule.state(), TIMELINE.utc_at_zero_ns
    assert (hour.begin_utc_ns, hour.end_utc_ns) == (zero_ns + 60 * SECOND_NS, zero_ns + 61 * SECOND_NS)
    assert told(rule).begin_utc_ns == later.utc_ns(60 * SECOND_NS)


def test_an_hour_goes_on_over_a_restart() -> None:
    rule = a_heatmap()
    wait(rule, 0, 60, (1, (0.55, 0.55)))
    fresh = restarted(rule)
    for at_s in range(100, 3601):
        step(fresh, at_s)
    assert fresh.state().begin_utc_ns == TIMELINE.utc_at_zero_ns
    assert fresh.state().cells == ((5, 5, 59.9, 1),)
    assert restarted(fresh).state() == fresh.state()


def test_an_hour_that_ended_while_nothing_ran_is_told_at_the_next_start() -> None:
    rule = a_heatmap()
    wait(rule, 0, 60, (1, (0.55, 0.55)))
    fresh = restarted(rule)
    step(fresh, 9000)
    assert fresh.state().end_utc_ns == TIMELINE.utc_ns(599 * STEP_NS)
    assert fresh.state().tracks == 1


def test_with_another_model_the_names_of_classes_count() -> None:
    rule = a_heatmap(classes=["person"])
    rule.relabel(("cat", "person"), "m@2-abc")
    walk(rule, way((0.05, 0.55), (0.95, 0.55), 3), kinds=1)
    assert told(rule).tracks == 1


@pytest.mark.parametrize(
    "harm",
    [
        {"hour_utc_ns": "now"},
        {"under_way": {}},
        {"told": {"begin_utc_ns": None, "end_utc_ns": None, "observed_s": 0, "grid": [10, 10], "tracks": 0,
                  "cells": [[10, 0, 1.0, 1]]}},
    ],
)  # fmt: skip
def test_what_no_heatmap_has_kept_is_refused(harm: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of a heatmap"):
        a_heatmap().restore({**a_heatmap().snapshot(), **harm})


def test_a_snapshot_of_another_grid_is_refused() -> None:
    with pytest.raises(ValueError, match="another one"):
        a_heatmap(grid=[5, 5]).restore(a_heatmap().snapshot())


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(-(10**10), 10**12), st.floats(0, 1), st.floats(0, 1), st.booleans()),
        max_size=30,
    )
)
def test_whoever_goes_wherever_and_whenever_time_and_cells_stay_in_bounds(
    steps: Sequence[tuple[int, float, float, bool]],
) -> None:
    rule = a_heatmap()
    for taken_ns, x, y, silent in steps:
        rule.step(scene(taken_ns, (1, (x, y)), silent=silent), [])
        state = rule.state()
        assert sum(seconds for _, _, seconds, _ in state.cells) <= state.observed_s + 1
        assert all(0 <= column < 10 and 0 <= row < 10 for column, row, _, _ in state.cells)
        rule.restore(json.loads(json.dumps(rule.snapshot())))
