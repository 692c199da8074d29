"""Whether there is something to be seen in a picture at all: one of three words, and nothing else of it."""

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
