"""The repository as plain files, for any web server, bucket or stick.

metadata/N.<role>.json     never changed once written, but for
metadata/timestamp.json    which comes last and makes the rest be seen
targets/<folder>/<sha256>.<name>
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Signed, TargetFile
from tuf.api.serialization import DeserializationError
from tuf.api.serialization.json import JSONSerializer

from eyespot.domain.errors import InputError, one_line
from eyespot_fleet.disk import copy_file, make_folder, place_file, read_file, write_file
from eyespot_fleet.publishing.roles import TIMESTAMP, TopLevel

METADATA: Final = "metadata"
TARGETS: Final = "targets"

_VERSIONED = re.compile(r"([1-9][0-9]{0,9})\.([a-z0-9.-]+)\.json")
_COMPACT = JSONSerializer(compact=True)


@dataclass(frozen=True, slots=True)
class Files:
    """The folder of a repository."""

    folder: Path

    def make(self) -> None:
        """Make the folder and those in it.

        Raises:
            StorageError: that is not possible.
        """
        for name in (METADATA, TARGETS):
            make_folder(self.folder / name)

    def newest(self, role: str) -> int:
        """Return the newest version of a role that there is; 0 where there is none, as of the timestamp."""
        found = 0
        with suppress(FileNotFoundError):
            for path in (self.folder / METADATA).iterdir():
                match = _VERSIONED.fullmatch(path.name)
                if match and match[2] == role:
                    found = max(found, int(match[1]))
        return found

    def read(self, role: str, version: int) -> Metadata[Any]:
        """Return what a role has signed; whether it has is for the caller to see.

        Raises:
            InputError: the file is missing or damaged.
        """
        path = self._path(role, version)
        try:
            metadata: Metadata[Any] = Metadata.from_bytes(read_file(path))
            _check_kind(metadata, role)
        except (DeserializationError, RepositoryError, ValueError) as error:
            reason = one_line(error.__cause__ or error)
            raise InputError(
                f"{path} is damaged: {reason}; put back a whole copy of the repository"
            ) from error
        return metadata

    def write(self, role: str, metadata: Metadata[Any]) -> None:
        """Write what a role has signed.

        Raises:
            StorageError: that is not possible.
        """
        signed: Signed = metadata.signed
        write_file(self._path(role, signed.version), metadata.to_bytes(_COMPACT))

    def put(self, target: str, data: bytes) -> TargetFile:
        """Write a small target.

        Raises:
            StorageError: that is not possible.
        """
        described = TargetFile.from_data(target, data, ["sha256"])
        path = self.path_of(described)
        make_folder(path.parent)
        write_file(path, data)
        return described

    @contextmanager
    def incoming(self, source: Path) -> Iterator[Path]:
        """Give a copy of a file, in the repository but not to be seen, that is gone at the end.

        Raises:
            InputError: the file cannot be read.
            StorageError: it cannot be copied.
        """
        copy = self.folder / ".incoming"
        try:
            copy_file(source, copy)
            yield copy
        finally:
            copy.unlink(missing_ok=True)

    def described(self, copy: Path, target: str) -> TargetFile:
        """Return length and digest of a file that is to be a target."""
        return TargetFile.from_file(target, str(copy), ["sha256"])

    def keep(self, copy: Path, target: TargetFile) -> None:
        """Let an incoming file be a target, whose name has its digest in it.

        Raises:
            StorageError: that is not possible.
        """
        path = self.path_of(target)
        make_folder(path.parent)
        place_file(copy, path)

    def content(self, target: TargetFile) -> bytes:
        """Return a small target.

        Raises:
            InputError: it is missing, or another one.
        """
        path = self.path_of(target)
        data = read_file(path)
        try:
            target.verify_length_and_hashes(data)
        except RepositoryError as error:
            raise InputError(f"{path} is damaged; put back a whole copy of the repository") from error
        return data

    def path_of(self, target: TargetFile) -> Path:
        """Return where a target is."""
        (prefixed,) = target.get_prefixed_paths()
        return self.folder / TARGETS / prefixed

    def _path(self, role: str, version: int) -> Path:
        name = f"{role}.json" if role == TIMESTAMP else f"{version}.{role}.json"
        return self.folder / METADATA / name


def _check_kind(metadata: Metadata[Any], role: str) -> None:
    kind = role if role in get_args(TopLevel) else TARGETS
    if metadata.signed.type != kind:
        raise ValueError(f"it is that of {metadata.signed.type}")


def no_repository(folder: Path) -> InputError:
    """Return what is to be said of a folder that is none."""
    advice = "--repository says where it is, `eyespot-fleet publish init` makes one"
    return InputError(f"{folder} is no repository; {advice}")
