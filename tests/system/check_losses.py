"""Kills the daemon again and again while the way to its broker is cut, and counts what is lost.

python check_losses.py [SEED]   two minutes; PYTHONPATH=tests
"""

import json
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.brokers import say
from fakes.daemon import LABELS, Daemon, Ear, write_config
from fakes.link import Link
from fakes.waiting import until
from fakes.walkers import Walker, film

ROUNDS = 28
FEWEST_EVENTS = 1000
WINDOW = 20
MOST_BACK_S = 5.0
RATE_HZ, STREET_S, LANES, SPACING_S = 10, 60, 16, 1 / 12
PROBE = "eyespot/v1/shop/probe"
FAULTS = ("nothing", "reset", "hole", "broker")


def write_street(file: Path) -> Path:
    """Write a recording in which somebody crosses the middle twelve times a second, from the start on."""
    count = round((STREET_S + 2) / SPACING_S)
    walkers = [
        walker(number % LANES, number * SPACING_S - 2, back=number % 2 == 0) for number in range(count)
    ]
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=768, height=576, rate_hz=RATE_HZ
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, RATE_HZ, STREET_S):
            writer.write(Observation(taken_ns, "recording", found))
    return file


def walker(lane: int, begin_s: float, *, back: bool) -> Walker:
    """Return who goes to the other side of the picture in one of the lanes, within three seconds."""
    y = (lane + 0.5) / LANES
    ends = ((0.05, y), (0.95, y))
    return Walker(*(reversed(ends) if back else ends), begin_s, begin_s + 3, size=(0.04, 0.04))


def is_event(heard: Heard) -> bool:
    return heard.topic.endswith("/event")


@dataclass
class Toll:
    """What one kind of fault cost.

    Attributes:
        rounds: how often it was tried.
        again: copies of events that came more than once in each round.
        back_s: from the link's return to the next message.
    """

    rounds: int = 0
    again: list[int] = field(default_factory=list)
    back_s: list[float] = field(default_factory=list)


class Torment:
    """A daemon, the way to its broker, and somebody who hears all that comes."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.mosquitto = stack.enter_context(LocalMosquitto())
        self.link = stack.enter_context(Link(self.mosquitto.port))
        self.ear = Ear()
        stack.enter_context(Listener(self.mosquitto.url, "eyespot/v1/shop/#", self.ear))
        camera = {"source": "replay", "file": str(write_street(folder / "street.jsonl")), "loop": True}
        line = {"kind": "line", "id": "door", "a": [0.5, 1.0], "b": [0.5, 0.0]}
        self.config = write_config(folder, camera=camera, url=self.link.url, rules=(line,))
        self.tolls: dict[str, Toll] = defaultdict(Toll)

    def round(self, fault: str, dice: random.Random) -> None:
        """Let it count, with a fault of the network somewhere in it, and kill it."""
        toll, before = self.tolls[fault], self.copies()
        with Daemon(self.config) as daemon:
            until(daemon.ready, "READY=1")
            time.sleep(dice.uniform(0.2, 2))
            if fault != "nothing":
                self.break_and_mend(fault, dice)
                toll.back_s.append(self.wait_for_more())
            time.sleep(dice.uniform(0.2, 2))
            if dice.random() < 0.5:  # with a backlog
                self.link.cut("reset")
                time.sleep(dice.uniform(0.2, 2))
            daemon.signal(signal.SIGKILL)
            daemon.wait()
        self.link.mend()
        toll.rounds += 1
        toll.again.append(self.copies() - before)

    def break_and_mend(self, fault: str, dice: random.Random) -> None:
        if fault == "broker":
            self.mosquitto.stop(kill=True)
            self.link.cut("reset")
            time.sleep(dice.uniform(0.5, 2))
            self.mosquitto.start()
            self.wait_for_listener()
        else:
            self.link.cut("reset" if fault == "reset" else "hole")
            time.sleep(dice.uniform(1, 4))
        self.link.mend()

    def wait_for_listener(self) -> None:
        """Wait until somebody hears again what comes to a broker that knows nobody."""
        heard = len(self.ear.heard)

        def hears() -> bool:
            say(self.mosquitto.url, Heard(PROBE, b"{}", retain=False, qos=1))
            return any(one.topic == PROBE for one in self.ear.heard[heard:])

        until(hears, "the listener is back")

    def wait_for_more(self) -> float:
        """Wait for the device's next words, which its last will is not; return for how long, in s."""
        heard, begun = len(self.ear.heard), time.monotonic()
        until(lambda: any(is_event(one) for one in self.ear.heard[heard:]), "the device is back")
        return time.monotonic() - begun

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(one.payload) for one in list(self.ear.heard) if is_event(one)]

    def copies(self) -> int:
        """Return how many events came once more."""
        counts = Counter(event["seq"] for event in self.events())
        return sum(counts.values()) - len(counts)

    def settle(self) -> dict[str, Any]:
        """Let the last life end in peace; return the totals."""
        with Daemon(self.config) as daemon:
            until(daemon.ready, "READY=1")
            time.sleep(3)
            daemon.signal(signal.SIGTERM)
            daemon.wait()
        totals: dict[str, Any] = self.ear.newest("/rule/door/state")["counts"]
        return totals


def judge(events: list[dict[str, Any]], totals: dict[str, Any]) -> Iterator[str]:
    """Tell what is wrong with what came."""
    firsts: dict[int, dict[str, Any]] = {}
    for event in events:
        if firsts.setdefault(event["seq"], event) != event:
            yield f"event {event['seq']} came twice, and differs"
    numbers = list(firsts)
    lost = set(range(1, max(numbers) + 1)) - set(numbers)
    if lost:
        yield f"{len(lost)} lost: {sorted(lost)[:10]}"
    disorder = sum(before > after for before, after in pairwise(numbers))
    if disorder:
        yield f"{disorder} in disorder"
    counted = sum(total for ways in totals.values() for total in ways.values())
    if counted != len(numbers):
        yield f"the totals say {counted}, and {len(numbers)} events came"
    if len(numbers) < FEWEST_EVENTS:
        yield f"only {len(numbers)} events"


def report(tolls: dict[str, Toll]) -> Iterator[str]:
    """Tell what it cost, as rows of a table; nothing was lost."""
    yield "| before | kills | lost, in disorder | copies | most in a life | back after, s: median, most |"
    yield "|---|---|---|---|---|---|"
    for fault in FAULTS:
        toll = tolls[fault]
        back = f"{median(toll.back_s):.2f}, {max(toll.back_s):.2f}" if toll.back_s else ""
        yield f"| {fault} | {toll.rounds} | 0, 0 | {sum(toll.again)} | {max(toll.again)} | {back} |"


def main(seed: int) -> int:
    """Return an exit code."""
    dice = random.Random(seed)
    with TemporaryDirectory() as folder, ExitStack() as stack:
        torment = Torment(Path(folder), stack)
        for number in range(ROUNDS):
            torment.round(FAULTS[number % len(FAULTS)], dice)
        totals = torment.settle()
        events = torment.events()
    wrong = list(judge(events, totals))
    for fault, toll in torment.tolls.items():
        if max(toll.again) > 2 * WINDOW:  # once at the cut, once at the kill
            wrong.append(f"{max(toll.again)} copies in one life with {fault}")
        if toll.back_s and max(toll.back_s) > MOST_BACK_S:
            wrong.append(f"back only after {max(toll.back_s):.1f} s with {fault}")
    numbers = {event["seq"] for event in events}
    head = f"{len(numbers)} events, {ROUNDS} kills, seed {seed}"
    sys.stdout.write("\n".join([head, *(wrong or report(torment.tolls)), ""]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
