"""A camera that somebody turns, from detections to what is told: health, and buckets without a count."""

import json
from typing import Any

import numpy as np

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation
from eyespot.drift.kept import Kept, KeptModel, KeptPlaces, packed
from eyespot.drift.moment import Moment
from eyespot.drift.places import Places
from eyespot.drift.walks import Walk, bins_of
from eyespot.pipeline import Pipeline
from eyespot.pipeline.drifting import ROW
from eyespot.ports import ModelIdentity
from eyespot.rules import build
from eyespot.rules.line import LineSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Walker, film

MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person",), 0.35)
ANOTHER = ModelIdentity("m@1.1.0-ba9876543210", "m", "1.1.0", None, ("person",), 0.35)
UTC = Timeline(1_767_571_200 * SECOND_NS, synced=True)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), bucket_s=60)
USUAL_Y, TURNED_Y = 0.5, 0.7
EVERY_S, RATE_HZ = 12, 5


def usual() -> bytes:
    """What a day has taught of people who walk across the picture."""
    random, places = np.random.default_rng(1), Places(KeptPlaces(looked_s=72_000.0))
    for number in range(700):
        y = USUAL_Y + 0.1 + random.normal(0, 0.01)
        boxes = [(x - 0.03, y - 0.2, x + 0.03, y) for x in np.linspace(0.1, 0.9, 9)]
        walk = Walk(tuple(dict.fromkeys(bins_of(np.array(boxes, np.float32)).tolist())))
        places.step(Moment(number * SECOND_NS), [walk], sees=True)
    return packed(Kept(models=(KeptModel(MODEL.bundle, places=places.keep()),)))


def watched(y: float, minutes: int, changes_at_s: float = 1e9) -> tuple[Pipeline, list[dict[str, Any]]]:
    """Watch people walk across at a height of the picture; return the pipeline, and its buckets."""
    rules = {"door": build(DOOR, MODEL.labels, "overhead")}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0)
    pipeline = Pipeline(MODEL, Tracker(0.35), rules, native, spans={"door": 60})
    pipeline.expect_rate(RATE_HZ)
    pipeline.begin({ROW: usual()}, 0, UTC)
    pipeline.expect(ANOTHER)
    walkers = [
        Walker((0.1, y), (0.9, y), begin, begin + 8) for begin in range(0, minutes * 60 - EVERY_S, EVERY_S)
    ]
    told: list[dict[str, Any]] = []
    for taken_ns, found in film(walkers, RATE_HZ, minutes * 60):
        bundle = (MODEL if taken_ns < changes_at_s * SECOND_NS else ANOTHER).bundle
        messages = pipeline.step(taken_ns, Observation(taken_ns, bundle, found), UTC).messages
        told += [json.loads(one.payload) for one in messages if one.topic.endswith("/bucket")]
    return pipeline, told


def test_people_who_walk_across_elsewhere_are_a_moved_camera_and_no_count_of_it_is_believed() -> None:
    pipeline, told = watched(TURNED_Y, 20)
    assert pipeline.doubts.keys() == {"moved"}
    assert pipeline.doubts["moved"].startswith("the camera seems to look elsewhere since 2026-01-05 00:1")
    begins = next(number for number, one in enumerate(told) if one["gaps"])
    assert 8 <= begins <= 15, "minutes"
    assert [one["coverage"] for one in told[:begins]] == [1.0] * begins
    assert {one["coverage"] for one in told[begins + 1 :]} == {0.0}
    assert {gap["cause"] for one in told for gap in one["gaps"]} == {"moved"}


def test_people_who_walk_where_they_used_to_are_none() -> None:
    pipeline, told = watched(USUAL_Y, 20)
    assert pipeline.doubts == {}
    assert {one["coverage"] for one in told} == {1.0}


def test_another_model_has_nothing_to_compare_with_and_ends_the_doubt() -> None:
    pipeline, told = watched(TURNED_Y, 20, changes_at_s=17 * 60)
    assert pipeline.doubts == {}
    assert told[-1]["coverage"] == 1.0
    assert pipeline.model == ANOTHER
