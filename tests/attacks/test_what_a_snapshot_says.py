"""Snapshots with whatever content: none keeps a rule from beginning, and none stops it later."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity
from eyespot.rules import Rule, RuleSettings, build
from eyespot.rules.heatmap import HeatmapSettings
from eyespot.rules.line import LineSettings
from eyespot.rules.occupancy import OccupancySettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.shelf import ShelfSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Walker, detections, film

LABELS = ("person", "dog")
MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, LABELS, 0.35)
TIMELINE = Timeline(1_700_000_000 * SECOND_NS, synced=True)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))  # left to right is in
SQUARE = ((0.3, 0.1), (0.7, 0.1), (0.7, 0.9), (0.3, 0.9))
HALL = ZoneSettings(id="hall", points=SQUARE, loiter_s=2, armed=("00:00-00:00",))
TILL = QueueSettings(id="till", points=SQUARE, service=(2,), join_s=1, pace=5)


KINDS: tuple[RuleSettings, ...] = (
    DOOR,
    structs.replace(DOOR, id="late", mode="late"),
    HALL,
    TILL,
    OccupancySettings(id="inside", lines=("door",), reset_at=("04:00",), max_dwell_s=3600),
    HeatmapSettings(id="paths"),
    ShelfSettings(id="shelf"),
)
LONG = "x" * 100_000
MANY = {f"{number:064}": {} for number in range(1024)}
HOSTILE: tuple[Any, ...] = (None, -1, 1e300, -(2**63), 2**63 - 1, 10**21, LONG, [], MANY)
NAMES: tuple[Any, ...] = ("", LONG)


def a_pipeline(kinds: tuple[RuleSettings, ...]) -> Pipeline:
    rules: dict[str, Rule] = {one.id: build(one, LABELS, "overhead") for one in kinds}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0)
    spans = {one.id: 900 for one in kinds if not isinstance(one, HeatmapSettings)}
    return Pipeline(MODEL, Tracker(MODEL.min_score), rules, native, spans=spans)


def looked(kinds: tuple[RuleSettings, ...], kept: dict[str, bytes], seconds: float) -> dict[str, bytes]:
    """Let a pipeline go on from snapshots, look for a while and for a day more, and return what it keeps."""
    pipeline = a_pipeline(kinds)
    handovers = [pipeline.begin(kept, 0, TIMELINE)]
    for taken_ns, found in film([Walker((0.2, 0.5), (0.6, 0.5), 0, 6)], 10, seconds):
        handovers.append(pipeline.step(taken_ns, Observation(taken_ns, MODEL.bundle, found), TIMELINE))
    handovers.append(pipeline.keep(round(seconds * SECOND_NS), TIMELINE))
    left = {name: state for handover in handovers for name, state in handover.snapshots.items()}
    for late_s in range(61, 130, 17):
        empty = Observation(late_s * SECOND_NS, MODEL.bundle, detections())
        pipeline.step(late_s * SECOND_NS, empty, TIMELINE)
    pipeline.step(90_000 * SECOND_NS, None, TIMELINE)
    return left


def harmed(value: Any) -> Iterator[Any]:
    """Yield a value of JSON with each part of it, and each name in it, replaced by what is hostile."""
    yield from HOSTILE
    if isinstance(value, dict):
        for name, part in value.items():
            yield from ({**value, name: other} for other in harmed(part))
            others = {one: value[one] for one in value if one != name}
            yield from ({**others, other: part} for other in NAMES)
    elif isinstance(value, list):
        for place, part in enumerate(value[:2]):
            yield from ([*value[:place], other, *value[place + 1 :]] for other in harmed(part))


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_no_snapshot_of_whatever_content_stops_a_rule(kind: RuleSettings) -> None:
    kinds = (DOOR, kind) if isinstance(kind, OccupancySettings) else (kind,)
    kept = looked(kinds, {}, 6)
    for hostile in harmed(json.loads(kept[kind.id])):
        looked(kinds, {**kept, kind.id: json.dumps(hostile).encode()}, 0.3)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
@pytest.mark.parametrize(
    "kept",
    [
        b"",
        b"\xff",
        b'{"since_utc_ns":0,"state":{"counts":' + b"[" * 100_000,
        b'{"since_utc_ns":0,"state":{"a":1}}',
    ],
    ids=["empty", "no text", "brackets", "another rule"],
)
def test_a_snapshot_that_is_none_is_named_and_the_rule_begins_anew(kind: RuleSettings, kept: bytes) -> None:
    pipeline = a_pipeline((kind,))
    pipeline.begin({kind.id: kept}, 0, TIMELINE)
    assert list(pipeline.unusable) == [kind.id]


def test_totals_of_more_classes_than_can_be_told_by_name_are_gone_on_with() -> None:
    counts = {f"{number:064}": {"in": 1, "out": 1} for number in range(1024)}
    kept = {"door": json.dumps({"since_utc_ns": 0, "state": {"counts": counts}}).encode()}
    pipeline = a_pipeline((DOOR,))
    [state] = [json.loads(message.payload) for message in pipeline.begin(kept, 0, TIMELINE).messages]
    assert (sum(of["in"] for of in state["counts"].values()), state["reset"]) == (1024, "begun")
    assert len(state["counts"]) < 1024
    assert pipeline.unusable == {}
