"""A thousand simulated devices on one mosquitto: is all received, what does it cost, how do they come back?

Prints the rows of the table in daemon/eyespot_fleet/README.md; ends with 1 where something is not as it
should be. Two minutes.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from eyespot.broker.local import LocalMosquitto
from eyespot_fleet.simulating.fleet import allow_files

DEVICES = 1000
RATE_HZ = 0.1
STEADY_S = 45.0
CONNECTING_S = 20.0
SETTLED_S = 14.0
DOWN_S = 8.0
BACK_S = 40.0
MOST_AT_ONCE = 0.4


@dataclass
class Counter:
    """Counts the crossings that arrive, by device and number."""

    numbers: dict[str, list[int]] = field(default_factory=dict)

    def start(self, port: int) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, "counter")
        client.on_message = self._note
        client.connect("127.0.0.1", port)
        client.subscribe("eyespot/v1/+/rule/+/event", 1)
        client.loop_start()
        return client

    def _note(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        self.numbers.setdefault(message.topic, []).append(json.loads(message.payload)["seq"])

    @property
    def distinct(self) -> int:
        return sum(len(set(each)) for each in self.numbers.values())

    @property
    def disordered(self) -> int:
        return sum(each != sorted(each) for each in self.numbers.values())


def simulating(port: int, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "eyespot_fleet", "simulate", "--devices", str(DEVICES), "--json"]
    command += ["--rate", str(RATE_HZ), "--connects", "1000" if seconds > STEADY_S + CONNECTING_S else "100"]
    command += ["--seconds", str(seconds), "--broker", f"mqtt://127.0.0.1:{port}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def child() -> int:
    """Return the broker's process: the newest child of ours."""
    return int(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()[-1])


def cpu_s(pid: int) -> float:
    # proc(5): utime and stime are the 14th and 15th field; the 2nd ends with a bracket
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS")))


def steady() -> bool:
    """Measure what they cost when they are all there."""
    with LocalMosquitto() as broker:
        pid = child()
        empty_kb = resident_kb(pid)
        counter = Counter()
        client = counter.start(broker.port)
        process = simulating(broker.port, CONNECTING_S + STEADY_S)
        time.sleep(CONNECTING_S)
        before_s, began_s = cpu_s(pid), time.monotonic()
        time.sleep(STEADY_S - 5)
        busy = 100 * (cpu_s(pid) - before_s) / (time.monotonic() - began_s)
        full_kb = resident_kb(pid)
        facts = json.loads(process.communicate(timeout=60)[0])
        time.sleep(1)
        client.disconnect()
        client.loop_stop()
    print(f"| connected | {facts['connected']} of {DEVICES} |")
    numbers = f"{facts['sent']}, {facts['acknowledged']}, {counter.distinct}"
    print(f"| crossings made, acknowledged, received | {numbers} |")
    print(f"| devices whose crossings came out of order | {counter.disordered} |")
    print(f"| the broker's CPU, all connected | {busy:.1f} % of a core |")
    print(f"| the broker's memory: nobody connected, all | {empty_kb} KB, {full_kb} KB |")
    whole = facts["sent"] == facts["acknowledged"] == counter.distinct
    return whole and facts["connected"] == DEVICES and not counter.disordered


def restarted() -> bool:
    """Measure how they come back when the broker was away."""
    with LocalMosquitto() as broker:
        process = simulating(broker.port, CONNECTING_S + SETTLED_S + DOWN_S + BACK_S)
        time.sleep(CONNECTING_S + SETTLED_S)
        broker.stop(kill=True)
        threading.Event().wait(DOWN_S)
        broker.start()
        facts = json.loads(process.communicate(timeout=BACK_S + 60)[0])
    away = facts["away_s"] or {}
    print(f"| broker killed, away for {DOWN_S:g} s: came back | {facts['returned']} of {DEVICES} |")
    print(f"| … away for: least, p10, p50, p90, most | {[away.get(key) for key in KEYS]} s |")
    print(f"| … came back in the busiest second | {away.get('in_busiest_second')} |")
    print(f"| … crossings made, acknowledged | {facts['sent']}, {facts['acknowledged']} |")
    return facts["returned"] == DEVICES and away["in_busiest_second"] <= MOST_AT_ONCE * DEVICES


KEYS = ("least", "p10", "p50", "p90", "most")

if __name__ == "__main__":
    allow_files(DEVICES)  # the broker inherits it
    good = [steady(), restarted()]
    sys.exit(0 if all(good) else 1)
