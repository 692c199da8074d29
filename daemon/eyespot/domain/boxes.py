"""Boxes as rows of x0, y0, x1, y1: what decoders and trackers share."""

import numpy as np

from eyespot.domain.observation import Floats, Indexes


def areas(boxes_xyxy: Floats) -> Floats:
    """Return the (n,) areas of (n, 4) boxes; 0 for those turned inside out."""
    sides: Floats = np.maximum(boxes_xyxy[:, 2:] - boxes_xyxy[:, :2], 0)
    area: Floats = sides[:, 0] * sides[:, 1]
    return area


def iou_matrix(one: Floats, other: Floats) -> Floats:
    """Return the (n, m) intersections over unions of (n, 4) with (m, 4) boxes."""
    shared = _shared(one, other)
    union = areas(one)[:, None] + areas(other)[None, :] - shared
    overlap: Floats = shared / np.maximum(union, np.finfo(np.float32).tiny)
    return overlap


def cover_matrix(one: Floats, other: Floats) -> Floats:
    """Return the (n, m) shares of each (n, 4) box that lie inside each (m, 4) box."""
    cover: Floats = _shared(one, other) / np.maximum(areas(one)[:, None], np.finfo(np.float32).tiny)
    return cover


def _shared(one: Floats, other: Floats) -> Floats:
    # By columns: numpy is slow along an axis of two.
    left, top, right, bottom = one.T[:, :, None]
    other_left, other_top, other_right, other_bottom = np.ascontiguousarray(other.T)[:, None]
    widths = np.minimum(right, other_right) - np.maximum(left, other_left)
    heights = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared: Floats = np.maximum(widths, 0) * np.maximum(heights, 0)
    return shared


def non_maximum_suppression(boxes_xyxy: Floats, scores: Floats, classes: Indexes, iou: float) -> Indexes:
    """Return indexes of the (n, 4) boxes to keep, best score first: greedy, within each class.

    A box goes when one with a better score and the same class overlaps it by more than `iou`.
    Equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, kinds = boxes_xyxy[order], classes[order]
    rivals = (iou_matrix(ranked, ranked) > iou) & (kinds[:, None] == kinds[None, :])
    alive = np.ones(len(order), np.bool_)
    for rank in np.flatnonzero(np.triu(rivals, 1).any(axis=1)):
        if alive[rank]:
            alive[rank + 1 :] &= ~rivals[rank, rank + 1 :]
    return order[alive]
