"""Whether people still walk where they used to: whoever turns the camera moves them in the picture."""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Indexes
from eyespot.drift.dwell import Dwell
from eyespot.drift.kept import COLUMNS, ROWS, SCORES, SIZES, KeptPlaces, Standing
from eyespot.drift.moment import Moment
from eyespot.drift.walks import Walk

# Both, as a morning has other ways than an evening.
_ENOUGH_TRACKS, _ENOUGH_S = 300, 20 * 3600
_SLOW = 20_000  # tracks; beyond these all are halved
_WINDOW = 40  # walks
# How familiar a way is: the mean logarithm of how many of all came by where it led, or beside. Strange is who
# took one that is less familiar than nearly all that were learned.
_PER_SCORE, _LOWEST = 4, -10
_RARE = 0.1
_BEGINS, _ENDS, _DOUBTFUL = 0.6, 0.2, 0.4  # of the window
_NEWEST, _OF_THEM = 5, 2  # else it was a bus, whose people have gone
# Who walks now walks elsewhere: so strange ones are about as many as others were before, on average of day
# and night. At night a moth an hour may be all that moves.
_AS_MANY = 0.5
_BEGINS_S, _ENDS_S = 300, 300
_LONGEST_NS = 2 * SECOND_NS

# Bins lie in a grid with an empty border, so that each has 26 others around it.
_PADDED = (COLUMNS + 2, ROWS + 2, SIZES + 2)
_AROUND = np.array(
    [np.ravel_multi_index(near, _PADDED) for near in np.ndindex(3, 3, 3)], np.intp
) - np.ravel_multi_index((1, 1, 1), _PADDED)


class _Judged(NamedTuple):
    taken_ns: int
    walk: Walk
    score: int
    strange: bool


class Places:
    """Learns where people walk, and compares the newest walks with it.

    Args:
        kept: what `keep` returned.

    Attributes:
        words: evidence for that the camera was moved; empty where there is none.
    """

    def __init__(self, kept: KeptPlaces) -> None:
        self._tracks = kept.tracks
        self._scores = np.zeros(SCORES, np.int64)
        self._scores[: len(kept.scores)] = kept.scores
        self._looked_s = kept.looked_s
        self._grid = np.zeros(_PADDED, np.int64).ravel()
        if kept.bins:
            bins, numbers = np.array(kept.bins, np.int64).T
            self._grid[_padded(bins)] = numbers
        self._recent: deque[_Judged] = deque()
        self._standing = kept.standing if self.knows else None
        self._dwell = Dwell(_BEGINS_S, _ENDS_S, holds=self._standing is not None)
        self._newest_ns: int | None = None
        self.words = _words(self._standing)

    @property
    def knows(self) -> bool:
        """Whether enough is learned to compare with."""
        return int(self._scores.sum()) >= _ENOUGH_TRACKS and self._looked_s >= _ENOUGH_S

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
            judged = self._judged(now.taken_ns, walk)
            if self.knows:
                self._compare(now, judged)
            else:
                self._learn(judged)

    def keep(self) -> KeptPlaces:
        """Return what is to outlive the process; the newest walks are not learned yet, and forgotten."""
        grid = self._grid.reshape(_PADDED)[1:-1, 1:-1, 1:-1].ravel()
        bins = [(int(index), int(grid[index])) for index in np.flatnonzero(grid)]
        return KeptPlaces(self._tracks, self._scores.tolist(), round(self._looked_s, 1), bins, self._standing)

    def _compare(self, now: Moment, judged: _Judged) -> None:
        self._recent.append(judged)
        if len(self._recent) <= _WINDOW:
            return
        oldest = self._recent.popleft()
        strange = sum(one.strange for one in self._recent) / _WINDOW
        if self._dwell.note(now.taken_ns, told=self._seems_moved(strange)):
            self._standing = Standing(now.utc_s, strange, self._usual()) if self._dwell.holds else None
            self.words = _words(self._standing)
        if not self._dwell.holds and not (oldest.strange and strange >= _DOUBTFUL):
            self._learn(oldest)

    def _seems_moved(self, strange: float) -> bool | None:
        """Return whether the window looks like it; None where that is too little to go by."""
        if self._dwell.holds:
            return strange > _ENDS
        hours = max(self._recent[-1].taken_ns - self._recent[0].taken_ns, 1) / SECOND_NS / 3600
        usual_an_hour = self._tracks / self._looked_s * 3600
        if strange * _WINDOW / hours < _AS_MANY * usual_an_hour:
            return None
        newest = list(self._recent)[-_NEWEST:]
        return strange >= _BEGINS and sum(one.strange for one in newest) >= _OF_THEM

    def _judged(self, taken_ns: int, walk: Walk) -> _Judged:
        at = _padded(np.array(walk.bins))
        near = self._grid[at[:, None] + _AROUND].sum(axis=1)
        score = float(np.log((near + 1) / (self._tracks + 1)).mean())
        bar = min(max(int((score - _LOWEST) * _PER_SCORE), 0), SCORES - 1)
        return _Judged(taken_ns, walk, bar, strange=bar < self._bar())

    def _bar(self) -> int:
        """Return the score below which there are hardly any."""
        return int(np.searchsorted(self._scores.cumsum(), _RARE * self._scores.sum()))

    def _usual(self) -> float:
        """Return the share of those who were as strange before."""
        return int(self._scores[: self._bar()].sum()) / int(self._scores.sum())

    def _learn(self, judged: _Judged) -> None:
        self._grid[_padded(np.array(judged.walk.bins))] += 1
        self._tracks += 1
        if self._tracks > _ENOUGH_TRACKS:
            self._scores[judged.score] += 1
        if self._tracks >= _SLOW:
            self._grid //= 2
            self._tracks //= 2
            self._looked_s = max(self._looked_s / 2, _ENOUGH_S)
            self._scores //= 2


def _padded(bins: NDArray[np.int64]) -> Indexes:
    """Return where bins lie in the grid with its border."""
    column, row, size = np.unravel_index(bins, (COLUMNS, ROWS, SIZES))
    at: Indexes = np.ravel_multi_index((column + 1, row + 1, size + 1), _PADDED)
    return at


def _words(standing: Standing | None) -> str:
    if standing is None:
        return ""
    since = Moment(0, standing.utc_s).since
    now, usual = round(standing.now * _WINDOW), standing.usual * _WINDOW
    return (
        f"the camera seems to look elsewhere{since}: {now} of the last {_WINDOW} walked where, or in a size"
        f" in which, hardly anybody used to; usually {usual:.1f}. Where that is meant, send cmd/view/relearn"
    )
