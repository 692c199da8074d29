"""Tracks of recordings, kept for the next what-if; they can be made again at any time.

A file for each recording, score and version of the code: a line that says what it is, then for each strip
its sizes and its columns, packed with zstd, then sizes of nothing. It comes into its place whole.
"""

import logging
import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import zstandard
from numpy.typing import NDArray

from eyespot.domain.errors import InputError
from eyespot.domain.instants import Timeline
from eyespot.domain.observation import Indexes
from eyespot.domain.paths import read_small
from eyespot.domain.placing import PRIVATE_FOLDER, make_folder, new_file, put
from eyespot.domain.strip import Strip
from eyespot.domain.track import Tracks

_log = logging.getLogger(__name__)

_MAGIC = b"eyespot.tracks/1\n"
_SIZES = struct.Struct("<IIQ")  # steps, rows, bytes that follow
_MOST_ROWS = 50_000_000
_MOST_BYTES = 2 * 1024**3
_LEVEL = 1  # boxes hardly get smaller by more effort

_STEP = (("taken_ns", np.dtype("<i8")), ("observed", np.dtype("?")), ("count", np.dtype("<u4")))
_ROW = (
    ("ids", np.dtype("<i8")),
    ("classes", np.dtype("<u2")),
    ("boxes_xyxy_n", np.dtype(("<f4", 4))),
    ("scores", np.dtype("<f4")),
    ("seen", np.dtype("?")),
    ("confirmed", np.dtype("?")),
)


class TrackCache:
    """Keeps tracks in a folder; the least used give way once there is too much.

    Args:
        folder: made when something is kept first.
        most_bytes: how much is kept at most.
    """

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def read(self, key: str, bundle: str, timeline: Timeline) -> Iterator[Strip] | None:
        """Return the strips that are kept; None where there are none.

        Args:
            key: names all that they depend on.
            bundle: id of the model that made the observations.
            timeline: of their instants.

        Raises:
            InputError: while they are taken: the file is damaged. It is gone then.
        """
        path = self._path(key)
        if read_small(path, len(_MAGIC)) != _MAGIC:
            return None
        with suppress(OSError):
            os.utime(path)
        return self._strips(path, bundle, timeline)

    def keep(self, key: str, strips: Iterator[Strip]) -> Iterator[Strip]:
        """Yield strips, and keep them once all of them were taken. Where that cannot be done, nothing is."""
        path = self._path(key)
        try:
            with ExitStack() as files:
                make_folder(self._folder, PRIVATE_FOLDER)
                new = path.with_name(f".{path.name}.{os.getpid()}.new")
                file = files.enter_context(new_file(new))
                file.write(_MAGIC)
                for strip in strips:
                    _write(file, strip)
                    yield strip
                file.write(_SIZES.pack(0, 0, 0))
                files.pop_all().close()
                put(new, path)
                self._make_room()
                return
        except OSError as error:
            _log.info("tracks are not kept in %s: %s", self._folder, error.strerror)
        yield from strips

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.tracks"

    def _strips(self, path: Path, bundle: str, timeline: Timeline) -> Iterator[Strip]:
        try:
            with path.open("rb") as file:
                file.seek(len(_MAGIC))
                while (strip := _read(file, bundle, timeline)) is not None:
                    yield strip
        except (OSError, ValueError, struct.error, zstandard.ZstdError, MemoryError) as error:
            path.unlink(missing_ok=True)
            raise InputError(f"{path}: damaged, and removed; try again ({error})") from error

    def _make_room(self) -> None:
        files = sorted(self._folder.glob("*.tracks"), key=lambda path: path.stat().st_mtime, reverse=True)
        used = 0
        for path in files:
            used += path.stat().st_size
            if used > self._most_bytes:
                path.unlink(missing_ok=True)


def _write(file: BinaryIO, strip: Strip) -> None:
    steps = {"taken_ns": strip.taken_ns, "observed": strip.observed, "count": np.diff(strip.bounds)}
    columns = [steps[name].astype(kind) for name, kind in _STEP]
    columns += [getattr(strip.tracks, name).astype(kind.base) for name, kind in _ROW]
    packer = zstandard.ZstdCompressor(_LEVEL, write_checksum=True)
    packed = packer.compress(b"".join(column.tobytes() for column in columns))
    file.write(_SIZES.pack(len(strip), len(strip.tracks), len(packed)))
    file.write(packed)


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
    data = zstandard.ZstdDecompressor().decompress(file.read(size), max_output_size=whole)
    columns: dict[str, NDArray[Any]] = {}
    start = 0
    for kinds, count in ((_STEP, steps), (_ROW, rows)):
        for name, kind in kinds:
            columns[name] = np.frombuffer(data, kind, count, start)
            start += count * kind.itemsize
    bounds: Indexes = np.concatenate([[0], np.cumsum(columns["count"])]).astype(np.intp)
    if bounds[-1] != rows:
        raise ValueError("rows do not add up")
    return Strip(
        taken_ns=columns["taken_ns"],
        observed=columns["observed"],
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
