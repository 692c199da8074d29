"""Where tracks are, seen from an area: inside or outside, since when, and where they came from."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.area import Area, units_of
from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Indexes
from eyespot.domain.track import Ids, Tracks

_TRAIL = np.dtype(
    [
        ("id", np.int64),
        ("stays", np.bool_),  # whether it has a stay
        ("known", np.bool_),  # whether it has been compared with stays that wait
        ("turned", np.bool_),  # whether it was seen inside and outside
        ("turned_ns", np.int64),  # when it came to the side where it is now, or was seen first
        ("turned_at", np.float64, 2),  # and where
        ("born_ns", np.int64),
        ("born_at", np.float64, 2),
        ("due_ns", np.int64),  # from when on it may be compared
        ("seen_ns", np.int64),
        ("point", np.float64, 2),  # where, seen last
        ("box", np.float32, 4),
        ("depth", np.float64),  # not a number before it was seen
    ]
)

Table = NDArray[np.void]


class Moves(NamedTuple):
    """Rows of tracks that are certainly inside and have no stay; and of those outside that have one."""

    inside: Indexes
    outside: Indexes


class Trails:
    """Follows all tracks.

    Args:
        area: from where they are seen.

    Attributes:
        table: a row for each track, ordered by id.
    """

    def __init__(self, area: Area) -> None:
        self._area = area
        self.table: Table = np.zeros(0, _TRAIL)

    def gone(self, ids: Ids) -> set[int]:
        """Return which of the tracks are not among others."""
        known = self.table["id"]
        if np.array_equal(known, ids):
            return set()
        return set(np.setdiff1d(known, ids, assume_unique=True).tolist())

    def follow(self, ids: Ids) -> None:
        """Have one row for each track; where a vanished one was is forgotten, as ids never come back."""
        known = self.table["id"]
        if np.array_equal(known, ids):
            return
        table = np.zeros(len(ids), _TRAIL)
        table["id"], table["depth"] = ids, np.nan
        table[np.isin(ids, known)] = self.table[np.isin(known, ids)]
        self.table = table

    def row(self, track: int) -> int | None:
        """Return in which row a track is; None where it is gone."""
        row = int(np.searchsorted(self.table["id"], track))
        return row if row < len(self.table) and self.table["id"][row] == track else None

    def forget(self, track: int) -> None:
        """Let a track be as if it had never been seen."""
        fresh = np.zeros((), _TRAIL)
        fresh["id"], fresh["depth"] = track, np.nan
        self.table[self.table["id"] == track] = fresh

    def look(self, tracks: Tracks, now_ns: int, due_ns: int) -> Moves:
        """Note where everybody is who is seen.

        Args:
            tracks: those of the rows.
            now_ns: now.
            due_ns: when those that are new may be compared.
        """
        rows = np.flatnonzero(tracks.seen & np.isfinite(tracks.boxes_xyxy_n).all(axis=1))
        if not len(rows):
            return Moves(rows, rows)
        boxes = tracks.boxes_xyxy_n[rows]
        points, units = self._area.points(boxes), units_of(boxes)
        depths, bands = self._area.depths(points, units), self._area.bands(units)
        new = np.isnan(self.table["depth"][rows])
        self.table["born_ns"][rows[new]] = self.table["turned_ns"][rows[new]] = now_ns
        self.table["due_ns"][rows[new]] = due_ns
        self.table["born_at"][rows[new]] = self.table["turned_at"][rows[new]] = points[new]
        self._turn(rows, points, depths, now_ns)
        for name, values in (("seen_ns", now_ns), ("point", points), ("box", boxes), ("depth", depths)):
            self.table[name][rows] = values
        stays = self.table["stays"][rows]
        return Moves(rows[(depths > bands) & ~stays], rows[(depths < -bands) & stays])

    def _turn(self, rows: Indexes, points: Reals, depths: Reals, now_ns: int) -> None:
        """Note when and where tracks of `rows` came to the side where they are, interpolated."""
        before = self.table["depth"][rows]
        turned = ((before < 0) & (depths >= 0)) | ((before >= 0) & (depths < 0))
        if not turned.any():
            return
        over, share = rows[turned], before[turned] / (before[turned] - depths[turned])
        seen_ns, at = self.table["seen_ns"][over], self.table["point"][over]
        self.table["turned_ns"][over] = seen_ns + (share * (now_ns - seen_ns)).astype(np.int64)
        self.table["turned_at"][over] = at + share[:, None] * (points[turned] - at)
        self.table["turned"][over] = True
