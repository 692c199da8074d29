"""The pipeline: from observations to what is left for the store."""

import json
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
import pytest
from msgspec import structs

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Delivery, Message
from eyespot.domain.observation import (
    KEYPOINTS,
    Found,
    Labels,
    Observation,
    Optics,
    Poses,
    Shares,
    Sight,
    no_detections,
)
from eyespot.drift.kept import Kept, packed
from eyespot.pipeline import Pipeline
from eyespot.pipeline.drifting import ROW as USUAL
from eyespot.pipeline.drifting import Drifting
from eyespot.pipeline.places import ROW
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule, RuleSettings, build
from eyespot.rules.line import LineSettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.share import ShareSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Walker, film

LABELS = ("person", "dog")
MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, LABELS, 0.35)
TIMELINE = Timeline(1_700_000_000 * SECOND_NS, synced=True)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))  # left to right is in
THERE = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)


def a_pipeline(*settings: RuleSettings, seq: int = 0, frames: bool = False) -> Pipeline:
    rules: dict[str, Rule] = {one.id: build(one, LABELS, "overhead") for one in settings}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", seq)
    return Pipeline(MODEL, Tracker(MODEL.min_score), rules, native, publishes_frames=frames)


def walk(pipeline: Pipeline, walker: Walker = THERE) -> list[Handover]:
    return [
        pipeline.step(taken_ns, Observation(taken_ns, MODEL.bundle, found), TIMELINE)
        for taken_ns, found in film([walker], 10, walker.to_s)
    ]


def payload(message: Message) -> dict[str, Any]:
    return json.loads(message.payload)


def test_it_begins_with_every_rule_at_zero_so_that_subscribers_see_the_line() -> None:
    [state] = a_pipeline(DOOR).begin({}, 0, TIMELINE).messages
    assert state.topic == "eyespot/v1/shop/rule/door/state"
    assert payload(state)["counts"] == {"person": {"in": 0, "out": 0}}
    assert payload(state)["since"] == "2023-11-14T22:13:20.000Z"


def test_a_crossing_leaves_an_event_the_new_totals_and_their_snapshot_together() -> None:
    pipeline = a_pipeline(DOOR)
    pipeline.begin({}, 0, TIMELINE)
    [handover] = [handover for handover in walk(pipeline) if handover.messages]
    event, state = handover.messages
    assert (event.delivery, event.topic) == (Delivery.DURABLE, "eyespot/v1/shop/rule/door/event")
    assert payload(event).items() >= {"kind": "crossed", "direction": "in", "class": "person"}.items()
    assert payload(event)["model"] == MODEL.bundle
    assert (state.delivery, payload(state)["counts"]) == (Delivery.STATE, {"person": {"in": 1, "out": 0}})
    assert list(handover.snapshots) == ["door"]
    assert handover.seq == payload(event)["seq"] == 1


def test_the_time_of_the_event_is_when_the_line_was_met_not_when_that_became_certain() -> None:
    pipeline = a_pipeline(DOOR)
    [event] = [m for handover in walk(pipeline) for m in handover.messages if m.topic.endswith("/event")]
    assert payload(event)["t"].startswith("2023-11-14T22:13:24.0")


def test_in_late_mode_who_is_still_there_when_the_power_goes_is_counted_by_the_next_process() -> None:
    late = structs.replace(DOOR, mode="late")
    first = a_pipeline(late)
    first.begin({}, 0, TIMELINE)
    [left] = [handover for handover in walk(first) if handover.snapshots]
    assert [message.topic for message in left.messages] == ["eyespot/v1/shop/rule/door/state"]
    second = a_pipeline(late)
    later = Timeline(TIMELINE.utc_at_zero_ns + 3600 * SECOND_NS, synced=True)
    second.begin(left.snapshots, 0, later)
    handover = second.step(0, None, later)
    event, state = (payload(message) for message in handover.messages)
    assert (event["kind"], event["direction"]) == ("crossed", "in")
    assert event["t"].startswith("2023-11-14T22:13:24.0")
    assert state["counts"] == {"person": {"in": 1, "out": 0}}
    third = a_pipeline(late)
    third.begin(handover.snapshots, 0, later)
    assert third.step(0, None, later).messages == ()


def test_from_the_snapshot_a_new_process_counts_on_and_numbers_on() -> None:
    first = a_pipeline(DOOR)
    first.begin({}, 0, TIMELINE)
    [left] = [handover for handover in walk(first) if handover.snapshots]
    second = a_pipeline(DOOR, seq=left.seq)
    later = Timeline(TIMELINE.utc_at_zero_ns + 3600 * SECOND_NS, synced=True)
    [state] = second.begin(left.snapshots, 0, later).messages
    assert payload(state)["counts"] == {"person": {"in": 1, "out": 0}}
    assert payload(state)["since"] == "2023-11-14T22:13:20.000Z"
    [event, totals] = [message for handover in walk(second) for message in handover.messages]
    assert payload(event)["seq"] == 2
    assert payload(totals)["counts"] == {"person": {"in": 2, "out": 0}}


def test_a_snapshot_that_cannot_be_used_is_named_and_the_others_are_used() -> None:
    window = LineSettings(id="window", a=(0.5, 1.0), b=(0.5, 0.0))
    for damaged in (b"", b"\xff\xfe", b'{"since_utc_ns":1}', b'{"since_utc_ns":1,"state":{"counts":[]}}'):
        kept = {"door": damaged, "window": b'{"since_utc_ns":1,"state":{"counts":{"person":{"in":5}}}}'}
        pipeline = a_pipeline(DOOR, window)
        door, other = pipeline.begin(kept, 0, TIMELINE).messages
        assert list(pipeline.unusable) == ["door"]
        assert payload(door)["counts"] == {"person": {"in": 0, "out": 0}}
        assert payload(other)["counts"] == {"person": {"in": 5, "out": 0}}


def test_the_retained_topic_of_a_rule_that_was_removed_is_cleared() -> None:
    snapshot = {"gone": b'{"since_utc_ns":1,"state":{"counts":{}}}'}
    gone, _ = a_pipeline(DOOR).begin(snapshot, 0, TIMELINE).messages
    assert (gone.topic, gone.payload, gone.retain) == ("eyespot/v1/shop/rule/gone/state", b"", True)


def test_nothing_new_leaves_nothing_for_the_store_to_do() -> None:
    pipeline = a_pipeline(DOOR)
    pipeline.begin({}, 0, TIMELINE)
    silent = pipeline.step(SECOND_NS, None, TIMELINE)
    assert (silent.messages, dict(silent.snapshots)) == ((), {})


def walking_pose(place: tuple[float, float]) -> Poses:
    """A person of whom nose and one ankle are seen."""
    keypoints = np.zeros((1, KEYPOINTS, 3), np.float32)
    for index, reach in ((0, -0.1), (16, 0.1)):
        keypoints[0, index] = [place[0] + reach / 2, place[1] + reach, 0.5]
    return Poses(keypoints, np.array([0.9], np.float32))


def test_poses_are_followed_and_counted_as_persons() -> None:
    pipeline = a_pipeline(DOOR)
    events = []
    for number in range(81):
        taken_ns = number * SECOND_NS // 10
        place = THERE.at(number / 10)
        assert place
        seen = Observation(taken_ns, MODEL.bundle, walking_pose(place))
        events += [m for m in pipeline.step(taken_ns, seen, TIMELINE).messages if m.topic.endswith("/event")]
    [event] = map(payload, events)
    assert (event["class"], event["direction"]) == ("person", "in")


@pytest.mark.parametrize(
    "found",
    [Labels(np.ones(1, np.float32), np.zeros(1, np.intp)), Shares(np.array([0.25, 0.75], np.float32))],
)
def test_what_is_said_of_the_frame_as_a_whole_makes_no_tracks_and_ends_those_there_are(found: Found) -> None:
    pipeline = a_pipeline(DOOR)
    walk(pipeline)
    assert pipeline.tracks_alive == 1
    pipeline.step(11 * SECOND_NS, Observation(11 * SECOND_NS, MODEL.bundle, found), TIMELINE)
    assert pipeline.tracks_alive == 0


def show(pipeline: Pipeline, found: Found | None, from_s: int, to_s: int) -> list[Handover]:
    instants = range(from_s * SECOND_NS, to_s * SECOND_NS, SECOND_NS // 2)
    return [
        pipeline.step(at, None if found is None else Observation(at, MODEL.bundle, found), TIMELINE)
        for at in instants
    ]


@pytest.mark.parametrize(
    "found",
    [
        Labels(np.array([0.75, 0.125], np.float32), np.array([1, 0])),
        Shares(np.array([0.125, 0.75], np.float32)),
    ],
)
def test_what_is_said_of_the_frame_as_a_whole_is_published_until_the_source_is_silent(found: Found) -> None:
    pipeline = a_pipeline(ShareSettings(id="scale"))
    [unknown] = pipeline.begin({}, 0, TIMELINE).messages
    assert unknown.topic == "eyespot/v1/shop/rule/scale/state"
    assert payload(unknown).items() >= {"kind": "share", "rule": "scale", "shares": {}, "top": None}.items()
    handovers = [*show(pipeline, found, 0, 10), *show(pipeline, None, 10, 20)]
    told = [(message, payload(message)) for handover in handovers for message in handover.messages]
    assert [said.get("shares", said.get("to")) for _, said in told] == [
        {"dog": 0.75, "person": 0.125},
        "dog",
        {"dog": 0.75, "person": 0.125},
        None,
        {},
    ]
    assert [said["seq"] for message, said in told if message.topic.endswith("/event")] == [1, 2]
    assert {said["model"] for _, said in told} == {MODEL.bundle}


def test_an_event_leaves_a_snapshot_though_the_state_stays_as_it_was() -> None:
    pipeline = a_pipeline(ShareSettings(id="scale"))
    pipeline.begin({"scale": b'{"since_utc_ns":1,"state":{"top":"dog"}}'}, 0, TIMELINE)
    handovers = show(pipeline, Shares(np.zeros(2, np.float32)), 0, 10)
    [spoken] = [handover for handover in handovers if handover.messages]
    [event] = map(payload, spoken.messages)
    assert (event["from"], event["to"]) == ("dog", None)
    assert b'"top":null' in spoken.snapshots["scale"]


SQUARE = ((0.3, 0.1), (0.7, 0.1), (0.7, 0.9), (0.3, 0.9))
HALL = ZoneSettings(id="hall", points=SQUARE, loiter_s=2, armed=("00:00-00:00",))
TILL = QueueSettings(id="till", points=SQUARE, service=(2,), join_s=1, pace=5)


def test_what_zones_and_queues_say_leaves_in_the_order_in_which_it_happened() -> None:
    pipeline = a_pipeline(HALL, TILL)
    pipeline.begin({}, 0, TIMELINE)
    messages = [message for handover in walk(pipeline) for message in handover.messages]
    told = [payload(message) for message in messages if message.topic.endswith("/event")]
    of_hall = [one for one in told if one["rule"] == "hall"]
    assert [one["kind"] for one in of_hall] == ["entered", "intrusion", "loitering", "left"]
    assert [one["kind"] for one in told if one["rule"] == "till"] == ["joined", "left"]
    assert of_hall[-1].items() >= {"class": "person", "dwell_s": 4.0, "found": False, "lost": False}.items()
    assert told[-1].items() >= {"rule": "till", "outcome": "served", "found": False}.items()
    hall, till = map(payload, messages[-2:])
    assert hall.items() >= {"kind": "zone", "entered": {"person": 1}, "left": {"person": 1}}.items()
    assert till.items() >= {"kind": "queue", "length": {"person": 0}, "served": {"person": 1}}.items()
    assert till["wait_s"] == pytest.approx(4, abs=0.01)


def test_a_reset_of_a_zone_or_a_queue_tells_its_totals() -> None:
    pipeline = a_pipeline(HALL, TILL)
    pipeline.begin({}, 0, TIMELINE)
    walk(pipeline)
    assert pipeline.counting == ("hall", "till")
    hall, till = map(payload, pipeline.reset(("hall", "till"), 9 * SECOND_NS, TIMELINE).messages[:2])
    assert hall["counts"] == {"person": {"entered": 1, "left": 1}}
    assert till["counts"] == {"person": {"joined": 1, "served": 1, "abandoned": 0, "lost": 0}}


def test_boxes_are_published_only_when_asked_for_and_never_of_silence() -> None:
    pipeline = a_pipeline(frames=True)
    handovers = walk(pipeline)
    frames = [message for handover in handovers for message in handover.messages]
    assert {message.delivery for message in frames} == {Delivery.LIVE}
    assert len(frames) == len(handovers)
    newest = payload(frames[-1])
    assert (newest["labels"], newest["classes"], newest["tracks"]) == (["person"], [0], [1])
    assert newest["boxes"][0][0] < 900 < newest["boxes"][0][2]
    assert pipeline.tracks_alive == 1
    assert pipeline.step(9 * SECOND_NS, None, TIMELINE).messages == ()
    assert not any(handover.messages for handover in walk(a_pipeline()))


def test_payloads_can_be_read_with_the_declared_types() -> None:
    pipeline = a_pipeline(DOOR, ShareSettings(id="scale"), frames=True)
    shown = Shares(np.array([0.125, 0.75], np.float32))
    handovers = [pipeline.begin({}, 0, TIMELINE), *walk(pipeline), *show(pipeline, shown, 10, 20)]
    gate = Gate("eyespot/v1/shop")
    messages = [message for handover in handovers for message in handover.messages]
    assert [gate.readmit(message.topic, message.payload) for message in messages] == messages
    assert msgspec.json.decode(messages[0].payload)["clock"] == "synced"


def test_where_somebody_stands_in_a_zone_is_kept_now_and_then_though_nothing_is_said_of_it() -> None:
    pipeline = a_pipeline(ZoneSettings(id="hall", points=((0.2, 0.1), (0.9, 0.1), (0.9, 0.9), (0.2, 0.9))))
    pipeline.begin({}, 0, TIMELINE)
    handovers = walk(pipeline, Walker((0.5, 0.5), (0.52, 0.5), 0, 100))
    kept = [number for number, handover in enumerate(handovers) if handover.snapshots]
    assert len(kept) == 4
    assert handovers[kept[-1]].messages == ()
    assert json.loads(handovers[kept[-1]].snapshots["hall"])["state"]["stays"][0]["seen_utc_ns"] > (
        TIMELINE.utc_at_zero_ns + 90 * SECOND_NS
    )


def test_a_line_that_lies_elsewhere_after_a_restart_begins_at_zero_and_says_so() -> None:
    first = a_pipeline(DOOR)
    begun = first.begin({}, 0, TIMELINE)
    [left] = [handover for handover in walk(first) if handover.snapshots]
    kept = {**begun.snapshots, **left.snapshots}
    elsewhere = LineSettings(id="door", a=(0.4, 1.0), b=(0.4, 0.0), classes=("person",))
    moved = a_pipeline(elsewhere, seq=left.seq).begin(kept, 0, TIMELINE)
    reset, state = map(payload, moved.messages)
    assert (reset["cause"], reset["counts"], reset["seq"]) == ("changed", {"person": {"in": 1, "out": 0}}, 2)
    assert (state["counts"], state["reset"]) == ({"person": {"in": 0, "out": 0}}, "changed")
    again = a_pipeline(elsewhere, seq=moved.seq).begin({**kept, **moved.snapshots}, 0, TIMELINE)
    assert [payload(message)["kind"] for message in again.messages] == ["line"]


@pytest.mark.parametrize("row", [b"", b"{", b"[]", b'{"door": 1}', b"\xff", b"[" * 100_000])
def test_where_rules_looked_may_be_damaged_and_totals_go_on(row: bytes) -> None:
    first = a_pipeline(DOOR)
    begun = first.begin({}, 0, TIMELINE)
    [left] = [handover for handover in walk(first) if handover.snapshots]
    kept = {**begun.snapshots, **left.snapshots, ROW: row}
    second = a_pipeline(DOOR).begin(kept, 0, TIMELINE)
    state = payload(second.messages[-1])
    assert (state["counts"], state["reset"]) == ({"person": {"in": 1, "out": 0}}, "begun")
    assert second.snapshots[ROW] == begun.snapshots[ROW]


def test_where_rules_looked_that_nobody_knows_any_more_is_forgotten() -> None:
    begun = a_pipeline(DOOR, HALL).begin({}, 0, TIMELINE)
    assert set(json.loads(begun.snapshots[ROW])) == {"door", "hall"}
    only_door = {name: kept for name, kept in begun.snapshots.items() if name != "hall"}
    handover = a_pipeline(DOOR).begin(only_door, 0, TIMELINE)
    assert set(json.loads(handover.snapshots[ROW])) == {"door"}
    assert all("where-rules-look" not in message.topic for message in handover.messages)


def test_a_rule_may_be_called_like_the_row_that_says_where_rules_looked() -> None:
    namesake = structs.replace(DOOR, id=ROW)
    begun = a_pipeline(namesake).begin({}, 0, TIMELINE)
    kept = {ROW: begun.snapshots[ROW].replace(b'"in":0', b'"in":7')}
    [state] = map(payload, a_pipeline(namesake).begin(kept, 0, TIMELINE).messages)
    assert state["counts"] == {"person": {"in": 7, "out": 0}}


def test_what_is_usually_seen_is_kept_beside_the_rules_and_taken_up_again() -> None:
    pipeline = a_pipeline(DOOR)
    pipeline.begin({}, 0, TIMELINE)
    at = [half * SECOND_NS // 2 for half in range(2 * 1300)]
    left = [one.snapshots for one in (pipeline.step(ns, evening(ns), TIMELINE) for ns in at)]
    assert pipeline.doubts.keys() == {"too_dark"}
    assert [number // 2 for number, one in enumerate(left) if USUAL in one] == [600, 760]
    kept = pipeline.keep(at[-1], TIMELINE).snapshots
    again = a_pipeline(DOOR)
    assert USUAL not in dict.fromkeys(message.topic for message in again.begin(kept, 0, TIMELINE).messages)
    assert again.keep(0, TIMELINE).snapshots[USUAL] == kept[USUAL]
    too_much = a_pipeline(DOOR)
    too_much.begin({**kept, USUAL: b" " * 600_000 + kept[USUAL]}, 0, TIMELINE)
    assert len(too_much.keep(0, TIMELINE).snapshots[USUAL]) < len(kept[USUAL])


def test_a_look_at_an_even_floor_that_is_meant_covers_time() -> None:
    for even, worth in ((True, "clear"), (False, "covered")):
        drifting = Drifting(ZoneInfo("UTC"))
        assert drifting.take_from({USUAL: packed(Kept(even=even)), "door": b"1"}, "m") == {"door": b"1"}
        assert (drifting.worth("covered"), drifting.worth("dark")) == (worth, "dark")
        drifting.relearn()
        assert drifting.worth("covered") == "covered", "no even picture just now"


def evening(taken_ns: int) -> Observation:
    """Light for 700 s, then dark."""
    sight: Sight = "dark" if taken_ns >= 700 * SECOND_NS else "clear"
    return Observation(taken_ns, MODEL.bundle, no_detections(), sight, Optics(lux=220))
