"""Scenes as pieces of whole numbers: places in thousandths of the frame, time in ms, other ids."""

import secrets
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Indexes
from eyespot.domain.strip import joined
from eyespot.domain.track import Mask, Tracks
from eyespot.topics.trajectories import (
    LONGEST_STEP_MS,
    MOST_AT_ONCE,
    MOST_BYTES,
    MOST_STEPS,
    PARTS,
    Piece,
    Way,
)

_MS_NS = 1_000_000
_DAY_NS = 86_400 * SECOND_NS
_LONGEST_NS = 600 * SECOND_NS  # as the files are that take them
_ROWS = 1500  # fit into a piece, as tracks walk
_SALT_BYTES, _ID_BYTES = 16, 6
_LONGEST_LABEL, _LONGEST_MODEL = 64, 160

_Parts = NDArray[np.int64]


class Look(NamedTuple):
    """A scene that is to be kept.

    Attributes:
        taken_ns: the instant.
        utc_ns: the same by the calendar, as known then.
        synced: whether that could be relied upon.
        blind: whether nothing could be seen.
        model: id of the bundle.
        labels: its class names by index.
        tracks: all that are alive.
    """

    taken_ns: int
    utc_ns: int
    synced: bool
    blind: bool
    model: str
    labels: tuple[str, ...]
    tracks: Tracks


class Salt:
    """Other ids for tracks, good for one day; nobody can compute them again, as the salt is never kept."""

    def __init__(self) -> None:
        self._day = -1
        self._key = b""

    def named(self, track: int, utc_ns: int) -> int:
        """Return the id of a track for the day of an instant. Days come one after the other."""
        day = utc_ns // _DAY_NS
        if day != self._day:
            self._day, self._key = day, secrets.token_bytes(_SALT_BYTES)
        digest = blake2b(track.to_bytes(8, "big"), key=self._key, digest_size=_ID_BYTES)
        return int.from_bytes(digest.digest(), "big")


def pieces_of(looks: Sequence[Look], salt: Salt) -> Iterator[Piece]:
    """Yield looks as pieces, none larger than `MOST_BYTES`; a single one that is larger is left out.

    Tracks that were never confirmed are left out, but for those that may still be.
    """
    begin = rows = 0
    for end in range(1, len(looks) + 1):
        rows += len(looks[end - 1].tracks)
        full = rows >= _ROWS or end - begin == MOST_STEPS
        if end == len(looks) or full or _parts(looks[end - 1], looks[end], looks[begin]):
            yield from _bounded(looks[begin:end], salt)
            begin, rows = end, 0


def _parts(before: Look, after: Look, first: Look) -> bool:
    """Return whether two looks cannot be in one piece, which begins with a third."""
    other_day = before.utc_ns // _DAY_NS != after.utc_ns // _DAY_NS
    gap = not 0 <= after.taken_ns - before.taken_ns <= (LONGEST_STEP_MS - 1) * _MS_NS
    long = after.taken_ns - first.taken_ns > _LONGEST_NS
    return other_day or gap or long or (before.model, before.labels) != (after.model, after.labels)


def _bounded(looks: Sequence[Look], salt: Salt) -> Iterator[Piece]:
    piece = _piece(looks, salt)
    if len(msgspec.json.encode(piece)) <= MOST_BYTES:
        yield piece
    elif half := len(looks) // 2:
        yield from _bounded(looks[:half], salt)
        yield from _bounded(looks[half:], salt)


def _piece(looks: Sequence[Look], salt: Salt) -> Piece:
    first = looks[0]
    since_ms = [(look.taken_ns - first.taken_ns) // _MS_NS for look in looks]
    tracks = joined([look.tracks for look in looks])
    steps = np.repeat(np.arange(len(looks)), [len(look.tracks) for look in looks])
    rows = _worth(tracks, steps, len(looks))
    present, labels = np.unique(tracks.classes[rows], return_inverse=True)
    return Piece(
        begun=max(first.utc_ns // _MS_NS, 0),
        synced=first.synced,
        model=first.model[:_LONGEST_MODEL],
        labels=tuple(first.labels[index][:_LONGEST_LABEL] for index in present),
        steps=tuple(now - before for before, now in zip([0, *since_ms], since_ms, strict=False)),
        blind=tuple(step for step, look in enumerate(looks) if look.blind),
        ways=tuple(_ways(tracks, rows, steps[rows], labels, (salt, first.utc_ns))),
    )


def _worth(tracks: Tracks, steps: Indexes, count: int) -> Indexes:
    """Return the rows that are kept, by track and then by step; of each step the first hundred."""
    good = np.isin(tracks.ids, tracks.ids[tracks.confirmed | (steps == count - 1)])
    rows = np.flatnonzero(good)
    rank = np.arange(len(rows)) - np.searchsorted(steps[rows], steps[rows])
    rows = rows[rank < MOST_AT_ONCE]
    order: Indexes = rows[np.lexsort((steps[rows], tracks.ids[rows]))]
    return order


def _ways(
    tracks: Tracks, rows: Indexes, steps: Indexes, labels: Indexes, named: tuple[Salt, int]
) -> Iterator[Way]:
    """Yield rows as ways; a new one begins with each track, after a gap, and where the class is another."""
    ids, seen, confirmed = tracks.ids[rows], tracks.seen[rows], tracks.confirmed[rows]
    sides = _thousandths(tracks.boxes_xyxy_n[rows])
    turns = (np.diff(ids) != 0) | (np.diff(labels) != 0) | (np.diff(steps) != 1)
    salt, utc_ns = named
    for part in np.split(np.arange(len(rows)), np.flatnonzero(turns) + 1):
        if len(part):
            first = part[0]
            left, top, right, bottom = (np.diff(side, prepend=0).tolist() for side in sides[part].T)
            yield Way(
                track=salt.named(int(ids[first]), utc_ns),
                label=int(labels[first]),
                begin=int(steps[first]),
                tentative=int((~confirmed[part]).sum()),
                seen=tuple(_runs(seen[part])),
                left=tuple(left),
                top=tuple(top),
                right=tuple(right),
                bottom=tuple(bottom),
            )


def _thousandths(boxes: NDArray[np.float32]) -> _Parts:
    whole = np.nan_to_num(boxes.astype(np.float64)).clip(0, 1)
    thousandths: _Parts = (whole * PARTS).round().astype(np.int64)
    return thousandths


def _runs(seen: Mask) -> list[int]:
    """Return for how many it is true, then false, then true, and so on."""
    turns = np.flatnonzero(np.diff(seen)) + 1
    runs: list[int] = np.diff(np.concatenate([[0], turns, [len(seen)]])).tolist()
    return runs if seen[0] else [0, *runs]
