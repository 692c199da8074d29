"""Which way people went, and lines across that; in a simulator that knows what really happened."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from eyespot.app.traces import trace_of
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation as Look
from eyespot.ports import ModelIdentity
from eyespot.recording import SCHEMA, Header, RecordingWriter
from eyespot.topics.payloads import MOST_BOXES
from eyespot.tracking.tracing import trace
from eyespot_fleet.view.flow import (
    ARROWS,
    GRID,
    MOST_PATHS,
    MOST_POINTS,
    Walks,
    arrows_of,
    heat_of,
    paths_of,
    walks_of,
)
from eyespot_fleet.view.recalling import recall
from eyespot_fleet.view.replaying import Device, config_of, counts_of, doubts_of, strip_of
from eyespot_fleet.view.seen import Observation, Sightings
from eyespot_fleet.view.suggesting import Suggestion, suggestions
from fakes.simulated.detector import LEVELS, film
from fakes.simulated.scenes import SCENES
from fakes.simulated.truth import crossings
from fakes.simulated.views import Oblique, Overhead, View
from fakes.simulated.ways import Way
from fakes.walkers import Walker
from fakes.walkers import film as walkers_film

LABELS = ("person", "other")
SIZE = (4, 3)
SECONDS = 120


def seen_by(view: View, name: str, seed: int = 1, seconds: float = SECONDS) -> tuple[Sightings, list[Way]]:
    """What a device there tells of its frames."""
    scene = SCENES[name]
    ways = scene.people(np.random.default_rng([seed, 1]), seconds)
    looks = [
        Look(taken_ns, "m", found)
        for taken_ns, found in film(scene, ways, view, LEVELS["light"], 10, seconds, seed)
    ]
    history = Sightings()
    for strip in trace(looks, ModelIdentity("m", "m", "1", None, LABELS, 0.3), Timeline(0, synced=True)):
        for one in strip.scenes():
            rows = np.flatnonzero(one.tracks.seen & one.tracks.confirmed)
            boxes = np.round(np.clip(one.tracks.boxes_xyxy_n[rows], 0, 1) * 1000).astype(int)
            names = [LABELS[label] for label in one.tracks.classes[rows]]
            ids = one.tracks.ids[rows].tolist()
            fixed = [(left, top, right, low) for left, top, right, low in boxes.tolist()]
            history.add("shop", Observation("a", one.taken_ns, ids, names, fixed))
    return history, ways


def suggested(history: Sightings, view: View) -> list[Suggestion]:
    return suggestions(walks_of(history.observations("shop"), view.mount), SIZE)


def slant(line: Suggestion) -> float:
    """Degrees from upright, as the picture is seen."""
    dx, dy = (line.b[0] - line.a[0]) * SIZE[0], (line.b[1] - line.a[1]) * SIZE[1]
    return float(np.degrees(np.arctan2(abs(dx), abs(dy))))


def straight(*ways: tuple[float, float, float, float], points: int = 40) -> Walks:
    """Walks from here to there."""
    steps = np.linspace(0, 1, points)[:, None]
    table = np.concatenate([np.array(way[:2]) + steps * (np.array(way[2:]) - way[:2]) for way in ways])
    tracks = np.repeat(np.arange(len(ways)), points)
    return Walks(table, tracks, np.zeros(len(ways), np.intp), np.full(len(table), 0.06))


# --- suggested lines --------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [Overhead(), Oblique()], ids=["overhead", "oblique"])
def test_the_first_line_across_a_corridor_counts_those_who_walk_through_it(view: View) -> None:
    history, ways = seen_by(view, "corridor")
    first = suggested(history, view)[0]
    assert slant(first) < 15
    rule = {"kind": "line", "id": "first", "a": first.a, "b": first.b}
    config = config_of(Device(mount=view.mount, labels=LABELS), [rule])
    seen = history.observations("shop")
    counts = counts_of(config, seen, strip_of(seen))["first"]
    middle = ((4.0, 0.1), (4.0, 5.9))
    truth = len(crossings(ways, middle))
    assert sum(counts.values()) == pytest.approx(truth, rel=0.1)
    assert doubts_of(config, seen, SIZE) == {}


def test_a_door_in_a_wall_is_found() -> None:
    history, ways = seen_by(Overhead(), "doorway")
    first = suggested(history, Overhead())[0]
    assert (first.a[1], first.b[1]) == pytest.approx((0.5, 0.5), abs=0.06)  # the wall
    assert first.a[0] < 0.43
    assert first.b[0] > 0.57  # as wide as the door, from 3.4 to 4.6 m
    rule = {"kind": "line", "id": "first", "a": first.a, "b": first.b}
    seen = history.observations("shop")
    counts = counts_of(config_of(Device(mount="overhead"), [rule]), seen, strip_of(seen))["first"]
    truth = len(crossings(ways, ((2.8, 3.0), (5.2, 3.0))))
    assert sum(counts.values()) == pytest.approx(truth, rel=0.1)


def test_a_flow_that_crosses_another_one_gets_a_line_of_its_own() -> None:
    across = [(0.1, 0.4 + n / 50, 0.9, 0.4 + n / 50) for n in range(10)]
    down = [(0.4 + n / 50, 0.1, 0.4 + n / 50, 0.9) for n in range(6)]
    first, second = suggestions(straight(*across, *down), SIZE)
    assert (first.ways, second.ways) == (10, 6)
    assert slant(first) < 1
    assert slant(second) > 89


def test_flows_side_by_side_get_a_line_each() -> None:
    upper = [(0.1, 0.2 + n / 100, 0.9, 0.2 + n / 100) for n in range(8)]
    lower = [(0.9, 0.7 + n / 100, 0.1, 0.7 + n / 100) for n in range(6)]
    first, second = suggestions(straight(*upper, *lower), SIZE)
    assert first.b[1] < 0.5 < second.a[1]


def test_who_hardly_moves_makes_no_flow() -> None:
    assert suggestions(straight(*[(0.5, 0.5, 0.6, 0.5)] * 20), SIZE) == []


def test_of_too_few_nothing_is_made() -> None:
    assert suggestions(straight(*[(0.1, 0.5, 0.9, 0.5)] * 3), SIZE) == []
    assert suggestions(walks_of(Sightings().observations("shop"), "oblique"), SIZE) == []


@given(
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=30),
    st.sampled_from([(4, 3), (16, 9), (3, 4), (1, 1)]),
)
@settings(max_examples=60, deadline=None)
def test_whatever_was_seen_lines_are_ones_that_the_device_takes(
    ways: list[tuple[float, float, float, float]], size: tuple[float, float]
) -> None:
    if not ways:
        return
    found = suggestions(straight(*ways, points=9), size)
    assert len(found) <= 3
    rules = [{"kind": "line", "id": f"n{n}", "a": one.a, "b": one.b} for n, one in enumerate(found)]
    assert len(config_of(Device(), rules).rules) == len(found)
    assert all(one.ways >= 4 for one in found)


# --- heat, arrows, paths ----------------------------------------------------------------------------------


def test_arrows_point_where_people_went_there_and_back() -> None:
    there, back = [(0.1, 0.5, 0.9, 0.5)] * 5, [(0.9, 0.5, 0.1, 0.5)] * 2
    arrows = [arrow for arrow in arrows_of(straight(*there, *back)) if 0.3 < arrow.x < 0.7]
    assert {(arrow.dx, arrow.dy, arrow.tracks) for arrow in arrows} == {(1, 0, 5), (-1, 0, 2)}
    assert {arrow.y for arrow in arrows} == {0.5}


def test_one_alone_is_no_flow() -> None:
    assert arrows_of(straight((0.1, 0.5, 0.9, 0.5))) == []


def test_who_stands_makes_heat_and_no_arrows() -> None:
    walks = straight(*[(0.5, 0.5, 0.505, 0.5)] * 3)
    assert arrows_of(walks) == []
    heat = heat_of(walks)
    assert heat[heat.index(100)] == 100
    assert sum(hundredths > 0 for hundredths in heat) == 1


def test_heat_is_where_people_were() -> None:
    heat = np.array(heat_of(straight((0.0, 0.99, 1.0, 0.99)))).reshape(GRID[1], GRID[0])
    assert (heat[-1] > 0).all()
    assert not heat[:-1].any()


def test_paths_are_the_newest_in_a_few_points() -> None:
    walks = straight(*[(0.1, 0.5, 0.9, n / 1000) for n in range(MOST_PATHS + 50)], points=3 * MOST_POINTS)
    paths = paths_of(walks, ("person",))
    assert len(paths) == MOST_PATHS
    assert {len(path.points) for path in paths} == {MOST_POINTS}
    assert paths[0].points[0] == (100, 500)
    assert paths[-1].label == "person"


def test_of_nothing_there_is_nothing_to_draw() -> None:
    walks = walks_of(Sightings().observations("shop"), "oblique")
    assert (arrows_of(walks), paths_of(walks, ()), sum(heat_of(walks))) == ([], [], 0)
    assert len(heat_of(walks)) == GRID[0] * GRID[1]


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 4), min_size=1, max_size=10))
@settings(max_examples=60, deadline=None)
def test_arrows_are_bounded_and_of_length_one(ways: list[tuple[float, float, float, float]]) -> None:
    arrows = arrows_of(straight(*ways, points=12))
    assert len(arrows) <= 2 * ARROWS[0] * ARROWS[1]
    assert all(np.hypot(arrow.dx, arrow.dy) == pytest.approx(1, abs=0.01) for arrow in arrows)
    assert all(2 <= arrow.tracks <= len(ways) for arrow in arrows)


# --- what was noticed before ------------------------------------------------------------------------------


def test_a_recording_is_taken_over_as_the_device_would_have_told_it(tmp_path: Path) -> None:
    scene, view = SCENES["corridor"], Overhead()
    ways = scene.people(np.random.default_rng([1, 1]), 40)
    file = tmp_path / "walk.eyespot.jsonl"
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=640, height=480, rate_hz=10
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(scene, ways, view, LEVELS["light"], 10, 40, 1):
            writer.write(Look(taken_ns, "recording", found))
    sightings = Sightings()
    told: list[str] = []
    config = config_of(Device(), [])
    config = replace(config, model=replace(config.model, min_score=0.3))
    recall(sightings, "shop", trace_of(file, config, cached=False), told.append)
    seen = sightings.observations("shop")
    live = seen_by(view, "corridor", seconds=40)[0].observations("shop")
    assert told == ["0 min"]
    assert seen.rows["box"].tolist() == live.rows["box"].tolist()
    noon_ns = 1_767_268_800 * SECOND_NS
    assert 0 <= int(seen.taken_ns[0]) - noon_ns < 40 * SECOND_NS
    assert 0 < len(seen.taken_ns) < len(live.taken_ns)  # nobody is there for long, but once


def test_of_a_crowd_in_a_recording_as_many_are_taken_over_as_a_frame_has_room_for(tmp_path: Path) -> None:
    file = tmp_path / "crowd.eyespot.jsonl"
    header = Header(
        schema=SCHEMA, started="2026-01-01T12:00:00Z", labels=LABELS, width=640, height=480, rate_hz=10
    )
    crowd = [
        Walker((x / 20 + 0.02, y / 20 + 0.02), (x / 20 + 0.03, y / 20 + 0.02), 0, 2, (0.02, 0.02))
        for x in range(20)
        for y in range(15)
    ]
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in walkers_film(crowd, 10, 2):
            writer.write(Look(taken_ns, "recording", found))
    sightings = Sightings()
    recall(sightings, "shop", trace_of(file, config_of(Device(), []), cached=False), lambda _: None)
    seen = sightings.observations("shop")
    assert len(seen.taken_ns) == len(seen.counts) > 10
    assert seen.counts.max() == MOST_BOXES
