"""What a real daemon does that is told things over a real broker."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from eyespot.trust.notes import WorkerNote
from eyespot.trust.slots import activate, commit
from eyespot.update.slots import Slots
from fakes.brokers import local_mosquitto, say
from fakes.daemon import Daemon, Ear, write_config
from fakes.slots import factory_network, offer
from fakes.standings import NOW_S, OFFER
from fakes.waiting import until

ROOT = "eyespot/v1/shop"


class Told:
    """A running daemon, what is heard of it, and its model slots."""

    def __init__(self, mosquitto: LocalMosquitto, config: Path, ear: Ear, daemon: Daemon) -> None:
        self.config = config
        self.daemon = daemon
        self.slots = Slots(config.parent / "state" / "models")
        self._mosquitto = mosquitto
        self._ear = ear

    def newest(self, suffix: str) -> dict[str, Any]:
        return self._ear.newest(suffix)

    def all_of(self, suffix: str) -> list[dict[str, Any]]:
        return self._ear.on(suffix)

    @property
    def kinds(self) -> list[str]:
        return [event["kind"] for event in self._ear.on("/model/event")]

    def wait_for(self, key: str, value: object) -> None:
        """Wait until the detail of the model says so."""
        until(lambda: self.newest("/model/detail").get(key) == value, f"{key} = {value}")

    def ask(self, suffix: str, payload: str, **more: Any) -> None:
        say(self._mosquitto.url, Heard(f"{ROOT}/{suffix}", payload.encode(), retain=False, qos=1, **more))


@contextmanager
def told(folder: Path, *update: str) -> Iterator[Told]:
    ear = Ear()
    with local_mosquitto("allow_anonymous true") as mosquitto, Listener(mosquitto.url, "#", ear):
        config = write_config(folder, camera={"source": "scene"}, url=mosquitto.url)
        config.write_text(config.read_text() + "\n".join(["[update]", *update, ""]))
        with Daemon(config) as daemon:
            until(lambda: ear.newest("/model/state"), "the state of the model")
            yield Told(mosquitto, config, ear, daemon)


def test_a_command_becomes_a_request_and_is_answered(tmp_path: Path) -> None:
    with told(tmp_path, 'url = "https://models.example"') as device:
        state = device.newest("/model/state")
        assert state["installed_version"] == state["latest_version"]
        device.wait_for("state", "idle")
        device.ask("cmd/model/update", "latest")
        until(
            lambda: [request.kind for request in device.slots.take_requests("worker")] == ["check"], "a check"
        )
        device.ask("cmd/model/rollback", '{"req_id": "r1"}', answer_to="clerk/1", correlation=b"c")
        until(lambda: device.newest("clerk/1").get("code") == "refused", "a refusal")
        device.ask("cmd/model/update", '{"req_id": "r2"}')
        until(lambda: device.newest("/reply/r2").get("result") == {"request": "check"}, "an answer")
        device.ask("cmd/model/explode", '{"req_id": "r3"}')
        until(lambda: device.newest("/reply/r3").get("code") == "invalid", "another answer")


def test_what_the_worker_does_is_told(tmp_path: Path) -> None:
    with told(tmp_path, 'cohort = "doors"') as device:
        loading = WorkerNote(state="downloading", at_s=int(time.time()), offer=OFFER, percent=42.5)
        device.slots.write_worker_note(loading)
        until(lambda: device.newest("/model/state")["update_percentage"] == 42.5, "progress")
        assert device.newest("/model/state")["latest_version"] == "1.2.0"
        device.slots.write_worker_note(WorkerNote(state="failed", at_s=NOW_S, code="feed", reason="no route"))
        device.wait_for("state", "failed")
        assert (device.newest("/model/detail")["cohort"], device.kinds) == ("doors", ["offered", "failed"])


def test_going_back_over_the_broker_lets_the_model_of_before_look_and_is_told(tmp_path: Path) -> None:
    slots = Slots.open(tmp_path / "state" / "models")
    newer = offer(slots, "9.0.0", factory_network())
    slots.change(activate)
    slots.change(partial(commit, at_s=NOW_S))
    with told(tmp_path) as device:
        device.wait_for("looks", newer)
        assert device.newest("/model/state")["installed_version"] == "9.0.0"
        device.ask("cmd/model/rollback", '{"req_id": "r1"}')
        until(lambda: device.newest("/reply/r1").get("code") == "ok", "an answer")
        assert device.newest("/reply/r1")["detail"] == f"the factory model will look instead of {newer}"
        until(lambda: device.newest("/model/state")["installed_version"] != "9.0.0", "the factory model")
        until(lambda: device.kinds == ["rolled_back"], "the step")
        until(lambda: device.newest("/model/detail")["quarantine"], "the quarantine")
        detail = device.newest("/model/detail")
        assert (detail["current"], detail["quarantine"][0]["bundle"]) == (None, newer)
        device.ask("cmd/model/rollback", '{"req_id": "r1"}')  # the same once more: nothing is done twice
        device.ask("cmd/model/rollback", '{"req_id": "r2"}')
        until(lambda: device.newest("/reply/r2").get("code") == "refused", "a refusal")


def test_what_was_done_under_an_id_is_not_done_again_after_a_reload(tmp_path: Path) -> None:
    with told(tmp_path) as device:
        device.ask("cmd/counters/reset", '{"req_id": "1"}')
        until(lambda: device.all_of("/reply/1"), "an answer")
        lives = {status["boot_id"] for status in device.all_of("/status")}
        device.daemon.signal(signal.SIGHUP)
        until(lambda: device.newest("/status")["boot_id"] not in lives, "another life")
        device.ask("cmd/counters/reset", '{"req_id": "1"}')
        until(lambda: len(device.all_of("/reply/1")) > 1, "the answer once more")
        device.ask("cmd/counters/reset", '{"req_id": "2"}')
        until(lambda: device.all_of("/reply/2"), "another answer")
        until(lambda: len(device.all_of("/door/event")) > 1, "another reset")
        assert [event["kind"] for event in device.all_of("/door/event")] == ["reset", "reset"]


def test_a_diagnosis_comes_in_pieces_over_a_real_broker(tmp_path: Path) -> None:
    with told(tmp_path) as device:
        device.ask("cmd/log", '{"req_id": "l", "args": {"level": "debug"}}')
        until(lambda: "until" in (device.newest("/reply/l").get("result") or {}), "until when")
        device.ask("cmd/diagnose", '{"req_id": "d"}')
        until(
            lambda: device.newest("/reply/d").get("index", -2) + 1 == device.newest("/reply/d").get("of"),
            "all",
        )
        first, *pieces = device.all_of("/reply/d")
        assert (first["code"], [piece["index"] for piece in pieces]) == ("ok", list(range(len(pieces))))
        assert {piece["piece"]["about"] for piece in pieces} == {"selftest", "config", "log", "health"}
        lines = [line for piece in pieces for line in piece["piece"].get("lines", ())]
        assert any("cmd/log: ok" in line["text"] for line in lines)


def test_a_subscriber_of_mosquitto_reads_what_the_readme_says(tmp_path: Path) -> None:
    with told(tmp_path, 'url = "https://models.example"') as device:
        command = [
            *("mosquitto_rr", "-p", device._mosquitto.url.rpartition(":")[2], "-W", "10"),
            *("-t", f"{ROOT}/cmd/model/update", "-e", f"{ROOT}/reply/17", "-m", '{"req_id": "17"}'),
        ]
        answer = subprocess.run(command, capture_output=True, check=True, timeout=20)
        assert json.loads(answer.stdout)["detail"] == "looking for an update"
