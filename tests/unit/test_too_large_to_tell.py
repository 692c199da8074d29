"""What is too large for its topic is told as far as there is room; it does not end the device."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eyespot.ports import View
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native, Stamp
from eyespot.topics.payloads import LONGEST_LINE
from fakes.brokers import ROOT
from fakes.daemon import write_config
from fakes.office import MODEL
from fakes.twins import Device

MOST_BYTES = 256 * 1024
AT = Stamp(0, synced=True)


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
