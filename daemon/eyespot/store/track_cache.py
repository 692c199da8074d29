"""Tracks of recordings, kept for the next what-if; they can be made again at any time.

A file for each recording, score and version of the code: a line that says what it is, then strips
(`packed_strips`). It comes into its place whole.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

from eyespot.domain.errors import InputError
from eyespot.domain.instants import Timeline
from eyespot.domain.paths import read_small
from eyespot.domain.placing import PRIVATE_FOLDER, make_folder, new_file, put
from eyespot.domain.strip import Strip
from eyespot.store.packed_strips import END, packed, strips_in

_log = logging.getLogger(__name__)

_MAGIC = b"eyespot.tracks/4\n"
_MOST_BYTES = 2 * 1024**3


class TrackCache:
    """Keeps tracks in a folder; the least used give way once there is too much.

    Args:
        folder: made when something is kept first.
        most_bytes: how much is kept at most.
    """

    def __init__(self, folder: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def read(self, key: str, bundle: str, timeline: Timeline) -> Iterator[Strip] | None:
        """Return the strips that are kept; None where there are none.

        Args:
            key: names all that they depend on.
            bundle: id of the model that made the observations.
            timeline: of their instants.

        Raises:
            InputError: while they are taken: the file is damaged. It is gone then.
        """
        path = self._path(key)
        if read_small(path, len(_MAGIC)) != _MAGIC:
            return None
        with suppress(OSError):
            os.utime(path)
        return self._strips(path, bundle, timeline)

    def keep(self, key: str, strips: Iterator[Strip]) -> Iterator[Strip]:
        """Yield strips, and keep them once all of them were taken. Where that cannot be done, nothing is."""
        path = self._path(key)
        try:
            with ExitStack() as files:
                make_folder(self._folder, PRIVATE_FOLDER)
                new = path.with_name(f".{path.name}.{os.getpid()}.new")
                file = files.enter_context(new_file(new))
                file.write(_MAGIC)
                for strip in strips:
                    yield strip  # first: what cannot be written is counted all the same
                    file.write(packed(strip))
                file.write(END)
                files.pop_all().close()
                put(new, path)
                self._make_room()
                return
        except OSError as error:
            _log.info("tracks are not kept in %s: %s", self._folder, error.strerror)
        yield from strips

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.tracks"

    def _strips(self, path: Path, bundle: str, timeline: Timeline) -> Iterator[Strip]:
        try:
            with path.open("rb") as file:
                file.seek(len(_MAGIC))
                yield from strips_in(file, bundle, timeline)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: damaged, and {_removed(path)} ({error})") from error

    def _make_room(self) -> None:
        files = sorted(self._folder.glob("*.tracks"), key=lambda path: path.stat().st_mtime, reverse=True)
        used = 0
        for path in files:
            used += path.stat().st_size
            if used > self._most_bytes:
                path.unlink(missing_ok=True)


def _removed(path: Path) -> str:
    """Remove a file, and return what became of that, and what is to be done."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        return f"cannot be removed: {error.strerror}; remove it, or have XDG_CACHE_HOME name another folder"
    return "removed; try again"
