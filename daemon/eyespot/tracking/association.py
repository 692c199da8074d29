"""Which detection belongs to which track: the likeliest pairs first.

The cost of a pair is the negative logarithm of a Gaussian likelihood, of the distance between
predicted and detected centre and of the change in size, both in box sizes. Unlike an overlap it
still tells near from far when boxes do not touch, as small boxes do not at a few frames a second.
Pairs are taken greedily by cost, which loses nothing against an optimal assignment under gates as
wide as these, and needs no solver.
"""

from dataclasses import dataclass
from math import inf

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Indexes
from eyespot.tracking.motion import MEASURING_VARIANCE
from eyespot.tracking.tables import Table

_GROWTH_DEVIATION = 0.3  # of the logarithm of width and of height
_OTHER_CLASS_COST = 6.0
_FASTEST = 5.0  # box sizes a second: somebody who runs


@dataclass(frozen=True, slots=True)
class Gate:
    """What a pair may differ by.

    Attributes:
        deviations: most distance, in standard deviations of the prediction.
        distance: most distance, in box sizes; more where observations are rare, at 5 box sizes a second.
        growth: greatest factor in width or height, either way.
        newcomer: cost of place from which on it is rather somebody new; so the gate widens with the
            uncertainty at first, and closes on a track that may be anywhere by now.
    """

    deviations: float
    distance: float
    growth: float
    newcomer: float = inf


def pair(tracks: Table, found: Table, gate: Gate, elapsed_s: float) -> tuple[Indexes, Indexes]:
    """Return rows of `tracks` and rows of `found` that belong together, one for one.

    A detection of another class than the track's costs more, yet may belong to it.
    """
    distances = _squares(tracks, found, 0)
    distances += _squares(tracks, found, 1)
    variances = tracks["position_variance"] + MEASURING_VARIANCE
    distance = max(gate.distance, _FASTEST * elapsed_s)
    rareness = 2 * np.log(variances)
    reach = np.minimum(variances * np.minimum(gate.deviations**2, gate.newcomer - rareness), distance**2)
    rows, columns = np.nonzero(distances < reach[:, None])
    growths = np.abs(np.log(found["size"])[columns] - np.log(tracks["size"])[rows])
    alike = growths.max(axis=1) < np.log(gate.growth) if len(rows) else np.zeros(0, np.bool_)
    rows, columns, growths = rows[alike], columns[alike], growths[alike]
    costs = distances[rows, columns] / variances[rows] + rareness[rows]
    costs += (growths * growths).sum(axis=1) / _GROWTH_DEVIATION**2
    costs += _OTHER_CLASS_COST * (tracks["class"][rows] != found["class"][columns])
    order = np.argsort(costs, kind="stable")
    return _greedy(rows[order], columns[order], len(tracks), len(found))


def _squares(tracks: Table, found: Table, axis: int) -> Reals:
    """Return (tracks, found), the squares of how far centres are apart along an axis, in box sizes.

    By columns, as numpy is slow along an axis of two; in place, as new memory costs more than the sums.
    """
    gaps: Reals = found["centre"][:, axis] - tracks["centre"][:, axis, None]
    gaps /= tracks["size"][:, axis, None]
    gaps *= gaps
    return gaps


def _greedy(rows: Indexes, columns: Indexes, tracks: int, found: int) -> tuple[Indexes, Indexes]:
    """Return the pairs left when the first goes first, then the next that is still free, and so on.

    All that are the first of their row and of their column can go at once.
    """
    chosen: list[tuple[Indexes, Indexes]] = []
    while len(rows):
        here = np.arange(len(rows))
        first_of_row, first_of_column = np.empty(tracks, np.intp), np.empty(found, np.intp)
        first_of_row[rows[::-1]], first_of_column[columns[::-1]] = here[::-1], here[::-1]  # the last stays
        best = (first_of_row[rows] == here) & (first_of_column[columns] == here)
        chosen.append((rows[best], columns[best]))
        free_rows, free_columns = np.ones(tracks, np.bool_), np.ones(found, np.bool_)
        free_rows[rows[best]], free_columns[columns[best]] = False, False
        free = free_rows[rows] & free_columns[columns]
        rows, columns = rows[free], columns[free]
    none = np.zeros(0, np.intp)
    one, other = zip(*chosen, strict=True) if chosen else ((none,), (none,))
    return np.concatenate(one), np.concatenate(other)
