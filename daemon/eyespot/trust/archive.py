"""A bundle in one file for transport: `.tar.zst`, of plain files, the manifest first.

One zstd frame (RFC 8878) that says its size, with a window of 1 MiB at most, around a tar archive as
`ustar` has it. The same bundle gives the same bytes with the same zstandard.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

import zstandard

from eyespot.domain.errors import ModelError
from eyespot.trust import ustar
from eyespot.trust.files import read_whole
from eyespot.trust.manifest import MANIFEST, MOST_MANIFEST_BYTES, parse_manifest
from eyespot.trust.manifest_files import AnyFile, is_path
from eyespot.trust.packed import read_part

SUFFIX: Final = ".tar.zst"
MOST_BYTES: Final = 512 * 1024 * 1024  # unpacked

_MOST_FILES = 80
_MOST_WINDOW_BYTES = 1024 * 1024  # who unpacks has to hold it
_LEVEL, _WINDOW_LOG = 12, 18  # 256 KiB: a larger one makes networks hardly smaller
_HEADER_BYTES = 18  # of a frame, at most
_PIECE_BYTES = 16 * 1024
_SIP_BYTES = 128  # no more than 4 MiB can come out of so many
_MODE = 0o644
_AGAIN = "fetch it again"
_PACK = "pack it with `eyespot-fleet publish pack`"


def pack(folder: Path, stream: BinaryIO) -> None:
    """Write the bundle in a folder: the manifest, and the files that it names.

    Raises:
        ModelError: a file is not what the manifest says.
        OSError: the stream fails.
    """
    data = read_whole(folder / MANIFEST, MOST_MANIFEST_BYTES)
    parts = sorted(parse_manifest(data).parts, key=lambda part: part.file)
    sizes = [len(data), *(part.size_bytes for part in parts)]
    total = sum(ustar.BLOCK + size + len(ustar.padding(size)) for size in sizes) + len(ustar.END)
    parameters = zstandard.ZstdCompressionParameters.from_level(
        _LEVEL, window_log=_WINDOW_LOG, write_checksum=True
    )
    frame = zstandard.ZstdCompressor(compression_params=parameters).compressobj(size=total)
    stream.writelines(frame.compress(piece) for piece in _packed(folder, data, parts))
    stream.write(frame.flush())


def _packed(folder: Path, manifest: bytes, parts: Sequence[AnyFile]) -> Iterator[bytes]:
    yield ustar.header(MANIFEST, len(manifest), _MODE) + manifest + ustar.padding(len(manifest))
    for part in parts:
        yield ustar.header(part.file, part.size_bytes, _MODE)
        yield from read_part(folder, part)
        yield ustar.padding(part.size_bytes)
    yield ustar.END


def unpack(stream: BinaryIO, folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Write the files of an archive into an empty folder; what is in them is for `check_packed` to tell.

    Memory stays below 12 MB. Nothing is synced to the disk.

    Args:
        stream: the archive; may be a pipe.
        folder: there already.
        most_bytes: that all of it may have, unpacked.

    Raises:
        ModelError: it is no such archive, damaged, or has something in it that a bundle has not; what was
            written till then is left behind.
        OSError: the stream or the disk fails.
    """
    unpacked = _Unpacked(stream, most_bytes)
    seen: set[str] = set()
    while (found := _next(unpacked)) is not None:
        _check_name(found, seen)
        seen.add(found.name)
        _write(folder / found.name, ustar.content(found.size, unpacked.exactly))
    unpacked.end()
    if not seen:
        raise ModelError("the archive has nothing in it; this is no bundle")


def _next(unpacked: "_Unpacked") -> ustar.Member | None:
    """Return what the next header says; None at the end."""
    block = unpacked.exactly(ustar.BLOCK)
    if not block.strip(b"\0"):
        if unpacked.exactly(ustar.BLOCK).strip(b"\0"):
            raise ModelError(f"the archive has something behind its end; {_AGAIN}")
        return None
    try:
        return ustar.member(block)
    except ustar.NotPlainError as error:
        raise ModelError(f"the archive has {error} in it; a bundle has plain files only") from error


def _check_name(found: ustar.Member, seen: set[str]) -> None:
    shown = f"{found.name[:100]!a}"
    if not seen and found.name != MANIFEST:
        raise ModelError(f"the archive begins with {shown}, not with {MANIFEST}; this is no bundle")
    if not is_path(found.name):
        raise ModelError(f"the archive has a file called {shown}; a bundle has no such names")
    if found.name in seen:
        raise ModelError(f"the archive has {shown} twice; take another one")
    folders = {str(PurePosixPath(name).parent) for name in (*seen, found.name)}
    if folders & {*seen, found.name}:
        raise ModelError(f"the archive has a file that is a folder to {shown}, or the other way round")
    if len(seen) == _MOST_FILES:
        raise ModelError(f"the archive has more than {_MOST_FILES} files; a bundle has fewer")


def _write(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a new file."""
    path.parent.mkdir(0o755, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    with os.fdopen(handle, "wb", buffering=0) as file:
        for piece in pieces:
            view = memoryview(piece)
            while view:
                view = view[file.write(view) :]


class _Unpacked:
    """The content of a zstd frame, read from its beginning to its end.

    Args:
        stream: begins with the frame.
        most_bytes: that may come out of it.

    Raises:
        ModelError: here or later: it is none, cut off, damaged, or too large.
    """

    def __init__(self, stream: BinaryIO, most_bytes: int) -> None:
        self._stream = stream
        self._packed = b""
        self._ready = bytearray()
        first = _exactly(stream, _HEADER_BYTES)
        self._left = _content_bytes(first, most_bytes)
        limits = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW_BYTES)
        self._frame = limits.decompressobj()
        self._feed(first)

    def exactly(self, size: int) -> bytes:
        """Return the next bytes, just so many."""
        while len(self._ready) < size:
            if self._frame.eof:
                raise ModelError(f"the archive ends too early; {_AGAIN}")
            self._feed(self._sip())
        data = bytes(memoryview(self._ready)[:size])
        del self._ready[:size]
        return data

    def end(self) -> None:
        """See that nothing follows."""
        while not self._frame.eof:
            self._feed(self._sip())
        if self._ready or self._frame.unused_data or self._packed or self._stream.read(1):
            raise ModelError(f"the archive has something behind its end; {_AGAIN}")

    def _sip(self) -> bytes:
        if not self._packed:
            self._packed = self._stream.read(_PIECE_BYTES)
        if not self._packed:
            raise ModelError(f"the archive is cut off; {_AGAIN}")
        sip, self._packed = self._packed[:_SIP_BYTES], self._packed[_SIP_BYTES:]
        return sip

    def _feed(self, packed: bytes) -> None:
        try:
            data = self._frame.decompress(packed)
        except zstandard.ZstdError as error:
            raise ModelError(f"the archive is damaged: {error}; {_AGAIN}") from error
        self._left -= len(data)
        if self._left < 0:
            raise ModelError("the archive has more in it than it says; take another one")
        self._ready += data


def _content_bytes(first: bytes, most_bytes: int) -> int:
    """Return how much a frame says that it holds, by its first bytes."""
    try:
        frame = zstandard.get_frame_parameters(first)
    except zstandard.ZstdError as error:
        raise ModelError(f"this is no archive that zstd has packed; name a bundle's {SUFFIX}") from error
    if frame.content_size in {zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR, 0}:
        raise ModelError(f"the archive does not say how large it is; {_PACK}")
    if frame.content_size > most_bytes:
        raise ModelError(
            f"the archive holds {frame.content_size} bytes, more than {most_bytes}; make it smaller"
        )
    if frame.window_size > _MOST_WINDOW_BYTES or frame.dict_id or not frame.has_checksum:
        raise ModelError(f"the archive wants too much memory, a dictionary, or has no checksum; {_PACK}")
    return int(frame.content_size)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    """Return the next bytes of a stream; fewer at its end alone."""
    data = b""
    while len(data) < size and (piece := stream.read(size - len(data))):
        data += piece
    return data
