"""What bytes may hold in another form: written as text, compressed, or as numbers."""

import base64
import binascii
import bz2
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple, Protocol

import numpy as np
import zstandard

_SHORTEST = 24
_MOST_INFLATED = 8 << 20
_BITE = 4096
_DEEPEST = 3

_HEX = re.compile(rb"[0-9A-Fa-f]{%d,}" % (2 * _SHORTEST))
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{%d,}" % (2 * _SHORTEST))
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")


class View(NamedTuple):
    """Bytes, and how they were come by: `base64 > zlib`."""

    how: str
    data: bytes


class _Inflating(Protocol):
    def decompress(self, data: bytes, /) -> bytes: ...


_STREAMS: dict[str, tuple[re.Pattern[bytes], Callable[[], _Inflating]]] = {
    "zlib": (re.compile(rb"\x78[\x01\x5e\x9c\xda]"), zlib.decompressobj),
    "gzip": (re.compile(rb"\x1f\x8b\x08"), lambda: zlib.decompressobj(31)),
    "zstd": (re.compile(rb"\x28\xb5\x2f\xfd"), lambda: zstandard.ZstdDecompressor().decompressobj()),
    "bzip2": (re.compile(rb"BZh[1-9]1AY&SY"), bz2.BZ2Decompressor),
    "xz": (re.compile(rb"\xfd7zXZ\x00"), lzma.LZMADecompressor),
    "deflate": (re.compile(rb"\A"), lambda: zlib.decompressobj(-15)),
}


def views(data: bytes, how: str = "raw", depth: int = 0) -> Iterator[View]:
    """Yield bytes and all that can be read out of them, and out of that."""
    yield View(how, data)
    yield from (View(f"{how} > {name}", read) for name, read in _numbers(data))
    if depth < _DEEPEST:
        for name, unpacked in (*_texts(data), *_inflated(data)):
            if len(unpacked) >= _SHORTEST:
                yield from views(unpacked, f"{how} > {name}", depth + 1)


def _texts(data: bytes) -> Iterator[tuple[str, bytes]]:
    for run in _HEX.findall(data):
        for start in (0, 1):
            yield "hex", binascii.unhexlify(run[start : start + (len(run) - start) // 2 * 2])
    for run in _BASE64.findall(data):
        plain = run.translate(_URL_SAFE)
        for start in range(4):
            yield "base64", base64.b64decode(plain[start : start + (len(run) - start) // 4 * 4])


def _inflated(data: bytes) -> Iterator[tuple[str, bytes]]:
    for name, (begins, start) in _STREAMS.items():
        for found in begins.finditer(data):
            yield name, _inflate(data[found.start() :], start())


def _inflate(data: bytes, stream: _Inflating) -> bytes:
    """Return what comes out of a stream until it ends, breaks off or turns out to be none."""
    out = bytearray()
    try:
        for start in range(0, len(data), _BITE):
            out += stream.decompress(data[start : start + _BITE])
            if len(out) > _MOST_INFLATED:
                break
    except (zlib.error, OSError, EOFError, lzma.LZMAError, zstandard.ZstdError):
        pass  # what came before counts
    return bytes(out)


def _numbers(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what would be levels, were these numbers in text or floats in memory: 0..255 or 0..1."""
    said = np.array([float(number) for number in _NUMBER.findall(data)])
    if said.size >= _SHORTEST:
        yield "numbers", said.clip(0, 255).astype(np.uint8).tobytes()
        yield "shares", (said.clip(0, 1) * 255).round().astype(np.uint8).tobytes()
    for start in range(4):
        floats = np.frombuffer(data[start : start + (len(data) - start) // 4 * 4], "<f4")
        tame = np.where(np.isfinite(floats) & (np.abs(floats) <= 1), floats, 0)
        if np.count_nonzero(tame) >= _SHORTEST:
            yield "floats", (tame.clip(0, 1) * 255).round().astype(np.uint8).tobytes()
