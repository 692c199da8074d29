"""What is said of a picture as a whole: whether it shows anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Optics
from eyespot.ports import SensorReadings
from eyespot.sources.camera_metadata import EverySecond, optics_by, sight_by
from eyespot.sources.sight import brightness_of, sharpness_of, sight_of

SHAPE = (240, 320)


def picture(brightness: np.ndarray, noise: float = 0.0) -> np.ndarray:
    """Grey, of (h, w) brightness, with the noise of a sensor."""
    noisy = brightness[:, :, None] + np.random.default_rng(1).normal(0, noise, (*brightness.shape, 3))
    return noisy.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [0, 2, 5])
def test_a_night_is_dark_and_paper_over_the_lens_covers_it_however_much_noise_there_is(noise: float) -> None:
    assert sight_of(picture(np.full(SHAPE, 3.0), noise), None) == "dark"
    assert sight_of(picture(np.full(SHAPE, 120.0), noise), None) == "covered"
    assert sight_of(picture(np.full(SHAPE, 250.0), noise), None) == "covered"


def test_a_lamp_in_the_night_shows_nothing() -> None:
    night = np.full(SHAPE, 3.0)
    night[:20, :20] = 250
    assert sight_of(picture(night, 2), None) == "dark"


def test_a_bare_wall_with_a_shade_and_somebody_before_it_are_seen() -> None:
    wall = np.tile(np.linspace(110, 125, SHAPE[1]), (SHAPE[0], 1))
    assert sight_of(picture(wall, 3), None) == "clear"
    wall = np.full(SHAPE, 120.0)
    wall[60:200, 100:140] = 60
    assert sight_of(picture(wall, 3), None) == "clear"


def test_one_colour_alone_shows_something() -> None:
    red = np.zeros((*SHAPE, 3), np.uint8)
    red[:, 160:, 0] = 90
    assert sight_of(red, None) == "clear"
    red[:, :160, 1] = 90  # no brighter, and no darker
    assert sight_of(red, None) == "clear"


def test_the_camera_knows_of_darkness_that_gain_has_brightened() -> None:
    wall = picture(np.tile(np.linspace(40, 90, SHAPE[1]), (SHAPE[0], 1)), 5)
    assert [sight_of(wall, lux) for lux in (None, 0.2, 3.0)] == ["clear", "dark", "clear"]
    assert [sight_by(lux) for lux in (None, 0.2, 3.0)] == ["clear", "dark", "clear"]


@given(st.integers(1, 200), st.integers(1, 200), st.integers(0, 255))
def test_pictures_of_any_size_are_judged(height: int, width: int, value: int) -> None:
    flat = np.full((height, width, 3), value, np.uint8)
    assert sight_of(flat, None) == ("dark" if value < 12 else "covered")


def blurred(pixels: np.ndarray, times: int) -> np.ndarray:
    """As a lens that is out of focus shows it."""
    smooth = pixels.astype(np.float64)
    for _ in range(times):
        smooth = (smooth + np.roll(smooth, 1, 0) + np.roll(smooth, 1, 1) + np.roll(smooth, -1, 0)) / 4
    return smooth.astype(np.uint8)


def test_a_blur_takes_the_sharpness_and_half_the_light_does_not() -> None:
    detail = picture(np.random.default_rng(2).uniform(40, 200, SHAPE))
    sharp = sharpness_of(detail)
    assert sharpness_of(detail // 2) == pytest.approx(sharp, rel=0.05)
    assert sharpness_of(blurred(detail, 8)) < sharp / 3
    assert sharpness_of(picture(np.full(SHAPE, 120.0))) == 0.0
    assert sharpness_of(detail[:2, :2]) == 0.0
    assert (brightness_of(detail // 2 * 0 + 51), brightness_of(detail * 0)) == (20.0, 0.0)


def test_of_a_picture_a_second_figures_are_told_as_far_as_there_are_any() -> None:
    every = EverySecond()
    assert [every.is_due(tenth * SECOND_NS // 10) for tenth in (0, 5, 9, 10, 15, 31, 40, 41)] == [
        *(True, False, False, True, False, True, False, True)
    ]
    assert optics_by(None) == Optics()
    assert optics_by(SensorReadings(exposure_ms=20.4, gain=2.0, lux=80.0, focus=96.4)) == Optics(
        80, 20, 2, 96
    )
