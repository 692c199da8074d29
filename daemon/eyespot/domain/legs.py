"""Ways of tracks against a line: each leg leads from where a track was seen before to where it is seen now.

Distances are counted in widths of the track's own box along x and in its heights along y: the jitter
of a detector grows with the box along each side, perspective is allowed for, and the shape of the
picture need not be known.
"""

from typing import NamedTuple, Self

import numpy as np

from eyespot.domain.geometry import Reals, units_of
from eyespot.domain.observation import Floats
from eyespot.domain.polyline import Polyline
from eyespot.domain.strip import Instants
from eyespot.domain.track import Mask


class Legs(NamedTuple):
    """Legs as columns.

    Attributes:
        distances: (n,) from the line, where they end; negative to its left-hand side.
        met: (n,) bool; whether they meet the line, or what would be its continuation.
        met_ns: (n,) int64; when; 0 where they do not.
        beyond: (n,) how far beyond the nearer end of the line they meet it; 0 between the ends.
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
    line: Polyline,
) -> Legs:
    """Return the legs that end in points.

    Args:
        points: (n, 2), seen now.
        taken_ns: (n,) int64, then.
        boxes_xyxy_n: (n, 4), the boxes of these points.
        before: (n, 2) and (n,) int64, where and when seen before; not a number where that was not.
        line: that they may meet.
    """
    units = units_of(boxes_xyxy_n)
    start, start_ns = before
    places, meetings = line.places(points, units), line.meetings(start, points, units)
    since_ns = (meetings.shares * (taken_ns - start_ns)).astype(np.int64)
    met_ns = np.where(meetings.met, start_ns + since_ns, 0)
    return Legs(places.distances, meetings.met, met_ns, meetings.beyond, places.beyond)
