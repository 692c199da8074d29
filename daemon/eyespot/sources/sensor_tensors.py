"""The tensors of a network on the sensor, as libcamera tells them in the metadata of a frame.

`CnnOutputTensor` has the values of all outputs in a row; in each of them the first dimension runs fastest.
It is missing where the network had no time for the frame. `CnnOutputTensorInfo` says what they are, in 712
bytes:

    0    name of the network, 64 bytes; empty for every network there is
    64   number of outputs, 32 bits; 0 where libcamera could not tell
    68   16 times: values (32 bits), sides (32 bits), 16 lengths of sides (16 bits each)
    708  number of the frame, 8 bits, then 3 bytes of padding

Little-endian. picamera2 reads the same by `IMX500.get_outputs`, and takes four times as long.
"""

import struct
from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from eyespot.domain.errors import CameraError, foreign
from eyespot.domain.layout import Shape
from eyespot.domain.observation import Floats

INFO_BYTES = 712
_NUMBER_AT = 708
_NUMBERS = 256
_MOST_OUTPUTS = 16
_HEAD = struct.Struct("<64xI")
_OUTPUT = struct.Struct("<2I16H")
_SKEW = "libcamera and picamera2 do not fit each other"
_UPGRADE = "sudo apt full-upgrade brings both to one state"


class SensorTensors:
    """Takes each tensor out of the metadata of frames once, and counts what is amiss.

    Args:
        shapes: of the network's outputs.

    Attributes:
        without_tensor: frames without one.
        repeated: frames with one that another frame had brought.
        missed: numbers of frames that were passed over; a frame without a tensor has a number, too.
        inputs: frames with what the network was given (`CnnInputTensor`), which is never read.
    """

    def __init__(self, shapes: Sequence[Shape]) -> None:
        self.without_tensor = self.repeated = self.missed = self.inputs = 0
        self.expect(shapes)

    def expect(self, shapes: Sequence[Shape]) -> None:
        """Begin anew, as the sensor does when it is started; counts go on."""
        self._shapes = tuple(shapes)
        ends = list(accumulate(map(prod, self._shapes), initial=0))
        self._places = [slice(*pair) for pair in pairwise(ends)]
        self._count = ends[-1]
        self._values = struct.Struct(f"{self._count}f")
        self._known = b""  # a description that was found right
        self._newest: int | None = None
        self._bare = 0

    def read(self, metadata: Mapping[str, Any]) -> list[Floats] | None:
        """Return the outputs that a frame brings, read-only; None if it brings none or an old one.

        Raises:
            CameraError: they are not those of the network, or cannot be read; says why.
        """
        self.inputs += "CnnInputTensor" in metadata
        values, told = metadata.get("CnnOutputTensor"), metadata.get("CnnOutputTensorInfo")
        if not values:
            if told:
                self._frame_number(told)  # where the description is wrong, no tensor ever comes
            self.without_tensor += 1
            self._bare += 1
            return None
        if not told:
            raise CameraError(f"{_SKEW}: a tensor comes without its description; {_UPGRADE}")
        if not self._is_new(self._frame_number(told)):
            return None
        return self._split(values)

    def _frame_number(self, told: Sequence[int]) -> int:
        """Return the number of the frame, after a look at the description."""
        with foreign(CameraError, f"{_SKEW}: the description of a tensor is no row of bytes; {_UPGRADE}"):
            info = bytes(told)
        if len(info) != INFO_BYTES:
            raise CameraError(
                f"{_SKEW}: the description of a tensor has {len(info)} bytes, not {INFO_BYTES}; {_UPGRADE}"
            )
        if info[:_NUMBER_AT] != self._known:
            self._check(info)
            self._known = info[:_NUMBER_AT]
        return info[_NUMBER_AT]

    def _check(self, info: bytes) -> None:
        (count,) = _HEAD.unpack_from(info)
        if not 1 <= count <= _MOST_OUTPUTS:
            raise CameraError(
                f"{_SKEW}: of the network's outputs, libcamera tells that there are {count}; {_UPGRADE}"
            )
        shapes = tuple(_shape(info, number) for number in range(count))
        if shapes != self._shapes:
            raise CameraError(
                f"the sensor runs another network: its outputs are {_listed(shapes)}, "
                f"the bundle's {_listed(self._shapes)}"
            )

    def _is_new(self, number: int) -> bool:
        """Count how far the number of a frame is from that of the last one with a tensor."""
        step = 1 if self._newest is None else (number - self._newest) % _NUMBERS
        if step == 0:
            self.repeated += 1
            return False
        self.missed += max(step - 1 - self._bare, 0)
        self._newest, self._bare = number, 0
        return True

    def _split(self, values: Sequence[float]) -> list[Floats]:
        if len(values) != self._count:
            raise CameraError(
                f"{_SKEW}: a tensor has {len(values)} values, not {self._count} as told; {_UPGRADE}"
            )
        with foreign(CameraError, f"{_SKEW}: a tensor has values that are no numbers; {_UPGRADE}"):
            packed = self._values.pack(*values)  # four times as fast as np.fromiter
        flat: Floats = np.frombuffer(packed, np.float32)
        outputs = zip(self._places, self._shapes, strict=True)
        return [flat[place].reshape(shape, order="F") for place, shape in outputs]


def _shape(info: bytes, number: int) -> Shape:
    """Return the shape of an output; its count of values says no more than that, so it has to agree."""
    values, sides, *lengths = _OUTPUT.unpack_from(info, _HEAD.size + number * _OUTPUT.size)
    shape = tuple(lengths[:sides])
    if values != prod(shape):
        raise CameraError(
            f"{_SKEW}: output {number + 1} is told to have {values} values as {list(shape)}; {_UPGRADE}"
        )
    return shape


def _listed(shapes: Sequence[Shape]) -> str:
    return ", ".join(str(list(shape)) for shape in shapes)
