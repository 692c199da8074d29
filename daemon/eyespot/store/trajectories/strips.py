"""Pieces as strips again, so that the real rules can look at them."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.instants import LATEST_NS, LONGEST_LOOK_NS, SECOND_NS, Timeline
from eyespot.domain.observation import Indexes
from eyespot.domain.strip import Instants, Strip
from eyespot.domain.track import Mask, Tracks
from eyespot.topics.trajectories import PARTS, Piece, Way

_MS_NS = 1_000_000
_MOST_SILENT_STEPS = 3600  # nothing changes any more after the first hour of a silence
_HALF = 2  # of the sides of a box: left and top, then right and bottom

_ROW = np.dtype(
    [
        ("step", np.intp),
        ("id", np.int64),
        ("label", np.intp),
        ("box", np.int64, 4),
        ("seen", np.bool_),
        ("confirmed", np.bool_),
    ]
)
_Rows = NDArray[np.void]


def strips_of(pieces: Iterable[Piece], labels: Mapping[str, int], timeline: Timeline) -> Iterator[Strip]:
    """Yield pieces as strips, and gaps between them as seconds in which nothing was observed.

    Time never goes back: a piece that begins before the end of the one before, as the clock was set, follows
    that.

    Args:
        pieces: in the order in which they were kept.
        labels: class name -> index, of all classes that there are.
        timeline: of the instants of the strips.

    Raises:
        ValueError: a piece does not fit together, or is of a time that cannot be told.
    """
    newest_ns: int | None = None
    for piece in pieces:
        begun_ns = piece.begun * _MS_NS - timeline.utc_at_zero_ns
        if newest_ns is not None:
            begun_ns = max(begun_ns, newest_ns + _MS_NS)
            if begun_ns - newest_ns > LONGEST_LOOK_NS:
                yield _silence(newest_ns, begun_ns, piece.model, timeline)
        if begun_ns < -LATEST_NS or begun_ns + sum(piece.steps) * _MS_NS > LATEST_NS:
            raise ValueError("a piece is of a time beyond the calendar")
        taken_ns = begun_ns + np.cumsum(np.array(piece.steps, np.int64)) * _MS_NS
        newest_ns = int(taken_ns[-1])
        yield _strip(piece, taken_ns, labels, timeline)


def _silence(newest_ns: int, begun_ns: int, model: str, timeline: Timeline) -> Strip:
    count = min((begun_ns - newest_ns - 1) // SECOND_NS, _MOST_SILENT_STEPS)
    taken_ns = newest_ns + SECOND_NS * np.arange(1, count + 1, dtype=np.int64)
    bounds = np.zeros(count + 1, np.intp)
    never = np.zeros(count, np.bool_)
    return _stripped(taken_ns, never, bounds, np.zeros(0, _ROW), (model, timeline))


def _strip(piece: Piece, taken_ns: Instants, labels: Mapping[str, int], timeline: Timeline) -> Strip:
    """Return a piece as a strip; where it was dark, that counts as not observed."""
    steps = len(piece.steps)
    names = [labels[name] for name in piece.labels if name in labels]
    if len(names) != len(piece.labels):
        raise ValueError("it has a class that is not among the labels")
    rows = np.concatenate([np.zeros(0, _ROW), *(_rows(way, names, steps) for way in piece.ways)])
    rows = rows[np.lexsort((rows["id"], rows["step"]))]
    same = (np.diff(rows["step"]) == 0) & (np.diff(rows["id"]) == 0)
    if same.any():
        raise ValueError("a track is in two places at once")
    observed = np.ones(steps, np.bool_)
    if piece.blind and max(piece.blind) >= steps:
        raise ValueError("a step is named that there is not")
    observed[list(piece.blind)] = False
    bounds = np.searchsorted(rows["step"], np.arange(steps + 1)).astype(np.intp)
    return _stripped(taken_ns, observed, bounds, rows, (piece.model, timeline))


def _stripped(
    taken_ns: Instants, observed: Mask, bounds: Indexes, rows: _Rows, of: tuple[str, Timeline]
) -> Strip:
    """Return columns as a strip, in which all that was observed was clear."""
    clear = np.zeros(len(taken_ns), np.uint8)
    return Strip(taken_ns, observed, clear, bounds, _tracks(rows), of[0], timeline=of[1])


def _rows(way: Way, labels: list[int], steps: int) -> _Rows:
    """Return a way by its steps.

    Raises:
        ValueError: it does not fit together, or not into so many steps.
    """
    sides = (way.left, way.top, way.right, way.bottom)
    count = len(way.left)
    if any(len(side) != count for side in sides) or sum(way.seen) != count:
        raise ValueError("columns of a track differ in length")
    if way.begin + count > steps or way.label >= len(labels):
        raise ValueError("a track names a step or a class that there is not")
    rows = np.zeros(count, _ROW)
    rows["step"] = way.begin + np.arange(count)
    rows["id"], rows["label"] = way.track, labels[way.label]
    rows["box"] = np.cumsum(np.array(sides, np.int64), axis=1).T
    rows["seen"] = np.repeat(np.arange(len(way.seen)) % 2 == 0, way.seen)
    rows["confirmed"] = np.arange(count) >= way.tentative
    box = rows["box"]
    if (box < 0).any() or (box > PARTS).any() or (box[:, :_HALF] > box[:, _HALF:]).any():
        raise ValueError("a box is turned inside out, or leaves the frame")
    return rows


def _tracks(rows: _Rows) -> Tracks:
    return Tracks(
        ids=rows["id"].copy(),
        classes=rows["label"].copy(),
        boxes_xyxy_n=(rows["box"] / PARTS).astype(np.float32),
        scores=np.ones(len(rows), np.float32),  # they are not kept
        seen=rows["seen"].copy(),
        confirmed=rows["confirmed"].copy(),
    )
