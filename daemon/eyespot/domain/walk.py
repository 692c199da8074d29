"""Where tracks have come to against a line, and how they walked on in a strip."""

from math import exp
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.geometry import Mount, Reals, anchors
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.legs import Legs, legs_to
from eyespot.domain.observation import Indexes
from eyespot.domain.polyline import Polyline
from eyespot.domain.strip import Instants, Strip
from eyespot.domain.track import Ids, Mask

PATH = np.dtype(
    [
        ("id", np.int64),
        ("side", np.int8),  # settled on: -1 left, 1 right, 0 neither yet
        ("point", np.float64, 2),  # seen last; not a number before
        ("taken_ns", np.int64),  # then
        ("met_ns", np.int64),  # when the path met the line last
        ("met_inside", np.bool_),  # and whether that was between its ends
        ("distance", np.float64),  # from the line, in box sizes, where it was seen last; negative to its left
        ("left_ns", np.int64),  # when it was seen off its side first, since it was on that last
        ("smooth", np.float64),  # distance since then, smoothed
        ("smooth_ns", np.int64),  # when that changed its sign last; 0 where it has not
        ("seen", np.bool_),
        ("counts", np.bool_),  # as its class was last
        ("confirmed", np.bool_),
        ("born_on_it", np.bool_),  # seen first where it could not be told which side that was
        ("on_it", np.bool_),  # seen there last
    ]
)

Paths = NDArray[np.void]
Value = TypeVar("Value", bound=np.generic)
MEMORY_NS = SECOND_NS // 2


class Walk(NamedTuple):
    """The legs in a strip, track by track.

    Attributes:
        rows: (n,) rows of the strip's tracks that were seen; each track's in order.
        places: (n,) where in the paths their tracks are.
        points: (n, 2), where the legs end.
        taken_ns: (n,) int64, when.
        since_ns: (n,) int64, when the legs begin; of no meaning where the track was not seen before.
        legs: (n,) of the tracks.
        first: (n,) bool; whether a leg is the first one of its track in the strip.
        last: (n,) bool; whether it is the last one.
    """

    rows: Indexes
    places: Indexes
    points: Reals
    taken_ns: Instants
    since_ns: Instants
    legs: Legs
    first: Mask
    last: Mask


def follow(paths: Paths, ids: Ids) -> tuple[Paths, Paths]:
    """Return one path for each track, and the paths of those that have vanished: ids never come back.

    Args:
        paths: until now, ordered by id.
        ids: of the tracks that are there, ascending.
    """
    known = paths["id"]
    if np.array_equal(known, ids):
        return paths, paths[:0]
    there = np.zeros(len(ids), PATH)
    there["id"], there["point"] = ids, np.nan
    there[np.isin(ids, known)] = paths[np.isin(known, ids)]
    return there, paths[~np.isin(known, ids)]


def walk_of(strip: Strip, paths: Paths, line: Polyline, mount: Mount) -> Walk:
    """Return the legs of the tracks that were seen in a strip.

    Args:
        strip: in which they are.
        paths: of all of its tracks, where they had come to before.
        line: that they may meet.
        mount: which point of a box counts.
    """
    steps, tracks = strip.steps(), strip.tracks
    finite = np.isfinite(tracks.boxes_xyxy_n).all(axis=1)
    rows = np.flatnonzero(tracks.seen & strip.observed[steps] & finite)
    places = np.searchsorted(paths["id"], tracks.ids[rows])
    order = np.argsort(places, kind="stable")
    rows, places = rows[order], places[order]
    boxes, taken_ns = tracks.boxes_xyxy_n[rows], strip.taken_ns[steps[rows]]
    points = anchors(boxes, mount).astype(np.float64)
    turns = places[1:] != places[:-1]
    first, last = np.ones(len(rows), np.bool_), np.ones(len(rows), np.bool_)
    first[1:], last[:-1] = turns, turns
    begun = places[first]
    start = shifted(points, first, paths["point"][begun])
    start_ns = shifted(taken_ns, first, paths["taken_ns"][begun])
    legs = legs_to(points, taken_ns, boxes, (start, start_ns), line)
    return Walk(rows, places, points, taken_ns, start_ns, legs, first, last)


def shifted(values: NDArray[Value], first: Mask, begins: NDArray[Value]) -> NDArray[Value]:
    """Return for each leg the value of the one before; for the first ones of tracks those that are given."""
    before = np.empty_like(values)
    before[1:] = values[:-1]  # numpy's `roll` takes several times as long for a few
    before[first] = begins
    return before


def drift(path: np.void, span_ns: tuple[int, int], distances: tuple[float, float], band: float) -> None:
    """Smooth, in place, how far a path is from the line that is off its side, and note when that meets it.

    Args:
        path: a row of `PATH`.
        span_ns: when its newest leg began and ended.
        distances: where that was.
        band: from how far on it was on its side.
    """
    (since_ns, now_ns), (before, distance) = span_ns, distances
    if abs(before) > band and before * path["side"] > 0:
        path["left_ns"], path["smooth"], path["smooth_ns"] = now_ns, before, 0
    start = float(path["smooth"])
    smooth = distance + (start - distance) * exp(-max(now_ns - since_ns, 0) / MEMORY_NS)
    if (start < 0) != (smooth < 0):
        path["smooth_ns"] = since_ns + int((now_ns - since_ns) * start / (start - smooth))
    path["smooth"] = smooth
