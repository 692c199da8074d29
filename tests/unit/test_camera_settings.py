"""The `[camera]` table: what does not fit together is told."""

import pytest

from eyespot.sources.settings import CameraSettings, problems


@pytest.mark.parametrize(
    "settings",
    [
        CameraSettings(source="scene"),
        CameraSettings(source="scene", seed=3, rate_hz=25, pace="fast"),
        CameraSettings(source="video", file="a.avi", loop=True, pace="fast"),
        CameraSettings(source="replay", file="a.jsonl", mount="overhead"),
    ],
)
def test_what_fits_together_is_good(settings: CameraSettings) -> None:
    assert problems(settings) == []


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        (CameraSettings(source="video"), ["file"]),
        (CameraSettings(source="replay"), ["file"]),
        (CameraSettings(source="scene", file="a.avi", loop=True), ["file", "loop"]),
        (CameraSettings(source="video", file="a.avi", seed=1, rate_hz=5), ["seed", "rate_hz"]),
    ],
)
def test_missing_keys_and_keys_of_other_sources_are_named(settings: CameraSettings, keys: list[str]) -> None:
    assert [key for key, _ in problems(settings)] == keys
