"""What libcamera tells of a frame that the sensor's network has looked at, from the values it shall have.

`CnnOutputTensor` has the values of all outputs in a row, first dimension fastest; `CnnOutputTensorInfo` has
712 bytes that tell their shapes:

    0    name of the network, 64 bytes (the networks there are leave it empty)
    64   number of tensors, 32 bits
    68   16 times: elements (32 bits), dimensions (32 bits), 16 sides (16 bits each)
    708  count of the frame, 8 bits; then 3 bytes of padding
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eyespot.trust.rpk import OutputTensor, read_rpk

INFO_BYTES = 712
COUNT_AT = 708
_MOST_TENSORS = 16
_MOST_SIDES = 16


def outputs_of(rpk: bytes) -> tuple[OutputTensor, ...]:
    """Return the output tensors of a network file."""
    return read_rpk(rpk).network.outputs


def metadata(
    outputs: Sequence[OutputTensor],
    arrays: Sequence[ArrayLike],
    *,
    frame_count: int = 0,
    kpi_us: tuple[int, int] = (35_000, 4_000),
) -> dict[str, Any]:
    """Return what `capture_metadata` says of a frame, each value of the type that it has there.

    Args:
        outputs: of the network.
        arrays: one for each output; shaped as it is, or flat.
        frame_count: as the sensor counts, from 0 to 255.
        kpi_us: run times of the network and of what follows it.
    """
    return {
        "CnnOutputTensor": tuple(tensor_values(outputs, arrays).tolist()),
        "CnnOutputTensorInfo": tuple(tensor_info(outputs, frame_count)),
        "CnnKpiInfo": kpi_us,
    }


def frame_bytes(
    outputs: Sequence[OutputTensor], arrays: Sequence[ArrayLike], *, frame_count: int = 0
) -> bytes:
    """Return the same as one file: 712 bytes and the values, little-endian."""
    return tensor_info(outputs, frame_count) + tensor_values(outputs, arrays).astype("<f4").tobytes()


def tensor_values(outputs: Sequence[OutputTensor], arrays: Sequence[ArrayLike]) -> NDArray[np.float32]:
    """Return the values of all outputs as they come off the sensor: rounded to what it can store."""
    rows = [_in_transit(output, array) for output, array in zip(outputs, arrays, strict=True)]
    return np.concatenate(rows)


def tensor_info(outputs: Sequence[OutputTensor], frame_count: int = 0, name: bytes = b"") -> bytes:
    """Return the 712 bytes that tell what the values are."""
    told = [
        struct.pack(f"<2I{_MOST_SIDES}H", output.elements, len(output.shape), *_padded(output.shape))
        for output in outputs
    ]
    head = struct.pack("<64sI", name, len(outputs))
    return head + b"".join(told).ljust(40 * _MOST_TENSORS, b"\0") + struct.pack("<B3x", frame_count % 256)


def stored(output: OutputTensor, array: ArrayLike) -> NDArray[np.float32]:
    """Return the values that are left of an array once it went through the sensor."""
    least = -(1 << (output.bits - 1)) if output.is_signed else 0
    kept = np.rint(np.asarray(array, np.float64) / output.scale) + output.shift
    within = np.clip(kept, least, least + (1 << output.bits) - 1)
    return ((within - output.shift) * output.scale).astype(np.float32)


def _in_transit(output: OutputTensor, array: ArrayLike) -> NDArray[np.float32]:
    return stored(output, array).reshape(output.shape).flatten(order="F")


def _padded(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape + (0,) * (_MOST_SIDES - len(shape))
