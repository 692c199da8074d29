"""What a TensorFlow Lite file says of its inputs and outputs, read without a runtime.

Runtimes crash on some damaged files; this reads only the tables that are needed, with every reference
checked. Slots are those of TensorFlow's schema.fbs, version 3.
"""

import math
from dataclasses import dataclass

from eyespot.domain.errors import ModelError
from eyespot.trust.damage import damaged
from eyespot.trust.flatbuffer import Table, root

MOST_BYTES = 256 << 20
_IDENTIFIER = b"TFL3"  # at byte 4

_DTYPES = (
    *("float32", "float16", "int32", "uint8", "int64", "string", "bool", "int16", "complex64", "int8"),
    *("float64", "complex128", "uint64", "resource", "variant", "uint32", "uint16", "int4", "bfloat16"),
)
_MOST_TENSORS, _MOST_SIDES, _MOST_SCALES = 64, 16, 4096


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output.

    Attributes:
        shape: -1 is a side that is still open.
        scales: of a quantised one, one for all or one a channel: value = (stored - zero_point) * scale.
        zero_points: as many.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    scales: tuple[float, ...]
    zero_points: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Tflite:
    """What a file says."""

    size_bytes: int
    description: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def is_tflite(data: bytes) -> bool:
    """Tell whether a file begins as a TensorFlow Lite file does."""
    return data[4:8] == _IDENTIFIER


def read_tflite(data: bytes) -> Tflite:
    """Read inputs and outputs of the main graph; the rest is not looked at.

    Raises:
        ModelError: it is none, too large or damaged.
    """
    if len(data) > MOST_BYTES:
        raise ModelError(f"it has more than {MOST_BYTES} bytes; take a smaller model")
    if not is_tflite(data):
        raise damaged("it is no TensorFlow Lite file: TFL3 is not at byte 4")
    model = root(data)
    graph = model.entry(2, 0)
    return Tflite(len(data), model.text(3), _tensors(graph, 1), _tensors(graph, 2))


def _tensors(graph: Table, slot: int) -> tuple[Tensor, ...]:
    """Return the tensors that a list of the graph names by their places."""
    return tuple(_tensor(graph.entry(0, place)) for place in graph.integers(slot, "i", _MOST_TENSORS))


def _tensor(table: Table) -> Tensor:
    name, number = table.text(3), table.number(1, "b")
    if not 0 <= number < len(_DTYPES):
        raise damaged(f"the tensor {name!r} has the unknown type {number}")
    shape = table.integers(7, "i", _MOST_SIDES) or table.integers(0, "i", _MOST_SIDES)
    if any(side < -1 for side in shape):
        raise damaged(f"the tensor {name!r} has the shape {list(shape)}")
    return Tensor(name, shape, _DTYPES[number], *_quantisation(table, name))


def _quantisation(table: Table, name: str) -> tuple[tuple[float, ...], tuple[int, ...]]:
    quantisation = table.part(4)
    if quantisation is None:
        return (), ()
    scales = quantisation.reals(2, _MOST_SCALES)
    zero_points = quantisation.integers(3, "q", _MOST_SCALES)
    if len(scales) != len(zero_points) or not all(map(math.isfinite, scales)):
        raise damaged(f"the tensor {name!r} has a broken quantisation")
    return scales, zero_points
