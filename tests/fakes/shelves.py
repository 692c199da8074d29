"""Rendered shelves: drawn bottles and cut-out cups that the factory model finds, and shoppers in front.

What stands where at each instant is known, so that counts can be checked.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from eyespot.decoders import build
from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Detections
from eyespot.engines.litert import LiteRtEngine
from eyespot.frames import Pixels
from eyespot.sources.pictures import cutouts
from eyespot.sources.scene_art import resampled
from eyespot.trust.bundle import find_bundle, read_bundle

SIDE = 300  # of the pictures, in pixels
BOARDS = (0.46, 0.93)  # where products stand

# from the top of a bottle to its bottom: height, and half its width
_OUTLINES = {
    "wine": ((0, 0.16), (0.07, 0.19), (0.08, 0.15), (0.3, 0.16), (0.44, 0.42), (0.5, 0.48), (1, 0.46)),
    "water": ((0, 0.17), (0.08, 0.17), (0.09, 0.14), (0.2, 0.28), (0.36, 0.48), (0.55, 0.44), (1, 0.44)),
    "beer": ((0, 0.14), (0.06, 0.15), (0.25, 0.15), (0.4, 0.3), (0.48, 0.46), (1, 0.45)),
}
_COLOURS = {  # of glass, label and cap
    "wine": ((40, 70, 40), (225, 215, 190), (120, 20, 30)),
    "water": ((150, 190, 215), (40, 90, 180), (40, 80, 190)),
    "beer": ((110, 60, 20), (220, 190, 90), (200, 180, 60)),
}
_CUP = "coffee_cup"
_CUP_HEIGHT, _BOTTLE_HEIGHT = 0.26, 0.39
_EDGE_S = 1e9


@dataclass(frozen=True, slots=True)
class Facing:
    """A place for a product, which stands there except between some times, in seconds."""

    kind: str
    x: float
    board: int
    away: tuple[tuple[float, float], ...] = ()

    def stands(self, time_s: float) -> bool:
        return not any(begin <= time_s < end for begin, end in self.away)

    @property
    def label(self) -> str:
        return "coffee cup" if self.kind == _CUP else "bottle"


@dataclass(frozen=True, slots=True)
class Shopper:
    """Somebody who comes from the left, stands somewhere for a while, and leaves to the right."""

    picture: str
    x: float
    from_s: float
    to_s: float
    height: float = 0.8
    walk_s: float = 3.0

    def place(self, time_s: float) -> float:
        """Where the middle of the body is; outside of 0..1 it cannot be seen."""
        times = (self.from_s - self.walk_s, self.from_s, self.to_s, self.to_s + self.walk_s)
        return float(np.interp(time_s, times, (-0.4, self.x, self.x, 1.4), left=-9, right=9))


@dataclass(frozen=True, slots=True)
class ShelfScene:
    """What stands on a shelf, and who is in front of it.

    Attributes:
        dark: from when to when the light is off, in seconds.
        light: how bright it is otherwise.
        grain: of the picture, in grey levels.
    """

    facings: tuple[Facing, ...]
    shoppers: tuple[Shopper, ...] = ()
    dark: tuple[float, float] = (_EDGE_S, _EDGE_S)
    light: float = 1.0
    grain: float = 4.0
    seed: int = 0

    def truth(self, time_s: float) -> Counter[str]:
        """How many facings there are of each class, whoever stands in front."""
        return Counter(facing.label for facing in self.facings if facing.stands(time_s))

    def draw(self, time_s: float) -> Pixels:
        """The picture; light, grain and the camera waver a little from one to the next."""
        rng = np.random.default_rng([self.seed, round(time_s * 1000)])
        picture = _wall()
        shake = rng.normal(0, 0.5, 2)
        for facing in self.facings:
            if facing.stands(time_s):
                height = _CUP_HEIGHT if facing.kind == _CUP else _BOTTLE_HEIGHT
                _lay(picture, facing.kind, facing.x, BOARDS[facing.board], height, shake)
        for shopper in self.shoppers:
            _lay(picture, shopper.picture, shopper.place(time_s), 1.0, shopper.height, shake)
        light = rng.normal(1, 0.03) * (0.01 if self.dark[0] <= time_s < self.dark[1] else self.light)
        grain = rng.normal(0, self.grain, (SIDE, SIDE, 1))
        pixels: Pixels = np.clip(picture * light + grain, 0, 255).astype(np.uint8)
        return pixels


def row(board: int, kinds: Sequence[str]) -> list[Facing]:
    """A board full of products side by side."""
    return [Facing(kind, (place + 0.5) / len(kinds), board) for place, kind in enumerate(kinds)]


class Looker:
    """The factory model, as it looks in the daemon: at whatever has half of the score that starts a track."""

    def __init__(self) -> None:
        bundle = read_bundle(find_bundle("factory"))
        self.labels, self.min_score = bundle.identity.labels, bundle.identity.min_score
        self._engine = LiteRtEngine(bundle)
        settings, nms_iou = bundle.manifest.decoder, bundle.manifest.nms_iou
        self._decoder = build(settings, bundle.layout, floor=self.min_score / 2, nms_iou=nms_iou)

    def look(self, pixels: Pixels) -> Detections:
        found = self._decoder.decode(self._engine.infer(pixels))
        assert isinstance(found, Detections)
        return found


@lru_cache(maxsize=1)
def _empty() -> Reals:
    picture = np.full((SIDE, SIDE, 3), (168.0, 160.0, 148.0)) * np.linspace(0.75, 1.05, SIDE)[:, None, None]
    for board in BOARDS:
        top = int(board * SIDE)
        picture[top : top + 10] = (120, 84, 52)
        picture[top + 10 : top + 15] *= 0.6
    return picture


def _wall() -> Reals:
    return _empty().copy()


@lru_cache(maxsize=64)
def _sprite(name: str, height: int) -> Reals:
    """A cut-out (height, w, 4) by its name: colours times cover, and cover, 0..1."""
    if name in _OUTLINES:
        cut = _bottle(name)
    else:
        cut = _board_of_wood() if name == "board" else cutouts()[name].astype(float)
    cover = cut[..., 3:] / 255
    width = round(height * cut.shape[1] / cut.shape[0])
    return resampled(np.dstack([cut[..., :3] * cover, cover]), height, width)


def _board_of_wood() -> Reals:
    """Something that no model knows, as large as a person."""
    cut = np.full((150, 110, 4), 255.0)
    cut[..., :3] = (96, 92, 88)
    return cut


def _bottle(kind: str) -> Reals:
    """A bottle (300, 100, 4): glass that is round by its light, a printed label, a cap."""
    heights, across = (np.arange(300) + 0.5) / 300, (np.arange(100) + 0.5) / 100 - 0.5
    places, halves = zip(*_OUTLINES[kind], strict=True)
    out = across / np.interp(heights, places, halves)[:, None]
    glass, label, cap = _COLOURS[kind]
    colours = np.broadcast_to(np.array(glass, float), (300, 100, 3)).copy()
    labelled = (heights > 0.58) & (heights < 0.86)
    colours[labelled], colours[heights < 0.09] = label, cap
    for low, high in ((0.63, 0.68), (0.72, 0.74), (0.77, 0.79)):
        colours[np.ix_((heights > low) & (heights < high), np.abs(across) < 0.26)] = (40, 30, 30)
    facing = np.sqrt(np.clip(1 - out**2, 0, 1))
    light = 0.3 + 0.55 * np.clip(0.8 * facing - 0.55 * out, 0, 1)
    shine = 0.75 * np.exp(-(((out + 0.45) / 0.12) ** 2)) * np.where(labelled, 0.25, 1)[:, None]
    rim = 1 - 0.45 * np.clip((np.abs(out) - 0.86) / 0.14, 0, 1)
    drawn = np.clip((colours * light[..., None] + 170 * shine[..., None]) * rim[..., None], 0, 255)
    return np.dstack([drawn, 255.0 * (np.abs(out) < 1)])


def _lay(picture: Reals, name: str, x: float, bottom: float, height: float, shake: Reals) -> None:
    """Lay a cut-out over the picture, with its bottom centre there, as far as it is inside."""
    cut = _sprite(name, round(height * SIDE))
    high, wide = cut.shape[:2]
    left, top = round(x * SIDE - wide / 2 + shake[0]), round(bottom * SIDE - high + shake[1])
    y, x0 = max(top, 0), max(left, 0)
    place = picture[y : max(top + high, 0), x0 : max(left + wide, 0)]
    part = cut[y - top : y - top + place.shape[0], x0 - left : x0 - left + place.shape[1]]
    place[:] = place * (1 - part[..., 3:]) + part[..., :3]
