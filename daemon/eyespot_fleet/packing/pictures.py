"""Pictures for golden vectors: read, and brought to the size of the network's input."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.domain.errors import InputError, foreign
from eyespot.engines.fitting import Fitting
from eyespot.frames import Pixels
from eyespot.sources.film import pyav

_COLOURS = 3


def fitted(path: Path, entrance: dict[str, Any]) -> Pixels:
    """Return a picture as the engine would make it of the file's: (height, width, 3), red first.

    Args:
        path: of a picture that PyAV can read, such as PNG or JPEG, or of one that numpy has saved.
        entrance: the manifest's `input`.

    Raises:
        ConfigError: it needs PyAV, and that is not installed.
        InputError: it is not there, or no picture.
    """
    if not path.is_file():
        raise InputError(f"there is no picture {path}")
    pixels = _saved(path) if path.suffix == ".npy" else _decoded(path)
    fitting = Fitting(entrance["width"], entrance["height"], entrance["resize"], entrance.get("pad", 0))
    return fitting.fit(pixels).copy()


def emptiness(entrance: dict[str, Any]) -> Pixels:
    """Return a picture in which nothing is: a slope of grey."""
    height, width = entrance["height"], entrance["width"]
    slope = np.linspace(0, 255, width, dtype=np.uint8)
    return np.broadcast_to(slope[None, :, None], (height, width, _COLOURS)).copy()


def _saved(path: Path) -> Pixels:
    with foreign(InputError, f"{path} is no picture that numpy has saved"):
        pixels = np.load(path, allow_pickle=False)
    if pixels.dtype != np.uint8 or pixels.ndim != _COLOURS or pixels.shape[2] != _COLOURS or not pixels.size:
        raise InputError(f"{path} is no picture: want (height, width, 3) of uint8")
    return np.asarray(pixels)


def _decoded(path: Path) -> Pixels:
    av = pyav()
    with (
        foreign(InputError, f"{path} is no picture that can be read; give PNG, JPEG, or .npy"),
        av.open(path) as film,
    ):
        frames: Iterator[Any] = film.decode(video=0)
        return np.asarray(next(frames).to_ndarray(format="rgb24"))
