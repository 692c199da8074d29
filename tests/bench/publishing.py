"""What an event costs from rule to subscriber, beside bare paho: the same messages, in turns, in one run.

python publishing.py [ROUNDS]   five minutes; PYTHONPATH=tests, a mosquitto
"""

import json
import math
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from rich.console import Console
from rich.table import Table

from eyespot.broker.local import LocalMosquitto
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.event import Crossed
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.host.clock import SystemClock
from eyespot.ports import Handover
from eyespot.store.database import Database
from eyespot.store.settings import StateSettings
from eyespot.store.worker import StoreWorker
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from fakes.troubles import Troubles
from fakes.waiting import until

ROOT, BOOT_ID = "eyespot/v1/shop", "0" * 16
ROUNDS, RATE_HZ, ROUND_S = 7, 30.0, 10.0
SLOW_HZ, SLOW_S = 1.0, 90.0
WARM_UP = 30
KINDS = ("bare", "whole")
SNAPSHOT = b'{"since_utc_ns":1764115200000000000,"state":{"in":{"person":1},"out":{"person":2}},"model":"m"}'

Post = Callable[[Handover], None]


def handovers(count: int) -> list[Handover]:
    """Return what a line leaves behind at so many crossings: the event, and the totals to keep."""
    native, timeline = Native(Gate(ROOT), BOOT_ID, 0), Timeline(0, synced=True)
    crossings = (Crossed("door", n * SECOND_NS, "in", "person", n, "factory") for n in range(1, count + 1))
    return [
        Handover((native.event(crossing, timeline),), {"door": SNAPSHOT}, native.seq)
        for crossing in crossings
    ]


# --- who publishes: a process of its own, which tells what it spent ---------------------------------------


@contextmanager
def bare(port: int, _folder: Path) -> Iterator[Post]:
    """Yield paho as its own examples use it."""
    client = paho.Client(CallbackAPIVersion.VERSION2, "bare", protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", port)
    client.loop_start()
    until(client.is_connected, "connected")

    def post(handover: Handover) -> None:
        for message in handover.messages:
            client.publish(message.topic, message.payload, message.qos, message.retain)

    yield post
    client.disconnect()
    client.loop_stop()


@contextmanager
def whole(port: int, folder: Path) -> Iterator[Post]:
    """Yield the threads that keep and send, as the daemon has them."""
    clock, health = SystemClock(), Troubles()
    broker = PahoBroker(MqttSettings(url=f"mqtt://127.0.0.1:{port}"), "whole")
    durables = Durables(Gate(ROOT), BOOT_ID, clock)
    with closing(Database.open(folder)) as database:
        store = StoreWorker(database, broker, health, durables, clock, limits=StateSettings().limits)
        broker.attach(store, None)
        threads = [threading.Thread(target=part.run, args=[lambda: None]) for part in (store, broker)]
        for thread in threads:
            thread.start()
        until(lambda: broker._session is not None and broker._session.opened, "connected")
        yield store.post
        store.stop(5)
        threads[0].join()
        broker.stop(None, 1)
        threads[1].join()


def publish(kind: str, port: int, folder: Path, rate_hz: float, seconds: float) -> None:
    """Publish at a steady rate; print when each event was handed over, and what that took of the machine."""
    made = handovers(WARM_UP + round(rate_hz * seconds))
    with (bare if kind == "bare" else whole)(port, folder) as post:
        paced(made[:WARM_UP], RATE_HZ, post)
        spent_s, written = time.process_time(), written_bytes()
        posted_ns = paced(made[WARM_UP:], rate_hz, post)
        time.sleep(1)
        spent_s, written = time.process_time() - spent_s, written_bytes() - written
    print(json.dumps({"posted_ns": posted_ns, "spent_s": spent_s, "written": written}))


def paced(made: Sequence[Handover], rate_hz: float, post: Post) -> list[int]:
    """Hand them over at a steady rate; return when."""
    begun, posted_ns = time.monotonic(), []
    for number, handover in enumerate(made):
        time.sleep(max(0.0, begun + number / rate_hz - time.monotonic()))
        posted_ns.append(time.monotonic_ns())
        post(handover)
    return posted_ns


def written_bytes() -> int:
    """Return how much this process has sent towards the disk: whole pages (proc(5))."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


# --- who hears, and judges --------------------------------------------------------------------------------


@dataclass
class Round:
    """What one process did.

    Attributes:
        p50_ms: half of the events arrived sooner.
        p99_ms: all but a hundredth did.
        cpu_us: of the whole process, for each event.
        written: bytes for each event.
    """

    p50_ms: float
    p99_ms: float
    cpu_us: float
    written: float


class Ear:
    """Notes when each event arrives."""

    def __init__(self, port: int) -> None:
        self.heard_ns: list[int] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "ear")
        self._client.on_message = self._note
        self._client.connect("127.0.0.1", port)
        self._client.subscribe(f"{ROOT}/rule/+/event", 1)
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _note(self, _client: paho.Client, _: Any, _message: paho.MQTTMessage) -> None:
        self.heard_ns.append(time.monotonic_ns())


def measured(kind: str, ear: Ear, port: int, rate_hz: float, seconds: float) -> Round:
    """Let somebody publish, in a process of its own."""
    ear.heard_ns.clear()
    with TemporaryDirectory() as folder:
        command = [sys.executable, __file__, kind, str(port), folder, str(rate_hz), str(seconds)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    posted_ns, heard_ns = told["posted_ns"], ear.heard_ns[WARM_UP:]
    count = len(posted_ns)
    taken_ms = sorted((late - early) / 1e6 for early, late in zip(posted_ns, heard_ns, strict=True))
    p50_ms, p99_ms = (taken_ms[math.ceil(share * count) - 1] for share in (0.5, 0.99))
    return Round(p50_ms, p99_ms, told["spent_s"] * 1e6 / count, told["written"] / count)


def rows(rounds: int) -> Iterator[tuple[str, str, str, str, str]]:
    """Yield what, asked, bare paho, Eyespot, ratio; medians of the rounds, of the ratios, too."""
    with LocalMosquitto() as mosquitto, closing(Ear(mosquitto.port)) as ear:
        pairs = [
            [measured(kind, ear, mosquitto.port, RATE_HZ, ROUND_S) for kind in KINDS] for _ in range(rounds)
        ]
        for what, asked, name in (
            ("ms to the subscriber, p50", "<= bare + 3", "p50_ms"),
            ("ms to the subscriber, p99", "<= 1.5 x", "p99_ms"),
            ("CPU us an event", "<= 1.5 x", "cpu_us"),
        ):
            values = [[getattr(side, name) for side in pair] for pair in pairs]
            alone, both = (statistics.median(side) for side in zip(*values, strict=True))
            ratio = statistics.median(whole / bare for bare, whole in values)
            yield what, asked, f"{alone:.2f}", f"{both:.2f}", f"{ratio:.2f}"
        slow = measured("whole", ear, mosquitto.port, SLOW_HZ, SLOW_S)
        yield "KB written an event, 1 event/s", "<= 10", "", f"{slow.written / 1000:.1f}", ""


def main(arguments: list[str]) -> int:
    """Publish where there is somebody to publish for; else measure."""
    if len(arguments) > 1:
        kind, port, folder, rate_hz, seconds = arguments
        publish(kind, int(port), Path(folder), float(rate_hz), float(seconds))
        return 0
    table = Table("what", "asked", "bare paho", "Eyespot", "ratio", title="30 events a second, QoS 1")
    for row in rows(int(arguments[0]) if arguments else ROUNDS):
        table.add_row(*row)
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
