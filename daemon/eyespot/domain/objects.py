"""What of an observation can be followed from one look to the next: objects with boxes."""

from collections.abc import Sequence

import numpy as np

from eyespot.domain.boxes import areas
from eyespot.domain.observation import Detections, Found, Indexes, Labels, Poses, Shares, no_detections
from eyespot.domain.track import Mask

PERSON = "person"


def objects_of(found: Found, labels: Sequence[str]) -> Detections:
    """Return the objects of what was found: poses as boxes of persons; labels and shares have none.

    The box of a pose is the one around the keypoints that were seen, its class the label "person", or
    the first label where there is no such. A pose whose keypoints span no area is left out.

    Args:
        found: by a model.
        labels: class names of that model, by class index.
    """
    match found:
        case Detections():
            return found
        case Poses():
            return _persons(found, labels.index(PERSON) if PERSON in labels else 0)
        case Labels() | Shares():  # pragma: no branch - mypy sees that there is no other
            return no_detections()


def count_of(found: Found, min_score: float, counted: Mask) -> int:
    """Return how much of what was found is sure: objects, persons, or classes of the frame as a whole.

    Args:
        found: by a model.
        min_score: from which score, or share, on it is.
        counted: (labels,) bool; of which classes. Persons are counted always.
    """
    match found:
        case Detections() | Labels():
            return int((counted[found.classes] & (found.scores >= min_score)).sum())
        case Shares():
            return int((counted & (found.shares >= min_score)).sum())
        case Poses():  # pragma: no branch - mypy sees that there is no other
            return int((found.scores >= min_score).sum())


def places_of(before: Sequence[str], after: Sequence[str]) -> Indexes:
    """Return where each class of one model is in another one, by name; -1 where that lacks it."""
    places = {label: place for place, label in reversed(list(enumerate(after)))}
    return np.array([places.get(label, -1) for label in before], np.intp)


def _persons(poses: Poses, index: int) -> Detections:
    places, seen = poses.keypoints[:, :, :2], poses.keypoints[:, :, 2:] > 0
    low, high = np.where(seen, places, np.inf).min(axis=1), np.where(seen, places, -np.inf).max(axis=1)
    boxes = np.hstack([low, high]).astype(np.float32)
    kept = areas(boxes) > 0
    scores = poses.scores[kept]
    return Detections(boxes[kept], scores, np.full(len(scores), index, np.intp))
