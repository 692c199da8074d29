"""Whole recordings through the whole pipeline: people whose ways are known, seen by detectors with faults."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot import app
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.daemon import LABELS, write_config
from fakes.walkers import Faults, Walker, detections, film

MIDDLE = {"kind": "line", "id": "door", "a": [0.5, 1.0], "b": [0.5, 0.0], "classes": ["person"]}
NOBODY = "mqtt://127.0.0.1:9"


def passers_by(count: int, seed: int = 5) -> list[Walker]:
    """Walk through the picture one or two at a time, at different heights, speeds and both ways."""
    random = np.random.default_rng(seed)
    walkers, begin = [], 0.0
    for number in range(count):
        lane, seconds = 0.3 + 0.4 * (number % 2), random.uniform(3, 7)
        ends = ((0.05, lane), (0.95, lane))
        start, end = ends if random.random() < 0.5 else ends[::-1]
        walkers.append(Walker(start, end, begin, begin + seconds))
        begin += seconds * 0.6
    return walkers


def truth(walkers: list[Walker]) -> Counter[str]:
    return Counter("in" if walker.start[0] < walker.end[0] else "out" for walker in walkers)


def recorded(file: Path, walkers: list[Walker], rate_hz: float, faults: Faults) -> Path:
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=640, height=480, rate_hz=rate_hz
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, rate_hz, max(walker.to_s for walker in walkers), faults):
            writer.write(Observation(taken_ns, "recording", found))
    return file


def recount(folder: Path, recording: Path, **rule: Any) -> list[dict[str, Any]]:
    """Return the payloads of the replay, each with its topic."""
    config = write_config(folder, camera={"source": "scene"}, url=NOBODY, rules=[MIDDLE | rule])
    return [
        {"topic": message.topic.removeprefix("eyespot/v1/shop/"), **json.loads(message.payload)}
        for message in app.replay(config, recording)
    ]


@pytest.mark.parametrize("rate_hz", [5, 10, 30])
@pytest.mark.parametrize(
    "faults",
    [
        Faults(),
        Faults(missed=0.3, jitter=0.05, score=0.4),
        Faults(missed=0.1, doubled=0.2, flipped=0.15, jitter=0.05),
        Faults(missed=0.1, jitter=0.04, false_per_frame=0.02),
    ],
    ids=["perfect", "misses", "doubles and flips", "ghosts"],
)
def test_forty_passers_by_are_counted(tmp_path: Path, rate_hz: float, faults: Faults) -> None:
    walkers = passers_by(40)
    recording = recorded(tmp_path / "walk.eyespot.jsonl", walkers, rate_hz, faults)
    told = recount(tmp_path, recording)
    counted, true = told[-1]["counts"]["person"], truth(walkers)
    allowed = 0 if faults == Faults() else 2
    assert abs(counted["in"] - true["in"]) <= allowed, (counted, true)
    assert abs(counted["out"] - true["out"]) <= allowed, (counted, true)
    events = Counter(one["direction"] for one in told if one["topic"] == "rule/door/event")
    assert events == Counter(counted)


def test_another_line_gives_the_counts_it_would_have_had(tmp_path: Path) -> None:
    walkers = passers_by(10)
    recording = recorded(tmp_path / "walk.eyespot.jsonl.zst", walkers, 10, Faults())
    upper = sum(walker.start[1] < 0.5 for walker in walkers)
    told = recount(tmp_path, recording, a=[0.5, 0.5], b=[0.5, 0.0])
    assert sum(told[-1]["counts"]["person"].values()) == upper
    swapped = recount(tmp_path, recording, swap=True)[-1]["counts"]["person"]
    assert swapped == {"in": truth(walkers)["out"], "out": truth(walkers)["in"]}


def test_events_are_numbered_without_gaps_and_timed_at_the_line(tmp_path: Path) -> None:
    walker = Walker((0.1, 0.5), (0.9, 0.5), 0, 8)
    told = recount(tmp_path, recorded(tmp_path / "walk.eyespot.jsonl", [walker], 10, Faults()))
    [event] = [one for one in told if one["topic"] == "rule/door/event"]
    assert event["seq"] == 1
    assert abs(float(event["t"][17:-1]) - 4.0) < 0.25


def test_a_recording_in_which_nothing_is_seen_gives_the_zero_state_and_no_more(tmp_path: Path) -> None:
    file = tmp_path / "empty.eyespot.jsonl"
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=640, height=480, rate_hz=5
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns in (0, 10**9, 3600 * 10**9, 10**17):
            writer.write(Observation(taken_ns, "recording", detections()))
    [state] = recount(tmp_path, file)
    assert state["counts"] == {"person": {"in": 0, "out": 0}}


def test_buckets_are_the_same_each_time_and_add_up_to_the_totals(tmp_path: Path) -> None:
    walkers = passers_by(40)
    faults = Faults(missed=0.1, doubled=0.2, jitter=0.05)
    recording = recorded(tmp_path / "walk.eyespot.jsonl", walkers, 10, faults)
    told, again = (recount(tmp_path, recording, bucket_s=30) for _ in range(2))
    assert told == again
    buckets = {
        (one["start"], one["end"]): one["counts"]["person"]
        for one in told
        if one["topic"] == "rule/door/bucket"
    }
    assert len(buckets) == 1 + max(walker.to_s for walker in walkers) // 30
    [totals] = [one["counts"]["person"] for one in told if one["topic"] == "rule/door/state"][-1:]
    assert sum((Counter(counts) for counts in buckets.values()), Counter()) == Counter(totals)


def test_years_of_silence_are_one_bucket_and_darkness_is_told_of_a_recording_too(tmp_path: Path) -> None:
    file = tmp_path / "dark.eyespot.jsonl"
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=640, height=480, rate_hz=4
    )
    with RecordingWriter(file, header) as writer:
        for quarter in range(4 * 1200):
            sight = "clear" if quarter < 4 * 600 else "dark"
            writer.write(Observation(quarter * 250_000_000, "recording", detections(), sight))
        writer.write(Observation(10**17, "recording", detections()))
    told = recount(tmp_path, file, bucket_s=600)
    day, night, *silence, years, last = [one for one in told if one["topic"] == "rule/door/bucket"]
    assert (day["coverage"], day["counts"]) == (1.0, {"person": {"in": 0, "out": 0}})
    assert (night["counts"], night["gaps"][0]["cause"]) == (None, "dark")
    assert len(silence) == 6, "an hour of it is told bucket by bucket"
    assert {one["counts"] for one in silence} == {None}
    assert {one["gaps"][-1]["cause"] for one in (*silence, years)} == {"silent"}
    assert (years["start"], years["counts"]) == ("2026-01-01T01:20:00.000Z", None)
    assert (last["cut"], last["end"]) == ("end", "2029-03-03T09:46:40.000Z")


def test_rules_that_gather_and_build_on_others_tell_the_same_each_time(tmp_path: Path) -> None:
    walkers = passers_by(30)
    recording = recorded(tmp_path / "walk.eyespot.jsonl", walkers, 10, Faults(missed=0.2, jitter=0.04))
    more = [
        {"kind": "occupancy", "id": "shop", "from": ["door"], "empty_s": 20},
        {"kind": "heatmap", "id": "floor", "grid": [8, 6]},
        {"kind": "shelf", "id": "drinks", "low": 1},
    ]
    config = write_config(tmp_path, camera={"source": "scene"}, url=NOBODY, rules=[*more, MIDDLE])
    first, second = (list(app.replay(config, recording)) for _ in range(2))
    assert first == second
    [floor] = [json.loads(one.payload) for one in first[-1:] if one.topic.endswith("heatmap/floor")]
    assert floor["tracks"] == pytest.approx(30, abs=3)
    assert {row for _, row, _, _ in floor["cells"]} == {1, 4}
    shop = [json.loads(one.payload) for one in first if one.topic.endswith("shop/state")][-1]
    door = [json.loads(one.payload) for one in first if one.topic.endswith("door/state")][-1]
    assert min(shop["occupancy"].values()) >= 0
    assert sum(door["counts"]["person"].values()) > 25
