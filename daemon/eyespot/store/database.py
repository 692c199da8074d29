"""The one file that survives: rule snapshots, undelivered messages, the number of the newest one."""

import logging
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from eyespot.domain.errors import StorageError, one_line
from eyespot.store.database_file import (
    NAME,
    DamagedError,
    ReplacedError,
    SpoiledError,
    connect,
    locked,
    passes_over_log,
    put_aside,
)
from eyespot.store.numbering import Numbering
from eyespot.store.packing import packed, unpacked
from eyespot.store.room import Room, free_bytes, size_of

_log = logging.getLogger(__name__)

_LONGEST_PAYLOAD = 65_536  # bytes; a message is shorter, so what is longer was planted
_CHECKPOINT_COMMITS = 150  # after so many a sync empties the log into the database, else after so many pages
SNAPSHOTS = "SELECT rule, state FROM snapshots"
_PAGES = ("page_count", "freelist_count", "page_size")
COUNT = "SELECT count(*) FROM outbox"


class Row(msgspec.Struct, frozen=True):
    """A message that waits in the outbox; ids grow with time."""

    id: int
    topic: str
    payload: bytes


class Change(msgspec.Struct, frozen=True):
    """What one transaction does.

    Attributes:
        rows: come into the outbox.
        gone: ids that leave it.
        snapshots: rule id -> its state; empty: it is forgotten.
        seq: number of the newest durable message; a smaller one than the kept one changes nothing.
        packs: whether rows are deflated; what leaves soon is not worth it.
    """

    rows: Sequence[Row]
    gone: Collection[int]
    snapshots: Mapping[str, bytes]
    seq: int
    packs: bool = True


class Database:
    """SQLite with a write-ahead log. Used by one thread at a time.

    A commit is safe against the death of the process at once, and against a power cut after `sync`
    (sqlite.org/wal.html, synchronous=NORMAL).

    Attributes:
        damage: what was found damaged on opening and put aside, in words for people; None is usual.
    """

    def __init__(
        self, folder: Path, lock: int | None, connection: sqlite3.Connection, damage: str | None = None
    ) -> None:
        self._folder = folder
        self._lock = lock
        self._connection = connection
        self._file = None if lock is None else _file_at(folder / NAME)
        self._in_log = 0  # commits
        self._used = False
        self._numbering: Numbering | None = None  # read by the next commit
        self.damage = damage

    @classmethod
    def open(cls, folder: Path) -> "Database":
        """Open the database of a state folder, or make one. A damaged one is put aside.

        Raises:
            StorageError: the folder cannot be written.
            FolderInUseError: somebody else uses it.
        """
        lock = locked(folder)
        try:
            connection, damage = _connected(folder)
            return cls(folder, lock, connection, damage)
        except (DamagedError, OSError, sqlite3.Error) as error:
            os.close(lock)
            advice = "see to the disk and its rights, or set [state] dir"
            raise StorageError(f"cannot open {folder / NAME}: {one_line(error)}; {advice}") from error

    @property
    def lasts(self) -> bool:
        """Whether what is committed outlives the process."""
        return True

    def snapshots(self) -> dict[str, bytes]:
        """Return rule id -> state, of all rules that ever had one.

        Raises:
            StorageError: it cannot be read.
        """
        with self._working("read"):
            return dict(self._connection.execute(SNAPSHOTS))

    def seq(self) -> int:
        """Return the number of the newest durable message ever made; 0 before the first.

        Raises:
            StorageError: it cannot be read.
        """
        with self._working("read"):
            return Numbering.read(self._connection).seq

    def count(self) -> int:
        """Return how many messages wait in the outbox.

        Raises:
            StorageError: it cannot be read.
        """
        return self._number(COUNT)

    def newest(self) -> int:
        """Return the largest id in the outbox; 0 when it is empty.

        Raises:
            StorageError: it cannot be read.
        """
        return self._number("SELECT coalesce(max(id), 0) FROM outbox")

    def used_bytes(self) -> int:
        """Return how much of the disk is taken by what is kept; what was removed has left its room.

        Raises:
            StorageError: it cannot be read.
        """
        pages, free, size = (self._number(f"PRAGMA {name}") for name in _PAGES)
        return (pages - free) * size

    def room(self, need: int) -> Room | None:
        """Return how much room the disk has, the log emptied where that is little; None where it is ample.

        Args:
            need: bytes of what comes next.

        Raises:
            StorageError: it cannot be read.
        """
        if self._lock is None or (free := free_bytes(self._folder)) is None:
            return None
        room = self._room(free)
        if not room.is_short(need):
            return None
        if room.is_log_long and self._shorten_log():
            left = free_bytes(self._folder)
            return None if left is None else self._room(left)
        return room

    def _room(self, free: int) -> Room:
        pages, left, size = (self._number(f"PRAGMA {name}") for name in _PAGES)
        file, log = (size_of(self._folder / name) for name in (NAME, f"{NAME}-wal"))
        return Room(free, file, log, max(0, pages * size - file), left * size)

    def _shorten_log(self) -> bool:
        """Empty the log into the database; return whether that went well."""
        try:
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error:  # no room for that: what is written next says so
            return False
        self._in_log = 0
        return True

    def waiting(self, after: int, most: int) -> list[Row]:
        """Return messages of the outbox with larger ids than `after`, in order.

        Raises:
            StorageError: it cannot be read.
        """
        query = "SELECT id, topic, substr(payload, 1, ?) FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        with self._working("read"):
            rows = self._connection.execute(query, (_LONGEST_PAYLOAD, after, most))
            # of nothing, substr makes NULL
            return [Row(key, topic, unpacked(kept or b"", _LONGEST_PAYLOAD)) for key, topic, kept in rows]

    def passed(self, after: int, topics: Collection[str], most: int) -> int:
        """Return the id up to which messages on these topics alone follow `after`; looks at so many at most.

        Raises:
            StorageError: it cannot be read.
        """
        query = "SELECT id, topic FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        with self._working("read"), closing(self._connection.execute(query, (after, most))) as rows:
            for key, topic in rows:
                if topic not in topics:
                    break
                after = key
        return after

    def commit(self, change: Change) -> None:
        """Make a change, wholly or not at all.

        Raises:
            StorageError: nothing was changed.
        """
        cursor = self._connection.cursor()
        try:
            cursor.execute("BEGIN IMMEDIATE")
            numbering = self._write(cursor, change)
            cursor.execute("COMMIT")
            self._numbering = numbering
            self._in_log += 1
        except sqlite3.Error:
            self._numbering = None
            with self._working("write"):
                if self._connection.in_transaction:
                    cursor.execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """Make what was committed safe against a power cut; now and then empty the log, lest a commit does.

        Raises:
            StorageError: the disk fails, or the file was removed or replaced.
        """
        self._sync_log()
        if self._in_log >= _CHECKPOINT_COMMITS:
            with self._working("write"):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._in_log = 0

    def _sync_log(self) -> None:
        try:
            if _file_at(self._folder / NAME) != self._file:
                message = f"{self._folder / NAME} was removed or replaced while in use"
                raise ReplacedError(message)
            # SQLite's own locks are not on this file, so that closing it here does not drop them
            log = os.open(self._folder / f"{NAME}-wal", os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fdatasync(log)
            finally:
                os.close(log)
        except FileNotFoundError:
            pass  # nothing is in it
        except OSError as error:
            raise StorageError(f"cannot write {self._folder / NAME}: {one_line(error)}") from error

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let a thread work in it, which nobody else closes it under."""
        self._used = True
        try:
            yield
        finally:
            self._used = False

    def close(self) -> None:
        """Write everything into the one file, and let others use the folder.

        Not while a thread hangs in there: SQLite would crash. The process is about to end then, and what it
        leaves is what a kill leaves.
        """
        if self._used:
            _log.error("%s is left as it is: its thread still works in it", self._folder / NAME)
        else:
            self._shut()

    def _shut(self) -> None:
        with suppress(sqlite3.Error):
            self._write_number()
        with suppress(sqlite3.Error):
            self._connection.close()
        if self._lock is not None:
            os.close(self._lock)

    def _go_on_as(self, other: "Database") -> None:
        """Close, and be another database from now on."""
        self._shut()
        self._lock, self._connection, self.damage = other._lock, other._connection, other.damage  # noqa: SLF001 - our own
        self._file = other._file  # noqa: SLF001 - our own
        self._numbering = None

    def _write(self, cursor: sqlite3.Cursor, change: Change) -> Numbering:
        execute, last = cursor.execute, 0
        before = self._numbering or Numbering.read(self._connection)
        if change.gone:
            cursor.executemany("DELETE FROM outbox WHERE id = ?", ((gone,) for gone in change.gone))
        for row in change.rows:
            payload = packed(row.payload, small=change.packs)
            execute("INSERT INTO outbox VALUES (?, ?, ?)", (row.id, row.topic, payload))
            last = max(last, row.id)
        for rule, state in change.snapshots.items():
            if state:  # an update in place: replacing a row would touch its index, too
                execute(
                    "INSERT INTO snapshots VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
                    (rule, state),
                )
            else:
                execute("DELETE FROM snapshots WHERE rule = ?", (rule,))
        after = before.after(last, change.seq, some_gone=bool(change.gone))
        if after.kept is not before.kept:
            after.write(cursor)
        return after

    def _write_number(self) -> None:
        cursor = self._connection.cursor()
        cursor.execute("BEGIN IMMEDIATE")
        numbering = Numbering.read(self._connection)
        if (at_rest := numbering.at_rest()) != numbering:
            at_rest.write(cursor)
        cursor.execute("COMMIT")

    def _number(self, query: str) -> int:
        with self._working("read"):
            number: int = self._connection.execute(query).fetchone()[0]
            return number

    @contextmanager
    def _working(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            # the class itself is for what makes no sense; disks and rights have a narrower one
            kind = SpoiledError if type(error) is sqlite3.DatabaseError else StorageError
            raise kind(f"cannot {doing} {self._folder / NAME}: {one_line(error)}") from error


def _connected(folder: Path) -> tuple[sqlite3.Connection, str | None]:
    """Open the file, what is damaged put aside; return also what that costs, in words."""
    aside, damage = "", None
    try:
        if reason := passes_over_log(folder):
            aside = put_aside(folder, ("-wal", "-shm"))
            damage = f"{reason}; it is kept as {aside}-wal, and totals are older ones, from before it"
        connection = connect(folder / NAME)
    except DamagedError as error:
        aside = put_aside(folder, beside=aside)
        damage = f"{one_line(error)}; it is kept as {aside}, and totals began anew"
        connection = connect(folder / NAME)
    if damage:
        _log.error("%s was damaged: %s", folder / NAME, damage)
    return connection, damage


def _file_at(path: Path) -> tuple[int, int] | None:
    """Return the device and inode of a file; None where there is none; raises OSError."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
