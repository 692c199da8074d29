"""A device is replaced: whole processes on two boards, one after the other, and a broker that hears both."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from fakes.backups import CONFIG, count
from fakes.daemon import LINE, Ear, Service, write_recording
from fakes.waiting import until

# a process on a board whose serial number is in a file
ON_BOARD = (
    "import sys; from eyespot.host import identity; identity._SERIAL = sys.argv.pop(1); "
    "from eyespot.__main__ import main; sys.exit(main())"
)


class Board:
    """A machine with a serial number, a configuration folder and a state folder of its own."""

    def __init__(self, folder: Path, serial: str) -> None:
        folder.mkdir()
        (folder / "serial").write_text(serial)
        self._program = [sys.executable, "-c", ON_BOARD, str(folder / "serial")]
        self.config = folder / "etc" / "eyespot.toml"
        self.state = folder / "state"

    def configure(self, text: bytes) -> None:
        self.config.parent.mkdir()
        self.config.write_bytes(text)

    def command(self, *arguments: object, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        command = [*self._program, *map(str, arguments), "--config", str(self.config)]
        environ = {**os.environ, "STATE_DIRECTORY": str(self.state)}
        return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60, env=environ)

    def daemon(self) -> Service:
        service = Service(self.config.parents[1], STATE_DIRECTORY=str(self.state))
        service._command = [*self._program, "run", "--config", str(self.config)]
        return service


@pytest.fixture
def boards(tmp_path: Path) -> tuple[Board, Board]:
    return Board(tmp_path / "a", "10000000aaaaaaaa"), Board(tmp_path / "b", "10000000bbbbbbbb")


def walking(recording: Path, url: str) -> bytes:
    """Return a configuration that names neither the device nor the state folder."""
    rule = "\n".join(f"{key} = {json.dumps(value)}" for key, value in LINE.items())
    camera = f'source = "replay"\nfile = "{recording}"\nloop = true\nmount = "overhead"\n'
    return f'[camera]\n{camera}[mqtt]\nurl = "{url}"\n[[rules]]\n{rule}\n'.encode()


def test_another_board_goes_on_where_the_old_one_stopped(tmp_path: Path, boards: tuple[Board, Board]) -> None:
    old, new = boards
    ear, backup = Ear(), tmp_path / "backup.tar.gz"
    with LocalMosquitto() as mosquitto:
        old.configure(walking(write_recording(tmp_path / "walk.eyespot.jsonl", 1), mosquitto.url))
        with old.daemon() as daemon:
            with Listener(mosquitto.url, "eyespot/v1/#", ear):
                until(lambda: ear.numbers() == [1], "the first event")
            mosquitto.stop(kill=True)
            until(lambda: any(told.startswith("STATUS") and "broker_unr" in told for told in daemon.told))
            said = {"waiting": 0}
            while not said["waiting"]:
                backup.unlink(missing_ok=True)
                said = json.loads(old.command("backup", backup, "--json").stdout)
            daemon.signal(signal.SIGKILL)
        told = new.command("restore", backup)
        assert (told.returncode, told.stderr) == (0, b"restored\n")
        mosquitto.start()
        with Listener(mosquitto.url, "eyespot/v1/#", ear), new.daemon():
            until(lambda: len(ear.numbers()) > said["seq"] + 1, "two events of the new board")
    assert {heard.topic.split("/")[2] for heard in ear.heard} == {said["device"]} == {"eyespot-aaaaaaaa"}
    assert ear.numbers() == list(range(1, len(ear.numbers()) + 1))
    new_boot = ear.newest("/status")["boot_id"]
    of_the_new = {event["seq"] for event in ear.on("/event") if event["boot_id"] == new_boot}
    assert of_the_new == set(range(said["seq"] + 1, len(ear.numbers()) + 1))
    totals = [s["counts"]["person"]["in"] for s in ear.on("/door/state") if s["boot_id"] == new_boot]
    assert totals == sorted(totals)
    assert said["seq"] <= totals[0] <= totals[-1] <= len(ear.numbers())
    assert totals[-1] > said["seq"]


def test_a_restore_over_a_running_daemon_is_refused_and_it_counts_on(
    tmp_path: Path, mosquitto: LocalMosquitto, boards: tuple[Board, Board]
) -> None:
    board, ear = boards[0], Ear()
    board.configure(walking(write_recording(tmp_path / "walk.eyespot.jsonl", 1), mosquitto.url))
    with Listener(mosquitto.url, "eyespot/v1/#", ear), board.daemon():
        until(lambda: ear.numbers() == [1], "the first event")
        board.command("backup", tmp_path / "x")
        told = board.command("restore", tmp_path / "x")
        assert told.returncode == 74
        assert told.stderr.startswith(b"another eyespot uses the state folder")
        assert told.stderr.count(b"\n") == 1
        until(lambda: 2 in ear.numbers(), "another event")


def test_a_backup_goes_through_a_pipe(boards: tuple[Board, Board]) -> None:
    old, new = boards
    old.configure(CONFIG)
    count(old.state, 3)
    piped = old.command("backup", "-")
    assert b"door: person in 3" in piped.stderr
    seen = new.command("restore", "-", "--dry-run", stdin=piped.stdout)
    assert seen.stdout.startswith(b"eyespot-aaaaaaaa, 2")
    assert b"on another board" in seen.stdout
    assert not new.state.exists()
    assert new.command("restore", "-", "--json", stdin=piped.stdout).returncode == 0
    assert new.config.read_bytes() == CONFIG
    said = json.loads(new.command("selftest", "--json").stdout)[1]
    assert said["facts"]["device"] == "eyespot-aaaaaaaa"


@pytest.mark.parametrize("data", [b"", b"no backup", b"\x1f\x8b"])
def test_what_is_no_backup_is_one_line_and_exit_code_65(data: bytes, boards: tuple[Board, Board]) -> None:
    for option in ((), ("--dry-run",)):
        told = boards[0].command("restore", "-", *option, stdin=data)
        assert (told.returncode, told.stdout, told.stderr.count(b"\n")) == (65, b"", 1)
