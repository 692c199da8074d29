"""What is heard of a daemon that crashes, or cannot begin."""

import signal
import time
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.store.crash_count import CrashCount, Crashes
from fakes.daemon import Daemon, Ear, write_config, write_recording
from fakes.waiting import until


class Unit:
    """The daemon as its unit starts it, with what stays from run to run."""

    def __init__(self, folder: Path, url: str) -> None:
        self.run = folder / "run"
        self.run.mkdir()
        recording = write_recording(folder / "walk.eyespot.jsonl", 1)
        camera = {"source": "replay", "file": str(recording), "loop": True}
        self.config = write_config(folder, camera=camera, url=url)
        self._state = folder / "state"
        self._state.mkdir()
        self._environment = {
            "EYESPOT_RESTART_WAIT_MAX_S": "900",
            "RUNTIME_DIRECTORY": str(self.run),
            "STATE_DIRECTORY": str(self._state),
        }

    def start(self, ended: str = "") -> Daemon:
        """Return the next run, after one that ended so."""
        if ended:
            (self.run / "last-run").write_text(ended)
        return Daemon(self.config, **self._environment)

    def has_crashed(self, times: int) -> None:
        """Let it have crashed so often in a row."""
        CrashCount([self._state]).keep(Crashes(times, "killed by signal SEGV"))


@pytest.fixture(name="unit")
def a_unit(tmp_path: Path, mosquitto: LocalMosquitto) -> Unit:
    return Unit(tmp_path, mosquitto.url)


def states(ear: Ear) -> dict[str, str]:
    """The troubles that `health` names now, with their reasons."""
    return {state["name"]: state["reason"] for state in ear.newest("/health").get("states", ())}


def test_a_crash_loop_is_told_while_it_waits_and_after_it_is_back(unit: Unit, ear: Ear) -> None:
    unit.has_crashed(5)
    with unit.start("signal killed SEGV") as daemon:
        until(lambda: "next try at" in states(ear).get("crash_loop", ""), "the crash loop on health")
        assert "crashed 6 times in a row, last: killed by signal SEGV" in states(ear)["crash_loop"]
        assert ear.newest("/status")["state"] == "offline"
        until(lambda: any("EXTEND_TIMEOUT_USEC=" in told for told in daemon.told), "systemd is asked to wait")
        assert not daemon.ready()
        daemon.signal(signal.SIGHUP)
        until(daemon.ready, "READY=1")
        until(lambda: "it counts again" in states(ear).get("crash_loop", ""), "back, but not forgotten")
        assert ear.newest("/status")["state"] == "online"
        until(ear.numbers, "it counts")


def test_a_stop_ends_the_wait_within_two_seconds(unit: Unit) -> None:
    unit.has_crashed(5)
    with unit.start("watchdog killed ABRT") as daemon:
        until(lambda: any("watchdog" in told for told in daemon.told), "STATUS says why")
        asked = time.monotonic()
        daemon.signal(signal.SIGTERM)
        assert daemon.wait() == 0
        assert time.monotonic() - asked < 2


def test_a_mended_configuration_ends_the_wait(unit: Unit) -> None:
    unit.has_crashed(5)
    with unit.start("exit-code exited 70") as daemon:
        until(lambda: any("exit code 70" in told for told in daemon.told), "STATUS says why")
        unit.config.write_text(unit.config.read_text() + "# mended\n")
        until(daemon.ready, "READY=1")


def test_a_broker_that_cannot_be_told_is_said_and_holds_nothing_up(tmp_path: Path) -> None:
    unit = Unit(tmp_path, "mqtt://127.0.0.1:9")
    unit.has_crashed(5)
    with unit.start("signal killed SEGV") as daemon:
        until(lambda: "cannot tell mqtt://127.0.0.1:9: connection refused" in daemon.stderr, "it is said")
        daemon.signal(signal.SIGHUP)
        until(daemon.ready, "READY=1")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ("\n[[rules]]\nkind = line\n", "Invalid value"),
        ("\n[modle]\n", 'did you mean "model"'),
        ('\n[model]\nbundle = "/nonexistent"\n', "is no folder"),
    ],
    ids=["syntax", "section", "model"],
)
def test_a_refused_configuration_is_told_before_it_stays_down(
    unit: Unit, ear: Ear, more: str, words: str
) -> None:
    unit.config.write_text(unit.config.read_text() + more)
    with unit.start() as daemon:
        assert daemon.wait() == 78
    until(lambda: words in states(ear).get("configuration_refused", ""), "the refusal on health")
    assert ear.newest("/status")["state"] == "offline"


def test_without_its_unit_it_says_nothing_in_the_name_of_the_device(
    unit: Unit, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unit.start() as daemon:
        until(daemon.ready, "READY=1")
        until(lambda: ear.newest("/health"), "health")
        broken = unit.config.with_name("broken.toml")
        broken.write_text(unit.config.read_text() + "\n[modle]\n")
        with Daemon(broken) as by_hand:
            assert by_hand.wait() == 78
        with unit.start() as second:
            assert second.wait() == 74
        time.sleep(0.5)
        assert ear.newest("/status")["state"] == "online"
        assert not states(ear)
