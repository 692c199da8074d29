"""SSD that ends in TensorFlow Lite's custom op `TFLite_Detection_PostProcess`.

The op decodes and suppresses by itself, but loosely: the same person comes out twice. So suppression
is run again.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import select
from eyespot.domain.errors import ModelError
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
    """How the op's outputs are to be read.

    Attributes:
        class_offset: what to add to a class of the op to get its line, from 0, in the labels file.
    """

    class_offset: Annotated[int, msgspec.Meta(ge=-1, le=1)] = 0


class SsdPostprocess:
    """Decodes the outputs "boxes" (1, n, 4), y0, x0, y1, x1, "classes", "scores" (1, n) and "count" (1,).

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
        match layout.outputs.get("boxes"):
            case (1, most, 4):
                pass
            case _:
                raise ModelError('no output has the role "boxes" and shape [1, n, 4]; mend `$.outputs`')
        shapes = {"boxes": (1, most, 4), "classes": (1, most), "scores": (1, most), "count": (1,)}
        self._places = layout.places(shapes)
        self._class_offset = settings.class_offset
        self._labels = layout.labels
        self._floor = floor
        self._nms_iou = nms_iou

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found; see `Decoder`."""
        boxes_yxyx, classes, scores, count = (
            np.asarray(tensors[place], np.float32) for place in self._places
        )
        return self._select(boxes_yxyx[0], classes[0] + self._class_offset, scores[0], count[0])

    def _select(self, boxes_yxyx: Floats, classes: Floats, scores: Floats, count: np.float32) -> Detections:
        usable = (np.arange(len(scores)) < count) & (scores >= self._floor) & np.isfinite(scores)
        usable &= np.isfinite(boxes_yxyx).all(axis=1) & (classes >= 0) & (classes <= self._labels - 1)
        boxes_xyxy = boxes_yxyx[usable][:, [1, 0, 3, 2]]
        # a quantised head may round to just above 1
        likely: Floats = np.minimum(scores[usable], 1)
        return select(boxes_xyxy, likely, classes[usable].astype(np.intp), self._nms_iou)
