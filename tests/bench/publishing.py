"""What a message costs from a rule to a subscriber, beside bare paho: the same messages, in turns, in one run.

python publishing.py [ROUNDS]   two minutes and a half; PYTHONPATH=tests, a mosquitto
"""

import json
import math
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
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
from eyespot.domain.event import Crossed, LineState
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import SystemClock
from eyespot.ports import Handover
from eyespot.store.database import Database
from eyespot.store.settings import StateSettings
from eyespot.store.worker import StoreWorker
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, stamp
from fakes.troubles import Troubles
from fakes.waiting import until

ROOT = "eyespot/v1/shop"
RATE_HZ, ROUND_S, WARM_UP = 30, 10.0, 30
SLOW_HZ, SLOW_S = 1, 60.0
SNAPSHOT = b'{"since_utc_ns":1764115200000000000,"state":{"in":{"person":1},"out":{"person":2}},"model":"m"}'

Post = Callable[[Handover], None]


def handovers(count: int, mix: str = "events") -> list[Handover]:
    """Return what a line leaves behind at so many crossings: the event, and the totals to keep."""
    native, timeline = Native(Gate(ROOT), "0" * 16, 0), Timeline(0, synced=True)
    made = []
    for number in range(count):
        at = stamp(timeline, number * SECOND_NS)
        event = Crossed("door", number * SECOND_NS, "in", "person", number, "factory")
        if mix == "live":
            frame = Message(f"{ROOT}/frame", b"x" * 900, Delivery.LIVE)
            made.append(Handover((frame,), {}, 0))
            continue
        messages = [native.event(event, timeline)]
        if mix == "crossings":
            messages.append(native.rule_state("door", LineState({"person": {"in": number, "out": 0}}), 0, "m", at))
        made.append(Handover(tuple(messages), {"door": SNAPSHOT}, native.seq))
    return made


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
    durables = Durables(Gate(ROOT), "0" * 16, clock)
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


def publish(kind: str, port: int, folder: Path, rate_hz: float, seconds: float, mix: str) -> None:
    """Publish at a steady rate; print when each event was handed over, and what that took of the machine."""
    made, posted_ns = handovers(WARM_UP + round(rate_hz * seconds), mix), []
    with {"bare": bare, "whole": whole}[kind](port, folder) as post:
        begun, spent = time.monotonic(), 0.0
        for number, handover in enumerate(made):
            if number == WARM_UP:
                begun, spent, written = time.monotonic(), time.process_time(), written_bytes()
            pause_s = begun + (number - WARM_UP * (number >= WARM_UP)) / (rate_hz if number >= WARM_UP else RATE_HZ)
            time.sleep(max(0.0, pause_s - time.monotonic()))
            posted_ns.append(time.monotonic_ns())
            post(handover)
        time.sleep(1)
        spent, written = time.process_time() - spent, written_bytes() - written
    print(json.dumps({"posted_ns": posted_ns[WARM_UP:], "cpu_s": spent, "written": written}))


def written_bytes() -> int:
    """Return how much this process has made the disk write: pages that it touched (proc(5))."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


# --- who hears, and judges --------------------------------------------------------------------------------


@dataclass
class Round:
    """What one process did: latencies in ms, CPU per message in µs, bytes written per message."""

    latencies_ms: list[float]
    cpu_us: float
    written: float


class Ear:
    """Notes when each event arrives."""

    def __init__(self, port: int) -> None:
        self.heard_ns: list[int] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, "ear")
        self._client.on_message = self._note
        self._client.connect("127.0.0.1", port)
        self._client.subscribe([(f"{ROOT}/rule/+/event", 1), (f"{ROOT}/frame", 0)])
        self._client.loop_start()

    def _note(self, _client: paho.Client, _: Any, _message: paho.MQTTMessage) -> None:
        self.heard_ns.append(time.monotonic_ns())


def measured(kind: str, ear: Ear, port: int, rate_hz: float, seconds: float, mix: str) -> Round:
    ear.heard_ns.clear()
    with TemporaryDirectory() as folder:
        command = [sys.executable, __file__, kind, str(port), folder, str(rate_hz), str(seconds), mix]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    posted = told["posted_ns"]
    heard = ear.heard_ns[WARM_UP:]
    assert len(heard) == len(posted), f"{kind}: {len(posted)} sent, {len(heard)} came"
    latencies = [(late - early) / 1e6 for early, late in zip(posted, heard, strict=True)]
    return Round(latencies, told["cpu_s"] * 1e6 / len(posted), told["written"] / len(posted))


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def rows(rounds: int, mix: str) -> Iterator[tuple[str, str, str]]:
    with LocalMosquitto() as mosquitto:
        ear = Ear(mosquitto.port)
        pairs = []
        for _ in range(rounds):
            pairs.append([measured(kind, ear, mosquitto.port, RATE_HZ / (2 if mix == "crossings" else 1), ROUND_S, mix) for kind in ("bare", "whole")])
        sides = list(zip(*pairs, strict=True))
        for name, share in (("p50", 0.5), ("p99", 0.99)):
            bare_ms, whole_ms = (statistics.median(quantile(one.latencies_ms, share) for one in side) for side in sides)
            yield f"{name} ms", "", f"bare {bare_ms:.2f} whole {whole_ms:.2f} ratio {whole_ms / bare_ms:.2f}"
        for side in sides:
            print([round(quantile(one.latencies_ms, .99), 2) for one in side], [round(one.cpu_us) for one in side], file=sys.stderr)
        bare_us, whole_us = (statistics.median(one.cpu_us for one in side) for side in sides)
        yield "cpu us", "", f"{bare_us:.0f} {whole_us:.0f} {statistics.median(b.cpu_us/a.cpu_us for a, b in pairs):.2f}"
        yield "written at 30/s", "", f"{statistics.median(b.written for _, b in pairs):.0f}"


def main(arguments: list[str]) -> int:
    if len(arguments) > 1:
        kind, port, folder, rate_hz, seconds, mix = arguments
        publish(kind, int(port), Path(folder), float(rate_hz), float(seconds), mix)
        return 0
    for row in rows(4, arguments[0]):
        print(*row)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
