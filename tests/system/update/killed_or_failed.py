"""The model slots, killed at every call to the system, and with a disk that fails at each: strace does both.

python tests/system/update/killed_or_failed.py, with PYTHONPATH=tests; prints tables. Needs strace, and
leave to trace processes.
"""

import logging
import os
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tracing import Point, Work, killed, points, tampered, why_not

from eyespot.domain.errors import ModelError, StoreError
from eyespot.update.slots import Slots
from fakes.slot_life import Cuts, Life

_REFUSED = 3
_WRITES = {"openat", "write", "fsync", "rename", "mkdir", "symlink"}
_NOT_OF_THE_DISK = {"close", "exit_group", "fcntl", "getpid", "getrandom", "ioctl", "umask"}


def main() -> int:
    """Return 0 where all went well, 77 where it cannot be tried here."""
    reason = why_not()
    if reason is not None:
        print(f"SKIP the model slots under strace: {reason}")
        return 77
    with TemporaryDirectory(dir=_memory()) as name:
        folder = Path(name)
        life = Life(folder)
        _table("killed at each call to the system", life.cut_everywhere(folder, points, killed))
        for error, of_the_disk in (("EIO", _asks), ("ENOSPC", _writes)):
            failing = partial(_fails, folder / "left", f"error={error}")
            _table(f"{error} at each call to the disk", life.cut_everywhere(folder, of_the_disk, failing))
    return 0


def _memory() -> Path | None:
    """Return a folder in memory: who is killed loses nothing that is written, so no disk is waited for."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() else None


def _writes(work: Work) -> list[Point]:
    return [point for point in points(work) if point.call in _WRITES]


def _asks(work: Work) -> list[Point]:
    return [point for point in points(work) if point.call not in _NOT_OF_THE_DISK and "map" not in point.call]


def _fails(left: Path, how: str, point: Point, work: Work) -> bool:
    """Let a call fail; return whether the work then refused, with one line, and left the record alone."""
    before = Slots(left).record
    code = tampered(point, how, partial(_refused, work))
    assert code in {0, _REFUSED}, f"{point}: it ended with {code}"
    if code == _REFUSED:
        assert Slots(left).record == before, f"{point}: it refused, but the record is another"
    return code == _REFUSED


def _refused(work: Work) -> None:
    logging.disable()
    try:
        work()
    except (StoreError, ModelError) as error:
        os._exit(1 if "\n" in str(error) else _REFUSED)


def _table(what: str, steps: Iterable[Cuts]) -> None:
    counted = list(steps)
    tried, cut = sum(step.points for step in counted), sum(step.cut for step in counted)
    print(f"  {what}: 0 bad of {tried}; {cut} came to no end")
    print("    " + ", ".join(f"{step.step} {step.points}" for step in counted), flush=True)


if __name__ == "__main__":
    sys.exit(main())
