"""The registers that an .rpk file sets, and those that the Linux driver lets it set (imx500.c).

One register outside the list and the driver refuses to start, when the old network is already gone.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged

INPUT_LINES = 0x305E
OUTPUT_LINES = 0x3060
_MOST_LINES = 2045

_RECORD = struct.Struct("<HBI")

_NINE_BITS, _ONE_BIT, _BYTE = (2, 0x1FF), (1, 1), (1, 0xFF)  # width in bytes, highest value
# of the luma and chroma factors from 0xD76C on, in words of 32 bits
_FACTOR_MASKS = (0x0FFF0FFF, 0x0FFF1FFF) * 3 + (0x01FF01FF,) * 3
_FACTORS, _CLIPS = range(0xD76C, 0xD7D8, 2), range(0xD7D8, 0xD7FC, 2)
_CLIP_MASK = 0x01FF01FF


@dataclass(frozen=True, slots=True)
class Register:
    """A register and what it is set to.

    Attributes:
        address: on the sensor's control bus, 16 bits.
        width: in bytes.
    """

    address: int
    width: int
    value: int


def read_registers(data: bytes) -> tuple[Register, ...]:
    """Return the registers that `imx500_regs` sets.

    Raises:
        ModelError: it is not made of whole records, sets one twice, or leaves out a number of lines.
    """
    if len(data) % _RECORD.size:
        raise damaged(f"imx500_regs has {len(data)} bytes, which is no multiple of {_RECORD.size}")
    registers = tuple(Register(*record) for record in _RECORD.iter_unpack(data))
    addresses = [register.address for register in registers]
    if len(set(addresses)) < len(addresses):
        raise damaged("imx500_regs sets a register twice")
    for address in (INPUT_LINES, OUTPUT_LINES):
        if address not in addresses:
            raise damaged(f"imx500_regs does not set 0x{address:04X}, the number of lines of a tensor")
    return registers


def check_registers(registers: tuple[Register, ...]) -> None:
    """Check that the driver will let all of them through.

    Raises:
        ModelError: it will not; names the first.
    """
    for register in registers:
        if not _is_allowed(register):
            raise ModelError(
                f"imx500_regs sets 0x{register.address:04X} ({register.width} bytes) to "
                f"0x{register.value:X}, which the camera's driver refuses; take another network"
            )


def _is_allowed(register: Register) -> bool:
    address, width, value = register.address, register.width, register.value
    if address in _FACTORS or address in _CLIPS:
        return _fits_factor(address, width, value)
    allowed_width, highest = _ALLOWED.get(address, (0, 0))
    return width == allowed_width and value <= highest


def _fits_factor(address: int, width: int, value: int) -> bool:
    """Tell whether a factor, or a pair of them, has only bits that it may have."""
    mask = _CLIP_MASK
    if address in _FACTORS:
        mask = _FACTOR_MASKS[(address - _FACTORS.start) // 4 % len(_FACTOR_MASKS)]
    if width == 2:  # noqa: PLR2004 - one of the pair: the high half comes first
        mask = mask & 0xFFFF if address % 4 else mask >> 16
    elif width != 4 or address % 4:  # noqa: PLR2004
        return False
    return not value & ~mask


def _allowed() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield address, and width with the highest value."""
    for address in (0xD62A, 0xD632, 0xD63A, 0xD644, 0xD648, 0xD64C, 0xD650, 0xD654, 0xD658):
        yield address, _NINE_BITS
    for address in (0xD629, 0xD630, 0xD638, 0xD643, 0xD647, 0xD64B, 0xD64F, 0xD653, 0xD657):
        yield address, _ONE_BIT
    for address in (0xD600, 0xD601, 0xD602):
        yield address, _BYTE
    for start, stop in ((0xD684, 0xD6E4), (0xD708, 0xD750)):
        for address in range(start, stop, 2):
            yield address, _ONE_BIT if (address - start) % 8 == 2 else _NINE_BITS  # noqa: PLR2004
    for address in (0xD750, 0xD751, 0xD752):
        yield address, (1, 5)
    for address in (INPUT_LINES, OUTPUT_LINES):
        yield address, (2, _MOST_LINES)


_ALLOWED = dict(_allowed())
