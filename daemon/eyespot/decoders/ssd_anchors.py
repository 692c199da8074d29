"""SSD without a post-processing op: box encodings relative to anchors, and class logits.

The box coder is that of TensorFlow's object detection API (`FasterRcnnBoxCoder`), the order of the
anchors that of its and MediaPipe's multi-scale grids: layer, then y, then x, then anchor.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import select
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Floats, Indexes

# A box that is e**10 times as large as its anchor fills the picture whatever the model meant.
_MOST_LOG_SIZE = 10.0

_Positive = Annotated[float, msgspec.Meta(gt=0, le=1000)]


class Layer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One grid of anchors.

    Attributes:
        stride: pixels of the input from one cell to the next.
        anchors: [aspect ratio, scale] of each anchor of a cell: it is scale * sqrt(ratio) wide and
            scale / sqrt(ratio) high, in fractions of the input.
    """

    stride: Annotated[int, msgspec.Meta(ge=4, le=4096)]
    anchors: Annotated[tuple[tuple[_Positive, _Positive], ...], msgspec.Meta(min_length=1, max_length=32)]

    def grid(self, width: int, height: int) -> tuple[int, int]:
        """Return how many rows and columns of cells cover an input of this size in pixels."""
        return math.ceil(height / self.stride), math.ceil(width / self.stride)


class SsdAnchorsSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="ssd_anchors"
):
    """How the encodings are to be read.

    Attributes:
        layers: the grids, in the order of the tensors.
        box_scales: by what the encodings ty, tx, th, tw were multiplied in training.
        background: index of the class that means nothing is there; None where there is none.
    """

    layers: Annotated[tuple[Layer, ...], msgspec.Meta(min_length=1, max_length=16)]
    box_scales: tuple[_Positive, _Positive, _Positive, _Positive] = (10, 10, 5, 5)
    background: Annotated[int, msgspec.Meta(ge=0)] | None = None


class SsdAnchors:
    """Decodes the outputs "boxes" (n, 4), ty, tx, th, tw, and "scores" (n, labels), logits.

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: anchors, labels and outputs do not fit each other.
    """

    def __init__(self, settings: SsdAnchorsSettings, layout: Layout, floor: float, nms_iou: float) -> None:
        if settings.background is not None and settings.background >= layout.labels:
            raise ModelError(
                f"manifest.json: background {settings.background} is none of the {layout.labels} labels; "
                "mend `$.decoder.background`"
            )
        size = (layout.width, layout.height)
        count = sum(math.prod(layer.grid(*size)) * len(layer.anchors) for layer in settings.layers)
        self._reader = layout.reader({"boxes": (count, 4), "scores": (count, layout.labels)})
        self._anchors = anchor_grid(settings.layers, *size)
        self._box_scales = np.array(settings.box_scales, np.float32)
        self._background = settings.background
        self._least_logit = math.log(floor / (1 - floor))
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        encodings, logits = self._reader.read(tensors)
        rows, classes = self._likely(encodings, logits)
        boxes = self._boxes(encodings[rows], self._anchors[rows])
        scores = (1 / (1 + np.exp(-logits[rows, classes]))).astype(np.float32)
        return select(boxes, scores, classes, self._nms_iou)

    def _likely(self, encodings: Floats, logits: Floats) -> tuple[Indexes, Indexes]:
        """Return rows and classes of what is worth decoding: a few of thousands."""
        likely = logits >= self._least_logit
        if self._background is not None:
            likely[:, self._background] = False
        rows, classes = np.nonzero(likely)
        usable = np.isfinite(logits[rows, classes]) & np.isfinite(encodings[rows]).all(axis=1)
        return rows[usable], classes[usable]

    def _boxes(self, encodings: Floats, anchors: Floats) -> Floats:
        """Return (n, 4) boxes x0, y0, x1, y1 of encodings that belong to anchors."""
        shifts, log_sizes = np.hsplit(encodings / self._box_scales, 2)
        centres = shifts * anchors[:, 2:] + anchors[:, :2]
        halves = np.exp(np.minimum(log_sizes, _MOST_LOG_SIZE)) * anchors[:, 2:] / 2
        boxes: Floats = np.hstack([(centres - halves)[:, ::-1], (centres + halves)[:, ::-1]])
        return boxes


def anchor_grid(layers: Sequence[Layer], width: int, height: int) -> Floats:
    """Return (n, 4) anchors as centre y, centre x, height, width, in fractions of the input.

    Args:
        layers: the grids.
        width: of the input, in pixels.
        height: of the input, in pixels.
    """
    return np.concatenate([_layer_grid(layer, width, height) for layer in layers])


def _layer_grid(layer: Layer, width: int, height: int) -> Floats:
    rows, columns = layer.grid(width, height)
    ratios, scales = np.array(layer.anchors).T
    grid = np.empty((rows, columns, len(ratios), 4), np.float32)
    grid[..., 0] = ((np.arange(rows) + 0.5) / rows)[:, None, None]
    grid[..., 1] = ((np.arange(columns) + 0.5) / columns)[:, None]
    grid[..., 2], grid[..., 3] = scales / np.sqrt(ratios), scales * np.sqrt(ratios)
    return grid.reshape(-1, 4)
