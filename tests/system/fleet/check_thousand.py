"""A thousand simulated devices on one mosquitto: is all received, what does it cost, how do they come back?

Prints the rows of the tables in daemon/eyespot_fleet/README.md; ends with 1 where something is not as it
should be. PYTHONPATH=tests; three minutes.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from eyespot.broker.local import LocalMosquitto
from eyespot_fleet.simulating.fleet import allow_files
from fakes import contract

DEVICES = 1000
RATE_HZ = 0.1
CONNECTING_S, STEADY_S = 20.0, 45.0
SETTLED_S, DOWN_S, BACK_S = 20.0, 8.0, 16.0
MOST_AT_ONCE = 0.55
# `random` is what the jitter is drawn by, among others
TOGETHER = "import random; random.random = lambda: 1.0; "
MAIN = "import sys; from eyespot_fleet.__main__ import main; sys.exit(main(sys.argv[1:]))"


@dataclass
class Ear:
    """Counts what arrives; crossings by device and number."""

    numbers: dict[str, list[int]] = field(default_factory=dict)
    boots: dict[str, set[str]] = field(default_factory=dict)
    messages: int = 0

    def start(self, port: int) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, "counter")
        client.on_message = self._note
        client.connect("127.0.0.1", port)
        client.subscribe("eyespot/v1/#", 1)
        client.loop_start()
        return client

    def _note(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        self.messages += 1
        contract.look_at(message.topic, message.payload)
        if message.topic.endswith("/event"):
            event = json.loads(message.payload)
            self.numbers.setdefault(message.topic, []).append(event["seq"])
            self.boots.setdefault(message.topic, set()).add(event["boot_id"])

    @property
    def distinct(self) -> int:
        return sum(len(set(each)) for each in self.numbers.values())

    @property
    def disordered(self) -> int:
        """How many devices there are whose crossings are not 1, 2, 3 and so on, once each, of one start."""
        return sum(
            each != list(range(1, len(each) + 1)) or len(self.boots[topic]) != 1
            for topic, each in self.numbers.items()
        )


def simulating(port: int, seconds: float, *options: str, before: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", before + MAIN, "simulate", "--devices", str(DEVICES), "--json", *options]
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
        ear = Ear()
        client = ear.start(broker.port)
        process = simulating(broker.port, CONNECTING_S + STEADY_S, "--rate", str(RATE_HZ))
        time.sleep(CONNECTING_S)
        before_s, heard, began_s = cpu_s(pid), ear.messages, time.monotonic()
        time.sleep(STEADY_S - 5)
        took_s = time.monotonic() - began_s
        busy, rate_hz = 100 * (cpu_s(pid) - before_s) / took_s, (ear.messages - heard) / took_s
        full_kb = resident_kb(pid)
        facts = json.loads(process.communicate(timeout=60)[0])
        time.sleep(1)
        client.disconnect()
        client.loop_stop()
    unfit = contract.unfit()
    print(f"| connected | {facts['connected']} of {DEVICES} |")
    numbers = f"{facts['sent']}, {facts['acknowledged']}, {ear.distinct}"
    print(f"| crossings made, acknowledged, received | {numbers} |")
    print(f"| devices whose crossings came out of order, twice or with gaps | {ear.disordered} |")
    print(f"| messages of all kinds, all connected; against the schemas | {rate_hz:.0f}/s; {len(unfit)} |")
    print(f"| the broker's CPU, all connected | {busy:.1f} % of a core |")
    print(f"| the broker's memory: nobody connected, all | {empty_kb} KB, {full_kb} KB |")
    whole = facts["sent"] == facts["acknowledged"] == ear.distinct
    return whole and facts["connected"] == DEVICES and not ear.disordered and not unfit


def restarted(*options: str, before: str = "") -> dict[str, Any]:
    """Return how they come back to a broker that was killed, and was away for some seconds."""
    with LocalMosquitto() as broker:
        seconds = SETTLED_S + DOWN_S + BACK_S
        process = simulating(broker.port, seconds, "--connects", "1000", *options, before=before)
        time.sleep(SETTLED_S)
        broker.stop(kill=True)
        time.sleep(DOWN_S)
        broker.start()
        facts: dict[str, Any] = json.loads(process.communicate(timeout=BACK_S + 60)[0])
    return facts


def returns() -> bool:
    """Measure what jitter makes of it."""
    spread = restarted("--rate", str(RATE_HZ))
    together = restarted("--rate", "0", before=TOGETHER)
    kinds = {"as devices do": spread, "without jitter": together}
    print(f"| broker killed, and away for {DOWN_S:g} s | {' | '.join(kinds)} |")
    print("|---|---|---|")
    returned = [f"{each['returned']} of {DEVICES}" for each in kinds.values()]
    print(f"| came back | {' | '.join(returned)} |")
    away = [each["away_s"] or {} for each in kinds.values()]
    for key in ("p50", "most"):
        print(f"| away for, s: {key} | {' | '.join(f'{each.get(key)}' for each in away)} |")
    print(f"| came back in the busiest second | {' | '.join(str(each.get(BUSIEST)) for each in away)} |")
    histograms = [
        Counter({int(at): count for at, count in each.get("by_second", {}).items()}) for each in away
    ]
    for second in range(int(DOWN_S), max(max(each, default=0) for each in histograms) + 1):
        print(
            f"| after {second} to {second + 1} s | {' | '.join(str(each[second]) for each in histograms)} |"
        )
    print(f"| crossings made, acknowledged | {spread['sent']}, {spread['acknowledged']} | |")
    return (
        spread["returned"] == DEVICES
        and spread["sent"] == spread["acknowledged"]
        and away[0][BUSIEST] <= MOST_AT_ONCE * DEVICES
    )


BUSIEST = "in_busiest_second"

if __name__ == "__main__":
    allow_files(DEVICES)  # the broker inherits it
    good = [steady(), returns()]
    sys.exit(0 if all(good) else 1)
