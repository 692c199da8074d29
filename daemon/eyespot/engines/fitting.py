"""Brings a picture to the size of a model's input: nearest neighbour, in numpy.

Good enough where the source could not scale. Detectors do not mind nearest neighbour, and the model's
figures were taken with it.
"""

from dataclasses import dataclass

import numpy as np

from eyespot.domain.geometry import Resize, content_span
from eyespot.frames import Pixels

_Place = slice | np.ndarray[tuple[int], np.dtype[np.intp]]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where the pixels along one axis go: canvas[target] = picture[source]."""

    target: slice
    source: _Place


class Fitting:
    """Fits pictures into a model's input.

    Args:
        width: of the input, in pixels.
        height: of the input, in pixels.
        resize: how a picture of another shape is brought in.
        pad: pixel value beside a letterboxed picture.
    """

    def __init__(self, width: int, height: int, resize: Resize, pad: int) -> None:
        self._size = (width, height)
        self._resize = resize
        self._canvas = np.full((height, width, 3), pad, np.uint8)
        self._pad = pad
        self._shape: tuple[int, ...] = ()
        self._axes: tuple[_Axis, _Axis]

    def fit(self, pixels: Pixels) -> Pixels:
        """Return (height, width, 3) pixels: the picture itself if it fits, else good until the next call."""
        if pixels.shape == self._canvas.shape:
            return pixels
        if pixels.shape != self._shape:
            self._lay_out(pixels.shape)
        rows, columns = self._axes
        self._canvas[rows.target, columns.target] = pixels[rows.source][:, columns.source]
        return self._canvas

    def _lay_out(self, shape: tuple[int, ...]) -> None:
        """Plan for pictures of another shape."""
        self._shape = shape
        self._canvas[:] = self._pad
        size = (shape[1], shape[0])
        span = content_span(size, self._size, self._resize)
        columns, rows = (
            _axis(size[axis], self._size[axis], float(span[axis + 2] - span[axis])) for axis in (0, 1)
        )
        self._axes = (rows, columns)


def _axis(source: int, target: int, share: float) -> _Axis:
    """Return where `source` pixels go that take the centred `share` of `target` pixels."""
    size = max(1, round(share * target))
    start = (target - size) // 2
    low, high = max(0, start), min(target, start + size)
    if size == source:  # a view is enough
        return _Axis(slice(low, high), slice(low - start, high - start))
    centres = 2 * (np.arange(low, high) - start) + 1
    return _Axis(slice(low, high), (centres * source // (2 * size)).astype(np.intp))
