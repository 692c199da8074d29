"""The one file that survives: rule snapshots, undelivered messages, the number of the newest one."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import NamedTuple

from eyespot.domain.errors import StorageError, one_line
from eyespot.store.packing import packed, unpacked

_log = logging.getLogger(__name__)

NAME = "eyespot.db"
_LOCK_NAME = "eyespot.lock"
_MOST_DAMAGED_KEPT = 3
_LONGEST_PAYLOAD = 65_536  # bytes; a message is shorter, so what is longer was planted
BUSY_S = 1.0
_PAGE_BYTES = 512  # a row that changes is a page written, and rows are short
_TRIAL_BYTES = 65_536
_CHECKPOINT_COMMITS = 150  # after so many a sync empties the log into the database, else after so many pages
_CHECKPOINT_PAGES = 2_000
SNAPSHOTS = "SELECT rule, state FROM snapshots"
SEQ = "SELECT coalesce(max(value), 0) FROM numbers WHERE name = 'seq'"
_PAGES = ("page_count", "freelist_count", "page_size")
COUNT = "SELECT count(*) FROM outbox"
_APPLICATION_ID = 0x45594553  # "EYES"
_VERSION = 1
_SCHEMA = {
    "numbers": "CREATE TABLE numbers (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    "outbox": (
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, payload BLOB NOT NULL) STRICT"
    ),
    "snapshots": "CREATE TABLE snapshots (rule TEXT PRIMARY KEY, state BLOB NOT NULL) STRICT",
}


class DamagedError(Exception):
    """The file is not what we left there."""


class FolderInUseError(StorageError):
    """Another process keeps its counts in the state folder."""


class Row(NamedTuple):
    """A message that waits in the outbox; ids grow with time."""

    id: int
    topic: str
    payload: bytes


class Change(NamedTuple):
    """What one transaction does.

    Attributes:
        rows: come into the outbox.
        gone: ids that leave it.
        snapshots: rule id -> its state; empty: it is forgotten.
        seq: number of the newest durable message; a smaller one than the kept one changes nothing.
        packs: whether rows are deflated; what leaves soon is not worth it.
    """

    rows: Iterable[Row]
    gone: Iterable[int]
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
        self._in_log = 0  # commits
        self.damage = damage

    @classmethod
    def open(cls, folder: Path) -> "Database":
        """Open the database of a state folder, or make one. A damaged one is put aside.

        Raises:
            StorageError: the folder cannot be written.
            FolderInUseError: somebody else uses it.
        """
        lock = locked(folder)
        damage = None
        try:
            try:
                connection = connect(folder / NAME)
            except DamagedError as error:
                kept = put_aside(folder)
                damage = f"{one_line(error)}; it is kept as {kept}, and totals began anew"
                _log.error("%s was damaged: %s", folder / NAME, damage)
                connection = connect(folder / NAME)
        except (DamagedError, OSError, sqlite3.Error) as error:
            os.close(lock)
            advice = "see to the disk and its rights, or set [state] dir"
            raise StorageError(f"cannot open {folder / NAME}: {one_line(error)}; {advice}") from error
        return cls(folder, lock, connection, damage)

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
        return self._number(SEQ)

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

    def waiting(self, after: int, most: int) -> list[Row]:
        """Return messages of the outbox with larger ids than `after`, in order.

        Raises:
            StorageError: it cannot be read.
        """
        query = "SELECT id, topic, substr(payload, 1, ?) FROM outbox WHERE id > ? ORDER BY id LIMIT ?"
        with self._working("read"):
            rows = self._connection.execute(query, (_LONGEST_PAYLOAD, after, most))
            return [Row(key, topic, unpacked(kept, _LONGEST_PAYLOAD)) for key, topic, kept in rows]

    def commit(self, change: Change) -> None:
        """Make a change, wholly or not at all.

        Raises:
            StorageError: nothing was changed.
        """
        execute = self._connection.execute
        try:
            execute("BEGIN IMMEDIATE")
            self._write(change)
            execute("COMMIT")
            self._in_log += 1
        except sqlite3.Error:
            with self._working("write"):
                if self._connection.in_transaction:
                    execute("ROLLBACK")
                raise

    def sync(self) -> None:
        """Make what was committed safe against a power cut; now and then empty the log, lest a commit does.

        Raises:
            StorageError: the disk fails.
        """
        self._sync_log()
        if self._in_log >= _CHECKPOINT_COMMITS:
            with self._working("write"):
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
            self._in_log = 0

    def _sync_log(self) -> None:
        try:
            # SQLite's own locks are not on this file, so that closing it here does not drop them
            log = os.open(self._folder / f"{NAME}-wal", os.O_RDWR | os.O_CLOEXEC)
            try:
                os.fdatasync(log)
            finally:
                os.close(log)
        except FileNotFoundError as error:
            if not (self._folder / NAME).exists():
                message = f"{self._folder / NAME} was removed while in use; restart eyespot"
                raise StorageError(message) from error
        except OSError as error:
            raise StorageError(f"cannot write {self._folder / NAME}: {one_line(error)}") from error

    def close(self) -> None:
        """Write everything into the one file, and let others use the folder."""
        with suppress(sqlite3.Error):
            self._connection.close()
        if self._lock is not None:
            os.close(self._lock)

    def _go_on_as(self, other: "Database") -> None:
        """Close, and be another database from now on."""
        Database.close(self)
        self._lock, self._connection, self.damage = other._lock, other._connection, other.damage  # noqa: SLF001 - our own

    def _write(self, change: Change) -> None:
        execute = self._connection.execute
        self._connection.executemany("DELETE FROM outbox WHERE id = ?", ((gone,) for gone in change.gone))
        for row in change.rows:
            payload = packed(row.payload, small=change.packs)
            execute("INSERT INTO outbox VALUES (?, ?, ?)", (row.id, row.topic, payload))
        for rule, state in change.snapshots.items():
            if state:  # an update in place: replacing a row would touch its index, too
                execute(
                    "INSERT INTO snapshots VALUES (?, ?) ON CONFLICT DO UPDATE SET state = excluded.state",
                    (rule, state),
                )
            else:
                execute("DELETE FROM snapshots WHERE rule = ?", (rule,))
        execute(
            "INSERT INTO numbers VALUES ('seq', ?)"
            " ON CONFLICT DO UPDATE SET value = excluded.value WHERE value < excluded.value",
            (change.seq,),
        )

    def _number(self, query: str) -> int:
        with self._working("read"):
            number: int = self._connection.execute(query).fetchone()[0]
            return number

    @contextmanager
    def _working(self, doing: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StorageError(f"cannot {doing} {self._folder / NAME}: {one_line(error)}") from error


def check_folder(folder: Path) -> None:
    """See whether a state folder can be used; it is made where it is missing.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        with TemporaryFile(dir=folder) as trial:
            trial.write(bytes(_TRIAL_BYTES))
            trial.flush()
    except OSError as error:
        raise StorageError(f"cannot use the state folder {folder}: {one_line(error)}") from error


def locked(folder: Path) -> int:
    """Return the descriptor that holds the folder for us, made where it is missing; it dies with the process.

    Raises:
        StorageError: the folder cannot be written, or somebody else holds it.
    """
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        # root opens it, too: the service's user must not lead it elsewhere
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(folder / _LOCK_NAME, flags, 0o640)
    except OSError as error:
        raise StorageError(f"cannot use the state folder {folder}: {one_line(error)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise FolderInUseError(
            f"another eyespot uses the state folder {folder}; stop it, or set [state] dir"
        ) from None
    return lock


def connect(path: Path | str) -> sqlite3.Connection:
    """Return a connection to a database of ours, made where it is missing, that any one thread may use.

    Raises:
        DamagedError: it is none of ours.
        sqlite3.OperationalError: there is no room, or no right.
    """
    # the store's thread uses what the main thread opened
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema = OFF")
        _prepare(connection)
    except sqlite3.OperationalError:  # no room, no right: the file is not to blame
        connection.close()
        raise
    except (sqlite3.DatabaseError, DamagedError) as error:
        connection.close()
        raise DamagedError(one_line(error)) from error
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _prepare(connection: sqlite3.Connection) -> None:
    if not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        script = (
            *_SCHEMA.values(),
            f"PRAGMA application_id = {_APPLICATION_ID}",
            f"PRAGMA user_version = {_VERSION}",
        )
        connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript("BEGIN;" + ";".join(script) + ";COMMIT")
    verify(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute("PRAGMA synchronous = NORMAL")


def has_log(folder: Path) -> bool:
    """Return whether something is in the log that is not in the database yet; raises OSError."""
    log = folder / f"{NAME}-wal"
    return log.exists() and log.stat().st_size > 0


@contextmanager
def opened_to_read(path: Path, *, immutable: bool) -> Iterator[sqlite3.Connection]:
    """Open a database that is whole and one that this version makes, and write nothing into it.

    Args:
        path: of the file.
        immutable: nobody writes to it, and its log is empty; then SQLite makes no file beside it.

    Raises:
        DamagedError, sqlite3.Error: as `verify`.
    """
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.execute("PRAGMA trusted_schema = OFF")
        verify(connection)
        yield connection


def verify(connection: sqlite3.Connection) -> None:
    """See whether a database is whole, and one that this version makes.

    Raises:
        DamagedError: it is not.
        sqlite3.Error: it is not even one, or cannot be read.
    """
    found = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    numbers = [
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if found != _SCHEMA or numbers != [_APPLICATION_ID, _VERSION]:
        raise DamagedError("it has other tables than this version of eyespot makes")
    state = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if state != "ok":
        raise DamagedError(state)


def put_aside(folder: Path) -> str:
    """Rename a damaged database; return its new name. Only a few such are kept: the oldest gives way."""
    names = [f"{NAME}.damaged-{number}" for number in range(1, _MOST_DAMAGED_KEPT + 1)]
    taken = [folder / name for name in names if (folder / name).exists()]
    free = next((name for name in names if folder / name not in taken), None)
    name = free or min(taken, key=lambda path: path.stat().st_mtime).name
    (folder / NAME).replace(folder / name)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            (folder / f"{NAME}{ending}").replace(folder / f"{name}{ending}")
    return name
