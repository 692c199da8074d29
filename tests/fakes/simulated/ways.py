"""Ways of people over a floor, in metres: x to the right, y towards the viewer."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Random = np.random.Generator

STEP_S = 0.02
_TURNING_S = 0.5  # nobody turns on the spot
_SWAY_M, _SWAY_HZ = 0.03, 0.9  # of who walks
_FIDGET_M, _FIDGET_S = 0.06, 1.5  # of who stands


@dataclass(frozen=True)
class Stop:
    """Where somebody goes next, and for how long he then stands there."""

    x: float
    y: float
    wait_s: float = 0.0


@dataclass(frozen=True, eq=False)
class Way:
    """Where somebody is, every `STEP_S` from `begins_s` on.

    Attributes:
        begins_s: when he is there first.
        points: (n, 2), in metres.
        stature: 1 for a body of average size.
    """

    begins_s: float
    points: Reals
    stature: float = 1.0

    @property
    def ends_s(self) -> float:
        """When he is seen last."""
        return self.begins_s + (len(self.points) - 1) * STEP_S

    def at(self, seconds: Reals) -> Reals:
        """Return (n, 2) places; not a number before and after."""
        steps = (seconds - self.begins_s) / STEP_S
        there = np.arange(len(self.points))
        outside = {"left": np.nan, "right": np.nan}
        return np.stack([np.interp(steps, there, column, **outside) for column in self.points.T], axis=-1)


def walk(stops: Sequence[Stop], begins_s: float, pace: float, random: Random) -> Way:
    """Go from stop to stop at a pace in metres a second, as people do: round the corners, swaying."""
    pieces = [np.array([[stops[0].x, stops[0].y]])]
    for here, there in itertools.pairwise(stops):
        start, end = np.array([here.x, here.y]), np.array([there.x, there.y])
        steps = max(int(np.hypot(*(end - start)) / pace / STEP_S), 1)
        pieces.append(start + (end - start) * (np.arange(1, steps + 1) / steps)[:, None])
        pieces.append(end + _fidget(int(there.wait_s / STEP_S), random))
    points = _rounded(np.concatenate(pieces))
    return Way(begins_s, points + _sway(points, random), random.uniform(0.85, 1.1))


def _rounded(points: Reals) -> Reals:
    half = int(_TURNING_S / STEP_S / 2)
    padded = np.pad(points, ((half, half), (0, 0)), mode="edge")
    sums = np.cumsum(np.pad(padded, ((1, 0), (0, 0))), axis=0)
    width = 2 * half + 1
    return (sums[width:] - sums[:-width]) / width


def _sway(points: Reals, random: Random) -> Reals:
    """From foot to foot, across the way."""
    pace = np.gradient(points, axis=0) / STEP_S if len(points) > 1 else np.zeros_like(points)
    across = np.stack([-pace[:, 1], pace[:, 0]], axis=1) / np.maximum(np.hypot(*pace.T), 0.3)[:, None]
    phase = np.arange(len(points)) * STEP_S * _SWAY_HZ + random.uniform()
    return across * (_SWAY_M * np.sin(2 * np.pi * phase))[:, None]


def _fidget(steps: int, random: Random) -> Reals:
    """Stand as people stand: drifting about the spot."""
    knots = max(int(steps * STEP_S / _FIDGET_S) + 2, 2)
    drift = random.normal(0, _FIDGET_M, (knots, 2))
    drift[0] = 0
    places = np.linspace(0, knots - 1, steps)
    return np.stack([np.interp(places, np.arange(knots), column) for column in drift.T], axis=-1)
