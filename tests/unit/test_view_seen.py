"""What the page's server keeps of what devices notice, and what rules would have counted of it."""

import json
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.geometry import Mount
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.measures import measures
from eyespot.domain.observation import Observation as Look
from eyespot.domain.strip import Strip
from eyespot.pipeline.sweeping import told_of
from eyespot.ports import ModelIdentity
from eyespot.rules import build
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, stamp
from eyespot.tracking.tracing import trace
from eyespot_fleet.view.frames import observation_in
from eyespot_fleet.view.replaying import (
    Device,
    RefusedError,
    config_of,
    counts_of,
    doubts_of,
    newest,
    strip_of,
)
from eyespot_fleet.view.seen import MOST_LABELS, Observation, Sightings
from fakes.walkers import Walker, film

DOOR = {"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]}
HALL = {"kind": "zone", "id": "hall", "points": [[0.1, 0.3], [0.9, 0.3], [0.9, 0.7], [0.1, 0.7]]}
LABELS = ("person", "dog")
START_NS = 1_767_225_600 * SECOND_NS
SIZE = (0.06, 0.12)


def look(number: int, *tracks: int, boot: str = "a", label: str = "person", y: int = 500) -> Observation:
    many = len(tracks)
    boxes = [(400, y - 100, 450, y)] * many
    return Observation(boot, START_NS + number * SECOND_NS // 10, tracks, [label] * many, boxes)


def people(kinds: tuple[int, ...] = (0, 0, 0, 1)) -> list[Walker]:
    """Some go down, one after the other, and every other one comes back."""
    return [
        Walker((0.3, 0.1 + 0.8 * (n % 2)), (0.3, 0.9 - 0.8 * (n % 2)), 8 * n, 8 * n + 6, SIZE, kind)
        for n, kind in enumerate(kinds)
    ]


def traced(walkers: list[Walker]) -> Iterator[Strip]:
    """What a device makes of them."""
    model = ModelIdentity("m", "m", "1", None, LABELS, 0.3)
    looks = [Look(taken_ns, "m", found) for taken_ns, found in film(walkers, 10, 8 * len(walkers))]
    return trace(looks, model, Timeline(START_NS, synced=True))


def told(walkers: list[Walker]) -> Sightings:
    """What comes over the wire of people whom a device sees."""
    native, history = Native(Gate("eyespot/v1/shop"), "0" * 16, 0), Sightings()
    for strip in traced(walkers):
        for scene in strip.scenes():
            message = native.frame(scene.tracks, LABELS, "m", stamp(scene.timeline, scene.taken_ns))
            seen = observation_in(message.payload)
            assert seen is not None
            history.add("shop", seen)
    return history


def counts(
    history: Sightings, *rules: dict[str, object], mount: Mount = "oblique"
) -> dict[str, dict[str, int]]:
    seen = history.observations("shop")
    return dict(counts_of(config_of(Device(mount), rules), seen, strip_of(seen)))


def counted_there(walkers: list[Walker], rule: dict[str, object]) -> dict[str, int]:
    """What the device itself counts."""
    config = config_of(Device(), [rule])
    logic = build(config.rules[0], LABELS, "oblique")
    for strip in traced(walkers):
        for _ in told_of(strip, [logic]):
            pass
    totals = Counter[str]()
    for key, number in measures(logic.state()).totals.items():
        totals[key.what] += number
    return dict(totals)


# --- what would have been counted -------------------------------------------------------------------------


def test_a_line_counts_what_the_device_would() -> None:
    assert counts(told(people()), DOOR) == {"door": {"in": 2, "out": 2}}


@given(
    st.lists(st.sampled_from([0, 1]), min_size=1, max_size=5),
    st.tuples(st.floats(0, 0.2), st.floats(0.4, 1), st.floats(0.3, 0.7)),  # thousandths decide nothing there
    st.sampled_from(["immediate", "late"]),
)
@settings(max_examples=12, deadline=None)
def test_it_counts_as_the_device_wherever_the_line_is(
    kinds: list[int], ends: tuple[float, float, float], mode: str
) -> None:
    left, right, depth = ends
    rule = {**DOOR, "a": [left, depth], "b": [right, depth], "mode": mode}
    walkers = people(tuple(kinds))
    assert counts(told(walkers), rule)["door"] == counted_there(walkers, rule)


def test_only_classes_that_are_asked_for_count() -> None:
    assert counts(told(people()), DOOR | {"classes": ["dog"]}) == {"door": {"in": 0, "out": 1}}
    assert counts(told(people()), DOOR | {"classes": ["person"]}) == {"door": {"in": 2, "out": 1}}


def test_late_mode_counts_nobody_who_comes_back() -> None:
    there_and_back = Sightings()
    for number in range(80):
        there_and_back.add("shop", look(number, 7, y=200 + 15 * min(number, 80 - number)))
    for number in range(80, 90):
        there_and_back.add("shop", look(number))
    assert counts(there_and_back, DOOR) == {"door": {"in": 1, "out": 1}}
    assert counts(there_and_back, DOOR | {"mode": "late"}) == {"door": {"in": 0, "out": 0}}


def test_who_stands_on_a_line_and_jitters_does_not_count() -> None:
    history = Sightings()
    for number in range(100):
        history.add("shop", look(number, 7, y=495 + 10 * (number % 2)))
    assert counts(history, DOOR) == {"door": {"in": 0, "out": 0}}


def test_zones_and_what_builds_on_lines_are_counted() -> None:
    inside = {"kind": "occupancy", "id": "inside", "from": ["door"]}
    assert counts(told(people((0,) * 4)), inside, DOOR, HALL) == {
        "door": {"in": 2, "out": 2},
        "inside": {"entered": 2, "left": 2, "occupancy": 0},
        "hall": {"entered": 4, "left": 4, "occupancy": 0},
    }


def test_rules_that_need_more_than_tracks_are_left_out() -> None:
    assert counts(told(people()), {"kind": "heatmap", "id": "map"}) == {}


def test_of_nothing_nothing_is_counted() -> None:
    assert counts(Sightings(), DOOR, HALL) == {
        "door": {"in": 0, "out": 0},
        "hall": {"entered": 0, "left": 0, "occupancy": 0},
    }


def test_the_mount_says_which_point_counts() -> None:
    history = Sightings()
    for number in range(60):
        history.add("shop", look(number, 7, y=450 + 2 * number))  # centres stay above the line
    assert counts(history, DOOR)["door"] == {"in": 1, "out": 0}
    assert counts(history, DOOR, mount="overhead")["door"] == {"in": 0, "out": 0}


def test_a_stay_goes_on_though_its_track_is_missed_for_a_moment() -> None:
    history = Sightings()
    for number in range(60):
        missed = 20 <= number < 30
        history.add("shop", look(number, *([] if missed else [7])))
    strip = strip_of(history.observations("shop"))
    assert strip is not None
    assert len(strip.tracks) == 60
    assert strip.tracks.seen.tolist() == [not 20 <= number < 30 for number in range(60)]
    assert counts(history, HALL)["hall"] == {"entered": 1, "left": 0, "occupancy": 1}


def test_a_track_that_comes_back_after_ages_is_not_filled_in() -> None:
    history = Sightings()
    history.add("shop", look(0, 7))
    for number in range(1, 200):
        history.add("shop", look(number))
    history.add("shop", look(200, 7))
    strip = strip_of(history.observations("shop"))
    assert strip is not None
    assert len(strip.tracks) == 2


def test_tracks_of_another_process_are_others() -> None:
    history = Sightings()
    history.add("shop", look(0, 7, 9))
    history.add("shop", look(1, 7, boot="b"))
    assert len(np.unique(history.observations("shop").rows["track"])) == 3


# --- what is refused, and what is doubtful ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (HALL | {"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}, "its sides 1 and 3 meet"),
        (DOOR | {"b": [0.1, 0.5]}, "a and b are the same point"),
        (DOOR | {"id": "A"}, "id: want"),
        ({"kind": "line", "id": "door"}, "a line needs a and b, or points"),
        ({"kind": "occupancy", "id": "inside", "from": ["window"]}, "there is no rule"),
        (DOOR | {"classes": ["cat"]}, "the model lacks cat, which rule door uses"),
    ],
)
def test_what_the_device_would_refuse_is_refused_in_one_line(rule: dict[str, object], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as refused:
        config_of(Device(labels=LABELS), [rule])
    assert "\n" not in str(refused.value)


def test_it_is_said_which_rule_is_refused() -> None:
    crossed = HALL | {"points": [[0, 0], [1, 1], [1, 0], [0, 1]]}
    with pytest.raises(RefusedError) as refused:
        config_of(Device(labels=LABELS), [DOOR, crossed])
    reason = "points: its sides 1 and 3 meet; name the corners as you walk around it"
    assert refused.value.reasons == {"hall": reason}
    with pytest.raises(RefusedError) as refused:
        config_of(Device(labels=LABELS), [DOOR, DOOR, HALL | {"classes": ["cat"]}])
    assert refused.value.reasons == {"door": 'id: "door" is taken by rules.0.id'}


def test_doubts_are_those_of_check() -> None:
    edge = DOOR | {"a": [0.1, 0.01], "b": [0.9, 0.01]}
    history = told(people((0,) * 6))
    found = doubts_of(
        config_of(Device(), [DOOR, edge | {"id": "edge"}]), history.observations("shop"), (4, 3)
    )
    assert list(found) == ["edge"]
    assert "lies within 0.1 of the top edge" in found["edge"][0]
    assert "has 6 of 6 tracks lost before it" in found["edge"][1]


def test_doubts_are_of_the_newest_that_was_noticed() -> None:
    history = Sightings()
    for number in range(100):
        history.add("shop", look(number, 1, 2))
    seen = newest(history.observations("shop"), most_rows=51)
    assert len(seen.taken_ns) == 25
    assert len(seen.rows) == 50
    assert seen.taken_ns[-1] == look(99).taken_ns


@given(st.lists(st.lists(st.integers(0, 6), max_size=4, unique=True), max_size=12), st.integers(1, 5))
@settings(max_examples=100, deadline=None)
def test_who_sends_another_track_in_each_look_is_asked_for_the_newest_of_them(
    looks: list[list[int]], most: int
) -> None:
    history = Sightings()
    for number, tracks in enumerate(looks):
        history.add("shop", look(number, *tracks))
    whole = history.observations("shop")
    seen = newest(whole, most_tracks=most)
    assert len(np.unique(seen.rows["track"])) <= most
    assert whole.rows[len(whole.rows) - len(seen.rows) :].tobytes() == seen.rows.tobytes()
    assert seen.counts.sum() == len(seen.rows)
    if len(seen.taken_ns) < len(whole.taken_ns):
        longer = whole.rows[len(whole.rows) - len(seen.rows) - whole.counts[-len(seen.taken_ns) - 1] :]
        assert len(np.unique(longer["track"])) > most


# --- bounds -----------------------------------------------------------------------------------------------


def test_a_history_is_bounded_in_bytes_and_keeps_the_newest() -> None:
    history = Sightings(most_bytes=40_000)
    for number in range(20_000):
        history.add("shop", look(number, number))
    seen = history.observations("shop")
    assert 30_000 < sum(array.nbytes for array in (seen.taken_ns, seen.rows)) < 60_000
    assert seen.taken_ns[-1] == look(19_999).taken_ns
    assert seen.counts.sum() == len(seen.rows)


def test_countless_names_begin_a_new_history() -> None:
    history = Sightings()
    for number in range(MOST_LABELS + 5):
        history.add("shop", look(number, 1, label=f"name-{number}"))
    assert len(history.observations("shop").labels) == 5


def test_what_is_forgotten_is_gone() -> None:
    history = Sightings()
    history.add("shop", look(0, 1))
    history.forget("shop")
    assert len(history.observations("shop").rows) == 0


FRAME = {
    "schema": "eyespot.frame/2", "t": "2026-01-01T00:00:00.000Z", "clock": "synced", "boot_id": "0" * 16,
    "seq": 1, "model": "m", "labels": ["person"], "tracks": [3, 1], "classes": [0, 0], "scores": [43, 100],
    "boxes": [[532, 1, 757, 397], [0, 0, 1000, 1000]],
}  # fmt: skip


def test_a_frame_is_an_observation() -> None:
    seen = observation_in(json.dumps(FRAME).encode())
    assert seen is not None
    history = Sightings()
    history.add("shop", seen)
    told = history.observations("shop")
    assert told.rows["track"].tolist() == [1, 3]
    assert told.rows["box"].tolist() == [[0, 0, 1000, 1000], [532, 1, 757, 397]]
    assert told.taken_ns.tolist() == [START_NS]


@pytest.mark.parametrize(
    "wrong",
    [
        {"schema": "eyespot.frame/3"}, {"t": "2026-13-01T00:00:00.000Z"}, {"tracks": [1]}, {"tracks": [1, 1]},
        {"tracks": [1, 2**50]}, {"classes": [0, 1]}, {"boxes": [[5, 0, 4, 1], [0, 0, 1, 1]]}, {"labels": [1]},
        {"boxes": [[0, 0, 0, 1001], [0, 0, 1, 1]]}, {"scores": [43, 101]}, {"labels": ["x" * 65]},
        {"t": "0001-01-01T00:00:00+23:59"}, {"t": "1969-12-31T23:59:59Z"}, {"t": "2262-04-12T00:00:00Z"},
        {"t": "2300-01-01T00:00:00Z"}, {"t": "9999-12-31T23:59:59-23:59"},
    ],
)  # fmt: skip
def test_a_hostile_frame_is_none(wrong: dict[str, object]) -> None:
    assert observation_in(json.dumps(FRAME | wrong).encode()) is None


@given(st.binary(max_size=200))
def test_no_bytes_break_it(payload: bytes) -> None:
    assert observation_in(payload) is None
