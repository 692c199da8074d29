"""Blocks of bytes in files of ten minutes: what is old goes, and so does what there is no room for.

A file is blocks one behind the other: a head with sizes and times, then the data. A power cut may tear the
last one; what follows a damaged block in its file is not read.
"""

import logging
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from eyespot.domain.errors import one_line
from eyespot.domain.placing import PRIVATE, PRIVATE_FOLDER, make_folder, sync_folder

_log = logging.getLogger(__name__)

SPAN_MS = 600_000
_MOST_DATA = 64 * 1024
_MOST_FILES = 100_000
_NAME = re.compile(r"[0-9]{16}\.tracks")
_HEAD = struct.Struct("<4sIIqqq")  # magic, bytes of data, crc32 of what follows, number, first and last ms
_COVERED = struct.Struct("<qqq")
_MAGIC = b"EYT1"
_LARGEST = (1 << 53) - 1  # that JSON carries everywhere


class Block(NamedTuple):
    """Some data.

    Attributes:
        number: larger than that of any block before.
        begun_ms, ended_ms: which time it is of, in ms since 1970.
    """

    number: int
    begun_ms: int
    ended_ms: int
    data: bytes


@dataclass(slots=True)
class _Segment:
    path: Path
    size: int
    blocks: int
    begun_ms: int
    newest: int


class Segments:
    """Blocks in a folder. For one thread.

    Args:
        folder: made when something is kept first.

    Attributes:
        given_up: blocks that were given up for room.
        damaged: how often something could not be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[_Segment] = []
        self._writes_to: _Segment | None = None
        self.given_up = 0
        self.damaged = 0
        self._look_around()

    @property
    def kept_bytes(self) -> int:
        """How much of the disk is taken."""
        return sum(segment.size for segment in self._segments)

    @property
    def since_ms(self) -> int | None:
        """The time of the oldest; None where nothing is kept."""
        return min((segment.begun_ms for segment in self._segments), default=None)

    def add(self, spans: list[tuple[int, int, bytes]]) -> None:
        """Keep data, each with its first and last ms; it is safe against a power cut then.

        Raises:
            OSError: none of it is kept.
        """
        if not spans:
            return
        blocks = list(self._numbered(spans))
        data = b"".join(_packed(block) for block in blocks)
        segment = self._segment_for(blocks)
        try:
            _append(segment.path, segment.size, data)
            if not segment.blocks:
                sync_folder(self._folder)
        except OSError:
            self._give_back(segment)
            raise
        segment.size += len(data)
        segment.blocks += len(blocks)
        segment.begun_ms = min(segment.begun_ms, *(block.begun_ms for block in blocks))
        segment.newest = blocks[-1].number

    def make_room(self, most_bytes: int) -> None:
        """Give up the oldest until no more is kept than that.

        Raises:
            OSError: one cannot be removed.
        """
        while self._segments and self.kept_bytes > most_bytes:
            self.given_up += self._segments[0].blocks
            self._remove(self._segments[0])

    def forget(self, before_ms: int, after_ms: int | None = None) -> None:
        """Remove what is from before a time, and what claims to be from after another.

        Files go as a whole, by the oldest in them.

        Raises:
            OSError: one cannot be removed.
        """
        for segment in list(self._segments):
            if segment.begun_ms < before_ms or (after_ms is not None and segment.begun_ms > after_ms):
                self._remove(segment)

    def read(self, after: int, since_ms: int, until_ms: int) -> Iterator[Block]:
        """Yield blocks with larger numbers than `after` that lie in a time, oldest first; none is damaged."""
        for segment in list(self._segments):
            if segment.newest > after and segment.begun_ms <= until_ms:
                for block in self._blocks_in(segment):
                    if block.number > after and block.ended_ms >= since_ms and block.begun_ms <= until_ms:
                        yield block

    def _numbered(self, spans: list[tuple[int, int, bytes]]) -> Iterator[Block]:
        """Number blocks by their time, so that numbers grow although all may be removed meanwhile."""
        number = self._segments[-1].newest if self._segments else 0
        for begun_ms, ended_ms, data in spans:
            number = max(number + 1, min(begun_ms, _LARGEST >> 1))
            yield Block(number, begun_ms, ended_ms, data)

    def _segment_for(self, blocks: list[Block]) -> _Segment:
        segment, begun_ms = self._writes_to, blocks[0].begun_ms
        if segment is not None and 0 <= begun_ms - segment.begun_ms < SPAN_MS:
            return segment
        make_folder(self._folder, PRIVATE_FOLDER)
        path = self._folder / f"{blocks[0].number:016d}.tracks"
        self._writes_to = segment = _Segment(path, 0, 0, begun_ms, blocks[0].number)
        self._segments.append(segment)
        return segment

    def _give_back(self, segment: _Segment) -> None:
        """Go on in another file; of this one what was whole before stays."""
        self._writes_to = None
        if not segment.blocks:
            self._segments.remove(segment)
            with suppress(OSError):
                segment.path.unlink(missing_ok=True)
            return
        with suppress(OSError):
            os.truncate(segment.path, segment.size)

    def _remove(self, segment: _Segment) -> None:
        segment.path.unlink(missing_ok=True)
        self._segments.remove(segment)
        if segment is self._writes_to:
            self._writes_to = None

    def _look_around(self) -> None:
        """Find what earlier lives have left; what a power cut has torn is cut off."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder) if _NAME.fullmatch(entry.name))
        except OSError:
            return  # there is none, or the first attempt to write tells why
        for name in names[-_MOST_FILES:]:
            segment = self._found(self._folder / name)
            if segment is not None:
                self._segments.append(segment)

    def _found(self, path: Path) -> _Segment | None:
        segment = _Segment(path, 0, 0, 0, 0)
        try:
            with _opened(path) as file:
                for block in _blocks(file):
                    segment.begun_ms = min(segment.begun_ms or block.begun_ms, block.begun_ms)
                    segment.blocks, segment.newest = segment.blocks + 1, max(segment.newest, block.number)
                    segment.size += _HEAD.size + len(block.data)
                whole = os.fstat(file.fileno()).st_size == segment.size
        except OSError as error:
            self._name(path, one_line(error))
            return None
        if not whole:
            self._name(path, f"torn behind {segment.blocks} pieces; the rest is given up")
            with suppress(OSError):
                os.truncate(path, segment.size)
        if not segment.blocks:
            with suppress(OSError):
                path.unlink()
            return None
        return segment

    def _blocks_in(self, segment: _Segment) -> Iterator[Block]:
        count = 0
        try:
            with _opened(segment.path) as file:
                for block in _blocks(file):
                    count += 1
                    yield block
        except OSError as error:
            self._name(segment.path, one_line(error))
            return
        if count < segment.blocks:
            self._name(
                segment.path, f"damaged behind {count} of {segment.blocks} pieces; the rest is given up"
            )
            segment.blocks = count  # once is enough

    def _name(self, path: Path, what: str) -> None:
        self.damaged += 1
        _log.warning("%s: %s", path, what)


def _opened(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb")


def _packed(block: Block) -> bytes:
    covered = _COVERED.pack(block.number, block.begun_ms, block.ended_ms)
    crc = zlib.crc32(block.data, zlib.crc32(covered))
    return _HEAD.pack(_MAGIC, len(block.data), crc, *block[:3]) + block.data


def _blocks(file: BinaryIO) -> Iterator[Block]:
    """Yield the blocks of a file, up to its end, or to the first that is not whole."""
    while len(head := file.read(_HEAD.size)) == _HEAD.size:
        magic, size, crc, number, begun_ms, ended_ms = _HEAD.unpack(head)
        if magic != _MAGIC or size > _MOST_DATA or not 0 <= number <= _LARGEST:
            return
        data = file.read(size)
        if len(data) != size or zlib.crc32(data, zlib.crc32(head[-_COVERED.size :])) != crc:
            return
        yield Block(number, begun_ms, ended_ms, data)


def _append(path: Path, at: int, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    try:
        written = 0
        while written < len(data):
            written += os.pwrite(handle, data[written:], at + written)
        os.fdatasync(handle)
    finally:
        os.close(handle)
