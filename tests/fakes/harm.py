"""Bytes that came to harm: on the way, on the disk, or on purpose."""

import random
from collections.abc import Callable, Iterator

_TELLING = (
    *(b"\0", b"\1", b"\x7f", b"\x80", b"\xff", b"\n", b'"', b"{", b"9464", b"3695", b"070701"),
    *(b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", b"FFFFFFFF", b"00000000"),
)


def harmed(whole: bytes, chance: random.Random, times: int) -> Iterator[bytes]:
    """Yield the bytes that often, each time with one to three things wrong."""
    for _ in range(times):
        data = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 3))):
            chance.choice(WAYS)(data, chance)
        yield bytes(data)


def _flip(data: bytearray, chance: random.Random) -> None:
    if data:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data) + 1) :]


def _overwrite(data: bytearray, chance: random.Random) -> None:
    at, new = chance.randrange(len(data) + 1), chance.choice(_TELLING)
    data[at : at + len(new)] = new


def _insert(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    data[at:at] = chance.choice(_TELLING) * chance.choice((1, 1, 16, 300))


def _repeat(data: bytearray, chance: random.Random) -> None:
    start, end = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    at = chance.randrange(len(data) + 1)
    data[at:at] = data[start:end]


def _leave_out(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data) + 1)
    del data[start : start + chance.choice((1, 2, 4, 16, 110))]


WAYS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    *(_flip, _flip, _overwrite, _overwrite),
    *(_cut, _insert, _repeat, _leave_out),
)
