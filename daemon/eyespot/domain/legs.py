"""Ways of tracks against a line: each leg leads from where a track was seen before to where it is seen now.

Distances are counted in widths of the track's own box along x and in its heights along y: the jitter
of a detector grows with the box along each side, perspective is allowed for, and the shape of the
picture need not be known.
"""

from typing import NamedTuple, Self

import numpy as np

from eyespot.domain.geometry import Reals, along, rightward
from eyespot.domain.observation import Floats
from eyespot.domain.strip import Instants
from eyespot.domain.track import Mask

_SMALLEST_SIDE = 0.02  # of the frame: what is smaller jitters like a box of this size


class Legs(NamedTuple):
    """Legs as columns.

    Attributes:
        distances: (n,) from the line, where they end; negative to its left-hand side.
        met: (n,) bool; whether they meet the line, or what would be its continuation.
        met_ns: (n,) int64; when; 0 where they do not.
        beyond: (n,) how far beyond the nearer end of the line; negative between the ends.
        aside: (n,) the same of where they end.
    """

    distances: Reals
    met: Mask
    met_ns: Instants
    beyond: Reals
    aside: Reals

    def some(self, which: Mask) -> Self:
        """Return some of them."""
        return self._replace(
            distances=self.distances[which],
            met=self.met[which],
            met_ns=self.met_ns[which],
            beyond=self.beyond[which],
            aside=self.aside[which],
        )


def legs_to(
    points: Reals,
    taken_ns: Instants,
    boxes_xyxy_n: Floats,
    before: tuple[Reals, Instants],
    ends: Reals,
) -> Legs:
    """Return the legs that end in points.

    Args:
        points: (n, 2), seen now.
        taken_ns: (n,) int64, then.
        boxes_xyxy_n: (n, 4), the boxes of these points.
        before: (n, 2) and (n,) int64, where and when seen before; not a number where that was not.
        ends: (2, 2), of the line.
    """
    units = np.maximum(boxes_xyxy_n[:, 2:] - boxes_xyxy_n[:, :2], _SMALLEST_SIDE).astype(np.float64)
    lengths = np.hypot(*((ends[1] - ends[0]) / units).T)
    offsets = rightward(points, ends)
    start, start_ns = before
    earlier = rightward(start, ends)
    met = ((earlier < 0) & (offsets >= 0)) | ((earlier >= 0) & (offsets < 0))
    met_ns, beyond = np.zeros(len(points), np.int64), np.zeros(len(points))
    if met.any():
        share = earlier[met] / (earlier[met] - offsets[met])
        place = along(start[met] + share[:, None] * (points - start)[met], ends)
        beyond[met] = _beyond_ends(place) * lengths[met]
        met_ns[met] = start_ns[met] + (share * (taken_ns[met] - start_ns[met])).astype(np.int64)
    aside = _beyond_ends(along(points, ends)) * lengths
    return Legs(offsets / units.prod(axis=1) / lengths, met, met_ns, beyond, aside)


def _beyond_ends(places: Reals) -> Reals:
    beyond: Reals = np.abs(places - 0.5) - 0.5
    return beyond
