"""Archives as POSIX.1-1988 has them ("ustar"), of plain files only, block by block.

Whatever else an archive may hold (links, devices, folders, long names, sparse files) is refused before it
means anything.
"""

import tarfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

BLOCK = tarfile.BLOCKSIZE
CHUNK = 128 * BLOCK
END = bytes(2 * BLOCK)


class Member(NamedTuple):
    """A plain file of an archive: its name there, and its size in bytes."""

    name: str
    size: int


class NotPlainError(ValueError):
    """A block is no header of a plain file; says what it is instead."""


def header(name: str, size: int, mode: int) -> bytes:
    """Return the block before a file's content; the same for the same arguments."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info.tobuf(tarfile.USTAR_FORMAT)


def padding(size: int) -> bytes:
    """Return what comes behind a file's content."""
    return bytes(-size % BLOCK)


def member(block: bytes) -> Member:
    """Return what a header says.

    Raises:
        NotPlainError: it is damaged, or the header of something else.
    """
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise NotPlainError("a damaged header") from error
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise NotPlainError(f"{info.name[:100]!a}, {_KINDS.get(info.type, 'no plain file')}")
    return Member(info.name, info.size)


def content(size: int, exactly: Callable[[int], bytes]) -> Iterator[bytes]:
    """Yield a file's content in pieces, and read past its padding.

    Args:
        size: of the file.
        exactly: returns the next bytes, just so many, or raises.
    """
    for start in range(0, size, CHUNK):
        yield exactly(min(CHUNK, size - start))
    exactly(-size % BLOCK)


_KINDS = {
    tarfile.SYMTYPE: "a link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
    tarfile.DIRTYPE: "a folder",
}
