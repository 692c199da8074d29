"""Changes of files that survive a power cut, step by step."""

from pathlib import Path

from eyespot.domain.placing import NOBODY_ELSE, PRIVATE, Owner, new_file, sync_folder


class Disk:
    """The steps of which such changes are made, for tests to fail between them; each raises OSError.

    What a step did is on the disk for sure once `settle` of the folder has returned.
    """

    def write(self, path: Path, data: bytes, mode: int = PRIVATE, owner: Owner = NOBODY_ELSE) -> None:
        """Write a whole file, and its data to the disk; what is there gives way."""
        with new_file(path, mode, owner) as file:
            file.write(data)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file or folder another name; a file that bore it is gone."""
        old.rename(new)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def settle(self, folder: Path) -> None:
        """Return once the names in a folder are on the disk."""
        sync_folder(folder)
