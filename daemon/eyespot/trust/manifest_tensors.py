"""Input and outputs of a network, as a bundle's manifest has them."""

from typing import Annotated, Literal

import msgspec

from eyespot.domain.geometry import Resize

Dtype = Literal["float32", "uint8", "int8"]

_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Side = Annotated[int, msgspec.Meta(ge=16, le=4096)]
_Real = Annotated[float, msgspec.Meta(ge=-65536, le=65536)]
_Length = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Shape = Annotated[tuple[_Length, ...], msgspec.Meta(min_length=1, max_length=6)]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The one input tensor of a network on the CPU, of shape (1, height, width, 3).

    Attributes:
        order: of the colours.
        range: what the pixel values 0 and 255 become. A quantised tensor then gets them by its own scale
            and zero point; without a range its integers are the pixels, shifted for int8.
        resize: how a picture of another shape is brought in.
        pad: pixel value beside a letterboxed picture.
    """

    width: _Side
    height: _Side
    dtype: Dtype
    order: Literal["rgb", "bgr"]
    resize: Resize
    range: tuple[_Real, _Real] | None = None
    pad: Annotated[int, msgspec.Meta(ge=0, le=255)] = 0

    def __post_init__(self) -> None:
        """Check what pixels become."""
        if self.range is None and self.dtype == "float32":
            raise ValueError("a float32 input needs `range`: what 0 and 255 become, such as [-1, 1]")
        if self.range is not None and self.range[0] >= self.range[1]:
            raise ValueError("`range` goes from what 0 becomes up to what 255 becomes")


class SensorInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The input tensor of a network on the sensor, which makes it by itself as the network's file says.

    Attributes:
        resize: which part of the frame the network sees: "stretch" all of it, squeezed into the input's
            shape; "crop" the middle that has the input's shape. There is no "letterbox".
    """

    width: _Side
    height: _Side
    resize: Resize

    def __post_init__(self) -> None:
        """Check that the sensor can do it."""
        if self.resize == "letterbox":
            raise ValueError('the sensor has no `resize = "letterbox"`; take "stretch" or "crop"')


class Output(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One output tensor on the CPU, found by its shape, and by its name where that is given.

    Attributes:
        role: what it is to the decoder.
    """

    role: _Name
    shape: _Shape
    dtype: Dtype
    name: _Text | None = None


class SensorOutput(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One output tensor on the sensor, found by its place among them; always delivered as numbers.

    Attributes:
        role: what it is to the decoder.
        shape: as the network's file has it, without a batch.
    """

    role: _Name
    shape: _Shape
