"""Lines of one or more straight pieces; in fractions of the full frame, x right, y down.

The first and the last piece are thought to go on for ever, so that the plane has two sides: left and
right of somebody who walks along, as the picture is seen.
"""

from itertools import pairwise
from math import dist
from typing import NamedTuple

import numpy as np

from eyespot.domain.geometry import Point, Reals
from eyespot.domain.track import Mask

_TINY = 1e-9
_SHORTEST = 1e-3  # of the frame: a piece has a direction


class Meetings(NamedTuple):
    """Where paths meet a polyline.

    Attributes:
        met: (n,) whether they do, also beyond its ends.
        shares: (n,) how much of the path lies before; 0 where they do not meet.
        beyond: (n,) how far beyond the nearer end, in the units of the path; 0 between the ends.
    """

    met: Mask
    shares: Reals
    beyond: Reals


class Places(NamedTuple):
    """Where points lie.

    Attributes:
        distances: (n,) from the line; positive to its right.
        beyond: (n,) how far beyond the nearer end; 0 between the ends.
        ways: (n, 2), of the nearest piece, from its begin to its end; in fractions of the frame.
    """

    distances: Reals
    beyond: Reals
    ways: Reals


def problem_with(points: tuple[Point, ...]) -> str:
    """Return why points make no line that can be crossed; empty where they do."""
    if any(dist(one, other) < _SHORTEST for one, other in pairwise(points)):
        return "two points in a row are the same; name each once"
    pieces = list(pairwise(points))
    for first in range(len(pieces)):
        for second in range(first + 1, len(pieces)):
            if _cross(pieces[first], pieces[second], neighbours=second == first + 1):
                return f"its pieces {first + 1} and {second + 1} meet; a line must not cross itself"
    return ""


class Polyline:
    """A line through (m + 1, 2) points, m pieces.

    Args:
        points: two or more, no two in a row the same.
    """

    def __init__(self, points: tuple[Point, ...]) -> None:
        corners = np.array(points, np.float64)
        self._starts, self._ways = corners[:-1], np.diff(corners, axis=0)
        self._low = np.zeros(len(self._ways))
        self._high = np.ones(len(self._ways))
        self._low[0], self._high[-1] = -np.inf, np.inf

    @property
    def length(self) -> float:
        """The length of all pieces, in fractions of the frame."""
        return float(np.hypot(*self._ways.T).sum())

    def places(self, points: Reals, units: Reals) -> Places:
        """Return where (n, 2) points lie, each in units of its own.

        Args:
            points: (n, 2).
            units: (n, 2), what counts as 1 along x and y for each point.
        """
        ways = self._ways / units[:, None]
        out = (points[:, None] - self._starts) / units[:, None]
        along = (out * ways).sum(axis=2) / (ways * ways).sum(axis=2)
        gaps = out - np.clip(along, self._low, self._high)[:, :, None] * ways
        far = np.hypot(gaps[:, :, 0], gaps[:, :, 1])
        lengths = np.hypot(ways[:, :, 0], ways[:, :, 1])
        sides = _turns(ways, out) / lengths
        # Where two pieces are equally near, at a corner, the one that is seen more squarely tells the side.
        nearest = np.argmin(far - _TINY * np.abs(sides), axis=1)
        here = np.arange(len(points))
        distances: Reals = np.copysign(far[here, nearest], sides[here, nearest])
        # A point on the outer side of a corner lies beyond the ends of its piece, and not of the line.
        low, high = -along[here, nearest], along[here, nearest] - 1
        over = np.maximum(np.where(nearest == 0, low, -1), np.where(nearest == len(self._ways) - 1, high, -1))
        return Places(distances, np.maximum(over, 0) * lengths[here, nearest], self._ways[nearest])

    def meetings(self, starts: Reals, ends: Reals, units: Reals) -> Meetings:
        """Return where straight paths from (n, 2) to (n, 2) points meet the line last.

        Args:
            starts: (n, 2); nothing is met from what is not a number.
            ends: (n, 2).
            units: (n, 2), what counts as 1 along x and y for each path.
        """
        before = _turns(self._ways, starts[:, None] - self._starts)
        after = _turns(self._ways, ends[:, None] - self._starts)
        changed = ((before < 0) & (after >= 0)) | ((before >= 0) & (after < 0))
        shares = np.where(changed, before, 0) / np.where(changed, before - after, 1)
        places = starts[:, None] + shares[:, :, None] * (ends - starts)[:, None]
        along = ((places - self._starts) * self._ways).sum(axis=2) / (self._ways**2).sum(axis=1)
        changed &= (along >= self._low - _TINY) & (along <= self._high + _TINY)
        last = np.argmax(np.where(changed, shares, -1), axis=1)
        here = np.arange(len(starts))
        lengths = np.hypot(*np.moveaxis(self._ways[last] / units, 1, 0))
        beyond = np.maximum(np.abs(along[here, last] - 0.5) - 0.5, 0) * lengths
        met = changed[here, last]
        return Meetings(met, np.where(met, shares[here, last], 0), np.where(met, beyond, 0))


def _turns(ways: Reals, out: Reals) -> Reals:
    turns: Reals = ways[..., 0] * out[..., 1] - ways[..., 1] * out[..., 0]
    return turns


def _cross(one: tuple[Point, Point], other: tuple[Point, Point], *, neighbours: bool) -> bool:
    """Return whether two pieces meet; neighbours may where one ends and the other begins."""
    (a, b), (c, d) = (np.array(piece) for piece in (one, other))
    across = [_turns(b - a, c - a), _turns(b - a, d - a), _turns(d - c, a - c), _turns(d - c, b - c)]
    if neighbours:  # b is c: they meet again only where the second leads straight back
        return across[1] == 0 and float((b - a) @ (d - c)) < 0
    if across[0] * across[1] < 0 and across[2] * across[3] < 0:
        return True
    return any(
        turn == 0 and _between(*three)
        for turn, three in zip(across, ((a, b, c), (a, b, d), (c, d, a), (c, d, b)), strict=True)
    )


def _between(a: Reals, b: Reals, point: Reals) -> bool:
    return bool(((np.minimum(a, b) <= point) & (point <= np.maximum(a, b))).all())
