"""FlatBuffers, read from bytes that nobody vouches for.

Every reference is checked against the end of the bytes and every length has a limit, so that a damaged
file costs neither a crash nor memory. Written from the format's description (FlatBuffers internals):
all little-endian; a table starts with the signed distance back to its vtable; a vtable has its own size,
the table's size, then one offset a slot, 0 for a field that is absent.
"""

import struct
from typing import Any

from eyespot.domain.errors import ModelError, foreign
from eyespot.trust.damage import damaged

_LONGEST_TEXT = 1024
_REFERENCE = "I"


def root(data: bytes) -> "Table":
    """Return the table that a FlatBuffer begins with.

    Raises:
        ModelError: there is none.
    """
    return Table(data, _unpack(data, _REFERENCE, 0)[0])


class Table:
    """One table of a FlatBuffer; its fields are found by slot, from 0 in the order of the schema.

    Args:
        data: the whole buffer.
        start: where in it the table begins.

    Raises:
        ModelError: there is no table.
    """

    __slots__ = ("_data", "_fields", "_start")

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._start = start
        vtable = start - _unpack(data, "i", start)[0]
        vtable_bytes, table_bytes = _unpack(data, "2H", vtable)
        if vtable_bytes < 4 or vtable_bytes % 2:  # noqa: PLR2004 - its two sizes
            raise damaged("a table of it has no fields")
        offsets = _unpack(data, f"{vtable_bytes // 2 - 2}H", vtable + 4)
        if offsets and max(offsets) >= table_bytes:
            raise damaged("a field of it lies outside its table")
        self._fields: tuple[int, ...] = offsets

    def number(self, slot: int, form: str) -> int:
        """Return an integer; 0 if it is absent.

        Args:
            slot: of the field.
            form: its `struct` format, such as "H" for an unsigned one of 16 bits.

        Raises:
            ModelError: it lies outside the buffer.
        """
        at = self._place(slot)
        return int(_unpack(self._data, form, at)[0]) if at is not None else 0

    def real(self, slot: int) -> float:
        """Return a float of 32 bits; 0 if it is absent.

        Raises:
            ModelError: it lies outside the buffer.
        """
        at = self._place(slot)
        return float(_unpack(self._data, "f", at)[0]) if at is not None else 0.0

    def text(self, slot: int) -> str:
        """Return a string; empty if it is absent.

        Raises:
            ModelError: it lies outside the buffer, is too long or not printable.
        """
        found = self._vector(slot, 1, _LONGEST_TEXT)
        with foreign(ModelError, "a name in it is not UTF-8; fetch the file again"):
            text = self._data[found.start : found.stop].decode()
        if not text.isprintable():
            raise damaged("a name in it is not printable")
        return text

    def tables(self, slot: int, most: int) -> "list[Table]":
        """Return a vector of tables; empty if it is absent.

        Raises:
            ModelError: it lies outside the buffer or has more than `most`.
        """
        found = self._vector(slot, 4, most)
        return [Table(self._data, self._follow(at)) for at in found]

    def entry(self, slot: int, index: int) -> "Table":
        """Return one table of a vector, however long it is.

        Raises:
            ModelError: there is no such one.
        """
        found = self._vector(slot, 4, len(self._data))
        if not 0 <= index < len(found):
            raise damaged(f"a list in it has {len(found)} entries and no number {index}")
        return Table(self._data, self._follow(found[index]))

    def part(self, slot: int) -> "Table | None":
        """Return a table that a field leads to; None if it is absent.

        Raises:
            ModelError: there is none where the field leads.
        """
        at = self._place(slot)
        return Table(self._data, self._follow(at)) if at is not None else None

    def integers(self, slot: int, form: str, most: int) -> tuple[int, ...]:
        """Return a vector of integers; empty if it is absent.

        Args:
            slot: of the field.
            form: the `struct` format of one.
            most: how many there may be.

        Raises:
            ModelError: it lies outside the buffer or has more than `most`.
        """
        found = self._vector(slot, struct.calcsize(form), most)
        return _unpack(self._data, f"{len(found)}{form}", found.start)

    def reals(self, slot: int, most: int) -> tuple[float, ...]:
        """Return a vector of floats of 32 bits; empty if it is absent.

        Raises:
            ModelError: it lies outside the buffer or has more than `most`.
        """
        found = self._vector(slot, 4, most)
        return _unpack(self._data, f"{len(found)}f", found.start)

    def _place(self, slot: int) -> int | None:
        offset = self._fields[slot] if slot < len(self._fields) else 0
        return self._start + offset if offset else None

    def _follow(self, at: int) -> int:
        return at + int(_unpack(self._data, _REFERENCE, at)[0])

    def _vector(self, slot: int, element_bytes: int, most: int) -> range:
        """Return where the elements of a vector begin."""
        at = self._place(slot)
        if at is None:
            return range(0)
        start = self._follow(at)
        count = int(_unpack(self._data, _REFERENCE, start)[0])
        if count > most:
            raise damaged(f"a list in it has {count} entries, more than {most}")
        elements = range(start + 4, start + 4 + count * element_bytes, element_bytes)
        if elements.stop > len(self._data):
            raise damaged("a list in it goes beyond its end")
        return elements


def _unpack(data: bytes, form: str, at: int) -> tuple[Any, ...]:
    """Return numbers at a place in the buffer; little-endian, without gaps."""
    form = f"<{form}"
    if not 0 <= at <= len(data) - struct.calcsize(form):
        raise damaged("a reference in it leads outside")
    return struct.unpack_from(form, data, at)
