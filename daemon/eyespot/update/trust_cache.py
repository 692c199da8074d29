"""What was trusted before, kept through power cuts: `tuf` -> `tuf.<n>/`.

tuf renames its files without fsync, so that a power cut may leave empty ones; and with an empty cache it
takes a repository of long ago for the newest. So it works in a copy, which comes into place once all of it is
on the disk. README.md beside this file tells the order.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from eyespot.domain.placing import sync_folder
from eyespot.update.commit import storing
from eyespot.update.shelf import are_alike

LINK: Final = "tuf"
_PRIVATE = 0o700


@contextmanager
def renewed(folder: Path) -> Iterator[Path]:
    """Give a copy of the cache to work in; at the end it is the cache, unless the disk has failed.

    What tuf has put there is verified, so it is kept even where it ends with an error of another kind: a key
    that was revoked stays revoked.

    Args:
        folder: of the model slots; nobody else works there.

    Raises:
        StoreError: the disk fails; the cache is what it was.
    """
    with storing(folder / LINK):
        before = _target(folder)
        copy = _copied(folder, before)
        try:
            try:
                yield copy
            except OSError:
                raise
            except BaseException:
                _take(folder, before, copy)
                raise
            _take(folder, before, copy)
        finally:
            _tidy(folder)


def _copied(folder: Path, before: Path | None) -> Path:
    _tidy(folder)
    number = 1 if before is None else int(before.suffix[1:]) + 1
    copy = folder / f"{LINK}.{number}"
    if before is None:
        copy.mkdir(_PRIVATE)
    else:
        _copy(before, copy)
    return copy


def _copy(folder: Path, to: Path) -> None:
    """Copy what tuf keeps; modes are left alone, as the units forbid to set what a shared folder hands on."""
    to.mkdir(_PRIVATE)
    for path in folder.iterdir():
        if path.is_symlink():
            (to / path.name).symlink_to(path.readlink())
        elif path.is_dir():
            _copy(path, to / path.name)
        else:
            shutil.copyfile(path, to / path.name)


def _take(folder: Path, before: Path | None, copy: Path) -> None:
    """Make the copy the cache, safe on the disk first; one that is the same is not worth writing."""
    if before is not None and are_alike(before, copy):
        return
    _sync(copy)
    sync_folder(folder)
    new = folder / f".{LINK}.new"
    new.unlink(missing_ok=True)
    new.symlink_to(copy.name)
    new.replace(folder / LINK)
    sync_folder(folder)


def _target(folder: Path) -> Path | None:
    """Return where the cache is; None where there is none that can be used."""
    link = folder / LINK
    if not link.is_symlink():
        return None
    name = os.readlink(link)  # noqa: PTH115 - as it stands there
    place = folder / name
    known = place.parent == folder and name.startswith(f"{LINK}.") and place.suffix[1:].isdecimal()
    return place if known and place.is_dir() and not place.is_symlink() else None


def _tidy(folder: Path) -> None:
    kept = _target(folder)
    for place in folder.glob(f"{LINK}.*"):
        if place != kept:
            shutil.rmtree(place)


def _sync(folder: Path) -> None:
    for path, _, files in os.walk(folder):
        for name in files:
            if not (Path(path) / name).is_symlink():
                _sync_file(Path(path) / name)
        sync_folder(Path(path))


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
