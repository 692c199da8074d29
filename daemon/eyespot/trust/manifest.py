"""`manifest.json` of a model bundle: strict, so that nothing about a model is ever guessed.

There are two kinds, told apart by `runtime`: a network that is run on the CPU has to be fed, and its
outputs are found by shape and name; one that is run on the IMX500 sensor is fed by the sensor itself, and
its file says most of the rest.
"""

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal

import msgspec

import eyespot
from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.geometry import Resize
from eyespot.ports import ModelIdentity
from eyespot.trust import rpk
from eyespot.trust.golden import Golden
from eyespot.trust.slots import BundleId

Dtype = Literal["float32", "uint8", "int8"]
Role = Literal["golden", "model_card", "notice", "licence", "other"]
MANIFEST = "manifest.json"
SCHEMA = "eyespot.bundle/1"
MOST_MANIFEST_BYTES = 256 * 1024
MOST_RATE_HZ = 60.0

_MOST_BYTES = 256 * 1024 * 1024
_MOST_LABEL_BYTES = 256 * 1024
_MOST_FURTHER_BYTES = 16 * 1024 * 1024
_MOST_FURTHER = 64
_UPGRADE = "upgrade Eyespot first"

# A plain name: no separators, so a bundle cannot reach outside its folder.
_FileName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,99}\Z")]
# The same, or one in a folder: short enough for a header of tar.
_PATH = (
    r"\A([A-Za-z0-9][A-Za-z0-9._-]{0,99}|"
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,47}/[A-Za-z0-9][A-Za-z0-9._-]{0,49})\Z"
)
_Path = Annotated[str, msgspec.Meta(pattern=_PATH)]
_Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]+\.[0-9]+\.[0-9]+\Z", max_length=32)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
_Words = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]{0,1000}\Z")]
_Spdx = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 .+()-]{0,99}\Z")]
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


class FurtherFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What belongs to a bundle besides network and labels.

    Attributes:
        file: its path, with one folder at most.
        role: what it is.
    """

    file: _Path
    role: Role
    sha256: _Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=_MOST_FURTHER_BYTES)]


AnyFile = NetworkFile | LabelsFile | FurtherFile


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device has to have.

    Attributes:
        memory_mb: that the network takes when it runs, the runtime not counted.
    """

    memory_mb: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 256


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
        licence: SPDX expression.
        created: when it was made.
        provenance: where it comes from, in words.
        supersedes: id of the bundle that it is better than, in its maker's eyes.
        min_daemon: oldest version of Eyespot that can use it.
        max_daemon: newest one.
        min_score: the score from which on a detection can start a track. Scores of different models do
            not compare, so it comes with the model.
        nms_iou: two boxes of one class that overlap by more than this are one object.
        golden: how to find out whether it works.
        files: all that belongs to it besides.
    """

    schema: Literal["eyespot.bundle/1"]
    name: _Name
    version: _Version
    licence: _Spdx
    created: date | None = None
    provenance: _Words = ""
    supersedes: BundleId | None = None
    min_daemon: _Version | None = None
    max_daemon: _Version | None = None
    needs: Needs = Needs()
    network: NetworkFile
    min_score: _Share
    nms_iou: _Share
    golden: Golden | None = None
    files: Annotated[tuple[FurtherFile, ...], msgspec.Meta(max_length=_MOST_FURTHER)] = ()

    @property
    def parts(self) -> tuple[AnyFile, ...]:
        """Every file of the bundle but the manifest itself."""
        return (self.network, *self.files)

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
        _check_files(self)
        _check_roles(self.outputs)
        shapes = Counter(output.shape for output in self.outputs)
        for output in self.outputs:
            if output.name is None and shapes[output.shape] > 1:
                raise ValueError(f"`outputs`: {output.role!r} needs a `name`, as another one has its shape")

    @property
    def parts(self) -> tuple[AnyFile, ...]:
        """Every file of the bundle but the manifest itself."""
        return (self.labels, *super().parts)


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
        _check_files(self)
        _check_roles(self.outputs)

    @property
    def parts(self) -> tuple[AnyFile, ...]:
        """See `CpuManifest`."""
        return (*((self.labels,) if self.labels else ()), *super().parts)


Manifest = CpuManifest | SensorManifest


def is_path(text: str) -> bool:
    """Tell whether a file of a bundle may have this path."""
    return re.search(_PATH, text) is not None


class _Said(msgspec.Struct):
    """What tells whether the rest can be understood."""

    schema: Annotated[str, msgspec.Meta(max_length=40)] = ""
    min_daemon: _Version | None = None
    max_daemon: _Version | None = None


def parse_manifest(data: bytes, daemon: str = eyespot.__version__) -> Manifest:
    """Return the manifest that the bytes of `manifest.json` hold.

    Args:
        data: the bytes.
        daemon: the version of Eyespot that is to use it.

    Raises:
        ModelError: it is not one, names the field; or it is for another version of Eyespot.
    """
    with foreign(ModelError, f"{MANIFEST} cannot be used; models/README.md tells what belongs into it"):
        _check_daemon(msgspec.json.decode(data, type=_Said), daemon)
        manifest: Manifest = msgspec.json.decode(data, type=Manifest)
    return manifest


def _check_daemon(said: _Said, daemon: str) -> None:
    """Check the version before all else: a newer one may have fields that are not known here."""
    kind, _, number = SCHEMA.partition("/")
    told, _, other = said.schema.partition("/")
    if told == kind and other.isdecimal() and int(other) > int(number):
        raise ModelError(
            f"{MANIFEST}: `$.schema` is {said.schema}, newer than eyespot {daemon} knows; {_UPGRADE}"
        )
    if said.min_daemon and _numbers(said.min_daemon) > _numbers(daemon):
        raise ModelError(
            f"{MANIFEST}: it wants eyespot {said.min_daemon} or newer, this is {daemon}; {_UPGRADE}"
        )
    if said.max_daemon and _numbers(said.max_daemon) < _numbers(daemon):
        raise ModelError(
            f"{MANIFEST}: it is for eyespot {said.max_daemon} at most, this is {daemon}; take a newer bundle"
        )


def _numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version; what may follow the third does not count."""
    found = re.match(r"(\d+)\.(\d+)\.(\d+)", version)
    return tuple(map(int, found.groups())) if found else ()


def _check_files(manifest: _Manifest) -> None:
    """Check that each file comes once, also where capitals do not count, and each golden picture is one."""
    paths = Counter(part.file.lower() for part in manifest.parts)
    paths[MANIFEST] += 1
    path, times = paths.most_common(1)[0]
    if times > 1:
        raise ValueError(f"{path!r} is named twice among the files")
    pictures = {vector.picture for vector in manifest.golden.vectors} if manifest.golden else set()
    golden = {part.file for part in manifest.files if part.role == "golden"}
    if pictures != golden:
        odd = min(pictures ^ golden)
        missing = "the role `golden` in `files`" if odd in pictures else "a vector in `golden`"
        raise ValueError(f"{odd!r} needs {missing}")


def _check_roles(outputs: Sequence[Output | SensorOutput]) -> None:
    roles = Counter(output.role for output in outputs)
    if len(roles) < len(outputs):
        raise ValueError(f"two of the `outputs` have the role {roles.most_common(1)[0][0]!r}")
