"""Where people went, as a file on the operator's machine: a header, then one piece a line, as they were told.

`eyespot replay` runs rules over it, as over a recording; see config/README.md for the format.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from eyespot.domain.errors import InputError
from eyespot.domain.instants import Timeline
from eyespot.domain.strip import Strip
from eyespot.recording import Header
from eyespot.store.trajectories.strips import strips_of
from eyespot.topics.trajectories import MOST_BYTES, Piece

SCHEMA: Final = "eyespot.trajectories/1"
_LONGEST_HEADER = 128 * 1024
_UNREADABLE = (ValueError, RecursionError)


class WaysHeader(Header, frozen=True, kw_only=True, omit_defaults=True):
    """The first line: as that of a recording, but for its name. `started` is where the instants begin."""

    schema: Literal["eyespot.trajectories/1"]  # type: ignore[assignment] # the one thing that differs


class WaysFile:
    """Where people went.

    Args:
        path: of the file.

    Raises:
        InputError: it is no such file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._line = 1
        try:
            with path.open("rb") as file:
                self.header = msgspec.json.decode(file.readline(_LONGEST_HEADER), type=WaysHeader)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}; name a file of trajectories") from error
        except _UNREADABLE as error:
            raise InputError(f"{path}:1: not the header of trajectories: {error}") from error

    @property
    def timeline(self) -> Timeline:
        """Return the timeline of the strips."""
        return Timeline(self.header.started_utc_ns, synced=True)

    def strips(self) -> Iterator[Strip]:
        """Yield all of it.

        Raises:
            InputError: a line is damaged; after all that came before it.
        """
        labels = {name.lower(): index for index, name in enumerate(self.header.labels)}
        try:
            yield from strips_of(self._pieces(), labels, self.timeline)
        except OSError as error:
            raise InputError(f"{self._path}: {error.strerror}; name a file of trajectories") from error
        except _UNREADABLE as error:
            raise InputError(f"{self._path}:{self._line}: not a piece of trajectories: {error}") from error

    def _pieces(self) -> Iterator[Piece]:
        with self._path.open("rb") as file:
            file.readline(_LONGEST_HEADER)
            self._line = 1
            for line in iter(lambda: file.readline(MOST_BYTES + 2), b""):
                self._line += 1
                yield msgspec.json.decode(line, type=Piece)


def is_ways(path: Path) -> bool:
    """Return whether a file says of itself that it has trajectories; False also where it cannot be read."""
    try:
        with path.open("rb") as file:
            return SCHEMA.encode() in file.read(256)
    except OSError:
        return False
