"""Where counts are kept while the state folder cannot be used: in memory, until it can.

A counter that nobody watches had better count, publish and complain than be down. So a folder that is
read-only or full when the daemon starts is what it is later: the state `storage_failed`, while counts wait.
"""

import logging
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
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

_log = logging.getLogger(__name__)

_MOST_PAGES = 65_536  # of 512 bytes: 32 MiB of the machine's memory


class _Found(NamedTuple):
    """What a state folder holds: that, and how much of it waits for the broker, up to which id."""

    snapshots: Mapping[str, bytes]
    seq: int
    waiting: int
    newest: int
    used_bytes: int


_NOTHING = _Found({}, 0, 0, 0, 0)


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

    What waits in the folder stays there, is read where it is, and leaves before what is new; memory has the
    ids of what is gone.

    Args:
        folder: where it belongs.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, None, connect(":memory:"))
        self._found = _look_into(folder)
        self._gone: set[int] = set()
        self._gone_up_to = 0  # all of them: need not be read again
        self._lasts = False
        self.commit(Change((), (), self._found.snapshots, self._found.seq))
        self._connection.execute(f"PRAGMA max_page_count = {_MOST_PAGES}")

    @property
    def lasts(self) -> bool:
        """Whether it has moved into the folder."""
        return self._lasts

    def count(self) -> int:
        """Return how many messages wait, here and in the folder."""
        return super().count() + self._left

    def newest(self) -> int:
        """Return the largest id of those that wait or have waited in the folder."""
        return super().newest() if self._lasts else max(super().newest(), self._found.newest)

    def used_bytes(self) -> int:
        """Return how much of the disk would be taken, had this moved."""
        here = super().used_bytes()
        return here + self._found.used_bytes * self._left // self._found.waiting if self._left else here

    def waiting(self, after: int, most: int) -> list[Row]:
        """Return messages with larger ids than `after`, in order, of the folder and of memory.

        Raises:
            StorageError: the folder cannot be read any more: what is new leaves after what is there.
        """
        rows = super().waiting(after, most)
        if not self._left or after >= self._found.newest:
            return rows
        # an announcement has the id of what it stands for
        return sorted(self._in_folder(after, most) + rows, key=lambda row: row.id)[:most]

    def passed(self, after: int, topics: Collection[str], most: int) -> int:
        """Return the same as of a database; of what is in the folder nothing is passed."""
        in_folder = self._left and after < self._found.newest
        return after if in_folder else super().passed(after, topics, most)

    def commit(self, change: Change) -> None:
        """Make a change, wholly or not at all."""
        super().commit(change)
        if not self._lasts:
            self._gone.update(key for key in change.gone if key <= self._found.newest)

    def sync(self) -> None:
        """Move into the folder, if that can be used by now; from then on, sync there.

        Raises:
            StorageError: it cannot yet, or holds something else than what this one goes on from.
        """
        if not self._lasts:
            self._move_to(Database.open(self._folder))
        super().sync()

    @property
    def _left(self) -> int:
        """How many wait in the folder that were there at the start; 0 once it is the home."""
        return 0 if self._lasts else self._found.waiting - len(self._gone)

    def _in_folder(self, after: int, most: int) -> list[Row]:
        is_first = after <= self._gone_up_to
        after, rows = max(after, self._gone_up_to), list[Row]()
        with _opened(self._folder) as found:
            while len(rows) < most and (page := found.waiting(after, most)):
                after = page[-1].id
                rows += [row for row in page if row.id not in self._gone]
        if is_first:
            self._gone_up_to = rows[0].id - 1 if rows else after
        return rows[:most]

    def _move_to(self, home: Database) -> None:
        try:
            self._take_along(home)
        except StorageError:
            home.close()
            raise
        self._go_on_as(home)
        self._lasts = True
        self._gone.clear()

    def _take_along(self, home: Database) -> None:
        if _held_by(home)[:-1] != self._found[:-1]:
            raise StorageError(
                f"{self._folder} holds other counts than were gone on from; restart eyespot to use them"
            )
        rows = super().waiting(0, super().count())
        home.commit(Change(rows, self._gone, self.snapshots(), self.seq()))


def _look_into(folder: Path) -> _Found:
    """Return what a folder holds that cannot be written; nothing where it cannot be read either."""
    try:
        with _opened(folder, whole=True) as found:
            return _held_by(found)
    except StorageError as error:
        _log.warning("what %s holds cannot be read, so counts begin anew: %s", folder, one_line(error))
        return _NOTHING


def _held_by(database: Database) -> _Found:
    return _Found(
        database.snapshots(), database.seq(), database.count(), database.newest(), database.used_bytes()
    )


@contextmanager
def _opened(folder: Path, *, whole: bool = False) -> Iterator[Database]:
    """Open what a folder holds to read it; not for long, as the folder may become usable at any time.

    Args:
        folder: that cannot be written.
        whole: see whether all of it can be read, which takes its time.

    Raises:
        StorageError: it cannot be read.
    """
    try:
        with opened_to_read(folder / NAME, immutable=not has_log(folder), whole=whole) as connection:
            yield Database(folder, None, connection)
    except (DamagedError, OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot read {folder / NAME}: {one_line(error)}") from error
