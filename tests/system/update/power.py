"""The model slots when the power goes: after every write to the disk, and with the last writes in any order.

python tests/system/update/power.py, with PYTHONPATH=tests, as root; a table comes out. Needs loop devices,
FUSE, qemu-storage-daemon and mkfs.ext4. Each step that is acknowledged is stamped with the writes until
then: a disk that has had them must hold the step.
"""

import logging
import os
import random
import stat
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from io import FileIO
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory
from typing import NamedTuple
from unittest.mock import patch

import pytest
from blocks import State, Write, logged, make_ext4, mounted, prefixes, reordered

from eyespot.domain.errors import EyespotError, StoreError, one_line
from eyespot.trust.slots import Floor, raise_floor
from eyespot.update.slots import Slots
from fakes.slot_life import Life

_CANNOT = 77
_ORDERS_EACH = 8
_FINISHED_EACH = 10
_FAULTS_SHOWN = 3
_MOST_S = 400
_ORDINARY = "rw"
_BARE = "noauto_da_alloc"  # without what ext4 does for programs that rename a file and do not sync it
_LOST_SYNCS: tuple[tuple[str, str, Callable[[int], bool]], ...] = (
    (_ORDINARY, "folder", stat.S_ISDIR),
    (_BARE, "file", stat.S_ISREG),
    (_BARE, "file and no folder", lambda _: True),
)


class Lived(NamedTuple):
    """A life that was logged.

    Attributes:
        told: after how many writes each step was acknowledged.
    """

    before: bytes
    writes: list[Write]
    told: list[int]

    def states(self) -> Iterator[State]:
        """Return the disk after each write."""
        return prefixes(self.before, self.writes, self.told)

    def orders(self) -> Iterator[State]:
        """Return disks with the last writes in any order."""
        return reordered(self.before, self.writes, random.Random(5), _ORDERS_EACH)


class Trial:
    """Cuts the power of a life.

    Args:
        scratch: a folder for disks.
    """

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._life = Life(scratch / "bundles")
        self._deadline = time.monotonic() + _MOST_S

    def why_not(self) -> str | None:
        """Return why it cannot be tried here; None where it can."""
        try:
            with logged(self._scratch, _ORDINARY):
                return None
        except OSError as error:
            return str(error)

    def live(self, options: str, is_lost: Callable[[int], bool] = lambda _: False) -> Lived:
        """Do it all, on a disk with these options of mount(8); syncs of what has some modes are left out."""
        told: list[int] = []
        with logged(self._scratch, options) as disk, _syncs_lost(is_lost):
            self._life.live(disk.folder / "models", 0, lambda _: told.append(len(disk.writes())))
        return Lived(disk.before, disk.writes(), told)

    def bad_states(self, what: str, lived: Lived, states: Iterable[State]) -> list[str]:
        """Start on each disk, say how many are bad, and return what is wrong with them."""
        tried, faults = 0, list[str]()
        for tried, state in enumerate(states, 1):
            faults += self._faults(state, lived, finish=tried % _FINISHED_EACH == 0)
            if time.monotonic() > self._deadline:
                print(f"  no time for the rest: {_MOST_S} s are over")
                break
        print(f"  {what}: {len(faults)} bad of {tried}", flush=True)
        return faults

    def _faults(self, state: State, lived: Lived, *, finish: bool) -> list[str]:
        done = sum(index <= state.index for index in lived.told)
        # a file of its own: a loop device is let go of late, and mount takes one that has the file already
        with NamedTemporaryFile(dir=self._scratch) as image:
            image.write(state.image)
            image.flush()
            try:
                with mounted(Path(image.name), self._scratch / "mnt") as folder:
                    done = self._life.judge(folder / "models", done)
                    if finish:
                        self._life.finish(folder / "models", done)
            except (AssertionError, EyespotError, OSError) as error:
                return [one_line(error)]
        return []

    def fill(self) -> None:
        """Fill the disk, then write-protect it: what looks stays, and what is tried is refused in one line.

        Raises:
            AssertionError: otherwise.
        """
        image = self._scratch / "full"
        make_ext4(image)
        floor = partial(raise_floor, floor=Floor(targets=1))
        with mounted(image, self._scratch / "mnt") as folder:
            models, filler = folder / "models", folder / "filler"
            self._life.live(models)
            before = Slots(models).record
            _fill(filler)
            _is_refused(lambda: self._life.live(models))
            assert Slots.open(models).record == before
            filler.unlink()
            assert Slots.open(models).change(floor).floor.targets == 1
        with mounted(image, self._scratch / "mnt", "ro") as folder:
            slots = Slots.open(folder / "models")
            assert slots.record.current == before.current
            _is_refused(lambda: slots.change(partial(raise_floor, floor=Floor(targets=2))))
        print("  on a full disk, and on one that is write-protected: refused in one line, what looks stays")


def main() -> int:
    """Return 0 where all went well, 1 where not, 77 where it cannot be tried here."""
    logging.disable()
    with TemporaryDirectory(dir="/dev/shm") as name:
        trial = Trial(Path(name))
        reason = trial.why_not()
        if reason is not None:
            print(f"SKIP power cuts of the model slots: {reason}")
            return _CANNOT
        bad = list[str]()
        for options in (_ORDINARY, _BARE):
            lived = trial.live(options)
            flushes = sum(write.is_flush for write in lived.writes)
            print(f"  {options}: {len(lived.writes)} entries, {flushes} of them flushes", flush=True)
            bad += trial.bad_states("after each write", lived, lived.states())
            bad += trial.bad_states("with the last in any order", lived, lived.orders())
        trial.fill()
        caught = []
        for options, what, is_lost in _LOST_SYNCS:
            lived = trial.live(options, is_lost)
            caught.append(trial.bad_states(f"if no {what} was synced, {options}", lived, lived.states()))
    for fault, times in Counter(bad).most_common(_FAULTS_SHOWN):
        print(f"FAILED: {times} times: {fault}")
    if not all(caught):
        print("FAILED: slots that do not sync pass too")
    return 1 if bad or not all(caught) else 0


@contextmanager
def _syncs_lost(is_lost: Callable[[int], bool]) -> Iterator[None]:
    sync = os.fsync

    def perhaps(handle: int) -> None:
        if not is_lost(os.fstat(handle).st_mode):
            sync(handle)

    with patch.object(os, "fsync", perhaps):
        yield


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            with pytest.raises(OSError, match="No space left"):
                _write_forever(file, bytes(size))


def _write_forever(file: FileIO, data: bytes) -> None:
    while True:
        file.write(data)


def _is_refused(act: Callable[[], object]) -> None:
    with pytest.raises(StoreError) as caught:
        act()
    assert "\n" not in str(caught.value)


if __name__ == "__main__":
    sys.exit(main())
