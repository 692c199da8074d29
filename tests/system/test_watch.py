"""`eyespot watch` and `eyespot-fleet watch` on a terminal, at a real broker."""

import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from eyespot.broker.local import LocalMosquitto
from eyespot.domain.message import Heard
from fakes.brokers import say
from fakes.daemon import eyespot, write_config

RULES = [{"kind": "line", "id": "door", "a": [0.1, 0.5], "b": [0.9, 0.5]}]
ROWS, COLUMNS = 24, 80
SAID = {
    "status": {"state": "online"},
    "info": {"name": "\x1b]0;owned\x07", "model": {"bundle": "people@1.1.0-3f0a91b2c7de"}},
    "config/reported": {"config": {"rules": RULES, "topics": {"frame": False}}},
    "rule/door/state": {"counts": {"person": {"in": 3, "out": 2}}},
}


@pytest.fixture(name="config")
def a_configuration(tmp_path: Path, mosquitto: LocalMosquitto) -> Path:
    """Say what a device says, kept by the broker; return the configuration of that device."""
    config = write_config(tmp_path, camera={"source": "scene"}, url=mosquitto.url)
    kept = [
        Heard(f"eyespot/v1/shop/{suffix}", json.dumps(fields).encode(), retain=True, qos=1)
        for suffix, fields in SAID.items()
    ]
    say(mosquitto.url, *kept)
    return config


class Terminal:
    """One with a program on it."""

    def __init__(self, *command: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._theirs = theirs
        env = {**os.environ, "TERM": "xterm", **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", *command], stdin=theirs, stdout=theirs, stderr=theirs, env=env
        )
        os.set_blocking(self._ours, False)
        self.screen = ""

    def until(self, text: str) -> None:
        """Read on until a text comes."""
        end = time.monotonic() + 20
        while text not in self.screen:
            assert time.monotonic() < end, f"{text!r} does not come: {self.screen!r}"
            time.sleep(0.05)
            with suppress(BlockingIOError):
                self.screen += os.read(self._ours, 1 << 16).decode(errors="replace")

    def type(self, keys: bytes) -> None:
        self.screen = ""
        os.write(self._ours, keys)

    def end(self) -> int:
        """Return the exit code; read what comes meanwhile."""
        end = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
            with suppress(BlockingIOError):
                self.screen += os.read(self._ours, 1 << 16).decode(errors="replace")
        assert termios.tcgetattr(self._theirs) == self.before
        return self.process.wait(1)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@contextmanager
def terminal(*command: str, **environment: str) -> Iterator[Terminal]:
    opened = Terminal(*command, **environment)
    try:
        yield opened
    finally:
        opened.close()


def test_keys_reach_it_and_q_gives_the_terminal_back_as_it_was(config: Path) -> None:
    with terminal("eyespot", "watch", "--config", str(config)) as seen:
        seen.until("person 3 in, 2 out")
        assert "\x1b]0;" not in seen.screen
        seen.type(b"ti")
        seen.until("tallying door: in 1, out 0")
        seen.type(b"q")
        assert seen.end() == 0


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_ctrl_c_and_the_end_of_its_terminal_end_it(mosquitto: LocalMosquitto, number: int) -> None:
    with terminal("eyespot_fleet", "watch", "--broker", mosquitto.url) as seen:
        seen.until("person 3 in, 2 out")
        seen.process.send_signal(number)  # as the terminal would, if it were the one that controls it
        assert seen.end() == 0


def test_a_terminal_without_utf_8_gets_ascii_alone(config: Path) -> None:
    quiet = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    with terminal("eyespot", "watch", "--seconds", "2", "--config", str(config), **quiet) as seen:
        seen.until("door")
        assert seen.end() == 0
        assert seen.screen.isascii()


def test_without_a_terminal_it_is_shown_once(config: Path) -> None:
    told = eyespot("watch", "--config", config)
    assert told.returncode == 0
    rows = told.stdout.splitlines()
    assert any("person 3 in, 2 out" in row for row in rows)
    assert "\x1b" not in told.stdout
    assert max(map(len, rows)) <= 100


def test_a_broker_that_is_not_there_is_named(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "scene"}, url="mqtt://127.0.0.1:9")
    told = eyespot("watch", "--config", config)
    assert told.returncode == 69
    assert "cannot listen at 127.0.0.1" in told.stderr


@pytest.mark.usefixtures("config")
def test_one_device_can_be_asked_for_and_no_other_topic(mosquitto: LocalMosquitto) -> None:
    command = [sys.executable, "-m", "eyespot_fleet", "watch", "--broker", mosquitto.url, "--device"]
    told = [
        subprocess.run([*command, name], capture_output=True, text=True, check=False, timeout=60)
        for name in ("shop", "yard", "#")
    ]
    assert "person 3 in, 2 out" in told[0].stdout
    assert "no device has said anything yet" in told[1].stdout
    assert told[2].returncode == 64
    assert "want the id of a device" in told[2].stderr
