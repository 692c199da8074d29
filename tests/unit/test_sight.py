"""What is said of a picture as a whole: whether it shows anything."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.sources.camera_metadata import sight_by
from eyespot.sources.sight import sight_of

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
