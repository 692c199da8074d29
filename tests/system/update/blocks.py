"""A disk whose every write is logged, and what was on it after each. Of the kernel it needs loop and FUSE.

qemu-storage-daemon stands between a loop device and an image, and logs in the format of dm-log-writes (the
kernel's Documentation/admin-guide/device-mapper/log-writes.rst): a superblock, then an entry of one sector
for each write, followed by its data. Sectors have 512 bytes.
"""

import os
import random
import struct
import subprocess
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

SECTOR = 512
_BLOCK = 4096
_DISK_BYTES = 16 * 1024 * 1024
_MAGIC = 0x6A736677736872
_FLUSH, _FUA, _DISCARD = 1, 2, 4
_SUPER = struct.Struct("<QQQI")
_ENTRY = struct.Struct("<QQQQ")
_AT_ONCE = "lazy_itable_init=0,lazy_journal_init=0,nodiscard"


class Write(NamedTuple):
    """What was asked of the disk: data at a byte, or, without data, that all before is kept for sure."""

    at: int
    data: bytes
    is_flush: bool


class Logged(NamedTuple):
    """A file system on a disk that logs.

    Attributes:
        folder: where it is mounted.
        before: the image as it was.
        log: of the writes since.
    """

    folder: Path
    before: bytes
    log: Path

    def writes(self) -> list[Write]:
        """Return what was asked of the disk so far."""
        return list(_writes(self.log.read_bytes()))


@contextmanager
def logged(scratch: Path, options: str) -> Iterator[Logged]:
    """Mount an empty ext4 whose writes are logged.

    Args:
        scratch: a folder for disks; there may be no comma in its name.
        options: of mount(8).

    Raises:
        OSError: that is not to be had here; the text says why.
    """
    own = Path(mkdtemp(dir=scratch))
    image, log, export = own / "image", own / "log", own / "export"
    make_ext4(image)
    for file in (log, export):
        file.write_bytes(b"")
    before = image.read_bytes()
    with ExitStack() as stack:
        stack.enter_context(_exported(image, log, export))
        stack.enter_context(mounted(export, own / "mnt", options))
        yield Logged(own / "mnt", before, log)


def make_ext4(image: Path) -> None:
    """Make an image of an empty file system.

    Raises:
        OSError: there is no mkfs.ext4.
    """
    image.write_bytes(b"")
    os.truncate(image, _DISK_BYTES)
    _run("mkfs.ext4", "-q", "-F", "-b", f"{_BLOCK}", "-m", "0", "-E", _AT_ONCE, image)


@contextmanager
def mounted(image: Path, folder: Path, options: str = "rw") -> Iterator[Path]:
    """Mount an image."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-o", f"loop,{options}", image, folder)
    try:
        yield folder
    finally:
        _run("umount", folder)


class State(NamedTuple):
    """What may be on a disk after a power cut.

    Attributes:
        image: of it.
        index: how many entries of the log had been asked for.
    """

    image: bytes
    index: int


def prefixes(before: bytes, writes: Sequence[Write], told: Collection[int]) -> Iterator[State]:
    """Return the disk after each write, and where somebody was told something, if all came in their order."""
    image = bytearray(before)
    yield State(before, 0)
    for index, write in enumerate(writes, 1):
        if not write.is_flush:
            _apply(image, write)
        if not write.is_flush or index in told:
            yield State(bytes(image), index)


def reordered(before: bytes, writes: Sequence[Write], chance: random.Random, each: int) -> Iterator[State]:
    """Return disks on which some of what no flush had confirmed is missing, at random, in blocks of 4 KiB.

    Args:
        before: the disk at first.
        writes: all that was asked of it.
        chance: what is missing, and when the power goes.
        each: how many disks for each time between two flushes.
    """
    settled, waiting = bytearray(before), list[Write]()
    for index, write in enumerate(writes, 1):
        if not write.is_flush:
            waiting.append(write)
            continue
        for _ in range(each if len(waiting) > 1 else 0):
            asked = chance.randint(1, len(waiting))
            image = bytearray(settled)
            for piece in _pieces(waiting[:asked]):
                if chance.random() < 0.5:
                    _apply(image, piece)
            yield State(bytes(image), index - 1 - len(waiting) + asked)
        for done in waiting:
            _apply(settled, done)
        waiting.clear()


def _apply(image: bytearray, write: Write) -> None:
    image[write.at : write.at + len(write.data)] = write.data


def _pieces(writes: Sequence[Write]) -> Iterator[Write]:
    for at, data, _ in writes:
        for offset in range(0, len(data), _BLOCK):
            yield Write(at + offset, data[offset : offset + _BLOCK], is_flush=False)


def _writes(log: bytes) -> Iterator[Write]:
    magic, _, _, sector_bytes = _SUPER.unpack_from(log)
    assert (magic, sector_bytes) == (_MAGIC, SECTOR)
    position = SECTOR
    while position + SECTOR <= len(log):
        sector, sectors, flags, _ = _ENTRY.unpack_from(log, position)
        position += SECTOR
        size = sectors * SECTOR
        if flags & _FLUSH:
            yield Write(0, b"", is_flush=True)
        if flags & _DISCARD:
            yield Write(sector * SECTOR, bytes(size), is_flush=False)
        elif size:
            if position + size > len(log):
                return  # still on its way
            yield Write(sector * SECTOR, log[position : position + size], is_flush=False)
            position += size
        if flags & _FUA:
            yield Write(0, b"", is_flush=True)


@contextmanager
def _exported(image: Path, log: Path, export: Path) -> Iterator[None]:
    blocks = (
        f"driver=file,node-name=file,filename={image}",
        "driver=raw,node-name=image,file=file",
        f"driver=file,node-name=log,filename={log}",
        f"driver=blklogwrites,node-name=logged,file=image,log=log,log-sector-size={SECTOR}",
    )
    options = [argument for block in blocks for argument in ("--blockdev", block)]
    options += ["--export", f"type=fuse,id=export,node-name=logged,mountpoint={export},writable=on"]
    command = ["qemu-storage-daemon", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as daemon:
        try:
            while export.stat().st_size != _DISK_BYTES:
                if daemon.poll() is not None:
                    raise OSError(f"{command[0]}: {daemon.stderr.read().strip() if daemon.stderr else ''}")
                time.sleep(0.02)
            yield
        finally:
            daemon.terminate()


def _run(*command: str | Path) -> None:
    try:
        subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    except subprocess.CalledProcessError as error:
        raise OSError(f"{command[0]}: {error.stderr.strip()}") from error
