"""Whether people still walk where they used to: whoever turns the camera moves them in the picture."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from eyespot.domain.instants import SECOND_NS
from eyespot.drift.dwell import Dwell
from eyespot.drift.kept import KeptPlaces, Standing
from eyespot.drift.moment import Moment
from eyespot.drift.walks import COLUMNS, ROWS, SIZES, Walk

# Both, as a morning has other ways than an evening.
_ENOUGH_TRACKS, _ENOUGH_S = 300, 20 * 3600
_SLOW = 20_000  # tracks; beyond these all are halved
_WINDOW = 40
# Strange is who was mostly where fewer than one in a hundred used to come by, in the place or beside it.
_RARE = 0.01
_MOSTLY = 0.6
_BEGINS, _ENDS, _DOUBTFUL = 0.6, 0.2, 0.4  # of the window
_TIMES_USUAL = 4
_BEGINS_S, _ENDS_S = 300, 300
_LONGEST_NS = 2 * SECOND_NS


class _Judged(NamedTuple):
    walk: Walk
    strange: bool


class Places:
    """Learns where people walk, and compares the newest walks with it.

    Args:
        kept: what `keep` returned.

    Attributes:
        words: evidence for that the camera was moved; empty where there is none.
    """

    def __init__(self, kept: KeptPlaces) -> None:
        self._tracks, self._strange = kept.tracks, min(kept.strange, kept.tracks)
        self._looked_s = kept.looked_s
        grid = np.zeros(COLUMNS * ROWS * SIZES, np.int64)
        for index, number in kept.bins:
            grid[index] = number
        self._grid = grid.reshape(COLUMNS, ROWS, SIZES)
        self._recent: deque[_Judged] = deque()
        self._standing = kept.standing
        self._dwell = Dwell(_BEGINS_S, _ENDS_S, holds=kept.standing is not None)
        self._newest_ns: int | None = None
        self.words = _words(kept.standing)

    @property
    def knows(self) -> bool:
        """Whether enough is learned to compare with."""
        return self._tracks >= _ENOUGH_TRACKS and self._looked_s >= _ENOUGH_S

    def step(self, now: Moment, ended: Iterable[Walk], *, sees: bool) -> None:
        """Take note of the walks that have ended, if any.

        Args:
            now: the instant.
            ended: each once.
            sees: whether anything could be seen since the last step.
        """
        if sees and self._newest_ns is not None and not self._dwell.holds:
            self._looked_s += min(max(now.taken_ns - self._newest_ns, 0), _LONGEST_NS) / SECOND_NS
        self._newest_ns = now.taken_ns if sees else None
        for walk in ended:
            if self.knows:
                self._judge(now, walk)
            else:
                self._learn(_Judged(walk, strange=False))

    def keep(self) -> KeptPlaces:
        """Return what is to outlive the process; the newest walks are not learned yet, and forgotten."""
        grid = self._grid.ravel()
        bins = [(int(index), int(grid[index])) for index in np.flatnonzero(grid)]
        return KeptPlaces(self._tracks, self._strange, round(self._looked_s, 1), bins, self._standing)

    def _judge(self, now: Moment, walk: Walk) -> None:
        self._recent.append(_Judged(walk, self._is_strange(walk)))
        if len(self._recent) <= _WINDOW:
            return
        oldest = self._recent.popleft()
        strange = sum(one.strange for one in self._recent) / _WINDOW
        usual = (self._strange + 1) / (self._tracks + 1)
        if self._dwell.holds:
            seems = strange > _ENDS
        else:
            seems = strange >= max(_BEGINS, min(_TIMES_USUAL * usual, 1))
        if self._dwell.note(now.taken_ns, told=seems):
            self._standing = Standing(now.utc_s, strange, usual) if self._dwell.holds else None
            self.words = _words(self._standing)
        if not self._dwell.holds and not (oldest.strange and strange >= _DOUBTFUL):
            self._learn(oldest)

    def _is_strange(self, walk: Walk) -> bool:
        rare = _RARE * self._tracks
        few = sum(self._around(index) < rare for index in walk.bins)
        return few >= _MOSTLY * len(walk.bins)

    def _around(self, index: int) -> int:
        column, row, size = np.unravel_index(index, self._grid.shape)
        near = tuple(slice(max(int(at) - 1, 0), int(at) + 2) for at in (column, row, size))
        return int(self._grid[near].sum())

    def _learn(self, judged: _Judged) -> None:
        self._grid.ravel()[list(judged.walk.bins)] += 1
        self._tracks += 1
        self._strange += judged.strange
        if self._tracks >= _SLOW:
            self._grid //= 2
            self._tracks //= 2
            self._strange //= 2


def _words(standing: Standing | None) -> str:
    if standing is None:
        return ""
    since = Moment(0, standing.utc_s).since
    now, usual = round(standing.now * _WINDOW), standing.usual * _WINDOW
    return (
        f"the camera seems to look elsewhere{since}: {now} of the last {_WINDOW} walked where, or in a size"
        f" in which, hardly anybody used to; usually {usual:.1f}. Where that is meant, send cmd/view/relearn"
    )
