"""How much room a disk has for a database with a write-ahead log, so that it is never quite filled.

A full disk lets SQLite remove nothing, either: that needs the log, and to empty the log the file may have to
grow.
"""

import os
from pathlib import Path

import msgspec

_AMPLE_BYTES = 4 << 20  # with so much no more is asked: the log takes one, and what is in it another
_MOST_RESERVE_BYTES = 2 << 20
_RESERVE_SHARE = 4  # of a small disk a fourth
_LITTLE_BYTES = 65_536  # a store that has no more is not what fills a disk: nothing gives way for others


class Room(msgspec.Struct, frozen=True):
    """What a disk has left for a database; bytes.

    Attributes:
        free: of the disk.
        file: of the database.
        log: beside it.
        grows: by so much the file will, once the log is emptied into it.
        left: room within the file, by what was removed.
    """

    free: int
    file: int
    log: int
    grows: int
    left: int

    @property
    def reserve(self) -> int:
        """How much is to stay free, also within the file."""
        return min(_MOST_RESERVE_BYTES, (self.free + self.file + self.log) // _RESERVE_SHARE)

    def is_short(self, need: int) -> bool:
        """Whether the log and what comes could soon fill the disk; they take it twice."""
        return self.free - self.grows - 2 * need < self.reserve // 2

    @property
    def is_log_long(self) -> bool:
        """Whether it is worth it to empty and shorten the log."""
        return self.log >= self.reserve // 4

    def lacks(self, need: int) -> int:
        """Return how much has to leave the file."""
        if self.file + self.grows - self.left < _LITTLE_BYTES:
            return 0
        return max(0, self.reserve + need - (self.free - self.grows + self.left))


def free_bytes(folder: Path) -> int | None:
    """Return how much a disk has left for us; None where that is ample, or not known."""
    try:
        found = os.statvfs(folder)
    except OSError:  # a write will say what is wrong
        return None
    free = found.f_bavail * found.f_frsize
    return None if free >= _AMPLE_BYTES or not found.f_blocks else free


def size_of(path: Path) -> int:
    """Return how large a file is; 0 where there is none to be seen."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
