"""Tracks as bytes: of each strip its sizes, then its columns, packed with zstd; sizes of nothing end them."""

import math
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, fields
from typing import Any, BinaryIO

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray

from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import Timeline
from eyespot.domain.observation import Indexes, Optics
from eyespot.domain.strip import SIGHTS, Strip
from eyespot.domain.track import Tracks

_Kinds = tuple[tuple[str, np.dtype[Any]], ...]

_SIZES = struct.Struct("<IIIIQ")  # steps, steps with optics, rows, bytes of doubts, bytes that follow
_MOST_ROWS = 50_000_000
_CHUNK = 4096  # bytes; what hardly shrinks may grow a little
_LEVEL = 1  # boxes hardly get smaller by more effort

_STEP: _Kinds = (
    ("taken_ns", np.dtype("<i8")),
    ("observed", np.dtype("?")),
    ("sights", np.dtype("u1")),
    ("count", np.dtype("<u4")),
)
_OPTICS: _Kinds = (  # NaN stands for None
    ("at", np.dtype("<u4")),
    *((field.name, np.dtype("<f8")) for field in fields(Optics)),
)
_ROW: _Kinds = (
    ("ids", np.dtype("<i8")),
    ("classes", np.dtype("<u2")),
    ("boxes_xyxy_n", np.dtype(("<f4", 4))),
    ("scores", np.dtype("<f4")),
    ("seen", np.dtype("?")),
    ("confirmed", np.dtype("?")),
)
_DOUBTS: _Kinds = (("doubts", np.dtype("u1")),)  # JSON

END = _SIZES.pack(0, 0, 0, 0, 0)


def packed(strip: Strip) -> bytes:
    """Return a strip as bytes; what was observed is left out, apart from the tracks."""
    steps = {name: getattr(strip, name) for name in ("taken_ns", "observed", "sights")}
    steps["count"] = np.diff(strip.bounds)
    columns = [steps[name].astype(kind) for name, kind in _STEP]
    columns += _optics_columns(strip.optics)
    columns += [getattr(strip.tracks, name).astype(kind.base) for name, kind in _ROW]
    doubts = msgspec.json.encode(dict(strip.doubts))
    columns.append(np.frombuffer(doubts, np.uint8))
    packer = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
    data = packer.compress(b"".join(column.tobytes() for column in columns))
    told = len(columns[len(_STEP)])
    return _SIZES.pack(len(strip), told, len(strip.tracks), len(doubts), len(data)) + data


def strips_in(file: BinaryIO, bundle: str, timeline: Timeline) -> Iterator[Strip]:
    """Yield the strips that were packed into a file, up to the mark of the end.

    Raises:
        ValueError: these are no strips, or the end is missing.
    """
    try:
        while (strip := _read(file, bundle, timeline)) is not None:
            yield strip
    except (struct.error, zstandard.ZstdError, msgspec.DecodeError, MemoryError) as error:
        raise ValueError(str(error)) from error


def _read(file: BinaryIO, bundle: str, timeline: Timeline) -> Strip | None:
    """Return the next strip; None at the end.

    Raises:
        ValueError: these are no strips; so do struct.error and zstandard.ZstdError tell.
    """
    steps, told, rows, doubts, size = _SIZES.unpack(file.read(_SIZES.size))
    if not steps:
        return None
    if max(steps, told, rows, doubts) > _MOST_ROWS:
        raise ValueError("too many rows")
    counts = ((_STEP, steps), (_OPTICS, told), (_ROW, rows), (_DOUBTS, doubts))
    whole = sum(count * kind.itemsize for kinds, count in counts for _, kind in kinds)
    if size > 2 * whole + _CHUNK:
        raise ValueError("too many bytes")
    data = zstandard.ZstdDecompressor().decompress(file.read(size), max_output_size=whole)
    return _strip(_columns(data, counts), bundle, timeline)


def _columns(data: bytes, counts: Iterable[tuple[_Kinds, int]]) -> dict[str, NDArray[Any]]:
    """Return columns by name, as `packed` put them one behind the other."""
    columns: dict[str, NDArray[Any]] = {}
    start = 0
    for kinds, count in counts:
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
        optics=_optics(columns),
        doubts=msgspec.json.decode(columns["doubts"].tobytes(), type=dict[Doubt, str]),
        timeline=timeline,
    )


def _optics_columns(optics: Sequence[Optics | None]) -> list[NDArray[Any]]:
    told = [(step, *astuple(one)) for step, one in enumerate(optics) if one is not None]
    table = np.array(told, np.float64).reshape(len(told), len(_OPTICS))  # None becomes NaN
    return [column.astype(kind) for (_, kind), column in zip(_OPTICS, table.T, strict=True)]


def _optics(columns: Mapping[str, NDArray[Any]]) -> tuple[Optics | None, ...]:
    """Return the optics of each step; empty where there are none.

    Raises:
        ValueError: there are some of a step that there is not.
    """
    if not len(columns["at"]):
        return ()
    optics: list[Optics | None] = [None] * len(columns["taken_ns"])
    if columns["at"].max() >= len(optics):
        raise ValueError("optics of no step")
    values = zip(*(columns[name].tolist() for name, _ in _OPTICS), strict=True)
    for step, *told in values:
        optics[step] = Optics(*(None if math.isnan(value) else value for value in told))
    return tuple(optics)
