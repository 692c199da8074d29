"""`manifest.json` of a model bundle: strict, so that nothing about a model is ever guessed.

There are two kinds, told apart by `runtime`: a network that is run on the CPU has to be fed, and its
outputs are found by shape and name; one that is run on the IMX500 sensor is fed by the sensor itself, and
its file says most of the rest.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec

from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.geometry import Resize
from eyespot.ports import ModelIdentity
from eyespot.trust import rpk

Dtype = Literal["float32", "uint8", "int8"]
MOST_RATE_HZ = 60.0

_MOST_BYTES = 256 * 1024 * 1024
_MOST_LABEL_BYTES = 256 * 1024

# A plain name: no separators, so a bundle cannot reach outside its folder.
_FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]+\.[0-9]+\.[0-9]+\Z", max_length=32)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Label = Annotated[str, msgspec.Meta(pattern=r"\A[^A-Z\x00-\x1f\x7f]{1,64}\Z")]
_Side = Annotated[int, msgspec.Meta(ge=16, le=4096)]
_Real = Annotated[float, msgspec.Meta(ge=-65536, le=65536)]
_Length = Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
_Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
_Shape = Annotated[tuple[_Length, ...], msgspec.Meta(min_length=1, max_length=6)]
_Rate = Annotated[float, msgspec.Meta(ge=0.1, le=MOST_RATE_HZ)]


class NetworkFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The network itself."""

    file: _FileName
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=8, le=_MOST_BYTES)]


class SensorNetworkFile(NetworkFile, frozen=True, kw_only=True):
    """A network for the sensor, which takes no large ones."""

    size_bytes: Annotated[int, msgspec.Meta(ge=8, le=rpk.MOST_BYTES)]


class LabelsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The class names: UTF-8, one a line, the first is class 0.

    Attributes:
        aliases: lower-case name in the file -> the name to go by.
    """

    file: _FileName
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=_MOST_LABEL_BYTES)]
    aliases: dict[_Label, _Label] = {}


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


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a bundle of either kind is.

    Attributes:
        licence: SPDX identifier.
        min_score: the score from which on a detection can start a track. Scores of different models do
            not compare, so it comes with the model.
        nms_iou: two boxes of one class that overlap by more than this are one object.
    """

    schema: Literal["eyespot.bundle/1"]
    name: _Name
    version: _Version
    licence: _Text
    network: NetworkFile
    min_score: _Share
    nms_iou: _Share

    def identity(self, labels: tuple[str, ...]) -> ModelIdentity:
        """Return who the model is: `name@version-sha12`, from the sha256 of the network."""
        sha256 = self.network.sha256
        return ModelIdentity(
            bundle=f"{self.name}@{self.version}-{sha256[:12]}",
            name=self.name,
            version=self.version,
            sha256=sha256,
            labels=labels,
            min_score=self.min_score,
        )


class CpuManifest(_Manifest, frozen=True, kw_only=True, tag_field="runtime", tag="tflite"):
    """How a network is to be fed and read that is run on the CPU.

    Attributes:
        decoder: its kind and settings; `decoders` knows them.
    """

    labels: LabelsFile
    input: Input
    outputs: Annotated[tuple[Output, ...], msgspec.Meta(min_length=1, max_length=16)]
    decoder: dict[str, object]

    def __post_init__(self) -> None:
        """Check that each output can be told from the others."""
        _check_roles(self.outputs)
        shapes = Counter(output.shape for output in self.outputs)
        for output in self.outputs:
            if output.name is None and shapes[output.shape] > 1:
                raise ValueError(f"`outputs`: {output.role!r} needs a `name`, as another one has its shape")


class SensorManifest(_Manifest, frozen=True, kw_only=True, tag_field="runtime", tag="imx500"):
    """How a network is to be read that is run on the IMX500 sensor.

    What is None, and what a decoder's table leaves open, is as the network's file says; what is said here
    goes before it.

    Attributes:
        outputs: in the order of the file.
        decoder: its kind and settings; `decoders` knows them.
        rate_hz: inferences a second that the camera is to be set to.
    """

    network: SensorNetworkFile
    labels: LabelsFile | None = None
    input: SensorInput
    outputs: Annotated[tuple[SensorOutput, ...], msgspec.Meta(min_length=1, max_length=15)]
    decoder: dict[str, object] | None = None
    rate_hz: _Rate | None = None

    def __post_init__(self) -> None:
        """Check that no two outputs are the same to the decoder."""
        _check_roles(self.outputs)


Manifest = CpuManifest | SensorManifest


def parse_manifest(data: bytes) -> Manifest:
    """Return the manifest that the bytes of `manifest.json` hold.

    Raises:
        ModelError: it is not one; names the field.
    """
    with foreign(ModelError, "manifest.json cannot be used; models/README.md tells what belongs into it"):
        manifest: Manifest = msgspec.json.decode(data, type=Manifest)
    return manifest


def _check_roles(outputs: Sequence[Output | SensorOutput]) -> None:
    roles = Counter(output.role for output in outputs)
    if len(roles) < len(outputs):
        raise ValueError(f"two of the `outputs` have the role {roles.most_common(1)[0][0]!r}")
