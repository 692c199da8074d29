"""Draws the world of the rendered scene, with numpy alone."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.geometry import Reals
from eyespot.frames import Pixels
from eyespot.sources.pictures import cutouts
from eyespot.sources.scene_world import Walker, World

_BACKDROP_S = 30.0
_PATCHES = (9, 12)


class _Sprite(NamedTuple):
    """A cut-out at its size: (h, w, 3) colours times cover, and (h, w, 1) of 256 how much shows behind."""

    covered: NDArray[np.uint16]
    behind: NDArray[np.uint16]


class Stage:
    """Draws pictures of one size.

    Args:
        world: what to draw.
        width: of the pictures, in pixels.
        height: of the pictures, in pixels.
    """

    def __init__(self, world: World, width: int, height: int) -> None:
        self._world = world
        self._size = np.array([width, height])
        self._pictures = cutouts()
        self._sprite = lru_cache(maxsize=64)(self._scale)
        self._backdrop = lru_cache(maxsize=1)(self._paint)

    def draw(self, time_s: float) -> Pixels:
        """Return the picture, (h, w, 3) uint8, at a time in seconds since the scene began."""
        picture: Pixels = self._backdrop(int(time_s // _BACKDROP_S)).copy()
        for walker, _ in self._world.boxes(time_s):
            left, top = walker.whole_boxes(np.array([time_s]))[0, :2] * self._size
            _lay(picture, self._sprite(walker), round(left), round(top))
        return picture

    def _scale(self, walker: Walker) -> _Sprite:
        cut = self._pictures[walker.look.picture]
        if walker.mirrored:
            cut = cut[:, ::-1]
        width, height = np.maximum(np.round(walker.size_n * self._size), 1).astype(int)
        small = resampled(cut.astype(np.float64), height, width)
        cover = small[..., 3:] * (256 / 255)
        colours = np.clip(small[..., :3] * walker.brightness, 0, 255)
        return _Sprite((colours * cover).astype(np.uint16), (256 - cover).astype(np.uint16))

    def _paint(self, number: int) -> Pixels:
        """Return a background: a slope from colour to colour, soft patches, and grain."""
        rng = np.random.default_rng([self._world.seed, number, 1])
        width, height = self._size
        colours = rng.uniform(50, 200) + rng.uniform(-30, 30, (2, 2, 3))
        patches = rng.normal(0, 14, (*_PATCHES, 1))
        grain = rng.normal(0, 3, (height, width, 1))
        painted = resampled(colours, height, width) + resampled(patches, height, width) + grain
        return np.clip(painted, 0, 255).astype(np.uint8)


def resampled(picture: Reals, height: int, width: int) -> Reals:
    """Return a (h, w, c) picture at another size: linear where it grows, means where it shrinks."""
    rows, columns = _weights(height, picture.shape[0]), _weights(width, picture.shape[1])
    scaled: Reals = np.einsum("yh,xw,hwc->yxc", rows, columns, picture, optimize=True)
    return scaled


def _weights(wanted: int, given: int) -> Reals:
    """Return (wanted, given): how much of each given pixel goes into each wanted one (a triangle filter)."""
    step = given / wanted
    centres = (np.arange(wanted) + 0.5) * step - 0.5
    distances = np.abs(centres.clip(0, given - 1)[:, None] - np.arange(given))
    weights = np.maximum(1 - distances / max(step, 1), 0)
    normal: Reals = weights / weights.sum(axis=1, keepdims=True)
    return normal


def _lay(picture: Pixels, sprite: _Sprite, left: int, top: int) -> None:
    """Lay a sprite over the picture, as far as it is inside."""
    height, width = sprite.behind.shape[:2]
    y, x = max(top, 0), max(left, 0)
    place = picture[y : max(top + height, 0), x : max(left + width, 0)]
    part = np.s_[y - top : y - top + place.shape[0], x - left : x - left + place.shape[1]]
    place[:] = (place * sprite.behind[part] + sprite.covered[part]) >> 8
