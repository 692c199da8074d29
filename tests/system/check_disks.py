"""Disks that are full, read-only or damaged, stores at their bounds, a clock that jumps: what is lost?

python check_disks.py [CASE...]   three minutes, as root; PYTHONPATH=tests, a mosquitto
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from check_losses import write_street

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.store.database_file import NAME
from fakes.daemon import Daemon, Ear, write_config
from fakes.link import Link
from fakes.waiting import until

DISK_BYTES = 2_000_000
LONG = "a-rule-whose-name-is-as-long-as-may-be-so-that-little-is-much-x"
DEEP = "a-prefix-of-many-letters/" * 4 + "v1"
LIVES_AT_BOUND = 8
BACKLOG_S = 90.0
A_DAY_S = 86_400
MOST_COPIES = 40  # 20 for a cut, 20 for a kill
JUMPING = Path(__file__).parents[1] / "fakes/jumping"


class UnavailableError(Exception):
    """This machine does not let us try."""


@dataclass(frozen=True)
class Outcome:
    """What one case cost.

    Attributes:
        events: that a subscriber knows of.
        lost: of which it was not told that they are missing.
        disorder: how often an older one came for the first time after a newer one.
        copies: that came once more.
        said: in words.
    """

    events: int
    lost: int
    disorder: int
    copies: int
    said: str


class Street:
    """A daemon that counts twelve people a second, the way to its broker, and somebody who hears all."""

    def __init__(
        self, folder: Path, stack: ExitStack, *, state: Path | None = None, pace: str = "real"
    ) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        mosquitto = stack.enter_context(LocalMosquitto())
        self.link = stack.enter_context(Link(mosquitto.port))
        self.ear = Ear()
        stack.enter_context(Listener(mosquitto.url, "#", self.ear))
        street = write_street(folder / "street.jsonl")
        camera = {"source": "replay", "file": str(street), "pace": pace, "loop": pace == "real"}
        self.rule = LONG if pace == "fast" else "door"
        line = {"kind": "line", "id": self.rule, "a": [0.5, 1.0], "b": [0.5, 0.0]}
        self.config = write_config(folder, camera=camera, url=self.link.url, rules=(line,), state=self.state)

    @contextmanager
    def life(self, **environment: str) -> Iterator[Daemon]:
        with Daemon(self.config, **environment) as daemon:
            until(daemon.ready, "READY=1")
            yield daemon

    def end(self) -> None:
        """Let a last life end in peace."""
        with self.life() as daemon:
            self.count(10)
            stop(daemon, signal.SIGTERM)

    def count(self, more: int) -> None:
        """Wait until so many more events have come."""
        before = len(self.events())
        until(lambda: len(self.events()) >= before + more, f"{more} more events")

    def says(self, state: str) -> bool:
        return any(one["name"] == state for one in self.ear.newest("/health").get("states", []))

    def events(self) -> list[dict[str, Any]]:
        """Return what has a number, in the order in which it came."""
        heard = [one for one in list(self.ear.heard) if one.topic.endswith(("/event", "/dropped"))]
        return [json.loads(one.payload) for one in heard]

    def is_up_to_date(self) -> bool:
        """Whether all that was counted has come, but for what is under way."""
        events = self.events()
        return bool(events) and events[-1]["seq"] > self.total() - 3

    def total(self) -> int:
        """Return how many the totals have."""
        counts = self.ear.newest(f"/{self.rule}/state")["counts"]
        return sum(total for ways in counts.values() for total in ways.values())

    def outcome(self, said: str) -> Outcome:
        """Judge what came, where all lives go on from each other."""
        return judged(self.events(), self.total(), said)


def judged(events: list[dict[str, Any]], total: int, said: str) -> Outcome:
    firsts: dict[int, dict[str, Any]] = {}
    for event in events:
        if firsts.setdefault(event["seq"], event) != event:
            raise AssertionError(f"event {event['seq']} came twice, and differs")
    gone: set[int] = set()
    for event in firsts.values():
        if event["kind"] == "dropped":
            gone |= set(range(event["from"], event["to"] + 1))
    came = {number for number, event in firsts.items() if event["kind"] != "dropped"}
    if came & gone:
        raise AssertionError(f"{len(came & gone)} are said to be missing, and came")
    numbers = list(firsts)
    known = came | gone
    if total != len(known):
        raise AssertionError(f"the totals say {total}, and {len(known)} events are known of")
    lost = len(set(range(1, max(numbers) + 1)) - known)
    disorder = sum(before > after for before, after in pairwise(numbers))
    return Outcome(len(known), lost, disorder, len(events) - len(firsts), said)


def stop(daemon: Daemon, number: signal.Signals) -> None:
    daemon.signal(number)
    daemon.wait()


@contextmanager
def disk(folder: Path, size: int = DISK_BYTES) -> Iterator[Path]:
    """Yield a small file system in memory."""
    folder.mkdir()
    if os.geteuid():
        raise UnavailableError("only root can mount a file system")
    options = f"size={size}"
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "eyespot-test", folder], check=False
    ).returncode:
        raise UnavailableError("nothing can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def remount(folder: Path, mode: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{mode}", folder], check=True)


def fill(file: Path) -> None:
    """Leave no room on a disk."""
    with file.open("wb", buffering=0) as filler:
        try:
            while filler.write(bytes(4096)):
                pass
        except OSError:
            return


# --- the cases ----------------------------------------------------------------------------------------------


def full(folder: Path, stack: ExitStack) -> Outcome:
    """No room for some seconds, twice: once with a broker and once without, so that events wait in memory."""
    small = stack.enter_context(disk(folder / "disk"))
    street = Street(folder, stack, state=small / "state")
    with street.life() as daemon:
        street.count(20)
        for way in ("there", "away"):
            fill(small / "filler")
            until(lambda: street.says("storage_failed"), "storage_failed")
            if way == "there":
                street.count(30)
            else:
                street.link.cut("reset")
                time.sleep(4)
            (small / "filler").unlink()
            street.link.mend()
            until(lambda: not street.says("storage_failed"), "all is well again")
        stop(daemon, signal.SIGKILL)
    street.end()
    return street.outcome("`storage_failed` while it is full; a kill -9 after that")


def read_only(folder: Path, stack: ExitStack) -> Outcome:
    """Killed with a backlog, read-only when it starts again, writable after a while, killed again."""
    small = stack.enter_context(disk(folder / "disk"))
    street = Street(folder, stack, state=small / "state")
    with street.life() as daemon:
        street.count(20)
        street.link.cut("reset")
        time.sleep(2)
        stop(daemon, signal.SIGKILL)
    remount(small, "ro")
    street.link.mend()
    with street.life() as daemon:
        until(lambda: street.says("storage_failed"), "storage_failed")
        street.count(30)
        remount(small, "rw")
        until(lambda: not street.says("storage_failed"), "all is well again")
        stop(daemon, signal.SIGKILL)
    street.end()
    return street.outcome("`storage_failed` while it is read-only; a kill -9 before and after")


def damaged(folder: Path, stack: ExitStack) -> Outcome:
    """Garbage where the database was: it is put aside, numbers begin anew, and so does `boot_id`."""
    street = Street(folder, stack)
    with street.life() as daemon:
        street.count(20)
        stop(daemon, signal.SIGKILL)
    before = len(street.events())
    for file in (street.state / NAME, street.state / f"{NAME}-wal"):  # either alone may mend the other
        file.write_bytes(os.urandom(file.stat().st_size))
    with street.life() as daemon:
        until(lambda: street.says("store_damaged"), "store_damaged")
        street.count(20)
        stop(daemon, signal.SIGTERM)
    if not (street.state / f"{NAME}.damaged-1").exists():
        raise AssertionError("the damaged file is not kept")
    events = street.events()
    lives = {event["boot_id"] for event in events[before:]}
    after = [event for event in events if event["boot_id"] == events[-1]["boot_id"]]
    if lives & {event["boot_id"] for event in events[:before]}:
        raise AssertionError("numbers begin anew under a boot_id that was there before")
    said = "`store_damaged`; the file is kept, totals and `seq` begin anew under another `boot_id`"
    return judged(after, street.total(), said)


def bound(folder: Path, stack: ExitStack) -> Outcome:
    """More events than `outbox_mb = 1` holds, while the broker is away; then all that is left comes."""
    street = Street(folder, stack, pace="fast")
    text = street.config.read_text().replace("[state]\n", "[state]\noutbox_mb = 1\n")
    return overfull(street, text)


def filled(folder: Path, stack: ExitStack) -> Outcome:
    """The same on a disk that has less room than that, and nothing else on it."""
    small = stack.enter_context(disk(folder / "disk", DISK_BYTES // 2))
    street = Street(folder, stack, state=small / "state", pace="fast")
    return overfull(street, street.config.read_text())


def overfull(street: Street, text: str) -> Outcome:
    text = text.replace("[mqtt]\n", f'[mqtt]\nprefix = "{DEEP}"\n')
    street.config.write_text(text)
    street.link.cut("reset")
    for _ in range(LIVES_AT_BOUND):
        with street.life() as daemon:
            daemon.wait(60)
    street.link.mend()
    street.config.write_text(text.replace('pace = "fast"', 'pace = "real"'))
    with street.life() as daemon:
        until(street.is_up_to_date, "all that waited has come", BACKLOG_S)
        if street.says("storage_failed"):
            raise AssertionError("the disk was filled")
        stop(daemon, signal.SIGKILL)
    street.end()
    gone = [event for event in street.events() if event["kind"] == "dropped"]
    if not gone:
        raise AssertionError(f"nothing gave way of {len(street.events())}")
    missing = sum(event["to"] + 1 - event["from"] for event in gone)
    said = f"`dropped` speaks of {missing}, just those that did not come"
    return street.outcome(f"{said}; totals are right; a kill -9 after that")


def clock(folder: Path, stack: ExitStack) -> Outcome:
    """A day ahead, then two days back, with a broker and without."""
    hand = folder / "hand"
    hand.write_text("0")
    street = Street(folder, stack)
    path = f"{JUMPING}:{os.environ['PYTHONPATH']}"
    with street.life(PYTHONPATH=path, EYESPOT_HAND=str(hand)) as daemon:
        for jump_s in (A_DAY_S, -A_DAY_S):
            street.count(20)
            street.link.cut("reset")
            time.sleep(1)
            hand.write_text(str(jump_s))
            time.sleep(1)
            street.link.mend()
            street.count(30)
        stop(daemon, signal.SIGTERM)
    days = Counter(event["t"][:10] for event in street.events())
    if len(days) < 3:
        raise AssertionError(f"the clock did not jump: {dict(days)}")
    return street.outcome("`t` jumps with it; `seq` tells the order")


CASES: dict[str, Callable[[Path, ExitStack], Outcome]] = {
    "full disk": full,
    "read-only disk": read_only,
    "damaged file": damaged,
    "store at its bound": bound,
    "store fills a disk": filled,
    "clock jumps": clock,
}


def tried(name: str) -> tuple[str, bool]:
    """Return a row of the table, or why there is none, and whether it is as it should be."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        try:
            found = CASES[name](Path(folder), stack)
        except UnavailableError as error:
            return f"SKIP {name}: {error}", True
        except AssertionError as error:
            return f"FAILED {name}: {error}", False
    row = f"| {name} | {found.events} | {found.lost}, {found.disorder} | {found.copies} | {found.said} |"
    return row, not (found.lost or found.disorder or found.copies > MOST_COPIES)


def main(names: list[str]) -> int:
    """Return an exit code."""
    rows = []
    for name in names or CASES:
        begun = time.monotonic()
        rows.append(tried(name))
        sys.stderr.write(f"{name}: {time.monotonic() - begun:.0f} s\n")
    sys.stdout.write("\n".join(row for row, _ in rows) + "\n")
    return 0 if all(good for _, good in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
