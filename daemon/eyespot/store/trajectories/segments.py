"""Blocks of bytes in files of ten minutes: what is old goes, and so does what there is no room for.

A file is blocks one behind the other: a head with sizes and times, then the data. A power cut may tear the
last one; what follows a damaged block in its file is not read.
"""

import logging
import os
import re
import stat
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

from eyespot.domain.errors import one_line
from eyespot.domain.placing import PRIVATE, PRIVATE_FOLDER, make_folder, sync_folder

_log = logging.getLogger(__name__)

SPAN_MS = 600_000
_ENDS_MS = 3 * SPAN_MS  # after a file has begun, no block in it goes on
_MOST_REMOVED = 16_000_000  # bytes that are looked through in one turn, as a heartbeat waits
_MOST_DATA = 64 * 1024
_MOST_FILES = 100_000
_NAME = re.compile(r"[0-9]{16}\.tracks")
_HEAD = struct.Struct("<4sIIqqq")  # magic, bytes of data, crc32 of what follows, number, first and last ms
_COVERED = struct.Struct("<qqq")
_MAGIC = b"EYT1"
_LARGEST = (1 << 53) - 1  # that JSON carries everywhere
_LATEST_MS = 253_402_300_799_000  # the end of 9999, behind which no time can be told


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
    """A file.

    Attributes:
        size: of what is whole in it.
        first: number of its first block.
        begun_ms: of its first block, which is its oldest.
        known_ns: since when it is known to be there, by the clock that nobody sets.
    """

    path: Path
    size: int
    first: int
    begun_ms: int
    known_ns: int


class Segments:
    """Blocks in a folder. For one thread.

    Args:
        folder: made when something is kept first.
        now_ns: tells the time by a clock that nobody sets.

    Attributes:
        given_up: blocks that were given up for room.
        damaged: how often something could not be read.
    """

    def __init__(self, folder: Path, now_ns: Callable[[], int] = lambda: 0) -> None:
        self._folder = folder
        self._now_ns = now_ns
        self._segments: list[_Segment] = []
        self._writes_to: _Segment | None = None
        self._newest = 0
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

    def add(self, spans: Sequence[tuple[int, int, bytes]]) -> None:
        """Keep data, each with its first and last ms, no more than `SPAN_MS` apart.

        It is safe against a power cut then.

        Raises:
            OSError: some of it, or all, is not kept.
        """
        waiting: list[Block] = []
        for begun_ms, ended_ms, data in spans:
            if waiting and not _fits(waiting[0].begun_ms, begun_ms):
                self._append(waiting)
                waiting = []
            # numbers go by the time, so that they grow although all may have been removed meanwhile
            self._newest = max(self._newest + 1, min(begun_ms, _LARGEST >> 1))
            waiting.append(Block(self._newest, begun_ms, ended_ms, data))
        if waiting:
            self._append(waiting)

    def make_room(self, most_bytes: int) -> None:
        """Give up the oldest until no more is kept than that; of very much the rest next time.

        Raises:
            OSError: one cannot be removed.
        """
        enough = max(most_bytes, self.kept_bytes - _MOST_REMOVED)
        while self._segments and self.kept_bytes > enough:
            given_up = sum(1 for _ in self._blocks_in(self._segments[0]))
            self._remove(self._segments[0])
            self.given_up += given_up

    def forget(self, before_ms: int, after_ms: int | None = None, known_before_ns: int | None = None) -> None:
        """Remove what is from before a time, what claims to be from after another, and what is long known.

        Files go as a whole, by the oldest in them. A calendar may be wrong, so that what is there before an
        instant of the clock that nobody sets goes as well.

        Raises:
            OSError: one cannot be removed.
        """
        for segment in list(self._segments):
            old = segment.begun_ms < before_ms
            new = after_ms is not None and segment.begun_ms > after_ms
            if old or new or (known_before_ns is not None and segment.known_ns < known_before_ns):
                self._remove(segment)

    def read(self, after: int, since_ms: int, until_ms: int) -> Iterator[Block]:
        """Yield blocks with larger numbers than `after` that lie in a time, oldest first; none is damaged."""
        segments = list(self._segments)
        ends = [*(segment.first for segment in segments[1:]), _LARGEST]
        for segment, end in zip(segments, ends, strict=False):
            if end > after + 1 and since_ms - _ENDS_MS <= segment.begun_ms <= until_ms:
                for block in self._blocks_in(segment):
                    if block.number > after and block.ended_ms >= since_ms and block.begun_ms <= until_ms:
                        yield block

    def _append(self, blocks: Sequence[Block]) -> None:
        """Append blocks to the file of their time, wholly or not at all."""
        segment = self._writes_to
        if segment is None or not _fits(segment.begun_ms, blocks[0].begun_ms):
            make_folder(self._folder, PRIVATE_FOLDER)
            path = self._folder / f"{blocks[0].number:016d}.tracks"
            segment = _Segment(path, 0, blocks[0].number, blocks[0].begun_ms, self._now_ns())
        data = b"".join(_packed(block) for block in blocks)
        self._writes_to = None
        try:
            _append(segment.path, segment.size, data)
            if not segment.size:
                sync_folder(self._folder)
        except OSError:  # what was whole before stays, and it goes on in another file
            with suppress(OSError):
                if segment.size:
                    os.truncate(segment.path, segment.size)
                else:
                    segment.path.unlink(missing_ok=True)
            raise
        if not segment.size:
            self._segments.append(segment)
        segment.size += len(data)
        self._writes_to = segment

    def _remove(self, segment: _Segment) -> None:
        segment.path.unlink(missing_ok=True)
        self._segments.remove(segment)
        if segment is self._writes_to:
            self._writes_to = None

    def _look_around(self) -> None:
        """Find what earlier lives have left. Only the newest file can have been torn, and is read now."""
        try:
            names = sorted(entry.name for entry in os.scandir(self._folder) if _NAME.fullmatch(entry.name))
        except OSError:
            return  # there is none, or the first attempt to write tells why
        found = [self._found(self._folder / name) for name in names[-_MOST_FILES:]]
        self._segments = [segment for segment in found if segment is not None]
        if self._segments:
            newest = [block.number for block in self._blocks_in(self._segments[-1])]
            self._newest = max([segment.first for segment in self._segments] + newest)

    def _found(self, path: Path) -> _Segment | None:
        """Return what is in a file; one that does not even begin as ours is removed."""
        try:
            with _opened(path) as file:
                first = next(_blocks(file), None)
                size = os.fstat(file.fileno()).st_size
            if first is not None:
                return _Segment(path, size, first.number, first.begun_ms, self._now_ns())
            path.unlink()
            if size:
                self._name(path, "torn or damaged from the beginning, and removed")
        except OSError as error:
            self._name(path, one_line(error))
            return self._unread(path)
        return None

    def _unread(self, path: Path) -> _Segment | None:
        """Return what the name tells of a file that cannot be read now: it ages, and may be later."""
        number = int(path.stem)
        with suppress(OSError):
            found = path.lstat()
            if stat.S_ISREG(found.st_mode) and number <= _LARGEST:
                return _Segment(path, found.st_size, number, min(number, _LATEST_MS), self._now_ns())
        return None

    def _blocks_in(self, segment: _Segment) -> Iterator[Block]:
        """Yield the blocks of a file, up to the first that is damaged: the rest is given up."""
        whole = 0
        try:
            with _opened(segment.path) as file:
                for block in _blocks(file):
                    whole += _HEAD.size + len(block.data)
                    yield block
        except OSError as error:
            self._name(segment.path, one_line(error))
            return
        if whole < segment.size:
            self._cut_off(segment, whole)

    def _cut_off(self, segment: _Segment, whole: int) -> None:
        self._name(segment.path, f"torn or damaged behind {whole} bytes; the rest is given up")
        if segment is self._writes_to:
            self._writes_to = None
        with suppress(OSError):
            if whole:
                os.truncate(segment.path, whole)
            else:
                self._remove(segment)
        segment.size = whole  # once is enough

    def _name(self, path: Path, what: str) -> None:
        self.damaged += 1
        _log.warning("%s: %s", path, what)


def _fits(begun_ms: int, later_ms: int) -> bool:
    """Return whether what begins later goes into the file of what has begun."""
    return 0 <= later_ms - begun_ms < SPAN_MS


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
        if not 0 <= begun_ms <= ended_ms <= _LATEST_MS:
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
