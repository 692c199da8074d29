"""Disks that fail: by a power cut after some steps, or by an error."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from eyespot.domain.placing import NOBODY_ELSE, PRIVATE, Owner
from eyespot.store.disk import Disk


class PowerCut(BaseException):
    """Nothing comes after it."""


class FrailDisk(Disk):
    """Loses power after some steps. What was not settled by then is kept, or lost.

    Args:
        steps: how many are done before.
        loses: whether what was not settled is lost; else it had reached the disk by chance.

    Attributes:
        done: steps so far.
    """

    def __init__(self, steps: int, *, loses: bool) -> None:
        self.done = 0
        self._steps = steps
        self._loses = loses
        self._unsettled: list[tuple[Path, Callable[[], object]]] = []

    def write(self, path: Path, data: bytes, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> None:
        is_new = not path.exists()
        if self.done == self._steps and not self._loses:
            super().write(path, data[: len(data) // 2])  # in the middle of it
        self._step()
        super().write(path, data, mode, owner)
        if is_new:
            self._unsettled.append((path.parent, path.unlink))

    def rename(self, old: Path, new: Path) -> None:
        self._step()
        before = new.read_bytes() if new.is_file() else None
        super().rename(old, new)

        def undo() -> None:
            new.rename(old)
            if before is not None:
                new.write_bytes(before)

        self._unsettled.append((new.parent, undo))

    def remove(self, path: Path) -> None:
        self._step()
        before = path.read_bytes()
        super().remove(path)
        self._unsettled.append((path.parent, lambda: path.write_bytes(before)))

    def settle(self, folder: Path) -> None:
        self._step()
        super().settle(folder)
        self._unsettled = [(where, undo) for where, undo in self._unsettled if where != folder]

    def lose(self) -> None:
        """Forget what was not settled."""
        for _, undo in reversed(self._unsettled):
            undo()

    def _step(self) -> None:
        if self.done == self._steps:
            if self._loses:
                self.lose()
            raise PowerCut
        self.done += 1


class FullDisk(Disk):
    """Has room for so many files below a folder, and none for more."""

    def __init__(self, folder: Path, files: int) -> None:
        self._folder = folder
        self._left = files

    def write(self, path: Path, data: bytes, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> None:
        if path.is_relative_to(self._folder):
            if not self._left:
                path.write_bytes(data[:1])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._left -= 1
        super().write(path, data, mode, owner)


class ReadOnlyDisk(Disk):
    """Cannot be changed below a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, path: Path, data: bytes, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> None:
        self._refuse(path)
        super().write(path, data, mode, owner)

    def rename(self, old: Path, new: Path) -> None:
        self._refuse(old)
        super().rename(old, new)

    def remove(self, path: Path) -> None:
        self._refuse(path)
        super().remove(path)

    def _refuse(self, path: Path) -> None:
        if path.is_relative_to(self._folder):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
