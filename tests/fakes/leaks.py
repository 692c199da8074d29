"""Looks for a known picture in bytes, whatever it was made of it: the search behind "no image leaves"."""

import re
from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fakes import watermark
from fakes.unpacking import views

_WINDOW = 16  # any run of the picture of twice as many bytes is found
_LIKE = 0.85  # correlation; chance gives 64 values one of 0.6 once in some millions
_SPREAD = 1.0
_IMAGES = re.compile(
    rb"\xff\xd8\xff[\xdb\xe0\xe1\xee\xfe]|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|ftypavif|ftypheic",
    re.DOTALL,
)

Levels = NDArray[np.uint8]


def leaks(data: bytes) -> list[str]:
    """Return how the picture is in these bytes: `raw > base64: rgb`; nothing where it is not."""
    return sorted({f"{view.how}: {what}" for view in views(data) for what in _seen_in(view.data)})


def leaks_in(named: Iterable[tuple[str, bytes]]) -> dict[str, list[str]]:
    """Return the leaks of each of several places, of those that have any."""
    found = {name: leaks(data) for name, data in named}
    return {name: what for name, what in found.items() if what}


def _seen_in(data: bytes) -> Iterator[str]:
    if _IMAGES.search(data):
        yield "image file"
    index = _index()
    pieces = {data[start : start + _WINDOW] for start in range(0, len(data), _WINDOW)}
    yield from {index[piece] for piece in pieces & index.keys()}
    yield from (f"thumbnail of {name}" for name, read in _read_as(data) if _has_thumbnail(read))


@cache
def _index() -> dict[bytes, str]:
    """Return each window of bytes of each form of the picture."""
    return {
        form[start : start + _WINDOW]: name
        for name, form in _forms().items()
        for start in range(len(form) - _WINDOW + 1)
    }


def _forms() -> dict[str, bytes]:
    levels = watermark.levels()
    nibbles = levels.ravel() >> 4
    return {
        "grey": levels.tobytes(),
        "rgb": watermark.picture().tobytes(),
        "luma": (16 + levels * (219 / 255)).round().astype(np.uint8).tobytes(),
        "4-bit, one a byte": nibbles.tobytes(),
        "4-bit": _packed(nibbles[0::2], nibbles[1::2]),
        "4-bit, an odd pixel first": _packed(nibbles[1:-1:2], nibbles[2::2]),
        "4-bit, swapped": _packed(nibbles[1::2], nibbles[0::2]),
    }


def _packed(high: Levels, low: Levels) -> bytes:
    return (high << 4 | low).astype(np.uint8).tobytes()


def _read_as(data: bytes) -> Iterator[tuple[str, Levels]]:
    """Yield bytes as values: each one, each second … fourth one, and the halves of each."""
    values = np.frombuffer(data, np.uint8)
    for step in (1, 2, 3, 4):
        for start in range(step):
            yield f"8-bit levels, step {step}", values[start::step]
    high, low = values >> 4, values & 15
    yield "4-bit levels", np.stack([high, low], axis=1).ravel()
    yield "4-bit levels, swapped", np.stack([low, high], axis=1).ravel()


def _has_thumbnail(values: Levels) -> bool:
    """Whether somewhere in a row of values is what is like the picture scaled down, bright or dark."""
    wanted = watermark.thumbnail().ravel().astype(float)
    size = wanted.size
    if values.size < size:
        return False
    wanted = (wanted - wanted.mean()) / np.linalg.norm(wanted - wanted.mean())
    row = values.astype(float)
    sums = np.concatenate([[0.0], np.cumsum(row)])
    squares = np.concatenate([[0.0], np.cumsum(row**2)])
    total = sums[size:] - sums[:-size]
    spread = squares[size:] - squares[:-size] - total**2 / size
    alike = np.abs(np.correlate(row, wanted, "valid")) / np.sqrt(spread.clip(_SPREAD))
    return bool((alike >= _LIKE).any())
