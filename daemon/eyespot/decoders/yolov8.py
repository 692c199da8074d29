"""YOLOv8, YOLO11 and their like: one row a number, one column a candidate, and no objectness.

The rows are centre x, centre y, width and height, then a score of each class, through a sigmoid already
(the export format of Ultralytics' `Detect` head, without its NMS).
"""

from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import best_classes, corners, select
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Floats


class Yolov8Settings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="yolov8"
):
    """How the output is to be read.

    Attributes:
        boxes: unit of the boxes, fractions or pixels of the input. Exports differ, so there is no default.
    """

    boxes: Literal["fractions", "pixels"]


class Yolov8:
    """Decodes the output "predictions" (4 + labels, n).

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: the model has other outputs, or other labels.
    """

    def __init__(self, settings: Yolov8Settings, layout: Layout, floor: float, nms_iou: float) -> None:
        most = layout.sides("predictions", 2)[1]
        self._reader = layout.reader({"predictions": (4 + layout.labels, most)})
        self._unit = np.tile(layout.size, 2) if settings.boxes == "pixels" else np.float32(1)
        self._floor = floor
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        (predictions,) = self._reader.read(tensors)
        rows, classes = best_classes(predictions[4:].T, self._floor)
        centred = predictions[:4, rows].T / self._unit
        usable = np.isfinite(centred).all(axis=1)
        rows, classes = rows[usable], classes[usable]
        # a quantised head may round to just above 1
        scores: Floats = np.minimum(predictions[4 + classes, rows], 1)
        return select(corners(centred[usable]), scores, classes, self._nms_iou)
