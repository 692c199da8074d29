"""What body, update worker and command line leave for each other beside the slots: `trust.notes` on disk."""

import logging
import os
import time
from pathlib import Path
from typing import Literal

from eyespot.domain.errors import StoreError, one_line
from eyespot.domain.paths import read_small
from eyespot.domain.placing import put, staged
from eyespot.trust.notes import MOST_BYTES, Request, WorkerNote, parse_request, parse_worker_note
from eyespot.update.commit import FOR_ALL, encode, locked, storing

Addressee = Literal["worker", "body"]

MOST_WAITING = 32
_REQUESTS = "requests"
FOLDERS = (_REQUESTS, f"{_REQUESTS}/worker", f"{_REQUESTS}/body")
_NOTE = "worker.json"

_log = logging.getLogger(__name__)


def read_worker_note(folder: Path) -> WorkerNote | None:
    """Return what the update worker says of itself; None where it never ran.

    Raises:
        StoreError: it cannot be used.
    """
    data = read_small(folder / _NOTE, MOST_BYTES)
    return None if data is None else parse_worker_note(data)


def write_worker_note(folder: Path, note: WorkerNote) -> None:
    """Say it in the worker's name.

    Raises:
        StoreError: the disk fails; the note before stays.
    """
    path = folder / _NOTE
    with storing(path):
        put(staged(path, encode(note), FOR_ALL), path)


def post(folder: Path, to: Addressee, request: Request) -> None:
    """Leave a request; it is on the disk for sure when this returns.

    Raises:
        StoreError: the disk fails, or too many wait already.
    """
    box = folder / _REQUESTS / to
    name = f"{time.time_ns():020}-{os.urandom(4).hex()}.json"
    with storing(box), locked(box.parent):
        if len(list(box.iterdir())) >= MOST_WAITING:
            raise StoreError(f"{MOST_WAITING} requests wait in {box}; see whether the {to} runs")
        # made beside the box: whoever watches it finds whole requests only
        put(staged(box.parent / to, encode(request), FOR_ALL), box / name)


def take(folder: Path, to: Addressee) -> list[Request]:
    """Return the requests that wait, the oldest first, and remove them: each is tried once.

    Raises:
        StoreError: one cannot be removed; it would be done again and again.
    """
    box = folder / _REQUESTS / to
    requests = []
    with storing(box):
        for path in sorted(box.iterdir()):
            data = read_small(path, MOST_BYTES)
            path.unlink()
            try:
                requests.append(parse_request(data or b""))
            except StoreError as error:
                _log.warning("%s: %s", path.name, one_line(error))
    return requests
