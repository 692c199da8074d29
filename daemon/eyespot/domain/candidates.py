"""From what a model proposes to what is told: the last steps that all decoders share."""

import numpy as np

from eyespot.domain.boxes import non_maximum_suppression
from eyespot.domain.observation import Detections, Floats, Indexes

# A bad model proposes thousands; suppression costs the square of that.
_MOST = 300


def select(boxes_xyxy: Floats, scores: Floats, classes: Indexes, nms_iou: float) -> Detections:
    """Return the best of overlapping candidates, best score first, clipped to the model's input.

    Boxes that have no area inside the input are dropped, and all but the best 300.

    Args:
        boxes_xyxy: (n, 4), finite; fractions of the model's input.
        scores: (n,), finite.
        classes: (n,); indexes into the labels.
        nms_iou: two boxes of one class that overlap by more than this are one object.
    """
    clipped = np.clip(boxes_xyxy, 0, 1)
    kept = np.flatnonzero((clipped[:, 2:] > clipped[:, :2]).all(axis=1))
    best = kept[np.argsort(-scores[kept], kind="stable")[:_MOST]]
    boxes, likely, kinds = clipped[best], scores[best], classes[best]
    winners = non_maximum_suppression(boxes, likely, kinds, nms_iou)
    return Detections(boxes[winners], likely[winners], kinds[winners])
