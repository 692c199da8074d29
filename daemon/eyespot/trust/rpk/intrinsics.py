"""`network_intrinsics` of an .rpk file: what the maker of the network says of its outputs.

JSON, by the schema in picamera2 (devices/imx500). A bundle's manifest goes before it; some files have none.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.errors import ModelError, foreign

Task = Literal["classification", "object detection", "pose estimation", "segmentation"]

_Label = Annotated[str, Meta(max_length=256)]
_Side = Annotated[float, Meta(gt=0, le=65_535)]


class Cpu(msgspec.Struct, frozen=True):
    """What is left to do with the outputs.

    Attributes:
        bbox_normalization: boxes are in pixels of the input.
        bbox_order: "xy" or "yx", the order of the corners' coordinates.
        softmax: scores need one.
        post_processing: name of a decoder, such as "nanodet".
    """

    bbox_normalization: bool | None = None
    bbox_order: Literal["xy", "yx"] | None = None
    softmax: bool | None = None
    post_processing: Annotated[str, Meta(max_length=64)] | None = None


class AspectRatio(msgspec.Struct, frozen=True):
    """The shape of the part of the frame that the network wants to see."""

    width: _Side
    height: _Side


class Classes(msgspec.Struct, frozen=True):
    """The class names.

    Attributes:
        labels: by class index; "-" marks an index that is not used.
        ignore_undefined: those are taken out, and the index counts without them.
    """

    labels: Annotated[tuple[_Label, ...], Meta(max_length=4096)] | None = None
    ignore_undefined: bool | None = None


class Intrinsics(msgspec.Struct, frozen=True):
    """Everything of it; None is what was not said.

    Attributes:
        inference_rate: inferences per second, a hint.
    """

    task: Task | None = None
    inference_rate: Annotated[float, Meta(ge=0, le=1000)] | None = None
    cpu: Cpu | None = None
    input_aspect_ratio: AspectRatio | None = None
    classes: Classes | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The class names; none if they are not said."""
        return (self.classes and self.classes.labels) or ()


def read_intrinsics(data: bytes) -> Intrinsics:
    """Return what the JSON says; fields that are not known are passed over.

    Raises:
        ModelError: it is not JSON, or a field is not of its kind.
    """
    with foreign(ModelError, "network_intrinsics cannot be used; fetch the file again"):
        return msgspec.json.decode(data, type=Intrinsics)
