"""The blocks of an .rpk file, as the Linux driver and picamera2 walk them (imx500.c, imx500.py).

A block: magic `9464`, its size without the footer (32 bits), number of blocks and number of this one
(16 bits each), two zero bytes, flags, 16 zero bytes, the body, and a footer of 64 bytes that ends in
`3695`. Numbers are big-endian. All but the last are 1 MiB long.
"""

import struct
from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged

MAGIC = b"9464"
_END = b"3695"
_HEADER = struct.Struct(">4s I 2H 2x BB 16x")
_FOOTER_BYTES = 64
_BLOCK_BYTES = 1 << 20
_LOCKED = 1

# of block 1; from 32 on each 32-bit word is turned round
_WORDS_AT, _PARAMETERS_AT = 32, 96
_PADDED_SIZE_AT = 72 - _WORDS_AT
_MOST_PARAMETERS = 2560  # they travel on one line of embedded data


@dataclass(frozen=True, slots=True)
class Blocks:
    """The blocks of a file.

    Attributes:
        count: how many there are.
        end: where in the file the last one ends; a multiple of 4.
        parameters: what block 1 says of the network, a FlatBuffer, padded to a multiple of 16 bytes.
    """

    count: int
    end: int
    parameters: bytes


def read_blocks(data: bytes) -> Blocks:
    """Walk the blocks that a file begins with.

    Raises:
        ModelError: it begins with none, or one is cut off or damaged.
    """
    if not data.startswith(MAGIC):
        raise damaged("it is no .rpk file: it does not begin with 9464")
    count, first_end = _read_block(data, 0, 1, None)
    end = first_end
    for number in range(2, count + 1):
        _, end = _read_block(data, end, number, count)
    if data.startswith(MAGIC, end):
        raise damaged(f"it has more blocks than the {count} its header tells")
    if end % 4:
        raise damaged(f"its blocks have {end} bytes, which is no multiple of 4")
    return Blocks(count, end, _parameters(data, first_end - _FOOTER_BYTES))


def _read_block(data: bytes, start: int, number: int, expected: int | None) -> tuple[int, int]:
    """Return how many blocks there are, as this one tells it, and where it ends."""
    if len(data) < start + _HEADER.size:
        raise damaged(f"it is cut off at block {number}")
    _, size_bytes, count, own_number, flags, _ = _HEADER.unpack_from(data, start)
    wanted = _HEADER.pack(MAGIC, size_bytes, expected or count, number, flags & _LOCKED, number == 1)
    if not count or not data.startswith(wanted, start):
        raise damaged(f"the header of block {number} is broken (it says {own_number} of {count})")
    if flags & _LOCKED:
        raise ModelError("it is locked to one sensor; take a network without device lock")
    end = start + size_bytes + _FOOTER_BYTES
    _check_extent(data, start, end, number, is_last=number == count)
    return count, end


def _check_extent(data: bytes, start: int, end: int, number: int, *, is_last: bool) -> None:
    length = end - start
    fits = _HEADER.size + _FOOTER_BYTES <= length <= _BLOCK_BYTES
    if not fits or not (is_last or length == _BLOCK_BYTES):
        raise damaged(f"block {number} says it has {length} bytes, which no block has")
    if end > len(data):
        raise damaged(f"it is cut off in block {number}: {end - len(data)} bytes are missing")
    if data[end - len(_END) : end] != _END:
        raise damaged(f"block {number} does not end with 3695")


def _parameters(data: bytes, body_end: int) -> bytes:
    if body_end < _PARAMETERS_AT:
        raise damaged("block 1 is too short for a network")
    (size_bytes,) = struct.unpack_from(">I", data, _WORDS_AT + _PADDED_SIZE_AT)
    if size_bytes % 16 or size_bytes > min(_MOST_PARAMETERS, body_end - _PARAMETERS_AT):
        raise damaged(f"block 1 says its tensor table has {size_bytes} bytes, which none has")
    words = size_bytes // 4
    return struct.pack(f"<{words}I", *struct.unpack_from(f">{words}I", data, _PARAMETERS_AT))
