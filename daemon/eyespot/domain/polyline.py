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


class _Near(NamedTuple):
    rank: Reals
    distances: Reals
    beyond: Reals


class _Piece(NamedTuple):
    """A straight piece: where it begins, its way, and how far it goes, in parts of that."""

    start: Reals
    way: Reals
    low: float
    high: float

    def near(self, points: Reals, units: Reals) -> _Near:
        """Return how (n, 2) points lie to it, each in units of its own."""
        way_x, way_y = self.way[0] / units[:, 0], self.way[1] / units[:, 1]
        out_x, out_y = (
            (points[:, 0] - self.start[0]) / units[:, 0],
            (points[:, 1] - self.start[1]) / units[:, 1],
        )
        along = (out_x * way_x + out_y * way_y) / (way_x * way_x + way_y * way_y)
        within = np.minimum(np.maximum(along, self.low), self.high)
        far, lengths = np.hypot(out_x - within * way_x, out_y - within * way_y), np.hypot(way_x, way_y)
        sides = (way_x * out_y - way_y * out_x) / lengths
        # Where two pieces are equally near, at a corner, the one that is seen more squarely tells the side.
        rank = far - _TINY * np.abs(sides)
        # A point on the outer side of a corner lies beyond the ends of its piece, and not of the line.
        over = np.zeros(len(points))
        if self.low == -np.inf:
            over = np.maximum(over, -along)
        if self.high == np.inf:
            over = np.maximum(over, along - 1)
        return _Near(rank, np.copysign(far, sides), over * lengths)


class Polyline:
    """A line through (m + 1, 2) points, m pieces.

    Args:
        points: two or more, no two in a row the same.
    """

    def __init__(self, points: tuple[Point, ...]) -> None:
        corners = np.array(points, np.float64)
        self._ways = np.diff(corners, axis=0)
        low, high = np.zeros(len(self._ways)), np.ones(len(self._ways))
        low[0], high[-1] = -np.inf, np.inf
        self._pieces = list(map(_Piece, corners[:-1], self._ways, low.tolist(), high.tolist()))

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
        first, *others = (piece.near(points, units) for piece in self._pieces)
        nearest, best = np.zeros(len(points), np.intp), first
        for number, near in enumerate(others, start=1):
            nearer = near.rank < best.rank
            nearest[nearer] = number
            best = _Near(*(np.where(nearer, *pair) for pair in zip(near, best, strict=True)))
        return Places(best.distances, best.beyond, self._ways[nearest])

    def meetings(self, starts: Reals, ends: Reals, units: Reals) -> Meetings:
        """Return where straight paths from (n, 2) to (n, 2) points meet the line last.

        Args:
            starts: (n, 2); nothing is met from what is not a number.
            ends: (n, 2).
            units: (n, 2), what counts as 1 along x and y for each path.
        """
        met, (shares, beyond) = np.zeros(len(starts), np.bool_), np.zeros((2, len(starts)))
        for piece in self._pieces:
            before, after = _turns(piece.way, starts - piece.start), _turns(piece.way, ends - piece.start)
            rows = np.flatnonzero(((before < 0) & (after >= 0)) | ((before >= 0) & (after < 0)))
            if not len(rows):
                continue
            share = before[rows] / (before[rows] - after[rows])
            places = starts[rows] + share[:, None] * (ends[rows] - starts[rows])
            along = ((places - piece.start) * piece.way).sum(axis=1) / (piece.way**2).sum()
            later = (along >= piece.low - _TINY) & (along <= piece.high + _TINY)
            later &= ~met[rows] | (share > shares[rows])
            rows, along = rows[later], along[later]
            met[rows], shares[rows] = True, share[later]
            lengths = np.hypot(*(piece.way / units[rows]).T)
            beyond[rows] = np.maximum(np.abs(along - 0.5) - 0.5, 0) * lengths
        return Meetings(met, shares, beyond)


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
