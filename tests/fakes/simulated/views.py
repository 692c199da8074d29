"""What a camera sees of people on the floor: boxes in fractions of a picture of 4 to 3."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from eyespot.domain.geometry import Mount
from fakes.simulated.scenes import DEEP, WIDE
from fakes.simulated.ways import Reals

_ASPECT = 4 / 3
_TALL_M = 1.7


class View(Protocol):
    """A camera that hangs somewhere."""

    mount: Mount

    def places(self, points: Reals) -> Reals:
        """Return where (..., 2) points of the floor lie in the picture."""

    def boxes(self, points: Reals, statures: Reals) -> Reals:
        """Return (..., 4) boxes of the people there, not clipped; `statures` is (...) and 1 on average."""


@dataclass(frozen=True)
class Overhead:
    """Looks straight down; the floor fills the picture, and a body is as wide as shoulders and stride."""

    body_m: float = 0.6
    mount: Mount = "overhead"

    def places(self, points: Reals) -> Reals:
        """Return them; see `View`."""
        return points / np.array([WIDE, DEEP])

    def boxes(self, points: Reals, statures: Reals) -> Reals:
        """Return them; see `View`."""
        half = (self.body_m / 2 * statures)[..., None]
        return np.concatenate([self.places(points - half), self.places(points + half)], axis=-1)


@dataclass(frozen=True)
class Oblique:
    """Hangs in front of the floor, above heads, and looks down on it.

    Attributes:
        height_m: above the floor.
        back_m: how far in front of the near edge.
        pitch: below the horizon, in radians.
        focal: in widths of the picture.
    """

    height_m: float = 3.2
    back_m: float = 3.5
    pitch: float = 0.52
    focal: float = 0.714
    mount: Mount = "oblique"

    def places(self, points: Reals) -> Reals:
        """Return them; see `View`."""
        return self._project(points, np.zeros(points.shape[:-1]))

    def boxes(self, points: Reals, statures: Reals) -> Reals:
        """Return them; see `View`."""
        feet, heads = self.places(points), self._project(points, _TALL_M * statures)
        sideways = np.stack([0.27 * statures, np.zeros_like(statures)], axis=-1)
        half = self.places(points + sideways)[..., 0] - feet[..., 0]
        left, right = feet[..., 0] - half, feet[..., 0] + half
        return np.stack([left, heads[..., 1], right, feet[..., 1]], axis=-1)

    def _project(self, points: Reals, above: Reals) -> Reals:
        ahead = DEEP + self.back_m - points[..., 1]
        down = self.height_m - above
        depth = ahead * np.cos(self.pitch) + down * np.sin(self.pitch)
        lower = down * np.cos(self.pitch) - ahead * np.sin(self.pitch)
        scale = self.focal / depth
        return np.stack([0.5 + (points[..., 0] - WIDE / 2) * scale, 0.5 + lower * scale * _ASPECT], axis=-1)
