"""For how long nobody of some classes has been in view, found out for many looks at once."""

from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from eyespot.domain.instants import LONGEST_LOOK_NS
from eyespot.domain.observation import Indexes
from eyespot.domain.strip import SIGHTS, Instants, Strip


class Alone(NamedTuple):
    """How it stands after a look.

    Attributes:
        looks: how many looks at the strip there have been.
        alone_ns: for how long nobody has been in view.
    """

    looks: int
    alone_ns: int


class _Seen(NamedTuple):
    """Looks, from 1 on, with somebody in view; the last before long absences, and when these are told."""

    looks: Indexes
    last: Indexes
    alone: Indexes


class Lookout:
    """Goes over the looks at a strip: steps in which something is observed, and could be seen.

    Args:
        strip: the strip.
        now_ns: (steps,) int64; when each step is.
        looked_ns: when the look before them was; None where there was none.
        longest_ns: of how long an absence is to be told.
    """

    def __init__(self, strip: Strip, now_ns: Instants, looked_ns: int | None, longest_ns: int) -> None:
        self._strip = strip
        self._longest_ns = longest_ns
        self._looks = np.flatnonzero(strip.observed & (strip.sights == SIGHTS.index("clear")))
        self._instants = now_ns[self._looks]
        first_ns = self._instants[:1] if looked_ns is None else looked_ns
        gaps_ns = np.minimum(np.diff(self._instants, prepend=first_ns), LONGEST_LOOK_NS)
        self._sums_ns = np.concatenate([[0], np.cumsum(gaps_ns)])  # by the number of looks
        self._seen: dict[frozenset[int], _Seen] = {}

    def looks(self, step: int) -> int:
        """Return how many looks there are up to a step."""
        return int(self._looks.searchsorted(step, side="right"))

    def looked_ns(self, looks: int) -> int:
        """Return when the last of some looks was."""
        return int(self._instants[looks - 1])

    def later(self, before: Alone, looks: int, classes: AbstractSet[int]) -> Alone:
        """Return how it stands after more looks, by whether some classes are in view."""
        seen = self._seen_of(classes).looks
        place = int(seen.searchsorted(looks, side="right")) - 1
        if place >= 0 and seen[place] > before.looks:
            return Alone(looks, int(self._sums_ns[looks] - self._sums_ns[seen[place]]))
        return Alone(looks, before.alone_ns + int(self._sums_ns[looks] - self._sums_ns[before.looks]))

    def due(self, before: Alone, classes: AbstractSet[int]) -> int:
        """Return the step in which an absence is to be told, if nothing else happens; else the end."""
        seen, sums = self._seen_of(classes), self._sums_ns
        wanted_ns = sums[before.looks] + self._longest_ns - before.alone_ns
        look = max(int(sums.searchsorted(wanted_ns)), before.looks + 1)
        place = int(seen.looks.searchsorted(before.looks, side="right"))
        if place < len(seen.looks) and look >= seen.looks[place]:
            later = int(seen.last.searchsorted(seen.looks[place]))
            look = int(seen.alone[later]) if later < len(seen.last) else len(sums)
        return int(self._looks[look - 1]) if look < len(sums) else len(self._strip)

    def _seen_of(self, classes: AbstractSet[int]) -> _Seen:
        key = frozenset(classes)
        if key not in self._seen:
            self._seen[key] = self._find(key)
        return self._seen[key]

    def _find(self, classes: frozenset[int]) -> _Seen:
        strip, sums = self._strip, self._sums_ns
        rows = np.concatenate([[0], np.cumsum(np.isin(strip.tracks.classes, list(classes)))])
        number = rows[strip.bounds[1:]] - rows[strip.bounds[:-1]]
        seen = np.flatnonzero(number[self._looks]) + 1
        alone = sums.searchsorted(sums[seen] + self._longest_ns)
        long = alone < np.append(seen[1:], len(sums))
        return _Seen(seen, seen[long], alone[long])
