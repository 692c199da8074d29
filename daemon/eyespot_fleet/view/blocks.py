"""Boxes of tracks in blocks: packed to a fifth, as boxes move little from one look to the next."""

import zlib
from array import array
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.observation import Indexes
from eyespot.domain.strip import Instants
from eyespot.topics.payloads import MOST_BOXES, ShortBox

# Boxes in thousandths, as devices tell them.
ROW: Final = np.dtype([("track", "<i8"), ("label", "<u2"), ("box", "<u2", 4)])
LOOK_BYTES: Final = 9  # of a look without rows: its instant and their number
_MOST_LOOKS: Final = 256
_MOST_ROWS: Final = 512  # a block with as many is full
_SHORT_BYTES: Final = 12  # of a row beside its track: step, label and sides
_LEVEL: Final = 1  # the next ones save less than a quarter, and take twice as long
_OVERHEAD: Final = 256  # bytes of a block beside what is packed, about
OPEN_BYTES: Final = (_MOST_ROWS + MOST_BOXES) * ROW.itemsize * 9 // 8 + _MOST_LOOKS * (LOOK_BYTES + 2)
Rows = NDArray[np.void]


class Unpacked(NamedTuple):
    """Looks one after the other, as columns.

    Attributes:
        taken_ns: (looks,) int64; UTC in ns since 1970.
        counts: (looks,) how many rows belong to each.
        rows: see `ROW`; tracks ascend within each look.
    """

    taken_ns: Instants
    counts: Indexes
    rows: Rows


class Block(NamedTuple):
    """Some looks, packed; `unpacked` gives them back.

    Attributes:
        looks: how many.
        rows: of all of them.
        packed: their columns.
    """

    looks: int
    rows: int
    packed: bytes

    @property
    def nbytes(self) -> int:
        """Return what it takes of the memory, in bytes."""
        return len(self.packed) + _OVERHEAD

    @property
    def unpacked_nbytes(self) -> int:
        """Return how much it is to be looked at, in bytes."""
        return self.looks * LOOK_BYTES + self.rows * ROW.itemsize


class Filling:
    """The block that is being filled; it never takes more than `OPEN_BYTES`."""

    def __init__(self) -> None:
        self._taken_ns = array("q")
        self._counts = array("B")
        self._rows = bytearray()

    @property
    def is_full(self) -> bool:
        """Return whether it is to be packed before more is added."""
        return len(self._counts) >= _MOST_LOOKS or len(self._rows) >= _MOST_ROWS * ROW.itemsize

    def add(self, taken_ns: int, rows: Iterable[tuple[int, int, ShortBox]]) -> None:
        """Add a look: track, label and box of each row, by track."""
        found = np.array(list(rows), ROW)
        self._counts.append(len(found))
        self._taken_ns.append(taken_ns)
        self._rows += found.tobytes()

    def columns(self) -> Unpacked:
        """Return a copy of what there is so far."""
        counts = np.array(self._counts, np.intp)
        return Unpacked(np.array(self._taken_ns, np.int64), counts, np.frombuffer(bytes(self._rows), ROW))

    def pack(self) -> Block:
        """Return what there is as a block.

        Track by track, each value is told as the difference to the one before, and low bytes apart from high
        ones: most of them are zero then, or nearly. A look by which nobody is there has no row.
        """
        taken_ns, counts, rows = self.columns()
        order = np.argsort(rows["track"], kind="stable")
        steps, rows = np.repeat(np.arange(len(counts)), counts)[order], rows[order]
        short = np.array([steps, rows["label"], *rows["box"].T], np.uint16)
        short[4:] -= short[2:4]  # widths and heights change even less
        columns = [_apart(_differences(each)) for each in (short, rows["track"], taken_ns)]
        return Block(len(counts), len(rows), zlib.compress(b"".join(columns), _LEVEL))


def unpacked(blocks: Sequence[Block]) -> Unpacked:
    """Return the looks of blocks, one after the other."""
    looks = np.array([block.looks for block in blocks], np.intp)
    rows = np.array([block.rows for block in blocks], np.intp)
    parts = [_parts(block) for block in blocks]
    short, tracks, taken_ns = (np.concatenate(kind, axis=-1) for kind in zip(*parts, strict=True))
    short, tracks = _summed(short, rows), _summed(tracks, rows)
    short[4:] += short[2:4]
    steps = short[0] + np.repeat(np.cumsum(looks) - looks, rows)
    order = np.argsort(steps, kind="stable")
    found = np.empty(len(order), ROW)
    found["track"], found["label"], found["box"] = tracks[order], short[1, order], short[2:, order].T
    return Unpacked(_summed(taken_ns, looks), np.bincount(steps, minlength=int(looks.sum())), found)


def _parts(block: Block) -> tuple[NDArray[np.uint16], NDArray[np.int64], NDArray[np.int64]]:
    """Return the differences that are packed: (6, rows), (rows,) and (looks,)."""
    data = zlib.decompress(block.packed)
    tracks_at, taken_at = block.rows * _SHORT_BYTES, block.rows * (_SHORT_BYTES + 8)
    short = _together(data[:tracks_at], np.uint16).reshape(_SHORT_BYTES // 2, block.rows)
    return short, _together(data[tracks_at:taken_at], np.int64), _together(data[taken_at:], np.int64)


def _summed(steps: NDArray[Any], sizes: Indexes) -> NDArray[Any]:
    """Return the sums of differences along the last axis, which begin at 0 in each block."""
    sums: NDArray[Any] = np.cumsum(steps, axis=-1, dtype=steps.dtype)
    with_zero = np.concatenate([np.zeros((*sums.shape[:-1], 1), sums.dtype), sums], axis=-1)
    sums -= np.repeat(with_zero[..., np.cumsum(sizes) - sizes], sizes, axis=-1)
    return sums


def _differences(values: NDArray[Any]) -> NDArray[Any]:
    """Return differences to the values before along the last axis; they wrap around, and so do their sums."""
    first = np.zeros((*values.shape[:-1], 1), values.dtype)
    differences: NDArray[Any] = np.diff(values, axis=-1, prepend=first)
    return differences


def _apart(values: NDArray[Any]) -> bytes:
    return values.reshape(-1, 1).view(np.uint8).T.tobytes()


def _together(data: bytes, kind: type[np.generic]) -> NDArray[Any]:
    planes = np.frombuffer(data, np.uint8).reshape(np.dtype(kind).itemsize, -1)
    return np.ascontiguousarray(planes.T).view(kind).reshape(-1)
