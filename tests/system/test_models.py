"""Models come and go in a real daemon, alone and with an eye: counting goes on, a bad one never stays."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.trust.notes import Request
from eyespot.update.slots import Slots
from fakes import crashing
from fakes.daemon import Daemon, Ear, EyeUnit, write_config
from fakes.slots import factory_network, offer
from fakes.waiting import until

FACTORY = "ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4"


def configured(folder: Path, url: str) -> Path:
    config = write_config(folder, camera={"source": "scene", "seed": 903}, url=url)
    config.write_text(config.read_text() + "[topics]\nframe = true\n[update]\nprobation_s = 10\n")
    return config


class Site:
    """A device whose models are changed."""

    def __init__(self, folder: Path, ear: Ear) -> None:
        self.slots = Slots(folder / "state" / "models")
        self._ear = ear

    def offer(self, version: str) -> str:
        return offer(self.slots, version, factory_network())

    def looks_with(self, bundle: str) -> None:
        """Wait until frames are seen by a model, and `info` names it."""
        until(lambda: self._ear.newest("/frame").get("model") == bundle, f"{bundle} looks")
        until(lambda: self._ear.newest("/info")["model"]["bundle"] == bundle, f"info names {bundle}")

    def until(self, key: str, value: object) -> None:
        until(lambda: getattr(self.slots.record, key) == value, f"{key} = {value}")

    def splits(self) -> list[tuple[str, str]]:
        events = self._ear.on("/door/event")
        return [(event["from"], event["to"]) for event in events if event["kind"] == "split"]


@contextmanager
def site(folder: Path, url: str, ear: Ear, *, with_eye: bool) -> Iterator[Site]:
    with ExitStack() as stack:
        environment = {}
        if with_eye:
            unit = stack.enter_context(EyeUnit(folder))
            environment["EYESPOT_EYE_SOCKET"] = str(unit.socket)
        stack.enter_context(Daemon(configured(folder, url), **environment))
        until(lambda: ear.newest("/frame"), "it looks")
        yield Site(folder, ear)


@pytest.mark.parametrize("with_eye", [False, True], ids=["alone", "with an eye"])
def test_a_good_model_is_tried_and_kept_and_an_operator_may_still_go_back(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear, with_eye: bool
) -> None:
    with site(tmp_path, mosquitto.url, ear, with_eye=with_eye) as device:
        bundle = device.offer("2.0.0")
        device.looks_with(bundle)
        assert device.slots.record.trial is not None
        device.until("good", bundle)
        assert device.splits() == [(FACTORY, bundle)]
        device.slots.post_request("body", Request(kind="rollback"))
        device.looks_with(FACTORY)
        assert device.splits() == [(FACTORY, bundle), (bundle, FACTORY)]
        assert ear.numbers() == list(range(1, len(ear.numbers()) + 1))
        until(lambda: ear.newest("/health")["ok"], "all is well")


@pytest.mark.parametrize("version", ["6.0.0", "7.0.0"], ids=["loaded", "run"])
def test_a_model_that_takes_the_eye_with_it_when_it_is(
    tmp_path: Path,
    mosquitto: LocalMosquitto,
    ear: Ear,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
) -> None:
    plant_crashes(monkeypatch)
    with site(tmp_path, mosquitto.url, ear, with_eye=True) as device:
        device.offer(version)
        until(lambda: device.slots.record.quarantine, "it is left")
        [left] = device.slots.record.quarantine
        assert "died 2 times" in left.reason
        assert device.slots.record.current is None
        before = len(ear.on("/frame"))
        until(lambda: len(ear.on("/frame")) > before, "the factory model looks")
        device.looks_with(FACTORY)


def test_a_model_that_takes_the_daemon_with_it_is_started_twice_and_no_more(
    tmp_path: Path, mosquitto: LocalMosquitto, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant_crashes(monkeypatch)
    config = configured(tmp_path, mosquitto.url)
    with Daemon(config) as daemon:
        until(lambda: ear.newest("/frame"), "it looks")
        slots = Slots(tmp_path / "state" / "models")
        bundle = offer(slots, "6.0.0", factory_network())
        assert daemon.wait() == -signal.SIGSEGV
    with Daemon(config) as daemon:
        assert daemon.wait() == -signal.SIGSEGV
    assert (slots.record.current, slots.record.trial and slots.record.trial.starts) == (bundle, 2)
    with Daemon(config):
        until(lambda: slots.record.quarantine, "it is left")
        assert "started 2 times" in slots.record.quarantine[0].reason
        Site(tmp_path, ear).looks_with(FACTORY)


def plant_crashes(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(crashing.__path__[0])
    monkeypatch.setenv("PYTHONPATH", f"{folder}:{os.environ.get('PYTHONPATH', '')}")
