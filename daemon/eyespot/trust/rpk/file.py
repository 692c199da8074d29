"""A whole .rpk file: bytes in, what it says out."""

from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged
from eyespot.trust.rpk.archive import INTRINSICS, NETWORK_INFO, REGISTERS, read_archive
from eyespot.trust.rpk.blocks import MAGIC, read_blocks
from eyespot.trust.rpk.intrinsics import Intrinsics, read_intrinsics
from eyespot.trust.rpk.network_info import NetworkInfo, read_network_info
from eyespot.trust.rpk.registers import INPUT_LINES, OUTPUT_LINES, Register, read_registers
from eyespot.trust.rpk.tensors import Network, read_network

MOST_BYTES = 16 << 20  # the sensor has 8 MB for a network


@dataclass(frozen=True, slots=True)
class Rpk:
    """What an .rpk file says, each part by itself; `check_rpk` tells whether they agree.

    Attributes:
        blocks: how many there are.
        intrinsics: None where the file has none.
    """

    size_bytes: int
    blocks: int
    network: Network
    info: NetworkInfo
    registers: tuple[Register, ...]
    intrinsics: Intrinsics | None

    @property
    def input_lines(self) -> int:
        """Lines of embedded data that are set aside for the input tensor."""
        return self._value(INPUT_LINES)

    @property
    def output_lines(self) -> int:
        """Lines of embedded data that are set aside for the output tensors."""
        return self._value(OUTPUT_LINES)

    def _value(self, address: int) -> int:
        return next(register.value for register in self.registers if register.address == address)


def is_rpk(data: bytes) -> bool:
    """Tell whether a file begins as an .rpk file does."""
    return data.startswith(MAGIC)


def read_rpk(data: bytes) -> Rpk:
    """Read a file, in time and memory that its length bounds; the weights are not looked at.

    Raises:
        ModelError: it is none, too large, cut off or damaged; says where.
    """
    if len(data) > MOST_BYTES:
        raise ModelError(f"it has more than {MOST_BYTES} bytes; take a smaller network")
    blocks = read_blocks(data)
    members = read_archive(data, blocks.end)
    info = read_network_info(members[NETWORK_INFO])
    size_bytes, padded_bytes = info.parameters_bytes, len(blocks.parameters)
    if not padded_bytes - 16 < size_bytes <= padded_bytes:
        raise damaged(f"its tensor table has {padded_bytes} bytes, network_info.txt says {size_bytes}")
    return Rpk(
        len(data),
        blocks.count,
        read_network(blocks.parameters[:size_bytes]),
        info,
        read_registers(members[REGISTERS]),
        read_intrinsics(members[INTRINSICS]) if INTRINSICS in members else None,
    )
