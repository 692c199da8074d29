"""Bundles on the disk: they come into `bundles/` whole, stay as they are, and leave by way of `trash/`."""

import filecmp
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from eyespot.domain.placing import sync_folder

READ_ONLY, READ_ONLY_FOLDER = 0o444, 0o555
_WHILE_MOVED = 0o755
MANIFEST = "manifest.json"


def seal(folder: Path) -> None:
    """Make all in a folder safe on the disk, and what is below it read-only.

    The folder itself stays writable: who is not root may not move it otherwise.

    Raises:
        OSError: the disk fails, or there is anything but files and folders.
    """
    for path, folders, files in os.walk(folder, topdown=False, followlinks=False):
        here = Path(path)
        for name in files:
            _sync_file(here / name)
        for name in folders:
            if (here / name).is_symlink():
                raise OSError(f"{here / name} is a link")
            (here / name).chmod(READ_ONLY_FOLDER)
        sync_folder(here)


def move_in(folder: Path, place: Path) -> None:
    """Rename a sealed folder into its place, for good.

    Raises:
        OSError: the disk fails.
    """
    folder.rename(place)
    place.chmod(READ_ONLY_FOLDER)
    sync_folder(place)
    sync_folder(place.parent)
    sync_folder(folder.parent)


def settle(place: Path) -> None:
    """Bring a bundle that is in its place to where `move_in` leaves it: it may have been cut off.

    Raises:
        OSError: the disk fails.
    """
    place.chmod(READ_ONLY_FOLDER)
    sync_folder(place)
    sync_folder(place.parent)


def move_out(place: Path, trash: Path) -> None:
    """Take a bundle from its place, at once and whole, then remove it bit by bit.

    Raises:
        OSError: it is somebody else's, or the disk fails.
    """
    place.chmod(_WHILE_MOVED)
    gone = trash / f"{place.name}.{os.urandom(4).hex()}"
    place.rename(gone)
    sync_folder(place.parent)
    remove(gone)


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, however little may be written there.

    Raises:
        OSError: it is somebody else's, or the disk fails.
    """
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    for folder, _, _ in os.walk(path):
        Path(folder).chmod(_WHILE_MOVED)
    shutil.rmtree(path)


def is_missing(place: Path) -> bool:
    """Tell whether a bundle is not there; one that cannot be looked at may be."""
    try:
        return not stat.S_ISREG((place / MANIFEST).stat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False


def are_alike(one: Path, other: Path) -> bool:
    """Tell whether two folders hold the same files with the same bytes.

    Raises:
        OSError: one cannot be read.
    """
    names = sorted(_files(one))
    if names != sorted(_files(other)):
        return False
    return all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)


def _files(folder: Path) -> Iterator[Path]:
    return (path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is no file")
        os.fchmod(handle, READ_ONLY)
        os.fsync(handle)
    finally:
        os.close(handle)
