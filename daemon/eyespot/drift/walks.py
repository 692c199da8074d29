"""Where those have been who walked, each once, in places that know how large somebody is there."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from eyespot.domain.observation import Floats, Indexes
from eyespot.domain.track import Tracks
from eyespot.drift.kept import COLUMNS, ROWS, SIZES

# Sizes are quarters of an octave from 1/64 of the frame's height on. A bin is a place in the room as much as
# in the picture, as long as the camera stays as it is.
_SMALLEST_N = 1 / 64
_PER_OCTAVE = 4
# Who does not get so far is perhaps a poster, a chair, a drop of rain.
_FAR_N = 0.08
_LONGEST = 200  # bins of a walk
_MOST = 300


class Walk(NamedTuple):
    """Somebody's way: bins as indexes into a (COLUMNS, ROWS, SIZES) array."""

    bins: tuple[int, ...]


@dataclass(slots=True)
class _Under:
    """A walk that goes on."""

    start: tuple[float, float]
    far: bool = False
    bins: dict[int, None] = field(default_factory=dict)


class Walks:
    """Follows tracks until they end."""

    def __init__(self) -> None:
        self._under: dict[int, _Under] = {}

    def step(self, tracks: Tracks) -> list[Walk]:
        """Look at all tracks that are alive; return the walks that have ended."""
        alive = set(tracks.ids.tolist())
        ended = [self._under.pop(track) for track in [one for one in self._under if one not in alive]]
        sure = tracks.seen & tracks.confirmed
        if sure.any():
            boxes = tracks.boxes_xyxy_n[sure]
            x, y = (boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]
            places = zip(x.tolist(), y.tolist(), bins_of(boxes).tolist(), strict=True)
            for track, place in zip(tracks.ids[sure].tolist(), places, strict=True):
                self._go_on(track, *place)
        return [Walk(tuple(one.bins)) for one in ended if one.far]

    def stop(self) -> list[Walk]:
        """Forget those who are under way, as nobody sees where they go."""
        self._under.clear()
        return []

    def _go_on(self, track: int, x: float, y: float, index: int) -> None:
        if track not in self._under:
            if len(self._under) >= _MOST:
                return
            self._under[track] = _Under((x, y))
        one = self._under[track]
        one.far = one.far or max(abs(x - one.start[0]), abs(y - one.start[1])) >= _FAR_N
        if len(one.bins) < _LONGEST:
            one.bins[index] = None


def bins_of(boxes_xyxy_n: Floats) -> Indexes:
    """Return (n,), the bins of (n, 4) boxes: by the middle of the lower edge, and the height."""
    x, y = (boxes_xyxy_n[:, 0] + boxes_xyxy_n[:, 2]) / 2, boxes_xyxy_n[:, 3]
    height = np.maximum(boxes_xyxy_n[:, 3] - boxes_xyxy_n[:, 1], _SMALLEST_N)
    column = np.clip((x * COLUMNS).astype(np.intp), 0, COLUMNS - 1)
    row = np.clip((y * ROWS).astype(np.intp), 0, ROWS - 1)
    size = np.clip((np.log2(height / _SMALLEST_N) * _PER_OCTAVE).astype(np.intp), 0, SIZES - 1)
    bins: Indexes = (column * ROWS + row) * SIZES + size
    return bins
