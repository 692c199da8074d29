"""The tensors of a network, out of the FlatBuffer "apParams" in block 1 of an .rpk file.

The schema has no name or version in it. Slots, from 0:

    parameters     networks
    network        id (16 bits), name, type, input tensors, output tensors
    input tensor   id, name, number of dimensions, dimensions, shift (16 bits), scale, format
    output tensor  id, name, number of dimensions, dimensions, bits, shift (16 bits), scale, format
    dimension      id, size (16 bits), serialisation index, padding

Integers without a size have 8 bits, scales are floats of 32.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged
from eyespot.trust.flatbuffer import Table, root

LINE_BYTES = 2560  # of embedded data, in which tensors travel
_MOST_OUTPUTS = 15  # with more, libcamera delivers zeros
_MOST_DIMENSIONS = 16
_CHANNELS = 3
_FORMATS = (True, False)  # signed, unsigned


@dataclass(frozen=True, slots=True)
class InputTensor:
    """What the sensor makes of a frame for the network: 8 bits, planar, 3 colours.

    Attributes:
        width: in pixels.
        height: in pixels.
        scale: value = (stored - shift) * scale.
    """

    name: str
    width: int
    height: int
    is_signed: bool
    scale: float
    shift: int

    @property
    def lines(self) -> int:
        """Lines of embedded data that it takes, its header among them; sides are padded to 32 and 2."""
        size_bytes = _up(self.width, 32) * _up(self.height, 2) * _CHANNELS
        return 1 + -(-size_bytes // LINE_BYTES)


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """One output of the network.

    Attributes:
        shape: as picamera2 delivers it; in transit the first dimension runs fastest.
        bits: of a stored element: 8, 16 or 32.
        scale: value = (stored - shift) * scale.
    """

    name: str
    shape: tuple[int, ...]
    bits: int
    is_signed: bool
    scale: float
    shift: int

    @property
    def elements(self) -> int:
        """How many values it has."""
        return math.prod(self.shape)

    @property
    def lines(self) -> int:
        """Lines of embedded data that it takes; each tensor begins on a fresh one."""
        return -(-self.elements * self.bits // 8 // LINE_BYTES)


@dataclass(frozen=True, slots=True)
class Network:
    """The one network of a file.

    Attributes:
        name: what its converter called it.
    """

    name: str
    input: InputTensor
    outputs: tuple[OutputTensor, ...]


def read_network(parameters: bytes) -> Network:
    """Return the tensors of the network.

    Raises:
        ModelError: the table is damaged, or is none that the sensor and libcamera can deliver.
    """
    network = _only(root(parameters).tables(0, 16), "network")
    return Network(
        network.text(1),
        _input(_only(network.tables(3, 16), "input")),
        tuple(_output(output) for output in _outputs(network)),
    )


def _only(tables: Sequence[Table], what: str) -> Table:
    if len(tables) != 1:
        raise ModelError(f"it has {len(tables)} {what}s, and only one is supported; take another network")
    return tables[0]


def _outputs(network: Table) -> list[Table]:
    outputs = network.tables(4, 255)
    if not 1 <= len(outputs) <= _MOST_OUTPUTS:
        raise ModelError(
            f"it has {len(outputs)} outputs, and 1 to {_MOST_OUTPUTS} can be read; take another network"
        )
    return outputs


def _input(table: Table) -> InputTensor:
    name = table.text(1)
    sizes = {index: size for size, index in _dimensions(table, name)}
    if sorted(sizes) != [0, 1, 2] or sizes[2] != _CHANNELS:
        raise damaged(f"the input {name!r} is no picture of {_CHANNELS} colours")
    is_signed = _is_signed(table.number(6, "B"), name)
    return InputTensor(name, sizes[0], sizes[1], is_signed, _scale(table.real(5), name), table.number(4, "H"))


def _output(table: Table) -> OutputTensor:
    name = table.text(1)
    dimensions = _dimensions(table, name)
    if [index for _, index in dimensions] != list(range(len(dimensions))):
        raise damaged(f"the output {name!r} has its dimensions in another order than it is sent in")
    bits = table.number(4, "B")
    if bits not in {8, 16, 32}:
        raise damaged(f"the output {name!r} has {bits} bits a value, not 8, 16 or 32")
    shape = tuple(size for size, _ in dimensions)
    is_signed = _is_signed(table.number(7, "B"), name)
    return OutputTensor(name, shape, bits, is_signed, _scale(table.real(6), name), table.number(5, "H"))


def _dimensions(tensor: Table, name: str) -> list[tuple[int, int]]:
    """Return size and place in transit of each dimension."""
    tables = tensor.tables(3, _MOST_DIMENSIONS)
    if len(tables) != tensor.number(2, "B") or not tables:
        raise damaged(f"the tensor {name!r} says it has {tensor.number(2, 'B')} dimensions")
    if [table.number(0, "B") for table in tables] != list(range(len(tables))):
        raise damaged(f"the dimensions of the tensor {name!r} are not counted from 0")
    if any(table.number(3, "B") for table in tables):
        raise damaged(f"the tensor {name!r} has padding, which cannot be read")
    dimensions = [(table.number(1, "H"), table.number(2, "B")) for table in tables]
    if any(size == 0 for size, _ in dimensions):
        raise damaged(f"the tensor {name!r} has a side without length")
    return dimensions


def _is_signed(form: int, name: str) -> bool:
    if form >= len(_FORMATS):
        raise damaged(f"the tensor {name!r} has the unknown format {form}")
    return _FORMATS[form]


def _scale(scale: float, name: str) -> float:
    if not (math.isfinite(scale) and scale > 0):
        raise damaged(f"the tensor {name!r} has the scale {scale}")
    return scale


def _up(length: int, step: int) -> int:
    return -(-length // step) * step
