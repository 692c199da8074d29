"""A database on its way to another machine: copied while it is in use, looked into, put into place."""

import hashlib
import itertools
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from eyespot.domain.errors import InputError, StorageError, one_line
from eyespot.domain.paths import is_file
from eyespot.domain.placing import Owner, keep, put
from eyespot.store.database import COUNT, SNAPSHOTS
from eyespot.store.database_file import (
    BUSY_S,
    NAME,
    DamagedError,
    has_log,
    locked,
    opened_to_read,
    put_aside,
)
from eyespot.store.numbering import Numbering


@dataclass(frozen=True, slots=True)
class Contents:
    """What a database holds.

    Attributes:
        seq: number of the newest durable message.
        waiting: how many of them the broker does not have yet.
        snapshots: rule id -> its state.
    """

    seq: int
    waiting: int
    snapshots: Mapping[str, bytes]


def copy_database(folder: Path, copy: Path) -> Contents:
    """Copy the database of a state folder as it is at one instant, in use or not, into a new file.

    Raises:
        StorageError: there is none, it is damaged, or the copy cannot be written.
    """
    source = folder / NAME
    if not is_file(source, StorageError):
        raise StorageError(f"there is no {source}; nothing was counted yet, or [state] dir is another folder")
    address = f"{source.absolute().as_uri()}?mode=ro"
    try:
        with (
            closing(sqlite3.connect(address, uri=True, timeout=BUSY_S)) as live,
            closing(sqlite3.connect(copy, isolation_level=None)) as new,
        ):
            new.execute("PRAGMA synchronous = OFF")
            live.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        return _contents(copy)
    except sqlite3.OperationalError as error:
        raise StorageError(f"cannot copy {source}: {one_line(error)}; make room, or ask as root") from error
    except (sqlite3.DatabaseError, DamagedError) as error:
        advice = "restart eyespot, which puts it aside"
        raise StorageError(f"{source} is damaged: {one_line(error)}; {advice}") from error


def look_into(copy: Path) -> Contents:
    """Return what a copy holds; nothing is written beside it.

    Raises:
        InputError: it is damaged, or of another version of eyespot.
    """
    try:
        return _contents(copy)
    except (sqlite3.Error, DamagedError) as error:
        advice = "restore it with the version of eyespot that made it, or take another backup"
        raise InputError(f"the database in it cannot be used: {one_line(error)}; {advice}") from error


@contextmanager
def held(folder: Path, owner: Owner) -> Iterator[None]:
    """Keep everybody else from using a state folder.

    Raises:
        StorageError: somebody uses it, or it cannot be written.
    """
    lock = locked(folder)
    try:
        os.fchown(lock, *owner)  # the service has to lock it later
        yield
    finally:
        os.close(lock)


def replace_database(folder: Path, new: Path) -> Path | None:
    """Put a copy into the place of the database of a state folder that is held.

    There is a database at any instant, unless the one of before is damaged: that is put aside.

    Returns:
        Where the one of before is kept; None where there was none, or the same.

    Raises:
        StorageError: the one of before stays in place.
    """
    database = folder / NAME
    try:
        if _same(database, new):
            new.unlink()
            return None
        _close_log(folder)
        kept = _keep(database)
        put(new, database)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(f"cannot replace {database}: {one_line(error)}; see to the disk") from error
    return kept


def _contents(path: Path) -> Contents:
    with opened_to_read(path, immutable=True) as connection:  # it belongs to us alone
        (waiting,) = connection.execute(COUNT).fetchone()
        return Contents(Numbering.read(connection).seq, waiting, dict(connection.execute(SNAPSHOTS)))


def _same(database: Path, new: Path) -> bool:
    """Return whether a copy is in place already, as after a restore that was cut off."""
    if not database.exists() or has_log(database.parent):
        return False
    return sha256(database) == sha256(new)


def sha256(path: Path) -> str:
    """Return the digest of a file, in hex; raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _close_log(folder: Path) -> None:
    """Write what is in the log into the database: to another one it would be poison."""
    log = folder / f"{NAME}-wal"
    if not log.exists():
        return
    try:
        with closing(sqlite3.connect(folder / NAME, timeout=BUSY_S, isolation_level=None)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        put_aside(folder)
    if has_log(folder):
        raise StorageError(f"{log} is in use; see who reads the database, and try again")


def _keep(database: Path) -> Path | None:
    """Give the database a second name that is free, or that it has already."""
    if not database.exists():
        return None
    names = (database.with_name(f"{NAME}.before-{number}") for number in itertools.count(1))
    second = next(name for name in names if not name.exists() or name.samefile(database))
    if not second.exists():
        keep(database, second.name)
    return second
