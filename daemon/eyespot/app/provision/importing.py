"""Brings a folder that was found good into force, so that power may go at any moment.

| cut when | what the next start finds | what it does |
|---|---|---|
| some `.new` files are written | the folder; nothing in force has changed | all of it again |
| some are renamed | the folder; new secrets with the old configuration, or the new one | all of it again |
| the folder is renamed | the new configuration in force; secrets left on the partition | removes them |
| some secrets are removed | the same, with fewer of them | removes the rest |
"""

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.provision.folder import KINDS, SECRETS, TOML, Contents, boots
from eyespot.domain.errors import StorageError
from eyespot.domain.placing import NOBODY_ELSE, for_the_service
from eyespot.store.disk import Disk

IMPORTED = "eyespot-imported"
_BEFORE = "eyespot.toml.before"
_MARK = "imported.sha256"


@dataclass(frozen=True, slots=True)
class _Change:
    path: Path
    data: bytes
    mode: int

    @property
    def new(self) -> Path:
        return self.path.with_name(f"{self.path.name}.new")


def bring_in(contents: Contents, etc: Path, disk: Disk) -> None:
    """Bring the files into force: all are written first, then each takes its name.

    Args:
        contents: of a folder that was found good.
        etc: the folder of the configuration.
        disk: does the steps.

    Raises:
        StorageError: the disk is full, read-only or failing; what was in force stays in force.
    """
    try:
        changes = list(_changes(contents, etc))
    except OSError as error:
        raise _nothing_done(etc, error) from error
    _write(changes, disk)
    try:
        for change in changes:
            disk.rename(change.new, change.path)
            disk.settle(change.path.parent)
    except OSError as error:
        raise StorageError(f"{etc}: {error.strerror}; the next start tries again") from error


def _changes(contents: Contents, etc: Path) -> Iterator[_Change]:
    for name, kind in KINDS.items():
        data = contents.files.get(name)
        if data is None:
            continue
        path = etc / kind.target
        if name == TOML and path.exists() and (before := path.read_bytes()) != data:
            yield _Change(etc / _BEFORE, before, kind.mode)
        yield _Change(path, data, kind.mode)


def _write(changes: list[_Change], disk: Disk) -> None:
    service = for_the_service()
    try:
        for change in changes:
            # what others than root may read, the service's group may
            disk.write(change.new, change.data, change.mode, service if change.mode & 0o040 else NOBODY_ELSE)
    except OSError as error:
        for change in changes:
            with suppress(OSError):
                disk.remove(change.new)
        raise _nothing_done(changes[-1].path.parent, error) from error


def _nothing_done(etc: Path, error: OSError) -> StorageError:
    return StorageError(f"{etc}: {error.strerror}; nothing was changed: make room, or let it be written to")


def put_aside(folder: Path, name: str, disk: Disk) -> Path:
    """Rename a folder, with a number behind the name where that is taken; return its new path.

    Raises:
        OSError: that cannot be done.
    """
    names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
    free = next(path for path in map(folder.with_name, names) if not os.path.lexists(path))
    disk.rename(folder, free)
    disk.settle(folder.parent)
    return free


def remove_secrets(root: Path, disk: Disk) -> list[Path]:
    """Remove the secrets in all folders that were imported.

    Returns:
        What was removed.

    Raises:
        StorageError: one cannot be.
    """
    left = [
        path
        for boot in boots(root)
        for folder in sorted(boot.glob(f"{IMPORTED}*"))
        for path in sorted(folder.iterdir() if folder.is_dir() else ())
        if path.name.lower() in SECRETS
    ]
    for path in left:
        try:
            disk.remove(path)
            disk.settle(path.parent)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be removed ({error.strerror}): anybody who takes the card has it"
            ) from error
    return left


class Mark:
    """Notes which folder was imported but could not be put aside: it is not imported again at each start.

    Args:
        etc: the folder of the configuration.
        disk: does the steps.
    """

    def __init__(self, etc: Path, disk: Disk) -> None:
        self._path = etc / _MARK
        self._disk = disk

    def is_for(self, contents: Contents) -> bool:
        """Return whether it is for a folder with these contents."""
        try:
            return self._path.read_text("ascii").strip() == contents.sha256
        except (OSError, UnicodeDecodeError):
            return False

    def set(self, contents: Contents) -> None:
        """Note the contents; raises OSError."""
        change = _Change(self._path, f"{contents.sha256}\n".encode(), 0o644)
        self._disk.write(change.new, change.data, change.mode)
        self._disk.rename(change.new, change.path)
        self._disk.settle(change.path.parent)

    def clear(self) -> None:
        """Forget; raises OSError."""
        if self._path.exists():
            self._disk.remove(self._path)
            self._disk.settle(self._path.parent)
