"""What is kept of a rule tells of which kind it was, without a word."""

import json
from itertools import permutations
from typing import get_args

import pytest

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity
from eyespot.rules import RuleSettings, build, was_another_kind
from eyespot.rules.heatmap import HeatmapSettings
from eyespot.rules.line import LineSettings
from eyespot.rules.occupancy import OccupancySettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.share import ShareSettings
from eyespot.rules.shelf import ShelfSettings
from eyespot.rules.zone import ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker

LABELS = ("person", "dog")
MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, LABELS, 0.35)
TIMELINE = Timeline(1_700_000_000 * SECOND_NS, synced=True)
KINDS: dict[str, RuleSettings] = {
    "line": LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0)),
    "share": ShareSettings(id="door"),
    "zone": ZoneSettings(id="door", points=((0.2, 0.1), (0.9, 0.1), (0.9, 0.9))),
    "queue": QueueSettings(id="door", points=((0.2, 0.1), (0.9, 0.1), (0.9, 0.9)), service=(2,)),
    "occupancy": OccupancySettings(id="door", lines=("gate",)),
    "heatmap": HeatmapSettings(id="door"),
    "shelf": ShelfSettings(id="door"),
}


def a_pipeline(settings: RuleSettings) -> Pipeline:
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0)
    return Pipeline(MODEL, Tracker(0.35), {settings.id: build(settings, LABELS, "overhead")}, native)


@pytest.mark.parametrize(("before", "after"), [*permutations(KINDS, 2)])
def test_a_rule_of_another_kind_than_the_one_that_was_kept_begins_anew_without_a_trouble(
    before: str, after: str
) -> None:
    assert len(KINDS) == len(get_args(RuleSettings))
    kept = a_pipeline(KINDS[before]).begin({}, 0, TIMELINE).snapshots
    pipeline = a_pipeline(KINDS[after])
    began = pipeline.begin(kept, 0, TIMELINE)
    assert pipeline.unusable == {}
    assert json.loads(began.snapshots["door"])["reset"] == "changed"
    again = a_pipeline(KINDS[after])
    again.begin(kept | began.snapshots, 0, TIMELINE)
    assert again.unusable == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_snapshot_of_the_same_kind_that_is_damaged_is_a_trouble(kind: str) -> None:
    kept = json.loads(a_pipeline(KINDS[kind]).begin({}, 0, TIMELINE).snapshots["door"])
    kept["state"] = dict.fromkeys(kept["state"], -1)
    pipeline = a_pipeline(KINDS[kind])
    began = pipeline.begin({"door": json.dumps(kept).encode()}, 0, TIMELINE)
    assert f"not a snapshot of a{'n' * (kind == 'occupancy')} {kind}" in pipeline.unusable["door"]
    assert json.loads(began.snapshots["door"])["reset"] == "unusable"


@pytest.mark.parametrize("kept", [b"", b"{}", b"\xff", b"[" * 100_000, b'{"since_utc_ns":1,"state":{}}'])
def test_what_is_no_snapshot_is_of_no_kind(kept: bytes) -> None:
    assert not was_another_kind(kept, build(KINDS["line"], LABELS, "overhead"))
