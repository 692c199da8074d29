"""Tracks and detections as numpy tables: one row an object, one field a property.

Rows live and die together this way, and no object of Python's stands for a track.
Lengths are fractions of the frame, along x of its width and along y of its height.
"""

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.observation import Detections

Table = NDArray[np.void]

DETECTION = np.dtype(
    [
        ("box", np.float32, 4),
        ("score", np.float32),
        ("class", np.intp),
        ("centre", np.float64, 2),
        ("size", np.float64, 2),
    ]
)

TRACK = np.dtype(
    [
        ("id", np.int64),
        ("class", np.intp),
        ("class_lead", np.float64),  # by how much score the class leads over all others
        ("score", np.float32),
        ("box", np.float32, 4),  # as detected last
        ("looks", np.int64),  # observations since the first hit
        ("hits", np.int64),  # those in which it was seen
        ("age_s", np.float64),  # since the first hit
        ("unseen_s", np.float64),
        ("seen", np.bool_),
        ("confirmed", np.bool_),
        ("centre", np.float64, 2),
        ("size", np.float64, 2),
        ("velocity", np.float64, 2),  # per second
        ("position_variance", np.float64),  # in box sizes, as are the next two
        ("covariance", np.float64),  # of position with velocity
        ("velocity_variance", np.float64),
    ]
)


def detection_table(detections: Detections, min_score: float, most: int) -> Table:
    """Return the usable detections, best score first.

    Args:
        detections: of one observation.
        min_score: lower ones are left out, as are boxes without an area or with what is no number.
        most: how many at most.
    """
    boxes, scores = np.clip(detections.boxes_xyxy_n, 0, 1), detections.scores
    sizes = boxes[:, 2:] - boxes[:, :2]
    usable = (scores >= min_score) & (sizes > 0).all(axis=1)
    order = np.argsort(-scores, kind="stable")
    best = order[usable[order]][:most]
    table = np.empty(len(best), DETECTION)
    table["box"], table["score"], table["class"] = boxes[best], scores[best], detections.classes[best]
    table["size"] = sizes[best]
    table["centre"] = table["box"][:, :2] + table["size"] / 2
    return table
