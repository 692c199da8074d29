"""The model slots: a folder of bundles, and one record that says which of them looks.

README.md beside this file tells in which order things are written, and what a start makes of a cut.
"""

import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Self

from eyespot.domain.errors import StoreError, one_line
from eyespot.trust.files import read_whole
from eyespot.trust.manifest import parse_manifest
from eyespot.trust.notes import Request, WorkerNote, bundle_of
from eyespot.trust.slots import Record, lose
from eyespot.update import commit, letters, parts, shelf
from eyespot.update.letters import Addressee

_BUNDLES, _STAGING, _TRASH, _PARTS = "bundles", "staging", "trash", "parts"
_FOLDERS = (_BUNDLES, _STAGING, _TRASH, _PARTS, *letters.FOLDERS)
_CURRENT = "current"
_PRIVATE, _SHARED, _FOR_READERS = 0o700, 0o770, 0o775
_MOST_MANIFEST_BYTES = 256 * 1024
_SPARE = 2

_log = logging.getLogger(__name__)


class Slots:
    """The folder of the model slots. Making one changes nothing: who only reads needs no more.

    Args:
        folder: all of it on one file system.
        utc_s: the time of day, for what recovery notes.
    """

    def __init__(self, folder: Path, utc_s: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self._utc_s = utc_s
        self._at_work = False

    @classmethod
    def open(cls, folder: Path, utc_s: Callable[[], float] = time.time) -> Self:
        """Return the slots, with what a power cut or a crash has left put in order.

        What cannot be put in order, because the disk is full or cannot be written, is logged: what is there
        can be read all the same.

        Raises:
            StoreError: there is no such folder, and none can be made.
        """
        slots = cls(folder, utc_s)
        slots._make_folders()
        slots._recover()
        return slots

    @property
    def record(self) -> Record:
        """The commit record, as it stands on the disk.

        Raises:
            StoreError: it is damaged or cannot be read; the factory model is to look.
        """
        return commit.read_record(self.folder)

    def change(self, transition: Callable[[Record], Record]) -> Record:
        """Make what a transition of `trust.slots` returns the record, and return it once that is on the disk.

        Raises:
            StoreError: the disk fails, or the lock is not to be had; the record stays.
            OutOfTurnError: the transition does not fit.
        """
        with commit.locked(self.folder):
            return self._change(transition)

    def bundle_folder(self, bundle: str) -> Path:
        """Return where a bundle is, or would be.

        Raises:
            StoreError: that is no bundle's id.
        """
        return self.folder / _BUNDLES / bundle_of(bundle)

    @contextmanager
    def working(self) -> Iterator[None]:
        """Be the only one who stages, installs and collects.

        Raises:
            StoreError: somebody else does.
        """
        if self._at_work:
            yield
            return
        with commit.locked(self.folder / _STAGING, patience_s=0):
            self._at_work = True
            try:
                yield
            finally:
                self._at_work = False

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Give an empty folder to put a bundle together in; what is left of it afterwards is removed.

        Raises:
            StoreError: the disk fails, or somebody else is at work.
        """
        with self.working():
            with commit.storing(self.folder / _STAGING):
                folder = Path(mkdtemp(dir=self.folder / _STAGING))
            try:
                yield folder
            finally:
                with _logged(OSError):
                    if folder.exists():
                        shelf.remove(folder)

    def install(self, folder: Path) -> str:
        """Move a checked bundle from staging into its place, for sure on the disk, and return its id.

        The same one that is there already is used again.

        Raises:
            ModelError: it has no manifest that can be used.
            StoreError: the disk fails, or another bundle of this id is in use.
        """
        manifest = parse_manifest(read_whole(folder / shelf.MANIFEST, _MOST_MANIFEST_BYTES))
        bundle = manifest.identity(()).bundle
        place = self.bundle_folder(bundle)
        with self.working(), commit.storing(place):
            if place.exists() and shelf.are_alike(folder, place):
                shelf.settle(place)
                return bundle
            if place.exists():
                self._refuse_in_use(bundle)
                shelf.move_out(place, self.folder / _TRASH)
            shelf.seal(folder)
            shelf.move_in(folder, place)
        return bundle

    def collect(self) -> None:
        """Remove bundles that nobody uses. One that cannot be removed is logged.

        Raises:
            StoreError: the record cannot be read, or somebody else is at work.
        """
        with self.working(), commit.storing(self.folder / _BUNDLES):
            in_use = self.record.in_use
            for place in sorted((self.folder / _BUNDLES).iterdir()):
                if place.name not in in_use:
                    with _logged(OSError):
                        shelf.move_out(place, self.folder / _TRASH)

    def need_room(self, bundle_bytes: int) -> None:
        """Make sure that a bundle fits twice: packed and unpacked.

        Raises:
            StoreError: it does not, or the disk cannot be asked.
        """
        with commit.storing(self.folder):
            status = os.statvfs(self.folder)
        free, need = status.f_bavail * status.f_frsize, bundle_bytes * _SPARE
        if free < need:
            raise StoreError(
                f"{self.folder} has {free // 1_000_000} MB free and the update needs {need // 1_000_000} MB; "
                "make room on that disk"
            )

    def part(self, url: str) -> Path:
        """Return the file that a download goes on in; it may be there already."""
        return parts.part(self.folder / _PARTS, url)

    def worker_note(self) -> WorkerNote | None:
        """Return what the update worker says of itself; None where it never ran.

        Raises:
            StoreError: it cannot be used.
        """
        return letters.read_worker_note(self.folder)

    def write_worker_note(self, note: WorkerNote) -> None:
        """Say it in the worker's name.

        Raises:
            StoreError: the disk fails; the note before stays.
        """
        letters.write_worker_note(self.folder, note)

    def post_request(self, to: Addressee, request: Request) -> None:
        """Leave a request; it is on the disk for sure when this returns.

        Raises:
            StoreError: the disk fails, or too many wait already.
        """
        letters.post(self.folder, to, request)

    def take_requests(self, to: Addressee) -> list[Request]:
        """Return the requests that wait, the oldest first, and remove them: each is tried once.

        Raises:
            StoreError: one cannot be removed; it would be done again and again.
        """
        return letters.take(self.folder, to)

    def _make_folders(self) -> None:
        with commit.storing(self.folder):
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            _make_folder(self.folder, _PRIVATE)
            # who gives the folder a group for all below it, as the installer does, wants it shared
            shared = self.folder.stat().st_mode & stat.S_ISGID
            for name in _FOLDERS:
                mode = _FOR_READERS if name == _BUNDLES else _SHARED
                _make_folder(self.folder / name, mode if shared else _PRIVATE)

    def _recover(self) -> None:
        with suppress(StoreError), self.working(), _logged(OSError):  # nothing where somebody works there
            self._wipe()
        with _logged(StoreError), commit.locked(self.folder):
            try:
                record = self.record
            except commit.DamagedError as error:
                _log.warning("%s", one_line(error))
                commit.set_record_aside(self.folder)
                record = Record()
            for bundle in sorted(record.in_use):
                if shelf.is_missing(self.bundle_folder(bundle)):
                    _log.warning("%s is missing in %s; what was good before looks", bundle, self.folder)
                    record = self._change(partial(lose, bundle=bundle, reason="missing", at_s=self._now_s()))
            self._point(record)

    def _wipe(self) -> None:
        for name in (_STAGING, _TRASH):
            for left in (self.folder / name).iterdir():
                with _logged(OSError):
                    shelf.remove(left)
        parts.tidy(self.folder / _PARTS, self._now_s())

    def _change(self, transition: Callable[[Record], Record]) -> Record:
        before = self.record
        after = transition(before)
        if after != before:
            commit.write_record(self.folder, after)
            self._point(after)
        return after

    def _now_s(self) -> int:
        return max(0, int(self._utc_s()))

    def _point(self, record: Record) -> None:
        """Let the link `current` tell people what looks; nothing reads it."""
        link = self.folder / _CURRENT
        wanted = None if record.current is None else f"{_BUNDLES}/{record.current}"
        with _logged(OSError):
            _relink(link, wanted)

    def _refuse_in_use(self, bundle: str) -> None:
        if bundle in self.record.in_use:
            raise StoreError(f"another {bundle} is in use already; release this one as a new version")


def _make_folder(folder: Path, mode: int) -> None:
    """Make a folder that has its mode at once: a chmod could be cut off, and the units forbid some."""
    before = os.umask(0o002)
    try:
        folder.mkdir(mode, exist_ok=True)
    finally:
        os.umask(before)


def _relink(link: Path, wanted: str | None) -> None:
    is_one = link.is_symlink()
    if wanted == (str(link.readlink()) if is_one else None):
        return
    if wanted is None:
        link.unlink()
        return
    new = link.with_name(f".{link.name}.new")
    new.unlink(missing_ok=True)
    new.symlink_to(wanted)
    new.replace(link)


@contextmanager
def _logged(kind: type[Exception]) -> Iterator[None]:
    """Go on where that fails: it is worth no failure."""
    try:
        yield
    except kind as error:
        _log.warning("%s", one_line(error))
