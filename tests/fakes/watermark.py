"""A picture that is known to the last bit, as what stands behind the people of a film."""

from functools import cache
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from eyespot.sources.scene_art import Stage
from eyespot.sources.scene_world import World

SIDE = 300  # what the factory model looks at, so that nothing is scaled on the way to it
TILES = 8
_SEED, _PEOPLE = 20240229, 903

Levels = NDArray[np.uint8]


@cache
def levels() -> Levels:
    """Return (SIDE, SIDE) levels: tiles that outlive scaling, and grain that tells every row."""
    rng = np.random.default_rng(_SEED)
    tiles = rng.uniform(70, 185, (TILES, TILES))
    places = np.arange(SIDE) * TILES // SIDE
    return (tiles[places][:, places] + rng.integers(-14, 15, (SIDE, SIDE))).astype(np.uint8)


@cache
def thumbnail() -> Levels:
    """Return its (TILES, TILES) means."""
    places = np.arange(SIDE) * TILES // SIDE
    sums = np.zeros((TILES, TILES))
    np.add.at(sums, (places[:, None], places[None, :]), levels())
    counts = np.bincount(places)
    return np.round(sums / np.outer(counts, counts)).astype(np.uint8)


def picture() -> Levels:
    """Return it as an (SIDE, SIDE, 3) picture."""
    return np.repeat(levels()[..., None], 3, axis=2)


def write_watermarked(path: Path, seconds: int, rate_hz: int = 10) -> Path:
    """Write a film, without loss, of people who walk in front of it."""
    stage = Stage(World(_PEOPLE), SIDE, SIDE)
    stage._backdrop = lambda _: picture()  # type: ignore[assignment]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=rate_hz)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "bgr0"
        for number in range(seconds * rate_hz):
            shown = av.VideoFrame.from_ndarray(stage.draw(number / rate_hz), format="rgb24")
            container.mux(stream.encode(shown))
        container.mux(stream.encode())
    return path
