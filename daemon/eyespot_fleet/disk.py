"""Files and folders that are whole or not there, whenever the power goes."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from eyespot.domain.errors import InputError, StorageError, one_line
from eyespot.domain.placing import sync_folder

_MOST_BYTES = 10 * 1024 * 1024
_SCRATCH = ".eyespot-fleet"


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise StorageError(
            f"cannot write {path}: {reason}; mend that and run it again, it goes on where it was"
        ) from error


def read_file(path: Path) -> bytes:
    """Return a file that somebody has named.

    Raises:
        InputError: it cannot be read, or is larger than 10 MiB.
    """
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > _MOST_BYTES:
        raise InputError(f"{path} is larger than 10 MiB; is it the right file?")
    return data


def make_folder(path: Path, mode: int = 0o755) -> None:
    """Make a folder and those above it, unless they are there.

    Raises:
        StorageError: that is not possible.
    """
    with _storing(path):
        path.mkdir(mode, parents=True, exist_ok=True)
        sync_folder(path.parent)


def write_file(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file under another name and rename it, so that it is there whole or as it was.

    Raises:
        StorageError: that is not possible.
    """
    new = path.with_name(f".{path.name}.new")
    with _storing(path):
        try:
            new.unlink(missing_ok=True)
            _write(new, data, mode)
            new.replace(path)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def copy_file(source: Path, new: Path) -> None:
    """Copy a file that somebody has named to a place of ours, in pieces and to the disk.

    Raises:
        InputError: it cannot be read.
        StorageError: it cannot be written.
    """
    try:
        file = source.open("rb")
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error
    with file, _storing(new), new.open("wb") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        os.fsync(copy.fileno())


def place_file(new: Path, path: Path) -> None:
    """Rename a file that is on the disk already to where it is seen.

    Raises:
        StorageError: that is not possible.
    """
    with _storing(path):
        new.replace(path)
        sync_folder(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill, which is there, whole, once that went well.

    Raises:
        InputError: there is something in its place already.
        StorageError: it cannot be made.
    """
    new = path.with_name(f".{path.name}.new")
    with _storing(path):
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise InputError(f"{path} is there already; name a new folder, or an empty one")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
    try:
        yield new
        place_file(new, path)
    finally:
        shutil.rmtree(new, ignore_errors=True)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Have a folder for us alone among those who write to it this way.

    Raises:
        StorageError: it cannot be opened, or somebody else is at it.
    """
    with _storing(folder):
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StorageError(f"another eyespot-fleet writes to {folder}; wait for it") from error
        yield
    finally:
        os.close(lock)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder of folders `<name>/<inner>`, each of which is replaced as a whole.

    What is not complete lies in `.eyespot-fleet` beside them, on the same file system.
    """

    root: Path
    inner: str

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the shelf unless it is there, for us alone, and put right what an interrupted run left.

        Raises:
            StorageError: that is not possible, or somebody else is at it.
        """
        made = not self.root.exists()
        make_folder(self.root)
        try:
            with alone_in(self.root):
                try:
                    self._settle()
                    yield
                finally:
                    with suppress(StorageError):  # else the next run does it
                        self._settle()
        finally:
            if made:
                with suppress(OSError):  # there is something in it
                    self.root.rmdir()

    def folder(self, name: str) -> Path:
        """Return where a folder is, or would be."""
        return self.root / name / self.inner

    def put(self, name: str, files: Mapping[str, tuple[bytes, int]], check: Callable[[Path], None]) -> None:
        """Put a folder on the shelf, in place of what may be there.

        Args:
            name: of the folder around it.
            files: name -> contents and mode.
            check: raises if the folder, which is complete but not there yet, must not be.

        Raises:
            StorageError: it cannot be written; what was there is still there.
        """
        target = self.folder(name)
        new, old = self._scratch / f"{name}.new", self._scratch / f"{name}.old"
        with _storing(target):
            new.mkdir(0o700, parents=True)
            for file, (data, mode) in files.items():
                _write(new / file, data, mode)
            sync_folder(new)
        check(new)
        with _storing(target):
            target.parent.mkdir(exist_ok=True)
            if target.exists():
                target.rename(old)
            new.rename(target)
            sync_folder(target.parent)
            sync_folder(self.root)
            shutil.rmtree(old, ignore_errors=True)

    @property
    def _scratch(self) -> Path:
        return self.root / _SCRATCH

    def _settle(self) -> None:
        with _storing(self._scratch):
            for old in self._scratch.glob("*.old"):
                target = self.folder(old.stem)
                if not target.exists():
                    old.rename(target)
            if self._scratch.exists():
                shutil.rmtree(self._scratch)


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a new file to the disk; nobody could ever read it who may not."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
