"""Tracks as bytes: of each strip its sizes, then its columns, packed with zstd; sizes of nothing end them."""

import struct
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np
import zstandard
from numpy.typing import NDArray

from eyespot.domain.instants import Timeline
from eyespot.domain.observation import Indexes
from eyespot.domain.strip import SIGHTS, Strip
from eyespot.domain.track import Tracks

_SIZES = struct.Struct("<IIQ")  # steps, rows, bytes that follow
_MOST_ROWS = 50_000_000
_CHUNK = 4096  # bytes; what hardly shrinks may grow a little
_LEVEL = 1  # boxes hardly get smaller by more effort

_STEP = (
    ("taken_ns", np.dtype("<i8")),
    ("observed", np.dtype("?")),
    ("sights", np.dtype("u1")),
    ("count", np.dtype("<u4")),
)
_ROW = (
    ("ids", np.dtype("<i8")),
    ("classes", np.dtype("<u2")),
    ("boxes_xyxy_n", np.dtype(("<f4", 4))),
    ("scores", np.dtype("<f4")),
    ("seen", np.dtype("?")),
    ("confirmed", np.dtype("?")),
)

END = _SIZES.pack(0, 0, 0)


def packed(strip: Strip) -> bytes:
    """Return a strip as bytes; what was observed is left out, apart from the tracks."""
    steps = {name: getattr(strip, name) for name in ("taken_ns", "observed", "sights")}
    steps["count"] = np.diff(strip.bounds)
    columns = [steps[name].astype(kind) for name, kind in _STEP]
    columns += [getattr(strip.tracks, name).astype(kind.base) for name, kind in _ROW]
    packer = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
    data = packer.compress(b"".join(column.tobytes() for column in columns))
    return _SIZES.pack(len(strip), len(strip.tracks), len(data)) + data


def strips_in(file: BinaryIO, bundle: str, timeline: Timeline) -> Iterator[Strip]:
    """Yield the strips that were packed into a file, up to the mark of the end.

    Raises:
        ValueError: these are no strips, or the end is missing.
    """
    try:
        while (strip := _read(file, bundle, timeline)) is not None:
            yield strip
    except (struct.error, zstandard.ZstdError, MemoryError) as error:
        raise ValueError(str(error)) from error


def _read(file: BinaryIO, bundle: str, timeline: Timeline) -> Strip | None:
    """Return the next strip; None at the end.

    Raises:
        ValueError: these are no strips; so do struct.error and zstandard.ZstdError tell.
    """
    steps, rows, size = _SIZES.unpack(file.read(_SIZES.size))
    if not steps:
        return None
    if max(steps, rows) > _MOST_ROWS:
        raise ValueError("too many rows")
    whole = steps * sum(kind.itemsize for _, kind in _STEP) + rows * sum(kind.itemsize for _, kind in _ROW)
    if size > 2 * whole + _CHUNK:
        raise ValueError("too many bytes")
    data = zstandard.ZstdDecompressor().decompress(file.read(size), max_output_size=whole)
    return _strip(_columns(data, steps, rows), bundle, timeline)


def _columns(data: bytes, steps: int, rows: int) -> dict[str, NDArray[Any]]:
    """Return columns by name, as `packed` put them one behind the other."""
    columns: dict[str, NDArray[Any]] = {}
    start = 0
    for kinds, count in ((_STEP, steps), (_ROW, rows)):
        for name, kind in kinds:
            columns[name] = np.frombuffer(data, kind, count, start)
            start += count * kind.itemsize
    return columns


def _strip(columns: Mapping[str, NDArray[Any]], bundle: str, timeline: Timeline) -> Strip:
    """Return columns as a strip.

    Raises:
        ValueError: its steps have more rows, or fewer, than there are.
    """
    bounds: Indexes = np.concatenate([[0], np.cumsum(columns["count"])]).astype(np.intp)
    if bounds[-1] != len(columns["ids"]):
        raise ValueError("rows do not add up")
    if (columns["sights"] >= len(SIGHTS)).any():
        raise ValueError("a look of no known kind")
    return Strip(
        taken_ns=columns["taken_ns"],
        observed=columns["observed"],
        sights=columns["sights"],
        bounds=bounds,
        tracks=Tracks(
            ids=columns["ids"],
            classes=columns["classes"].astype(np.intp),
            boxes_xyxy_n=columns["boxes_xyxy_n"],
            scores=columns["scores"],
            seen=columns["seen"],
            confirmed=columns["confirmed"],
        ),
        bundle=bundle,
        timeline=timeline,
    )
