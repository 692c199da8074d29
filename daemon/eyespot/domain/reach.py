"""Who may be somebody that was seen elsewhere before: how far people go while nobody sees them."""

from collections.abc import Iterator, Sequence

import numpy as np

from eyespot.domain.geometry import Point, Reals, units_of
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Floats
from eyespot.domain.strip import Instants
from eyespot.domain.trails import Trail

BOTH_SEEN_NS = 3 * SECOND_NS // 10  # for so long two tracks of one person may be seen at once
_REACH = 1.5  # how far from where the last was seen another track may begin, in boxes
_PACE = 1.0  # and how much further for each second, in longer sides of the box: people walk on unseen
_WALKING_S = 3.0
# How long a stay waits, once its track has ended: a while after that was seen last. What counts is time in
# which somebody looks. Where its box reached an edge of the frame, it has most likely left the picture.
_WAITS_NS = 7 * SECOND_NS // 2
_WAITS_AT_THE_EDGE_NS = SECOND_NS // 2
_EDGE = 0.01
_BESIDE = 1.0  # so near to somebody another track is most likely his, too, or of one who was hidden by him


def within_reach(
    fresh: Sequence[Trail], points: Reals, boxes_xyxy_n: Floats, seen_ns: Instants
) -> Iterator[tuple[int, int]]:
    """Yield which of some tracks may be which of those that were seen before, the nearest first.

    Args:
        fresh: the tracks.
        points: (n, 2), where the others were seen last.
        boxes_xyxy_n: (n, 4), in which boxes.
        seen_ns: (n,), when.
    """
    hidden_ns = np.array([trail.born_ns for trail in fresh])[:, None] - seen_ns
    walked = _PACE * np.clip(hidden_ns / SECOND_NS, 0, _WALKING_S)
    units = units_of(boxes_xyxy_n)
    reach = _REACH * units + walked[:, :, None] * units.max(axis=1)[:, None]
    out = np.array([trail.born_at for trail in fresh])[:, None] - points
    distances = np.linalg.norm(out / reach, axis=2)
    rows, places = np.nonzero((hidden_ns >= -BOTH_SEEN_NS) & (distances <= 1))
    order = np.argsort(distances[rows, places], kind="stable")
    yield from zip(rows[order].tolist(), places[order].tolist(), strict=True)


def which_beside(point: Point, box_xyxy_n: Floats, points: Sequence[Point]) -> list[int]:
    """Return which of some points are as near to another one as a box is large.

    Args:
        point: the other one.
        box_xyxy_n: (4,), its box.
        points: of those beside which it may be.
    """
    if not points:
        return []
    distances = np.linalg.norm((np.array(points) - point) / units_of(box_xyxy_n[None]), axis=1)
    near: list[int] = np.flatnonzero(distances <= _BESIDE).tolist()
    return near


def waits_ns(box_xyxy_n: Floats) -> int:
    """Return how long somebody whose track has ended is waited for, who was seen last in a (4,) box."""
    at_the_edge = bool((box_xyxy_n <= _EDGE).any() or (box_xyxy_n >= 1 - _EDGE).any())
    return _WAITS_AT_THE_EDGE_NS if at_the_edge else _WAITS_NS
