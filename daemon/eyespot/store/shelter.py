"""Where counts are kept while the state folder cannot be used: in memory, until it can.

A counter that nobody watches had better count, publish and complain than be down. So a folder that is
read-only or full when the daemon starts is what it is later: the state `storage_failed`, while counts wait.
"""

import logging
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from eyespot.domain.errors import StorageError, one_line
from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import (
    NAME,
    DamagedError,
    FolderInUseError,
    connect,
    has_log,
    opened_to_read,
)
from eyespot.store.outbox import MOST_IN_MEMORY

_log = logging.getLogger(__name__)

_MOST_PAGES = 65_536  # of 512 bytes: 32 MiB of the machine's memory


class _Kept(NamedTuple):
    """What a state folder holds; of what waits for the broker the newest."""

    snapshots: Mapping[str, bytes]
    seq: int
    rows: list[Row]


_NOTHING = _Kept({}, 0, [])


def open_database(folder: Path) -> Database:
    """Open the database of a state folder; where the folder cannot be used, one that waits for it in memory.

    Raises:
        FolderInUseError: somebody else uses the folder.
    """
    try:
        return Database.open(folder)
    except FolderInUseError:
        raise
    except StorageError:
        return Shelter(folder)


class Shelter(Database):
    """A database in memory that goes on from what can be read in the folder, and moves there when it can.

    Args:
        folder: where it belongs.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, None, connect(":memory:"))
        self._began_with = _read(folder)
        self._lasts = False
        snapshots, seq, rows = self._began_with
        self.commit(Change(rows, (), snapshots, seq))
        self._connection.execute(f"PRAGMA max_page_count = {_MOST_PAGES}")

    @property
    def lasts(self) -> bool:
        """Whether it has moved into the folder."""
        return self._lasts

    def sync(self) -> None:
        """Move into the folder, if that can be used by now; from then on, sync there.

        Raises:
            StorageError: it cannot yet, or holds other counts than those that this one goes on from.
        """
        if not self._lasts:
            self._move_to(Database.open(self._folder))
        super().sync()

    def _move_to(self, home: Database) -> None:
        try:
            self._take_along(home)
        except StorageError:
            home.close()
            raise
        self._go_on_as(home)
        self._lasts = True

    def _take_along(self, home: Database) -> None:
        began = self._began_with
        if (home.snapshots(), home.seq()) != (began.snapshots, began.seq):
            raise StorageError(
                f"{self._folder} holds other counts than were gone on from; restart eyespot to use them"
            )
        gone = [row.id for row in began.rows]
        home.commit(Change(self.waiting(0, self.count()), gone, self.snapshots(), self.seq()))


def _read(folder: Path) -> _Kept:
    """Return what a folder holds that cannot be written; nothing where it cannot be read either."""
    try:
        with opened_to_read(folder / NAME, immutable=not has_log(folder)) as connection:
            found = Database(folder, None, connection)
            rows = found.waiting(found.newest() - MOST_IN_MEMORY, MOST_IN_MEMORY)
            return _Kept(found.snapshots(), found.seq(), rows)
    except (DamagedError, StorageError, OSError, sqlite3.Error) as error:
        _log.warning("what %s holds cannot be read, so counts begin anew: %s", folder, one_line(error))
        return _NOTHING
