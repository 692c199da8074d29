"""Recordings of cameras with which something happens: what is told of it, and what it does to the counts."""

import json
from pathlib import Path
from typing import Any

from eyespot import app
from eyespot.domain.observation import Optics
from fakes.daemon import LINE, write_config
from fakes.stretches import Stretch, recorded

NOBODY = "mqtt://127.0.0.1:9"


def told(folder: Path, recording: Path, bucket_s: int = 600) -> tuple[list[dict[str, str]], list[Any]]:
    """Return what was in doubt, message by message, and the buckets."""
    config = write_config(
        folder, camera={"source": "scene"}, url=NOBODY, rules=[LINE | {"bucket_s": bucket_s}]
    )
    messages = list(app.replay(config, recording))
    assert messages == list(app.replay(config, recording)), "the same each time, also with a cache"
    of = {
        name: [json.loads(one.payload) for one in messages if one.topic.endswith(name)]
        for name in ("health", "bucket")
    }
    doubts = [{one["name"]: one["reason"] for one in health["states"]} for health in of["health"]]
    return doubts, of["bucket"]


def test_a_lid_on_the_lens_is_told_with_the_figures_and_ends_coverage_until_it_is_off(tmp_path: Path) -> None:
    day = Optics(lux=220, exposure_ms=20, gain=1, focus=96, brightness=45)
    lid = Optics(lux=0.04, exposure_ms=66, gain=16, focus=1, brightness=1)
    recording = recorded(
        tmp_path / "lid.eyespot.jsonl", [Stretch(20, day), Stretch(10, lid, "dark"), Stretch(10, day)]
    )
    [dark, over], [*_, before, lidded, after] = told(tmp_path, recording)
    assert over == {}
    [(name, reason)] = dark.items()
    assert name == "too_dark"
    assert reason == (
        "nothing can be seen since 2026-01-01 00:20 UTC: 0.04 lux, brightness 1 %, exposure 66 ms, gain 16;"
        " usually 220 lux at this hour"
    )
    assert (before["coverage"], lidded["counts"]) == (1.0, None)
    assert [gap["cause"] for gap in lidded["gaps"]] == ["dark"]
    assert after["coverage"] == 1.0


def test_spray_on_the_lens_is_told_as_that(tmp_path: Path) -> None:
    day = Optics(focus=42, brightness=45)
    spray = Optics(focus=0.4, brightness=60)
    recording = recorded(tmp_path / "spray.eyespot.jsonl", [Stretch(10, day), Stretch(10, spray, "covered")])
    [covered], [_, sprayed] = told(tmp_path, recording)
    assert covered == {
        "covered": "something lies over the lens since 2026-01-01 00:10 UTC:"
        " the picture is the same everywhere (brightness 60 %)."
        " Where that is an even floor, send cmd/view/relearn"
    }
    assert (sprayed["counts"], sprayed["gaps"][0]["cause"]) == (None, "covered")


def test_a_lens_that_lost_its_focus_is_told_by_comparison_and_ends_coverage(tmp_path: Path) -> None:
    sharp, blurred = Optics(lux=220, focus=96), Optics(lux=220, focus=12)
    recording = recorded(
        tmp_path / "blur.eyespot.jsonl", [Stretch(70, sharp), Stretch(20, blurred), Stretch(20, sharp)]
    )
    [defocused, over], buckets = told(tmp_path, recording)
    assert defocused == {
        "defocused": "the picture is not sharp since 2026-01-01 01:15 UTC:"
        " focus 12, usually 96 at this light; is the lens dirty or turned, or something before it?"
        " Where that is meant, send cmd/view/relearn"
    }
    assert over == {}
    assert [one["coverage"] for one in buckets] == [*[1.0] * 7, 0.5, 0.0, 0.7, 1.0]
    assert buckets[8]["counts"] is None
    assert {gap["cause"] for one in buckets for gap in one["gaps"]} == {"defocused"}


def test_a_recording_that_tells_nothing_of_its_pictures_is_never_in_doubt(tmp_path: Path) -> None:
    doubts, buckets = told(tmp_path, recorded(tmp_path / "old.eyespot.jsonl", [Stretch(90, None)]))
    assert doubts == []
    assert {one["coverage"] for one in buckets} == {1.0}
