"""A polygon as rules see it: how far inside of it something is, in boxes, and when that is certain."""

import numpy as np

from eyespot.domain.geometry import Mount, Point, Reals, anchors
from eyespot.domain.observation import Floats
from eyespot.domain.polygon import area, distances, inside, sides_of
from eyespot.domain.track import Mask

# As for a line: the jitter of a detector grows with the box along each side.
_BAND = 0.2
_OF_A_SMALL_AREA = 0.4  # at most this part of the way to the middle, lest nobody ever gets inside
_ON_THE_EDGE = 1e-6


class Area:
    """A part of the picture.

    What lies along an edge of the frame is no side that anybody could cross: boxes end there, too, so that
    the feet of whoever is half out of the picture are right on it.

    Args:
        corners: of the polygon, in fractions of the frame.
        mount: which point of a box counts.
    """

    def __init__(self, corners: tuple[Point, ...], mount: Mount) -> None:
        ends = np.array(corners, np.float64)
        self._mount = mount
        self._size = abs(area(ends))
        self._sides = sides_of(ends)
        self._ways = self._sides[:, 1] - self._sides[:, 0]
        self._around = np.abs(self._ways).sum(axis=0)
        self._open = self._sides[~_along_an_edge(self._sides)]

    def points(self, boxes_xyxy_n: Floats) -> Reals:
        """Return (n, 2), which point of each box counts."""
        return anchors(boxes_xyxy_n, self._mount).astype(np.float64)

    def depths(self, points: Reals, units: Reals) -> Reals:
        """Return how far inside (n, 2) points are, each in units of its own; negative outside.

        Args:
            points: (n, 2).
            units: (n, 2), see `geometry.units_of`.
        """
        within = np.minimum(np.maximum(points, _ON_THE_EDGE), 1 - _ON_THE_EDGE)
        far = distances(points, self._open, units)
        depths: Reals = np.where(inside(within, self._sides), far, -far)
        return depths

    def nearest_side(self, point: Reals, unit: Reals) -> tuple[int, float]:
        """Return which side, from 0 on, is nearest to a (1, 2) point, and how far it is in a (1, 2) unit."""
        far = [float(distances(point, side[None], unit)[0]) for side in self._sides]
        nearest = int(np.argmin(far))
        return nearest, far[nearest]

    def bands(self, units: Reals) -> Reals:
        """Return (n,), how deep something has to be inside, or outside, for that to be certain."""
        wide, high = units.T
        bands: Reals = np.full(len(units), _BAND)
        longest = self._around[0] * high + self._around[1] * wide  # the way around is no longer, times a box
        small = np.flatnonzero(_OF_A_SMALL_AREA * 2 * self._size < 2 * _BAND * longest)
        if len(small):
            wide, high = units[small].T
            around = sum(np.sqrt((x / wide) ** 2 + (y / high) ** 2) for x, y in self._ways)
            middle = 2 * self._size / (wide * high) / around  # as `polygon.inradius`, in boxes
            bands[small] = np.minimum(_BAND, _OF_A_SMALL_AREA * middle)
        return bands


def _along_an_edge(sides: Reals) -> Mask:
    """Return which of (m, 2, 2) sides lie on an edge of the frame from end to end."""
    low, high = sides <= _ON_THE_EDGE, sides >= 1 - _ON_THE_EDGE
    found: Mask = (low.all(axis=1) | high.all(axis=1)).any(axis=1)
    return found
