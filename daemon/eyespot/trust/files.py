"""The files of a bundle: read no further than the manifest allows, and compared with it."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.observation import MOST_LABELS
from eyespot.domain.paths import is_file
from eyespot.trust.manifest_files import LabelsFile, NetworkFile

LONGEST_LABEL = 64
_LFS_POINTER = b"version https://git-lfs"
_PUT_BACK = "put the whole bundle folder back"


class Remedy(NamedTuple):
    """What is to be done about a file, as the end of a sentence.

    Attributes:
        missing: where it is not there.
        other: where it is not the one that the manifest names.
    """

    missing: str = _PUT_BACK
    other: str = _PUT_BACK


_USUAL = Remedy()


def read_whole(path: Path, most_bytes: int) -> bytes:
    """Return a file.

    Raises:
        ModelError: it is missing, cannot be read or is larger.
    """
    data = _read(path, most_bytes, _USUAL)
    if len(data) > most_bytes:
        raise ModelError(f"{path} is larger than {most_bytes} bytes; {_PUT_BACK}")
    return data


def read_checked(folder: Path, expected: NetworkFile | LabelsFile, remedy: Remedy = _USUAL) -> bytes:
    """Return a file that has the size and the sha256 that the manifest says.

    Raises:
        ModelError: it is missing, cannot be read or is another one.
    """
    path = folder / expected.file
    data = _read(path, expected.size_bytes, remedy)
    if data.startswith(_LFS_POINTER):
        raise ModelError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull`")
    if len(data) != expected.size_bytes:
        has = "more" if len(data) > expected.size_bytes else f"only {len(data)}"
        raise ModelError(f"{path} has {has} bytes, the manifest says {expected.size_bytes}; {remedy.other}")
    sha256 = hashlib.sha256(data).hexdigest()
    if sha256 != expected.sha256:
        raise ModelError(
            f"{path} is damaged or another one: its sha256 is {sha256}, "
            f"the manifest says {expected.sha256}; {remedy.other}"
        )
    return data


def read_labels(folder: Path, expected: LabelsFile) -> tuple[str, ...]:
    """Return the class names by class index, in lower case, aliases applied.

    Raises:
        ModelError: the file is not the manifest's, or a line is no class name.
    """
    path = folder / expected.file
    data = read_checked(folder, expected)
    with foreign(ModelError, f"{path} is not UTF-8 text; mend it"):
        lines = data.decode().removesuffix("\n").split("\n")
    names = [line.strip().lower() for line in lines]
    if len(names) > MOST_LABELS:
        raise ModelError(f"{path} has {len(names)} class names; {MOST_LABELS} at most can be told")
    for number, name in enumerate(names, 1):
        if not is_class_name(name):
            raise ModelError(f"{path}:{number}: want a class name of 1 to {LONGEST_LABEL} characters")
    return _aliased(names, expected.aliases, path)


def is_class_name(name: str) -> bool:
    """Tell whether a class can go by this name."""
    return name.isprintable() and 1 <= len(name) <= LONGEST_LABEL


def shortened(name: str) -> str:
    """Cut a name that is too long, such as ImageNet has, at its last comma that leaves it short enough."""
    if len(name) <= LONGEST_LABEL:
        return name
    return name[: LONGEST_LABEL + 1].rpartition(",")[0] or name


def _read(path: Path, most_bytes: int, remedy: Remedy) -> bytes:
    """Return the file, or one byte more than it may have."""
    if not is_file(path, ModelError):
        raise ModelError(f"{path} is missing; {remedy.missing}")
    with foreign(ModelError, f"cannot read {path}"), path.open("rb") as stream:
        return stream.read(most_bytes + 1)


def _aliased(names: list[str], aliases: Mapping[str, str], path: Path) -> tuple[str, ...]:
    unknown = sorted(aliases.keys() - set(names))
    if unknown:
        raise ModelError(f"manifest.json: {path.name} has no {unknown[0]!r}; mend `$.labels.aliases`")
    return tuple(aliases.get(name, name) for name in names)
