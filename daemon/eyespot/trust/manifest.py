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
from eyespot.ports import ModelIdentity
from eyespot.trust.golden import Golden
from eyespot.trust.manifest_files import AnyFile, FurtherFile, LabelsFile, NetworkFile, SensorNetworkFile
from eyespot.trust.manifest_tensors import Input, Output, SensorInput, SensorOutput
from eyespot.trust.slots import BundleId

MANIFEST = "manifest.json"
SCHEMA = "eyespot.bundle/1"
MOST_MANIFEST_BYTES = 256 * 1024
MOST_RATE_HZ = 60.0

_MOST_FURTHER = 64
_UPGRADE = "upgrade Eyespot first"

_Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9-]{0,62}\Z")]
_Version = Annotated[str, msgspec.Meta(pattern=r"\A[0-9]+\.[0-9]+\.[0-9]+\Z", max_length=32)]
_Words = Annotated[str, msgspec.Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]{0,1000}\Z")]
_Spdx = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9 .+()-]{0,99}\Z")]
_Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
_Rate = Annotated[float, msgspec.Meta(ge=0.1, le=MOST_RATE_HZ)]


class Needs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a device has to have.

    Attributes:
        memory_mb: that the network takes when it runs, the runtime not counted.
    """

    memory_mb: Annotated[int, msgspec.Meta(ge=1, le=65536)] = 256


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
