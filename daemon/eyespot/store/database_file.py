"""The file of the database: locked, opened, looked through, put aside where it is damaged."""

import fcntl
import os
import sqlite3
import struct
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from eyespot.domain.errors import StorageError, one_line

NAME = "eyespot.db"
_LOCK_NAME = "eyespot.lock"
_MOST_DAMAGED_KEPT = 3
BUSY_S = 1.0
_PAGE_BYTES = 512  # a row that changes is a page written, and rows are short
_TRIAL_BYTES = 65_536
_CHECKPOINT_PAGES = 2_000
_PARTS = ("", "-wal", "-shm")  # endings of the names of its files
_LOG_HEADER_BYTES = 32
_BYTE_ORDERS = {b"\x37\x7f\x06\x82": "<", b"\x37\x7f\x06\x83": ">"}  # of what its checksum adds up
_WORD = 0xFFFF_FFFF
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


class ReplacedError(StorageError):
    """The database was removed, or has another in its place: what is written goes nowhere."""


class SpoiledError(StorageError):
    """The database was damaged while in use."""


class FolderInUseError(StorageError):
    """Another process keeps its counts in the state folder."""


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


def passes_over_log(folder: Path) -> str:
    """Return why SQLite would not use what is in the log, of which it says nothing; empty where it would.

    Raises:
        DamagedError: the file that the log belongs to is empty; SQLite would delete the log.
        OSError: it cannot be read.
    """
    file, log = folder / NAME, folder / f"{NAME}-wal"
    if not (file.is_file() and log.is_file()) or log.stat().st_size <= _LOG_HEADER_BYTES:
        return ""
    if file.stat().st_size == 0:
        raise DamagedError("the file is empty, and its log is not")
    with log.open("rb") as kept:
        return "" if _is_log(kept.read(_LOG_HEADER_BYTES)) else "its log does not begin as one"


def _is_log(header: bytes) -> bool:
    """Whether this begins a log (sqlite.org/fileformat2.html#walformat), or never came to the disk."""
    order = _BYTE_ORDERS.get(header[:4])
    if order is None:
        return not any(header)
    first = second = 0
    for even, odd in struct.iter_unpack(f"{order}2I", header[:24]):
        first = (first + even + second) & _WORD
        second = (second + odd + first) & _WORD
    return struct.unpack(">2I", header[24:]) == (first, second)


@contextmanager
def opened_to_read(path: Path, *, immutable: bool, whole: bool = True) -> Iterator[sqlite3.Connection]:
    """Open a database that is whole and one that this version makes, and write nothing into it.

    Args:
        path: of the file.
        immutable: nobody writes to it, and its log is empty; then SQLite makes no file beside it.
        whole: see whether it is; False where that was seen before.

    Raises:
        DamagedError, sqlite3.Error: as `verify`.
    """
    address = f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if immutable else ''}"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = _text
        connection.execute("PRAGMA trusted_schema = OFF")
        if whole:
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


def put_aside(folder: Path, parts: Sequence[str] = _PARTS, beside: str = "") -> str:
    """Rename what is damaged; return its new name. Only a few such are kept: the oldest gives way.

    Args:
        folder: of the database.
        parts: which of its files, by what their names end with.
        beside: the name of what of it was put aside before.
    """
    name = beside or _name_aside(folder)
    for part in parts:
        with suppress(FileNotFoundError):
            (folder / f"{NAME}{part}").replace(folder / f"{name}{part}")
    return name


def _name_aside(folder: Path) -> str:
    """Return a name that is free, or made so."""
    names = [f"{NAME}.damaged-{number}" for number in range(1, _MOST_DAMAGED_KEPT + 1)]
    kept = {name: [file for part in _PARTS if (file := folder / f"{name}{part}").exists()] for name in names}
    free = next((name for name in names if not kept[name]), None)
    name = free or min(names, key=lambda name: max(file.stat().st_mtime for file in kept[name]))
    for file in kept[name]:
        file.unlink()
    return name
