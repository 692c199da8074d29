"""Eight hours of a whole body within five minutes: its clock is hurried, everything else is as usual.

A person a second crosses the line, ten observations a second; the broker, a real one, is killed now and then.
After each hour of the body's own time it is looked at how much it holds and has written.
"""

import json
import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from rich.console import Console
from rich.table import Table

from eyespot.app.plan import plan
from eyespot.app.service import serve
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.paho import PahoBroker
from eyespot.config import load
from eyespot.domain.instants import Timeline
from eyespot.host.memory import give_back_large_blocks
from eyespot.host.systemd import Notifier
from eyespot.store.database import Database
from eyespot.supervisor.signals import held_back, next_wish
from fakes.crowd import A_MINUTE, write_crowd
from fakes.daemon import write_config

HOURS = 8
HURRY = 96  # times as fast as it is: eight hours take five minutes
HOUR_S = 3600 / HURRY  # of ours
AWAY_EVERY_S, AWAY_S = 25.0, 4.0  # of ours: 40 minutes, and 6
BACK_S = 20.0  # of ours, too: broker connections know no hurry
MIB = 2**20

MOST_GROWTH_MIB = 2.0  # after the first hour
MOST_DISK_MIB = 4.0
MOST_WRITTEN_MIB = 36.0  # an hour: 10 KiB for each of its crossings
FEWEST_COUNTED = 0.5  # of those who crossed: a busy machine has no time for every observation


class HurriedClock:
    """A clock that runs too fast."""

    def __init__(self) -> None:
        self._began_ns, self._utc_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME), time.time_ns()

    def now_ns(self) -> int:
        now_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        return self._began_ns + (now_ns - self._began_ns) * HURRY

    def timeline(self) -> Timeline:
        return Timeline(self._utc_ns - self._began_ns, synced=True)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / HURRY)


def live(config: Path) -> int:
    """Live as `eyespot run` does, by a hurried clock."""
    logging.basicConfig(level=logging.ERROR)
    give_back_large_blocks()
    clock = HurriedClock()
    with held_back():
        planned = plan(load(config), clock)
        broker = PahoBroker(planned.config.mqtt, planned.device)
        return serve(
            planned,
            broker,
            clock=clock,
            manager=Notifier(),
            reload=lambda _: False,
            next_wish=next_wish,
        ).exit_code


@dataclass(frozen=True)
class Look:
    """What a body holds after an hour, and what it has written until then."""

    memory_mib: float
    descriptors: int
    threads: int
    disk_mib: float
    written_mib: float


def fds_now(body: psutil.Process) -> int:
    time.sleep(0.02)
    return body.num_fds()


def await_its_return(body: psutil.Process, port: int) -> None:
    """Wait until it is at the broker: how long it waits between attempts is drawn by lot."""
    latest = time.monotonic() + BACK_S
    while not any(peer.raddr and peer.raddr.port == port for peer in body.net_connections("tcp")):
        assert time.monotonic() < latest, f"{BACK_S} s after the broker's return the body is not at it"
        time.sleep(0.1)


def look(body: psutil.Process, state: Path) -> Look:
    descriptors = min(fds_now(body) for _ in range(20))  # one is open while the log is synced
    with body.oneshot():
        return Look(
            memory_mib=body.memory_info().rss / MIB,
            descriptors=descriptors,
            threads=body.num_threads(),
            disk_mib=sum(file.stat().st_size for file in state.iterdir()) / MIB,
            written_mib=body.io_counters().write_bytes / MIB,
        )


@contextmanager
def a_body(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    recording = write_crowd(folder / "crowd.eyespot.jsonl")
    camera = {"source": "replay", "file": str(recording), "loop": True}
    config = write_config(folder, camera=camera, url=url)
    body = subprocess.Popen([sys.executable, __file__, str(config)])
    try:
        yield body
    finally:
        body.kill()
        body.wait()


def hours(body: subprocess.Popen[bytes], mosquitto: LocalMosquitto, state: Path) -> Iterator[Look]:
    """Yield a look after each hour, while the broker comes and goes; it is there at each look."""
    began = time.monotonic()
    leaves = began + AWAY_EVERY_S
    for hour in range(1, HOURS + 1):
        ends = began + hour * HOUR_S
        while (now := time.monotonic()) < ends:
            assert body.poll() is None, "the body has ended"
            if now >= leaves and now + AWAY_S + 4 < ends:
                mosquitto.stop(kill=True)
                time.sleep(AWAY_S)
                mosquitto.start()
                leaves = now + AWAY_EVERY_S
            time.sleep(0.1)
        process = psutil.Process(body.pid)
        await_its_return(process, mosquitto.port)
        yield look(process, state)


def show(looks: Sequence[Look]) -> None:
    table = Table("hour", "memory, MiB", "descriptors", "threads", "disk, MiB", "written in it, MiB")
    before = 0.0
    for hour, at in enumerate(looks, 1):
        figures = (at.memory_mib, at.descriptors, at.threads, at.disk_mib, at.written_mib - before)
        table.add_row(str(hour), *(f"{figure:.4g}" for figure in figures))
        before = at.written_mib
    Console().print(table)


def faults(looks: Sequence[Look]) -> Iterator[str]:
    """Yield what is not as it should be."""
    first, *later = looks
    grown_mib = max(at.memory_mib for at in later) - first.memory_mib
    if grown_mib > MOST_GROWTH_MIB:
        yield f"memory grew by {grown_mib:.1f} MiB after the first hour"
    if len({(at.descriptors, at.threads) for at in looks}) > 1:
        yield "descriptors or threads come and stay"
    if max(at.disk_mib for at in looks) > MOST_DISK_MIB:
        yield f"more than {MOST_DISK_MIB} MiB on disk"
    if (looks[-1].written_mib - first.written_mib) / len(later) > MOST_WRITTEN_MIB:
        yield f"more than {MOST_WRITTEN_MIB} MiB written an hour"


def miscounts(state: Path) -> Iterator[str]:
    """Yield where what was kept in the end does not add up."""
    with closing(Database.open(state)) as database:
        counts = json.loads(database.snapshots()["door"])["state"]["counts"]["person"]
        seq, waiting = database.seq(), database.count()
    crossed = HOURS * 60 * A_MINUTE
    print(f"{seq} of {crossed} crossings counted, {waiting} events still wait for the broker")
    if counts["in"] + counts["out"] != seq:
        yield f"{seq} events, but totals are {counts}"
    if seq < crossed * FEWEST_COUNTED:
        yield "too few were counted: this machine is too busy to say anything"


def main() -> int:
    """Run, show, and return 1 where something is wrong."""
    with TemporaryDirectory() as name, LocalMosquitto() as mosquitto:
        folder = Path(name)
        with a_body(folder, mosquitto.url) as body:
            time.sleep(2)  # until it has opened its folder
            looks = list(hours(body, mosquitto, folder / "state"))
            body.send_signal(signal.SIGTERM)
            code = body.wait(20)
        show(looks)
        wrong = [*faults(looks), *miscounts(folder / "state"), *([f"exit code {code}"] if code else [])]
    for fault in wrong:
        print(f"FAILED: {fault}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(live(Path(sys.argv[1])) if len(sys.argv) > 1 else main())
