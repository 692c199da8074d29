"""Counters are split where another model takes over; nothing is lost, and nothing counted twice."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Detections, Observation, Shares
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule, RuleSettings, build
from eyespot.rules.line import LineSettings
from eyespot.rules.share import ShareSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Walker, film

OLD = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person", "dog"), 0.35)
NEW = ModelIdentity("m@1.1.0-ba9876543210", "m", "1.1.0", None, ("cat", "dog", "person"), 0.35)
TIMELINE = Timeline(1_700_000_000 * SECOND_NS, synced=True)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))
FLOOR = ShareSettings(id="floor")


def a_pipeline(*settings: RuleSettings, model: ModelIdentity = OLD, seq: int = 0) -> Pipeline:
    rules: dict[str, Rule] = {one.id: build(one, model.labels, "overhead") for one in settings}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", seq)
    return Pipeline(model, Tracker(model.min_score), rules, native)


def said(*handovers: Handover) -> list[dict[str, Any]]:
    return [json.loads(message.payload) for handover in handovers for message in handover.messages]


def by(model: ModelIdentity, found: Detections) -> Detections:
    """What a model would say of the persons that another one has found."""
    classes = np.full(len(found), model.labels.index("person"))
    return Detections(found.boxes_xyxy_n.copy(), found.scores.copy(), classes)


def walked(pipeline: Pipeline, swap_at: int, frames: int = 81) -> list[Handover]:
    """Let somebody cross from left to right in 8 s; from frame `swap_at` on the new model sees it."""
    handovers = []
    for number, (taken_ns, found) in enumerate(film([Walker((0.1, 0.5), (0.9, 0.5), 0, 8)], 10, 8)):
        if number == swap_at:
            pipeline.expect(NEW)
        model = OLD if number < swap_at else NEW
        seen = Observation(taken_ns, model.bundle, by(model, found))
        handovers.append(pipeline.step(taken_ns, seen, TIMELINE))
    return handovers[:frames]


@given(st.integers(0, 80))
def test_whoever_crosses_while_the_model_changes_is_counted_once_in_one_track(swap_at: int) -> None:
    pipeline = a_pipeline(DOOR)
    pipeline.begin({}, 0, TIMELINE)
    told = said(*walked(pipeline, swap_at))
    [split] = [one for one in told if one.get("kind") == "split"]
    [crossed] = [one for one in told if one.get("kind") == "crossed"]
    assert crossed.items() >= {"class": "person", "direction": "in", "track": 1}.items()
    before = split["counts"]["person"]["in"]
    assert crossed["model"] == (OLD if before else NEW).bundle, "totals and events name the same model"
    assert (crossed["seq"] < split["seq"]) == bool(before)
    assert [one for one in told if "counts" in one][-1]["counts"]["person"]["in"] == 1


def test_each_rule_says_from_which_model_to_which_and_its_state_names_the_new_one() -> None:
    pipeline = a_pipeline(DOOR, FLOOR)
    pipeline.begin({}, 0, TIMELINE)
    handover = walked(pipeline, 40)[40]
    door, floor, *states = said(handover)
    for split, rule, counts in ((door, "door", {"person": {"in": 0, "out": 0}}), (floor, "floor", None)):
        assert split.items() >= {"kind": "split", "rule": rule, "counts": counts}.items()
        assert (split["from"], split["to"]) == (OLD.bundle, NEW.bundle)
    assert [(state["rule"], state["model"]) for state in states] == [
        ("door", NEW.bundle),
        ("floor", NEW.bundle),
    ]
    assert handover.seq == floor["seq"] == 2
    assert set(handover.snapshots) == {"door", "floor"}
    assert pipeline.model is NEW


def test_until_the_new_model_is_seen_the_old_one_counts_and_a_third_is_passed_over() -> None:
    pipeline = a_pipeline(DOOR)
    pipeline.begin({}, 0, TIMELINE)
    pipeline.expect(NEW)
    nobody = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.array([], np.intp))
    strangers = Detections(np.ones((1, 4), np.float32), np.ones(1, np.float32), np.array([900]))
    assert not said(pipeline.step(1, Observation(1, OLD.bundle, nobody), TIMELINE))
    assert not said(pipeline.step(2, Observation(2, "x@9.9.9-000000000000", strangers), TIMELINE))
    assert pipeline.model is OLD


def test_a_class_that_the_new_model_lacks_ends_its_tracks_and_keeps_its_totals() -> None:
    everything = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0))
    lacking = ModelIdentity("m@2.0.0-ba9876543210", "m", "2.0.0", None, ("cat",), 0.35)
    pipeline = a_pipeline(everything)
    pipeline.begin({}, 0, TIMELINE)
    walked(pipeline, 81)
    assert pipeline.tracks_alive == 1
    pipeline.expect(lacking)
    nobody = Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.array([], np.intp))
    at = 8 * SECOND_NS + 1
    split, state = said(pipeline.step(at, Observation(at, lacking.bundle, nobody), TIMELINE))
    assert pipeline.tracks_alive == 0
    assert split["counts"] == state["counts"] == {"person": {"in": 1, "out": 0}}


def test_a_restart_with_another_model_than_that_of_the_snapshots_splits_at_once() -> None:
    first = a_pipeline(DOOR)
    first.begin({}, 0, TIMELINE)
    kept = next(handover for handover in walked(first, 81) if handover.snapshots)
    second = a_pipeline(DOOR, model=NEW, seq=kept.seq)
    split, state = said(second.begin(kept.snapshots, 0, TIMELINE))
    assert (split["from"], split["to"]) == (OLD.bundle, NEW.bundle)
    assert split["counts"] == state["counts"] == {"person": {"in": 1, "out": 0}}
    assert split["seq"] == kept.seq + 1
    third = a_pipeline(DOOR, model=NEW)
    kept_anew = second.begin(kept.snapshots, 0, TIMELINE).snapshots
    assert [one.get("kind") for one in said(third.begin(kept_anew, 0, TIMELINE))] == ["line"]


@pytest.mark.parametrize("classes", [None, ("dog",)])
def test_shares_go_on_by_name_though_the_new_model_orders_its_classes_otherwise(
    classes: tuple[str, ...] | None,
) -> None:
    pipeline = a_pipeline(ShareSettings(id="floor", classes=classes))
    pipeline.begin({}, 0, TIMELINE)
    told: list[dict[str, Any]] = []
    for number in range(40):
        at = number * SECOND_NS // 2
        old = number < 20
        if number == 20:
            pipeline.expect(NEW)
        shares = Shares(np.array([0.25, 0.75] if old else [0, 0.75, 0.25], np.float32))
        told += said(pipeline.step(at, Observation(at, (OLD if old else NEW).bundle, shares), TIMELINE))
    assert [one["to"] for one in told if one.get("kind") == "changed"] == ["dog"]
    newest = [one for one in told if "shares" in one][-1]
    assert newest["shares"]["dog"] == 0.75
    assert newest["model"] == NEW.bundle
