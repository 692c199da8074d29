"""Files that come into their places whole: after a power cut each is the old one or the new one."""

import grp
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, NamedTuple

PRIVATE, PRIVATE_FOLDER = 0o600, 0o700
_GROUP = "eyespot"


class Owner(NamedTuple):
    """Numbers of a user and a group; -1 leaves what is."""

    user: int = -1
    group: int = -1


NOBODY_ELSE = Owner()


def for_the_service() -> Owner:
    """Return whose a file of root's is that the service may read.

    Who is not root, or has no such group, keeps what they write.
    """
    try:
        return Owner(group=grp.getgrnam(_GROUP).gr_gid) if os.geteuid() == 0 else NOBODY_ELSE
    except KeyError:
        return NOBODY_ELSE


def staged(path: Path, data: bytes, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> Path:
    """Write a file beside its place, safe on the disk, and return where.

    Raises:
        OSError: nothing was left behind, and what stands in the place stays.
    """
    new = path.with_name(f".{path.name}.new")
    with new_file(new, mode, owner) as file:
        file.write(data)
    return new


@contextmanager
def new_file(path: Path, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> Iterator[BinaryIO]:
    """Write a file that is safe on the disk afterwards, or not there. One that was there gives way.

    Raises:
        OSError: it cannot be written.
    """
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE)
    try:
        with os.fdopen(handle, "wb") as file:
            if not _is_of(handle, owner):  # the units may not even ask for this
                os.fchown(handle, *owner)
            yield file
            file.flush()
            if mode != PRIVATE:
                os.fchmod(handle, mode)
            os.fsync(handle)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _is_of(handle: int, owner: Owner) -> bool:
    status = os.fstat(handle)
    return owner.user in {-1, status.st_uid} and owner.group in {-1, status.st_gid}


def make_folder(path: Path, mode: int, owner: Owner = NOBODY_ELSE) -> None:
    """Make a folder, and those above it, where it is missing.

    Raises:
        OSError: it cannot be made.
    """
    try:
        path.mkdir(mode, parents=True)
    except FileExistsError:
        return
    if owner != NOBODY_ELSE:
        os.chown(path, *owner)
    sync_folder(path.parent)


def put(new: Path, path: Path) -> None:
    """Put a staged file into its place.

    Raises:
        OSError: what stands in the place stays.
    """
    new.replace(path)
    sync_folder(path.parent)


def keep(path: Path, name: str) -> None:
    """Give the file in a place a second name in its folder, which another file may have had.

    Raises:
        OSError: it keeps the one that it has.
    """
    second = path.with_name(f".{name}.new")
    second.unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        os.link(path, second, follow_symlinks=False)
        put(second, path.with_name(name))
        second.unlink(missing_ok=True)  # rename(2) leaves two names of one file alone


def sync_folder(folder: Path) -> None:
    """Make the names in a folder safe against a power cut.

    Raises:
        OSError: the disk fails.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
