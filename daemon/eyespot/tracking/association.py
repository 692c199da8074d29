"""Which detection belongs to which track: the likeliest pairs first.

The cost of a pair is the negative logarithm of a Gaussian likelihood, of the distance between
predicted and detected centre and of the change in size, both in box sizes. Unlike an overlap it
still tells near from far when boxes do not touch, as small boxes do not at a few frames a second.
Pairs are taken greedily by cost, which loses nothing against an optimal assignment under gates as
wide as these, and needs no solver.
"""

from dataclasses import dataclass

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
    """

    deviations: float
    distance: float
    growth: float


def pair(tracks: Table, found: Table, gate: Gate, elapsed_s: float) -> tuple[Indexes, Indexes]:
    """Return rows of `tracks` and rows of `found` that belong together, one for one.

    A detection of another class than the track's costs more, yet may belong to it.
    """
    steps = (found["centre"] - tracks["centre"][:, None]) / tracks["size"][:, None]
    distances = (steps * steps).sum(axis=2)
    growths = np.log(found["size"]) - np.log(tracks["size"])[:, None]
    variances = (tracks["position_variance"] + MEASURING_VARIANCE)[:, None]
    distance = max(gate.distance, _FASTEST * elapsed_s)
    reach = np.minimum(variances * gate.deviations**2, distance**2)
    possible = (distances < reach) & (np.abs(growths).max(axis=2) < np.log(gate.growth))
    rows, columns = np.nonzero(possible)
    variance, growth = variances[rows, 0], growths[rows, columns]
    costs = distances[rows, columns] / variance + 2 * np.log(variance)
    costs += (growth * growth).sum(axis=1) / _GROWTH_DEVIATION**2
    costs += _OTHER_CLASS_COST * (tracks["class"][rows] != found["class"][columns])
    return _greedy(rows, columns, costs)


def _greedy(rows: Indexes, columns: Indexes, costs: Reals) -> tuple[Indexes, Indexes]:
    """Return the pairs left when the cheapest goes first; of equal ones the first in order."""
    order = np.argsort(costs, kind="stable")
    chosen: dict[int, int] = {}
    taken: set[int] = set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if row not in chosen and column not in taken:
            chosen[row] = column
            taken.add(column)
    count = len(chosen)
    return np.fromiter(chosen, np.intp, count), np.fromiter(chosen.values(), np.intp, count)
