"""`eyespot-fleet rollout` as people type it: a real repository and mosquitto, devices that only talk."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Heard
from eyespot.trust.desired import Desired, parse_desired
from eyespot_fleet.listening import listening
from eyespot_fleet.rollout.watching import Watch
from fakes.brokers import local_mosquitto, say
from fakes.waiting import until

ROOT = Path(__file__).parents[2]
SHOPS = ("shop-1", "shop-2", "shop-3")
ENVIRON = os.environ | {"EYESPOT_FLEET_PASSPHRASE": "sesame"}


def fleet(desk: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "eyespot_fleet", *map(str, arguments)]
    return subprocess.run(
        command, cwd=desk, env=ENVIRON, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(name="published", scope="module")
def a_published_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    desk = tmp_path_factory.mktemp("published")
    assert fleet(desk, "publish", "init").returncode == 0
    packed = fleet(desk, "publish", "pack", ROOT / "models" / "factory", "--json")
    assert packed.returncode == 0, packed.stderr
    assert fleet(desk, "publish", "add", json.loads(packed.stdout)["file"]).returncode == 0
    return desk


@pytest.fixture(name="desk")
def a_desk(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / "desk")


def said(device: str, suffix: str, **says: Any) -> Heard:
    return Heard(f"eyespot/v1/{device}/{suffix}", json.dumps(says).encode(), retain=True, qos=1)


def present(*devices: str) -> list[Heard]:
    """Return what devices say that have the factory model."""
    details = [said(one, "model/detail", state="idle", cohort="default") for one in devices]
    return [*details, *(said(one, "status", state="online") for one in devices)]


def result(device: str, told: Desired, outcome: str) -> Heard:
    bundle = told.target.removeprefix("bundles/").removesuffix(".tar.zst")
    now = bundle if outcome == "committed" else None
    last = {"bundle": bundle, "rollout": told.rollout, "outcome": outcome, "reason": "it sees nothing"}
    return said(
        device, "model/detail", state="idle", cohort="default", current=now, good=now, last_result=last
    )


def told_now(desk: Path) -> Desired | None:
    """Return what the newest file says; names of targets begin with their digests."""
    found = list((desk / "repository" / "targets" / "desired").glob("*.default.json"))
    newest = max(found, key=lambda path: path.stat().st_mtime_ns, default=None)
    return None if newest is None else parse_desired(newest.read_bytes(), "default")


class Running:
    """A rollout that runs, and what it has said."""

    def __init__(self, desk: Path, url: str, *arguments: object) -> None:
        command = [sys.executable, "-m", "eyespot_fleet", "rollout", "ssd", "--json", "--broker", url]
        self._process = subprocess.Popen(
            [*command, *map(str, arguments)], cwd=desk, env=ENVIRON, stdout=subprocess.PIPE, text=True
        )

    def wait_for(self, event: str) -> dict[str, Any]:
        """Read on to an event."""
        for line in self._lines():
            if line["event"] == event:
                return line
        raise AssertionError(f"it ended without {event}")

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        with self._process:  # which closes its pipe
            for _ in self._lines():
                pass
            return self._process.wait(30)

    def _lines(self) -> Iterator[dict[str, Any]]:
        assert self._process.stdout is not None
        yield from map(json.loads, self._process.stdout)


QUICK = ("--steps", "100", "--soak", "1s")


def test_a_rollout_stops_by_itself_and_says_which_devices_and_why(desk: Path) -> None:
    with local_mosquitto("allow_anonymous true") as mosquitto:
        say(mosquitto.url, *present(*SHOPS))
        rollout = Running(desk, mosquitto.url, *QUICK)
        begun = rollout.wait_for("begun")
        told = told_now(desk)
        assert told is not None
        assert (told.percent, begun["devices"]["waits"]) == (100, 3)
        good = [result(one, told, "committed") for one in SHOPS[:2]]
        say(mosquitto.url, *good, result("shop-3", told, "rolled_back"))
        stopped = rollout.wait_for("stopped")
        assert stopped["failed"] == [{"device": "shop-3", "why": "rolled back: it sees nothing"}]
        assert rollout.end() == 1
        halted = told_now(desk)
        assert halted is not None
        assert (halted.rollout, halted.percent) == (told.rollout, 0)
        again = fleet(desk, "rollout", "ssd", "--broker", mosquitto.url)
        assert (again.returncode, again.stderr.split(";")[0][-11:]) == (65, "was stopped")


def test_a_rollout_goes_on_where_it_was_after_ctrl_c(desk: Path) -> None:
    with local_mosquitto("allow_anonymous true") as mosquitto:
        say(mosquitto.url, *present(*SHOPS))
        first = Running(desk, mosquitto.url, *QUICK)
        first.wait_for("begun")
        first.interrupt()
        assert first.end() == 130
        told = told_now(desk)
        assert told is not None
        say(mosquitto.url, *(result(one, told, "committed") for one in SHOPS))
        second = Running(desk, mosquitto.url, *QUICK)
        assert second.wait_for("resumed")["rollout"] == told.rollout
        assert second.wait_for("finished")["devices"]["done"] == 3
        assert second.end() == 0


def test_a_rollout_is_halted_from_another_terminal(desk: Path) -> None:
    with local_mosquitto("allow_anonymous true") as mosquitto:
        say(mosquitto.url, *present(*SHOPS))
        rollout = Running(desk, mosquitto.url, *QUICK)
        rollout.wait_for("begun")
        halted = fleet(desk, "rollout", "--halt")
        assert (halted.returncode, "(halted)" in halted.stdout) == (0, True), halted.stderr
        assert rollout.end() == 1


def test_a_device_is_told_to_look_when_the_rollout_comes_to_it(desk: Path) -> None:
    with local_mosquitto("allow_anonymous true") as mosquitto:
        heard: list[str] = []
        say(mosquitto.url, *present(*SHOPS))
        with Listener(mosquitto.url, "eyespot/v1/+/model/desired", lambda one: heard.append(one.topic)):
            rollout = Running(desk, mosquitto.url, *QUICK)
            rollout.wait_for("begun")
            until(lambda: len(heard) == 3)
            rollout.interrupt()
            rollout.end()
        assert sorted(heard) == [f"eyespot/v1/{one}/model/desired" for one in SHOPS]


def test_every_device_of_a_large_fleet_is_heard() -> None:
    """More than mosquitto hands out at once of what it keeps, with any QoS."""
    many = [f"shop-{number}" for number in range(8000)]
    details = [said(one, "model/detail", state="idle", cohort="default", reason="x" * 700) for one in many]
    watch = Watch("eyespot/v1", time.monotonic)
    with local_mosquitto("allow_anonymous true") as mosquitto:
        say(mosquitto.url, *details, *(said(one, "status", state="online") for one in many))
        with listening(MqttSettings(url=mosquitto.url), watch):
            until(lambda: len(watch.known()) == len(many))
            until(lambda: all(one.online and one.detail for one in watch.known().values()))


def test_a_broker_that_is_not_there_is_named_before_anything_is_released(desk: Path) -> None:
    nobody = fleet(desk, "rollout", "ssd", "--broker", "mqtt://127.0.0.1:1")
    assert nobody.returncode == 69
    assert "mqtt://127.0.0.1:1: " in nobody.stderr
    assert told_now(desk) is None
