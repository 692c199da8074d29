"""Detectors that end in their own post-processing: boxes, classes, scores and how many of them.

On the CPU that is TensorFlow Lite's custom op `TFLite_Detection_PostProcess`, on the IMX500 sensor the
networks whose name ends in `_pp`, of whatever family. They decode and suppress by themselves, but some
loosely: the same person comes out twice. So suppression is run again.
"""

from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import select
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Floats


class SsdPostprocessSettings(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="ssd_postprocess",
):
    """How the outputs are to be read.

    Attributes:
        class_offset: what to add to a class of the outputs to get its line, from 0, in the labels file.
        order: of a box's numbers, y0, x0, y1, x1 or x0, y0, x1, y1.
        boxes: unit of these numbers, fractions or pixels of the input.
    """

    class_offset: Annotated[int, msgspec.Meta(ge=-1, le=1)] = 0
    order: Literal["yx", "xy"] = "yx"
    boxes: Literal["fractions", "pixels"] = "fractions"


class SsdPostprocess:
    """Decodes the outputs "boxes" (n, 4), "classes" (n,), "scores" (n,) and "count" (1,).

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: the model has other outputs.
    """

    def __init__(
        self, settings: SsdPostprocessSettings, layout: Layout, floor: float, nms_iou: float
    ) -> None:
        most = layout.sides("boxes", 2)[0]
        shapes = {"boxes": (most, 4), "classes": (most,), "scores": (most,), "count": (1,)}
        self._reader = layout.reader(shapes)
        self._columns = [1, 0, 3, 2] if settings.order == "yx" else [0, 1, 2, 3]
        self._unit = np.tile(layout.size, 2) if settings.boxes == "pixels" else np.float32(1)
        self._class_offset = settings.class_offset
        self._labels = layout.labels
        self._floor = floor
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        boxes, classes, scores, count = self._reader.read(tensors)
        return self._select(boxes, classes + self._class_offset, scores, count[0])

    def _select(self, boxes: Floats, classes: Floats, scores: Floats, count: np.float32) -> Detections:
        usable = (np.arange(len(scores)) < count) & (scores >= self._floor) & np.isfinite(scores)
        usable &= np.isfinite(boxes).all(axis=1) & (classes >= 0) & (classes <= self._labels - 1)
        boxes_xyxy = boxes[usable][:, self._columns] / self._unit
        # a quantised head may round to just above 1
        likely: Floats = np.minimum(scores[usable], 1)
        return select(boxes_xyxy, likely, classes[usable].astype(np.intp), self._nms_iou)
