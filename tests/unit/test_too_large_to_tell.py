"""What is too large for its topic is told as far as there is room; it does not end the device."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.domain.event import Event, LineState, QueueState, Reset, RuleState, ShelfState, Split, ZoneState
from eyespot.domain.instants import Timeline
from eyespot.domain.measures import OTHERS
from eyespot.domain.track import Tracks
from eyespot.ports import View
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native, Since, Stamp
from eyespot.topics.payloads import LONGEST_LINE
from fakes.brokers import ROOT
from fakes.contract import look_at
from fakes.daemon import write_config
from fakes.office import MODEL
from fakes.twins import Device

MOST_BYTES = 256 * 1024
AT = Stamp(0, synced=True)
TIMELINE = Timeline(0, synced=True)


def shelves(count: int) -> list[dict[str, Any]]:
    """Return shelves that take about 8 KB each."""
    dice = random.Random(1)
    slots = [[round(dice.uniform(low, low + 0.4), 6) for low in (0, 0, 0.5, 0.5)] for _ in range(200)]
    return [
        {"kind": "shelf", "id": f"s{number}", "classes": ["bottle"], "slots": slots}
        for number in range(count)
    ]


def write(folder: Path, count: int) -> None:
    write_config(folder, camera={"source": "scene"}, url="mqtt://localhost", rules=shelves(count))


def test_rules_that_are_too_large_to_tell_are_lived_by_and_left_out_of_the_report(tmp_path: Path) -> None:
    write(tmp_path, 60)
    device = Device(tmp_path)
    assert len(device.life.pipeline.states) == 60
    assert "rules" not in device.report["config"]
    assert device.report["config"]["device"]["id"] == "shop"
    assert device.told == (None, "ok")
    assert device.report["detail"].endswith("; its rules are too large to be told here, and left out")


def test_rules_that_grow_and_shrink_over_reloads_are_told_as_soon_as_they_have_room(tmp_path: Path) -> None:
    write(tmp_path, 1)
    device = Device(tmp_path)
    for count, told in ((60, False), (20, True)):
        write(tmp_path, count)
        device.live()
        assert ("rules" in device.report["config"]) == told
        assert ("too large" in device.report["detail"]) != told


def test_what_is_desired_over_rules_that_are_too_large_to_tell_is_lived_by(tmp_path: Path) -> None:
    write(tmp_path, 60)
    device = Device(tmp_path)
    device.hears(b'{"req_id": "1", "config": {"model": {"min_score": 0.5}}}')
    assert device.told == ("1", "ok")
    assert device.report["config"]["model"]["min_score"] == 0.5
    assert device.report["detail"].startswith("in force, on trial for 120 s; its rules are too large")
    device.hears(b"[")
    assert device.told == (None, "invalid")


@pytest.mark.parametrize(
    ("more", "tables"), [(0, {"camera", "rules"}), (1, {"camera"})], ids=["at the bound", "above it"]
)
def test_a_report_that_just_fits_is_whole(more: int, tables: set[str]) -> None:
    def said(file: str) -> bytes:
        native = Native(Gate(ROOT), "0" * 16, 0)
        config = {"camera": {"source": "video", "file": file}, "rules": rules}
        return native.config_reported(AT, "1", "ok", "in force", config).payload  # type: ignore[arg-type]

    rules = [shelf | {"slots": shelf["slots"][:90]} for shelf in shelves(100)]
    while b'"rules"' not in said("x"):
        rules.pop()
    assert set(json.loads(said("x" * (MOST_BYTES - len(said("x")) + 1 + more)))["config"]) == tables


def test_tables_that_are_too_large_to_tell_are_all_left_out_and_long_words_give_way() -> None:
    config = {"camera": {"file": "x" * MOST_BYTES}, "rules": []}
    native = Native(Gate(ROOT), "0" * 16, 0)
    said = json.loads(native.config_reported(AT, None, "failed", "y" * LONGEST_LINE, config).payload)  # type: ignore[arg-type]
    assert (said["config"], len(said["detail"])) == ({}, LONGEST_LINE)
    assert said["detail"].endswith("y; it is too large to be told here, and left out")


@pytest.mark.parametrize(
    ("letter", "length", "told"),
    [("x", 45, 1024), ("x", 46, 1003), ("x", 64, 733), ("\N{HOUSE BUILDING}", 64, 198)],
)
def test_info_tells_as_many_labels_as_there_is_room_for(letter: str, length: int, told: int) -> None:
    labels = tuple(f"{number:04}".ljust(length, letter) for number in range(1024))
    wide = "\N{HOUSE BUILDING}"
    who = Identity(
        "d" * 63,
        wide * 128,
        "z" * 64,
        wide * LONGEST_LINE,
        "v" * 64,
        "3" * 64,
        "oblique",
        publishes_frames=False,
    )
    view = View("imx500", 10**9, 10**9, 123.456, wide * 64, "binned", (0.1234, 0.1234, 0.9876, 0.9876))
    info = Native(Gate(ROOT), "0" * 16, 0).info(who, view, replace(MODEL, labels=labels), AT)
    assert json.loads(info.payload)["model"]["labels"] == list(labels[:told])


WIDE = tuple(f"{number:04}".ljust(64, "\N{HOUSE BUILDING}") for number in range(1500))
TOO_MANY = dict.fromkeys(WIDE, 2)
FEW = {"person": 2, "dog": 1}


def zone(by_class: dict[str, int]) -> ZoneState:
    return ZoneState(by_class, {label: 2 * number for label, number in by_class.items()}, by_class)


def line(by_class: dict[str, int]) -> LineState:
    return LineState({label: {"in": number, "out": 1} for label, number in by_class.items()})


def queue(by_class: dict[str, int]) -> QueueState:
    none = dict.fromkeys(by_class, 0)
    return QueueState(by_class, by_class, none, none, none, None)


def told(state: RuleState) -> dict[str, Any]:
    message = Native(Gate(ROOT), "0" * 16, 0).rule_state("door", state, Since(0, "begun"), MODEL.bundle, AT)
    look_at(message.topic, message.payload)
    said: dict[str, Any] = json.loads(message.payload)
    return said


@pytest.mark.parametrize("kind", [zone, queue])
def test_classes_that_have_no_room_in_a_state_are_told_together(kind: Callable[..., RuleState]) -> None:
    state = kind(TOO_MANY)
    said = told(state)
    for name in state.__struct_fields__:
        if isinstance(of := getattr(state, name), dict):
            assert sum(said[name].values()) == sum(of.values())
            assert [*said[name]] == [*WIDE[: len(said[name]) - 1], OTHERS]
            assert len(said[name]) > 30
    small = told(kind(FEW))
    assert not any(OTHERS in of for of in small.values() if isinstance(of, dict))


def test_totals_of_more_classes_than_there_is_room_for_are_right_in_sum_in_states_and_events() -> None:
    lines = {label: {"in": 2, "out": 1} for label in [OTHERS, *WIDE]}
    native = Native(Gate(ROOT), "0" * 16, 0)
    events: tuple[Event, ...] = (
        Reset("door", 0, "manual", LineState(lines), 0, MODEL.bundle),
        Split("door", 0, MODEL.bundle, MODEL.bundle, LineState(lines)),
    )
    said = [told(LineState(lines)), *(json.loads(native.event(one, TIMELINE).payload) for one in events)]
    assert native.seq == 2
    for one in said:
        assert one["counts"][OTHERS]["in"] > 2
        assert sum(of["in"] for of in one["counts"].values()) == 2 * len(lines)
        assert sum(of["out"] for of in one["counts"].values()) == len(lines)


def test_a_direction_that_nobody_went_is_told_of_those_together_too() -> None:
    said = told(LineState({label: {"in": 1, "out": 0} for label in WIDE}))
    assert said["counts"][OTHERS]["out"] == 0


def test_short_names_of_more_classes_than_a_table_may_have_are_told_together() -> None:
    said = told(line({f"{number}": 1 for number in range(1500)}))
    assert (len(said["counts"]), said["counts"][OTHERS]) == (1024, {"in": 477, "out": 477})


def test_of_a_shelf_that_has_no_room_for_all_classes_those_are_low_that_are_named() -> None:
    said = told(ShelfState(TOO_MANY, WIDE[-1000:] + WIDE[:2], 0, 0))
    assert said["low"] == [*WIDE[:2]]
    assert sum(said["counts"].values()) == 2 * len(TOO_MANY)


@pytest.mark.parametrize(("letter", "there"), [("x", 100), ("\N{HOUSE BUILDING}", 41)])
def test_tracks_whose_class_name_has_no_room_are_left_out_of_a_frame(letter: str, there: int) -> None:
    labels = tuple(f"{number:04}".ljust(64, letter) for number in range(100))
    rows = np.arange(100)
    tracks = Tracks(
        ids=2**53 - rows,
        boxes_xyxy_n=np.ones((100, 4), np.float32),
        scores=np.ones(100, np.float32),
        classes=rows[::-1].copy(),
        confirmed=np.ones(100, np.bool_),
        seen=np.ones(100, np.bool_),
    )
    frame = Native(Gate(ROOT), "0" * 16, 0).frame(tracks, labels, "\N{HOUSE BUILDING}" * 160, AT)
    said = json.loads(frame.payload)
    assert said["labels"] == [*labels[:there]]
    assert said["classes"] == [*range(there)][::-1]
    assert len(said["tracks"]) == len(said["scores"]) == len(said["boxes"]) == there


def test_a_table_all_of_whose_classes_are_named_stays_as_it_is_beside_one_that_has_no_room() -> None:
    first = {WIDE[0]: 1}
    said = told(ZoneState(first | TOO_MANY, first | TOO_MANY, first))
    assert said["left"] == first
    assert OTHERS in said["entered"]
