"""A small file in which a thread notes what the next life has to know."""

import logging
from pathlib import Path

from eyespot.domain.errors import one_line
from eyespot.domain.paths import read_kept
from eyespot.domain.placing import put, staged, sync_folder

_log = logging.getLogger(__name__)

MOST_BYTES = 16 * 1024


class Memo:
    """Keeps some bytes over restarts and power cuts. Never raises.

    Args:
        path: of the file.
        most_bytes: that are read of it.
    """

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._failing = False

    def read(self) -> bytes | None:
        """Return what was kept; None where nothing was, or it cannot be read, which is logged."""
        try:
            return read_kept(self._path, self._most_bytes)
        except (OSError, ValueError) as error:
            _log.warning("%s cannot be read and counts as nothing: %s", self._path, one_line(error))
            return None

    def keep(self, data: bytes) -> bool:
        """Keep something instead of what was kept; whether it is on the disk."""
        try:
            put(staged(self._path, data), self._path)
        except OSError as error:
            if not self._failing:
                _log.warning("%s cannot be written: %s", self._path, one_line(error))
            self._failing = True
            return False
        self._failing = False
        return True

    def forget(self) -> bool:
        """Remove what was kept, which needs no room; whether nothing is there."""
        try:
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError as error:
            _log.warning("%s cannot be removed: %s", self._path, one_line(error))
            return False
        return True
