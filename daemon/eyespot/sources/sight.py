"""How a picture is as a whole: whether there is something to be seen in it, how bright it is, how sharp."""

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Sight
from eyespot.frames import Pixels
from eyespot.sources.camera_metadata import sight_by

# Of 255. A night that a camera has brightened with all its gain is brighter, and a bare wall has more
# between its light and its shade.
_DARK = 12
_FLAT = 6
_PATCHES, _SAMPLES = 16, 4  # along each side; of a patch, whose mean has little of the sensor's noise
_LEAST_SIDE = 3
_TAILS = (2, 98)  # percent: a lamp or a reflection alone shows nothing


def sight_of(pixels: Pixels, lux: float | None) -> Sight:
    """Return whether a picture shows something.

    Without light it is dark, whether that is the night's or a lid's doing. It is covered when there is light,
    and no difference between one place and another: paper, fog, spray.

    Args:
        pixels: (h, w, 3) uint8.
        lux: as the camera says; None where it does not.
    """
    darkest, brightest = np.percentile(_patches(pixels), _TAILS, axis=(0, 1))
    if brightest.max() < _DARK or sight_by(lux) == "dark":
        return "dark"
    return "covered" if (brightest - darkest).max() < _FLAT else "clear"


def brightness_of(pixels: Pixels) -> float:
    """Return how bright a picture is on average, in percent of white."""
    return float(pixels.mean()) / 255 * 100


def sharpness_of(pixels: Pixels) -> float:
    """Return how much pixels differ from the mean of their neighbours, in thousandths of the brightness.

    What is out of focus has no fine detail. By the brightness, so that half the light makes no difference.
    """
    green = pixels[..., 1].astype(np.float32)
    if min(green.shape) < _LEAST_SIDE:
        return 0.0
    around = (green[:-2, 1:-1] + green[2:, 1:-1] + green[1:-1, :-2] + green[1:-1, 2:]) / 4
    return float(np.abs(green[1:-1, 1:-1] - around).mean() / (green.mean() + 1) * 1000)


def _patches(pixels: Pixels) -> Reals:
    """Return (rows, columns, 3), how bright patches are, by a few pixels of each; of tiny ones the pixels."""
    steps = [max(side // (_PATCHES * _SAMPLES), 1) for side in pixels.shape[:2]]
    samples = pixels[:: steps[0], :: steps[1]].astype(np.float64)
    rows, columns = (side // _SAMPLES for side in samples.shape[:2])
    if not (rows and columns):
        return samples
    whole = samples[: rows * _SAMPLES, : columns * _SAMPLES]
    means: Reals = whole.reshape(rows, _SAMPLES, columns, _SAMPLES, 3).mean(axis=(1, 3))
    return means
