"""Changes of files that survive a power cut, step by step."""

import os
from pathlib import Path


class Disk:
    """The steps of which such changes are made; each raises OSError.

    What a step did is on the disk for sure once `settle` of the folder has returned.
    """

    def write(self, path: Path, data: bytes, mode: int | None = None, group: int | None = None) -> None:
        """Write a whole file, and its data to the disk.

        Args:
            path: of the file; what is there is written over, a link is refused.
            data: all of it.
            mode: who may what; None where the file system has no such thing.
            group: its number; None is that of the process.
        """
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "wb") as stream:
            if mode is not None:
                os.fchmod(file, mode)
            if group is not None and group != os.fstat(file).st_gid:  # which is no right of the unit
                os.fchown(file, -1, group)
            stream.write(data)
            stream.flush()
            os.fsync(file)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder another name; a file that bore it is gone."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def settle(self, folder: Path) -> None:
        """Return once the names in a folder are on the disk."""
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
