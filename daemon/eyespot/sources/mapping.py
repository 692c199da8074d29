"""From a model's input to the full frame: what was found, in the frame of reference of everything else."""

import numpy as np

from eyespot.domain.boxes import areas
from eyespot.domain.geometry import points_to_full_frame, to_full_frame
from eyespot.domain.observation import Detections, Floats, Found, Labels, Poses, Shares


def full_frame(found: Found, span: Floats) -> Found:
    """Return what was found, in fractions of the full frame; what lies beside the frame is left out.

    Labels and shares have no place and stay as they are: they are of the model's whole input, so the
    bars of a letterboxed picture count, too.

    Args:
        found: in fractions of a model's input.
        span: (4,), where the frame lies in that input: see `domain.geometry.content_span`.
    """
    match found:
        case Detections():
            return _detections(found, span)
        case Poses():
            return _poses(found, span)
        case Labels() | Shares():  # pragma: no branch - mypy sees that there is no other
            return found


def _detections(found: Detections, span: Floats) -> Detections:
    boxes = to_full_frame(found.boxes_xyxy_n, span)
    kept = areas(boxes) > 0
    return Detections(boxes[kept], found.scores[kept], found.classes[kept])


def _poses(found: Poses, span: Floats) -> Poses:
    """Return poses of which something is in the frame; keypoints beside it count as not seen."""
    places = points_to_full_frame(found.keypoints[:, :, :2], span)
    inside = ((places >= 0) & (places <= 1)).all(axis=2)
    scores = np.where(inside, found.keypoints[:, :, 2], 0)
    keypoints = np.concatenate([np.clip(places, 0, 1), scores[:, :, None]], axis=2)
    kept = (scores > 0).any(axis=1)
    return Poses(keypoints[kept], found.scores[kept])
