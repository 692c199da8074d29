"""Outside systemd the body wakes the update worker: when somebody asks, and when it wanted to be woken."""

import os
import subprocess
from pathlib import Path

import pytest

from eyespot.app.update_runs import UpdateRuns
from eyespot.broker.settings import MqttSettings
from eyespot.config import Config
from eyespot.domain.instants import SECOND_NS
from eyespot.host.clock import ManualClock
from eyespot.sources.settings import CameraSettings
from eyespot.store.settings import StateSettings
from eyespot.trust.notes import Request
from eyespot.update.settings import UpdateSettings
from eyespot.update.slots import Slots

NOW_S = 1_700_000_000


class Process(subprocess.Popen[bytes]):
    """A worker that ends when a test says so."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.ended_by_us = False

    def poll(self) -> int | None:
        return self.code

    def wait(self, timeout: float | None = None) -> int:
        return -15

    def terminate(self) -> None:
        self.ended_by_us = True

    def kill(self) -> None:
        self.ended_by_us = True

    def __del__(self, *_: object) -> None:
        """There is no process."""


class Body:
    """A body whose time is told."""

    def __init__(self, folder: Path, url: str | None = "https://models.example") -> None:
        self.file = folder / "eyespot.toml"
        self.file.touch()
        os.utime(self.file, (1, 1))
        self.slots = Slots.open(folder / "state" / "models")
        self.clock = ManualClock(utc_at_zero_ns=NOW_S * SECOND_NS)
        self.config = Config(
            camera=CameraSettings(source="scene"),
            mqtt=MqttSettings(url="mqtt://localhost"),
            state=StateSettings(dir=str(folder / "state")),
            update=UpdateSettings(url=url),
        )
        self.begun: list[Process] = []
        self.runs = self.with_environ({})

    def with_environ(self, environ: dict[str, str]) -> UpdateRuns:
        runs = UpdateRuns(self.file, self.clock, environ, self._start)
        runs.follow(self.config)
        return runs

    def wake_at(self, utc_s: int) -> None:
        (self.slots.folder / "next").write_text(f"{utc_s}\n")

    def pass_time(self, seconds: int) -> int:
        """Let seconds pass; return how many workers there were so far."""
        for _ in range(seconds * 2):
            self.clock.sleep(0.5)
            self.runs.tick()
        return len(self.begun)

    def _start(self, file: Path, folder: Path) -> Process:
        assert (file, folder) == (self.file, self.slots.folder)
        self.begun.append(Process())
        return self.begun[-1]


@pytest.fixture(name="body")
def a_body(tmp_path: Path) -> Body:
    return Body(tmp_path)


def test_a_worker_runs_at_first_and_then_when_it_wanted_to_be_woken(body: Body) -> None:
    assert body.pass_time(5) == 1, "one at a time"
    body.wake_at(NOW_S + 60)
    body.begun[0].code = 0
    assert body.pass_time(50) == 1
    assert body.pass_time(10) == 2


def test_a_request_wakes_it_at_once(body: Body) -> None:
    body.wake_at(NOW_S + 3600)
    assert body.pass_time(5) == 0
    body.slots.post_request("worker", Request(kind="check"))
    assert body.pass_time(2) == 1


@pytest.mark.parametrize("said", [b"", b"soon", b"9" * 40, b"\xff"])
def test_a_worker_that_wanted_nothing_sensible_is_woken(body: Body, said: bytes) -> None:
    (body.slots.folder / "next").write_bytes(said)
    assert body.pass_time(2) == 1


def test_a_changed_configuration_wakes_it(body: Body) -> None:
    body.wake_at(NOW_S + 3600)
    os.utime(body.file)
    os.utime(body.slots.folder / "next", (1, 1))
    assert body.pass_time(2) == 1


def test_one_that_fails_is_not_begun_again_at_once_whatever_waits(body: Body) -> None:
    body.slots.post_request("worker", Request(kind="check"))
    assert body.pass_time(2) == 1
    body.begun[0].code = 78
    assert body.pass_time(58) == 1
    assert body.pass_time(5) == 2


def test_without_a_repository_it_runs_when_somebody_asks_alone(tmp_path: Path) -> None:
    body = Body(tmp_path, url=None)
    assert body.pass_time(5) == 0
    body.slots.post_request("worker", Request(kind="install", path="/srv/people"))
    assert body.pass_time(2) == 1


def test_where_a_unit_does_it_the_body_does_not(body: Body) -> None:
    body.runs = body.with_environ({"EYESPOT_MODELS_DIR": str(body.slots.folder)})
    body.slots.post_request("worker", Request(kind="check"))
    assert body.pass_time(5) == 0


def test_it_ends_with_the_body(body: Body) -> None:
    body.pass_time(1)
    body.runs.close()
    assert body.begun[0].ended_by_us
