"""YOLOX, YOLOv5 and their like: one row a candidate, which has an objectness besides its classes.

A row is centre x, centre y, width, height, objectness, then a score of each class, all decoded already
(YOLOX exported with `decode_in_inference`). The score of a class is objectness times its own.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import best_classes, corners, select
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Floats


class YoloxSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="yolox"
):
    """How the output is to be read.

    Attributes:
        boxes: unit of the boxes, fractions or pixels of the input; YOLOX itself gives pixels.
    """

    boxes: Literal["fractions", "pixels"]


class Yolox:
    """Decodes the output "predictions" (n, 5 + labels).

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: the model has other outputs, or other labels.
    """

    def __init__(self, settings: YoloxSettings, layout: Layout, floor: float, nms_iou: float) -> None:
        most = layout.sides("predictions", 2)[0]
        self._reader = layout.reader({"predictions": (most, 5 + layout.labels)})
        self._unit = np.tile(layout.size, 2) if settings.boxes == "pixels" else np.float32(1)
        self._floor = floor
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        (predictions,) = self._reader.read(tensors)
        objects = predictions[predictions[:, 4] >= self._floor]
        objects = objects[np.isfinite(objects).all(axis=1)]
        scores: Floats = np.clip(objects[:, 4:5], 0, 1) * np.clip(objects[:, 5:], 0, 1)
        rows, classes = best_classes(scores, self._floor)
        boxes = corners(objects[rows, :4] / self._unit)
        return select(boxes, scores[rows, classes], classes, self._nms_iou)
