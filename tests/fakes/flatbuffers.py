"""FlatBuffers written by hand, field by field, in no more than one layout.

A table is a tuple with a value for each slot: None (absent), an int, a float, a str, another tuple, a list
of tables, or `Numbers`. Numbers in a table take 4 bytes each, whatever the schema says: the reader looks
at the first of them.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple


class Numbers(NamedTuple):
    form: str
    values: Sequence[float]


def flatbuffer(root: tuple, identifier: bytes = b"") -> bytes:
    """Return the bytes of a FlatBuffer.

    Args:
        root: its table.
        identifier: what stands at byte 4.
    """
    out = bytearray(4) + identifier
    struct.pack_into("<I", out, 0, _table(out, root))
    return bytes(out)


def _table(out: bytearray, fields: tuple) -> int:
    _pad(out)
    vtable = len(out)
    offsets = [0 if value is None else 4 + 4 * slot for slot, value in enumerate(fields)]
    out += struct.pack(f"<{2 + len(fields)}H", 4 + 2 * len(fields), 4 + 4 * len(fields), *offsets)
    _pad(out)
    start = len(out)
    out += struct.pack("<i", start - vtable) + bytes(4 * len(fields))
    for offset, value in zip(offsets, fields, strict=True):
        if value is not None:
            _fill(out, start + offset, value)
    return start


def _fill(out: bytearray, cell: int, value: object) -> None:
    if isinstance(value, float):
        struct.pack_into("<f", out, cell, value)
    elif isinstance(value, int):
        struct.pack_into("<I", out, cell, value)
    else:
        struct.pack_into("<I", out, cell, _child(out, value) - cell)


def _child(out: bytearray, value: object) -> int:
    _pad(out)
    start = len(out)
    if isinstance(value, str):
        out += struct.pack("<I", len(value.encode())) + value.encode() + b"\0"
    elif isinstance(value, Numbers):
        out += struct.pack(f"<I{len(value.values)}{value.form}", len(value.values), *value.values)
    elif isinstance(value, tuple):
        return _table(out, value)
    else:
        assert isinstance(value, list)
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for place, table in enumerate(value):
            cell = start + 4 + 4 * place
            struct.pack_into("<I", out, cell, _table(out, table) - cell)
    return start


def _pad(out: bytearray) -> None:
    out += bytes(-len(out) % 4)
