"""A model bundle: a folder of data that is checked before anything of it is loaded.

Size and sha256 come first because a runtime may crash on a damaged network, or run on with wrong weights.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.layout import Layout
from eyespot.ports import ModelIdentity
from eyespot.trust.manifest import LabelsFile, Manifest, NetworkFile, parse_manifest

_PACKAGE = Path(__file__).parents[1]
_MOST_MANIFEST_BYTES = 256 * 1024
_LONGEST_LABEL = 64
_LFS_POINTER = b"version https://git-lfs"
_TFLITE = b"TFL3"  # FlatBuffers file identifier, at byte 4
_MEND = "put the whole bundle folder back"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle whose files are what its manifest says.

    Attributes:
        network: the bytes that were checked; engines load these, not the file again.
        labels: class names by class index, in lower case, aliases applied.
    """

    manifest: Manifest
    labels: tuple[str, ...]
    network: bytes = field(repr=False)

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is: `name@version-sha12`, from the sha256 of the network."""
        manifest, sha256 = self.manifest, self.manifest.network.sha256
        return ModelIdentity(
            bundle=f"{manifest.name}@{manifest.version}-{sha256[:12]}",
            name=manifest.name,
            version=manifest.version,
            sha256=sha256,
            labels=self.labels,
            min_score=manifest.min_score,
        )

    @property
    def layout(self) -> Layout:
        """What a decoder has to know about the tensors."""
        outputs = {output.role: output.shape for output in self.manifest.outputs}
        return Layout(self.manifest.input.width, self.manifest.input.height, outputs, len(self.labels))


def find_bundle(name: str) -> Path:
    """Return the folder of a bundle.

    Args:
        name: "factory" for the model that comes with Eyespot, else the path of a folder.

    Raises:
        ModelError: there is no such folder.
    """
    if name == "factory":
        packaged = _PACKAGE / "models" / "factory"
        # an editable install reads the checkout's
        folder = packaged if packaged.is_dir() else _PACKAGE.parents[1] / "models" / "factory"
    else:
        with foreign(ModelError, f"cannot find the bundle {name}; name its folder by a full path"):
            folder = Path(name).expanduser()
    if not folder.is_dir():
        raise ModelError(f'{folder} is no folder; name a model bundle\'s folder, or "factory"')
    return folder


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in a folder, with every file checked.

    Raises:
        ModelError: a file is missing, damaged or not what the manifest says.
    """
    path = folder / "manifest.json"
    data = _read(path, _MOST_MANIFEST_BYTES)
    if len(data) > _MOST_MANIFEST_BYTES:
        raise ModelError(f"{path} is larger than {_MOST_MANIFEST_BYTES} bytes; {_MEND}")
    manifest = parse_manifest(data)
    labels = _labels(folder, manifest.labels)
    network = _checked(folder, manifest.network)
    if network[4:8] != _TFLITE:
        raise ModelError(f"{folder / manifest.network.file} is no TensorFlow Lite model; pack another one")
    return Bundle(manifest, labels, network)


def _read(path: Path, most_bytes: int) -> bytes:
    """Return the file, or one byte more than it may have."""
    if not path.is_file():
        raise ModelError(f"{path} is missing; {_MEND}")
    with foreign(ModelError, f"cannot read {path}"), path.open("rb") as stream:
        return stream.read(most_bytes + 1)


def _checked(folder: Path, expected: NetworkFile | LabelsFile) -> bytes:
    path = folder / expected.file
    data = _read(path, expected.size_bytes)
    if data.startswith(_LFS_POINTER):
        raise ModelError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull`")
    if len(data) != expected.size_bytes:
        has = "more" if len(data) > expected.size_bytes else f"only {len(data)}"
        raise ModelError(f"{path} has {has} bytes, the manifest says {expected.size_bytes}; {_MEND}")
    if hashlib.sha256(data).hexdigest() != expected.sha256:
        raise ModelError(f"{path} is damaged or another one: its sha256 is not the manifest's; {_MEND}")
    return data


def _labels(folder: Path, expected: LabelsFile) -> tuple[str, ...]:
    path = folder / expected.file
    data = _checked(folder, expected)
    with foreign(ModelError, f"{path} is not UTF-8 text; mend it"):
        lines = data.decode().removesuffix("\n").split("\n")
    names = [line.strip().lower() for line in lines]
    for number, name in enumerate(names, 1):
        if not (name.isprintable() and 1 <= len(name) <= _LONGEST_LABEL):
            raise ModelError(f"{path}:{number}: want a class name of 1 to {_LONGEST_LABEL} characters")
    return _aliased(names, expected.aliases, path)


def _aliased(names: list[str], aliases: Mapping[str, str], path: Path) -> tuple[str, ...]:
    unknown = sorted(aliases.keys() - set(names))
    if unknown:
        raise ModelError(f"manifest.json: {path.name} has no {unknown[0]!r}; mend `$.labels.aliases`")
    return tuple(aliases.get(name, name) for name in names)
