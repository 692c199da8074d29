"""state.json, the commit record on the disk: replaced as a whole, with a checksum, one writer at a time."""

import fcntl
import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated

import msgspec

from eyespot.domain.errors import StoreError, foreign, one_line
from eyespot.domain.paths import read_small
from eyespot.domain.placing import put, staged
from eyespot.trust.slots import Record

NAME = "state.json"
FOR_ALL = 0o644
_MOST_BYTES = 256 * 1024
_PATIENCE_S = 10.0
_LOOK_AGAIN_S = 0.05

_Sha256 = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]


class DamagedError(StoreError):
    """The record is there and is none."""


class _Sealed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file: the record, and the sha256 of its bytes as they stand there."""

    sha256: _Sha256
    record: msgspec.Raw


@contextmanager
def storing(what: Path) -> Iterator[None]:
    """Raise StoreError where the disk fails."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or one_line(error)
        raise StoreError(f"cannot write {what}: {reason}; the model that looks goes on") from error


@contextmanager
def locked(folder: Path, patience_s: float = _PATIENCE_S) -> Iterator[None]:
    """Be the only one to write, until the block ends or this process does.

    The folder itself is what is locked: a file for it would have to be made, with the right mode, by whoever
    comes first, and could be cut off in between.

    Raises:
        StoreError: somebody else is, for longer than the patience, in s; or the folder cannot be opened.
    """
    with storing(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with storing(folder):
            is_ours = _take(handle, patience_s)
        if not is_ours:
            raise StoreError(f"another process writes to {folder}; try again when it has ended")
        yield
    finally:
        os.close(handle)


def read_record(folder: Path) -> Record:
    """Return the record; the first one where there is no file.

    Raises:
        DamagedError: it is not what was written.
        StoreError: it cannot be read.
    """
    path = folder / NAME
    data = read_small(path, _MOST_BYTES)
    if data is None:
        if not os.path.lexists(path):
            return Record()
        raise StoreError(f"cannot read {path}; look who may")
    try:
        sealed = msgspec.json.decode(data, type=_Sealed)
        if hashlib.sha256(sealed.record).hexdigest() == sealed.sha256:
            return msgspec.json.decode(sealed.record, type=Record)
        reason = "its checksum does not fit"
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        reason = one_line(error)
    raise DamagedError(f"{path} is damaged: {reason}; the factory model looks, install others anew")


def encode(value: msgspec.Struct) -> bytes:
    """Return what can be read again, as the types have it: making a value does not check it.

    Raises:
        StoreError: it could not be; nothing was written.
    """
    data = msgspec.json.encode(value)
    with foreign(StoreError, "this is not written, as nobody could read it"):
        msgspec.json.decode(data, type=type(value))
    return data


def set_record_aside(folder: Path) -> None:
    """Let there be no record, and keep the damaged one for whoever wants to look; the lock must be held.

    Raises:
        StoreError: the disk fails.
    """
    path = folder / NAME
    with storing(path):
        put(path, path.with_name(f"{NAME}.damaged"))


def write_record(folder: Path, record: Record) -> None:
    """Make it the record; the lock must be held. It is on the disk for sure when this returns.

    Raises:
        StoreError: the disk fails; what was the record is it again.
    """
    path = folder / NAME
    encoded = encode(record)
    data = msgspec.json.encode(_Sealed(hashlib.sha256(encoded).hexdigest(), msgspec.Raw(encoded)))
    before = read_small(path, _MOST_BYTES)
    with storing(path):
        new = staged(path, data, FOR_ALL)
        try:
            put(new, path)
        except OSError:
            with suppress(OSError):
                _undo(new, path, before)
            raise


def _undo(new: Path, path: Path, before: bytes | None) -> None:
    """The rename may be done and only its way to the disk have failed: nobody may act on that."""
    new.unlink(missing_ok=True)
    if before is None:
        path.unlink(missing_ok=True)
    else:
        staged(path, before, FOR_ALL).replace(path)


def _take(handle: int, patience_s: float) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_LOOK_AGAIN_S)
        else:
            return True
