"""NanoDet-Plus without post-processing: class logits, and each side of a box as a distribution.

A cell of the grid of stride s in column x and row y has its point at (x * s, y * s) pixels. How far the
left, top, right and bottom sides of the box lie from there is told by one group of bins each: the
softmax over the bins is how likely the distance is 0, 1, 2, ... strides, and its mean is the distance
("Generalized Focal Loss", Li et al. 2020, arXiv:2006.04388). The order of the cells is layer, then y,
then x.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import best_classes, select
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Floats

# beyond this a bin is certain or impossible, and exp() stays finite
_MOST_LOGIT = 40.0

_Stride = Annotated[int, msgspec.Meta(ge=4, le=4096)]


class NanodetSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="nanodet"
):
    """How the output is to be read.

    Attributes:
        strides: pixels of the input from one cell to the next, of each grid, in the order of the tensor.
        bins: of one side's distribution; one more than NanoDet's `reg_max`.
    """

    strides: Annotated[tuple[_Stride, ...], msgspec.Meta(min_length=1, max_length=16)]
    bins: Annotated[int, msgspec.Meta(ge=2, le=64)] = 8


class Nanodet:
    """Decodes the output "predictions" (cells, labels + 4 * bins).

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: strides, bins, labels and output do not fit each other.
    """

    def __init__(self, settings: NanodetSettings, layout: Layout, floor: float, nms_iou: float) -> None:
        cells = np.concatenate([_cells(stride, layout) for stride in settings.strides])
        self._points, self._strides = cells[:, :2], cells[:, 2:]
        self._labels = layout.labels
        self._reader = layout.reader({"predictions": (len(cells), self._labels + 4 * settings.bins)})
        self._distances = np.arange(settings.bins, dtype=np.float32)
        self._size = layout.size
        self._least_logit = math.log(floor / (1 - floor))
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        (predictions,) = self._reader.read(tensors)
        rows, classes = best_classes(predictions[:, : self._labels], self._least_logit)
        usable = np.isfinite(predictions[rows, self._labels :]).all(axis=1)
        rows, classes = rows[usable], classes[usable]
        logits = np.minimum(predictions[rows, classes], _MOST_LOGIT)
        scores = (1 / (1 + np.exp(-logits))).astype(np.float32)
        boxes = self._boxes(predictions[rows, self._labels :], self._points[rows], self._strides[rows])
        return select(boxes, scores, classes, self._nms_iou)

    def _boxes(self, bins: Floats, points: Floats, strides: Floats) -> Floats:
        """Return (n, 4) boxes x0, y0, x1, y1 in fractions of the input."""
        sides = np.clip(bins, -_MOST_LOGIT, _MOST_LOGIT).reshape(-1, 4, len(self._distances))
        likely = np.exp(sides - sides.max(axis=2, keepdims=True))
        means = likely @ self._distances / likely.sum(axis=2)
        before, after = np.hsplit(means * strides, 2)
        boxes: Floats = np.hstack([(points - before) / self._size, (points + after) / self._size])
        return boxes


def _cells(stride: int, layout: Layout) -> Floats:
    """Return (n, 3): x, y and stride of a grid's cells, in pixels."""
    rows, columns = math.ceil(layout.height / stride), math.ceil(layout.width / stride)
    y, x = np.mgrid[:rows, :columns].reshape(2, -1)
    cells: Floats = np.stack([x, y, np.ones_like(x)], axis=1).astype(np.float32) * np.float32(stride)
    return cells
