"""From what a model proposes to what is told: the last steps that decoders share."""

import numpy as np

from eyespot.domain.boxes import non_maximum_suppression
from eyespot.domain.observation import Detections, Floats, Indexes, Poses

# A bad model proposes thousands; suppression costs the square of that.
_MOST = 300
# Far outside of any picture, and nothing overflows on the way there.
_FAR = 1e6


def best_classes(scores: Floats, least: float) -> tuple[Indexes, Indexes]:
    """Return which candidates are worth a look, and the best class of each.

    Args:
        scores: (n, classes); a candidate whose best one is not finite is left out.
        least: score that the best class of a candidate needs.
    """
    best = scores.max(axis=1)
    rows = np.flatnonzero((best >= least) & np.isfinite(best))
    return rows, scores[rows].argmax(axis=1)


def corners(centred: Floats) -> Floats:
    """Return (n, 4) boxes x0, y0, x1, y1 of finite ones given as centre x, centre y, width, height."""
    centres, sizes = np.hsplit(np.clip(centred, -_FAR, _FAR), 2)
    boxes: Floats = np.hstack([centres - sizes / 2, centres + sizes / 2])
    return boxes


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


def select_poses(keypoints: Floats, scores: Floats, floor: float) -> Poses:
    """Return the poses that score at least the floor, best first, clipped to the model's input.

    Args:
        keypoints: (n, 17, 3), finite; x and y in fractions of the model's input, and score.
        scores: (n,), finite.
        floor: score below which nothing is told.
    """
    order = np.argsort(-scores, kind="stable")
    told = order[scores[order] >= floor]
    return Poses(np.clip(keypoints[told], 0, 1), np.minimum(scores[told], 1))
