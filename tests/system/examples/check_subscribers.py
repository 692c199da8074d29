"""The subscribers of config/examples, with a real device, a real broker, and what goes wrong between them."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.certificates import Authority
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.example_broker import example_broker, party
from fakes.waiting import until

EXAMPLES = Path(__file__).parents[3] / "config" / "examples"
SUBSCRIBER = EXAMPLES / "python" / "hourly_counts.py"
FLOW = EXAMPLES / "node-red" / "flow.json"
NODE_RED = os.environ.get("EYESPOT_NODE_RED", "")


def walking(folder: Path, url: str, crossings: int, **camera: object) -> Path:
    recording = write_recording(folder / "walk.eyespot.jsonl", crossings)
    return write_config(folder, camera={"source": "replay", "file": str(recording), **camera}, url=url)


@contextmanager
def program(log: Path, *command: object) -> Iterator[subprocess.Popen[bytes]]:
    """A program, what it says kept in a file; stopped, or killed, at the end."""
    with log.open("ab") as said:
        process = subprocess.Popen([*map(str, command)], stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(10)


# --- Python


class Database:
    """What the subscriber wrote."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "counts.db"

    def total(self) -> int:
        return self._ask("SELECT sum(crossings) FROM hourly") if self.file.exists() else 0

    def _ask(self, query: str) -> int:
        with closing(sqlite3.connect(self.file)) as database:
            try:
                return database.execute(query).fetchone()[0] or 0
            except sqlite3.OperationalError:  # the tables are not there yet
                return 0


def counting(mosquitto: LocalMosquitto, folder: Path) -> list[object]:
    where = ["--port", mosquitto.port, "--host", "127.0.0.1"]
    return [sys.executable, SUBSCRIBER, *where, "--database", folder / "counts.db"]


def test_hours_are_counted_through_kills_of_the_subscriber_and_events_that_come_twice(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear
) -> None:
    database, log = Database(tmp_path), tmp_path / "said"
    with program(log, *counting(mosquitto, tmp_path)) as subscriber:
        until(lambda: "connected" in log.read_text(), "a connection")
        with Daemon(walking(tmp_path, mosquitto.url, 30)) as daemon:
            until(lambda: database.total() >= 2, "the first events")
            subscriber.send_signal(signal.SIGKILL)
            heard = len(ear.numbers())
            until(lambda: len(ear.numbers()) >= heard + 2, "events while it is away")
            daemon.signal(signal.SIGTERM)
            assert daemon.wait() == 0
    again = [heard for heard in ear.heard if heard.topic.endswith("/event")]
    say(mosquitto.url, *(Heard(each.topic, each.payload, retain=False, qos=1) for each in again))
    with program(log, *counting(mosquitto, tmp_path)):
        until(lambda: log.read_text().count("came again") >= len(again), "all that came twice")
    assert database.total() == len(ear.numbers())
    shown = subprocess.run(
        [*map(str, counting(mosquitto, tmp_path)), "--show"], check=True, stdout=-1, text=True
    )
    assert shown.stdout.split()[1:5] == ["shop", "door", "person", "in"]


def test_the_subscriber_comes_back_when_the_broker_does_and_lives_with_what_is_no_event(
    tmp_path: Path, mosquitto: LocalMosquitto
) -> None:
    database, log = Database(tmp_path), tmp_path / "said"
    with program(log, *counting(mosquitto, tmp_path)) as subscriber:
        until(lambda: "connected" in log.read_text(), "a connection")
        mosquitto.stop()
        mosquitto.start()
        until(lambda: log.read_text().count("connected") >= 2, "another")
        broken = [b"", b"null", b"[]", b"{", b'{"kind": "crossed", "boot_id": "x", "seq": 1}', b"\xff" * 100]
        topic = "eyespot/v1/shop/rule/door/event"
        say(mosquitto.url, *(Heard(topic, payload, retain=False, qos=1) for payload in broken))
        with Daemon(walking(tmp_path, mosquitto.url, 3, pace="fast")) as daemon:
            assert daemon.wait() == 0
        until(lambda: database.total() == 3, "three crossings")
        assert subscriber.poll() is None
    assert log.read_text().count("not understood") == len(broken)


def test_a_broker_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    log = tmp_path / "said"
    nobody = ["--host", "127.0.0.1", "--port", 1, "--database", tmp_path / "counts.db"]
    with program(log, sys.executable, SUBSCRIBER, *nobody):
        until(lambda: "no connection, and we try again: [Errno 111]" in log.read_text(), "why")


def test_the_broker_of_the_examples_admits_a_subscriber_with_a_certificate_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, log, authority = Database(tmp_path), tmp_path / "said", Authority(tmp_path / "ours", "ours")
    certificate, key = authority.sign("dashboard")
    crossed = {"kind": "crossed", "boot_id": "0" * 16, "seq": 1, "t": "2026-11-26T06:34:26.588Z"}
    crossed |= {"rule": "door", "class": "person", "direction": "in"}
    (folder := tmp_path / "broker").mkdir()
    with example_broker("2.0", folder, authority, monkeypatch) as mosquitto:
        with_tls = [*counting(mosquitto, tmp_path), "--ca-file", authority.certificate]
        with program(log, *with_tls):
            until(lambda: "does the broker want TLS, or a certificate" in log.read_text(), "a refusal")
        assert "connected" not in log.read_text()
        with program(log, *with_tls, "--cert-file", certificate, "--key-file", key):
            until(lambda: "connected" in log.read_text(), "a connection")
            with party(mosquitto.url.replace("mqtt:", "mqtts:"), authority, "shop") as device:
                for event in (crossed | {"boot_id": {}}, crossed):
                    assert device.publish("eyespot/v1/shop/rule/door/event", json.dumps(event).encode()) == ""
            until(lambda: database.total() == 1, "the crossing")
    assert log.read_text().count("boot_id is no str") == 1


# --- Node-RED


def node_red(folder: Path, mosquitto: LocalMosquitto) -> list[object]:
    """Return the command of a Node-RED that has the flow and this broker."""
    flow = json.loads(FLOW.read_text())
    (broker,) = (node for node in flow if node["type"] == "mqtt-broker")
    broker |= {"broker": "127.0.0.1", "port": str(mosquitto.port)}
    (folder / "flow.json").write_text(json.dumps(flow))
    settings = {"flowFile": "flow.json", "uiHost": "127.0.0.1", "uiPort": 0, "telemetry": {"enabled": False}}
    (folder / "settings.js").write_text(f"module.exports = {json.dumps(settings)};\n")
    (folder / "package.json").write_text('{"name": "tried", "version": "0.0.1", "private": true}\n')
    script = Path(NODE_RED) / "node_modules" / "node-red" / "red.js"
    return ["node", script, "--userDir", folder, "--settings", folder / "settings.js"]


@pytest.mark.skipif(
    not NODE_RED, reason="EYESPOT_NODE_RED names no folder with Node-RED: tests/system/examples/run"
)
def test_the_flow_tells_how_many_are_inside_and_alerts_once_for_each_trouble(
    tmp_path: Path, mosquitto: LocalMosquitto
) -> None:
    (folder := tmp_path / "node-red").mkdir()
    log = tmp_path / "said"
    with program(log, *node_red(folder, mosquitto)):
        until(lambda: "Connected to broker" in log.read_text(), "a connection")
        with Daemon(walking(tmp_path, mosquitto.url, 3)) as daemon:
            assert daemon.wait() == 0
        until(lambda: debugged(log, "alert")[-1:] == ["shop is offline"], "an alert")
        assert debugged(log, "inside") == ["0", "1", "2", "3"]
        with Daemon(config := walking(tmp_path, mosquitto.url, 3, loop=True)) as another:
            until(lambda: debugged(log, "alert")[-1:] == ["shop is online"], "another alert")
            config.write_text("[camera]\n")
            another.signal(signal.SIGHUP)
            until(lambda: debugged(log, "alert")[-1].startswith("shop: reload_refused: "), "the trouble")
            walking(tmp_path, mosquitto.url, 3, loop=True)
            another.signal(signal.SIGHUP)
            until(lambda: debugged(log, "alert")[-1] == "shop: reload_refused is over", "its end")
    assert sum("reload_refused: " in alert for alert in debugged(log, "alert")) == 1


def debugged(log: Path, node: str) -> list[str]:
    """Return what a debug node of the flow said so far."""
    lines = [line.partition(f"[debug:{node}] ")[2] for line in log.read_text().splitlines()]
    return [line.strip("'") for line in lines if line]
