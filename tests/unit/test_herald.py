"""The child that speaks while nothing else of the process can."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from eyespot.host.herald import heralded, progress, status
from eyespot.sources import wire
from eyespot.sources.datagrams import Datagrams

SENDING = "sys/kernel/debug/imx500-fw:10-001a"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("2 1048576 4194304\n", "sending the network to the sensor: 25 % (7 s)"),
        ("2 9 4", "sending the network to the sensor: 100 % (7 s)"),
        ("1 1048576 4194304", "starting the camera (7 s)"),
        ("2 0 0", "starting the camera (7 s)"),
        ("", "starting the camera (7 s)"),
        ("what", "starting the camera (7 s)"),
    ],
)
def test_how_far_the_upload_is_stands_in_the_drivers_file(tmp_path: Path, said: str, words: str) -> None:
    folder = tmp_path / SENDING
    folder.mkdir(parents=True)
    (folder / "fw_progress").write_text(said)
    assert progress(7.2, tmp_path) == words


def test_where_the_driver_may_not_be_asked_the_time_that_it_took_is_told(tmp_path: Path) -> None:
    assert progress(61, tmp_path) == "starting the camera (61 s)"


def test_what_it_tells_the_body_is_a_status() -> None:
    assert wire.decode_from_eye(status("starting")) == wire.Status(None, None, 0, "starting")


def test_it_speaks_to_manager_and_body_while_it_lasts_and_is_gone_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, Datagrams(ours, 1000) as body, theirs:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "30000000")
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        with heralded(os.dup(theirs.fileno())):
            told = manager.recv(1000) + b"\n" + manager.recv(1000)
            heard = body.receive(10)
            children = _children()
        assert b"EXTEND_TIMEOUT_USEC=30000000\nSTATUS=starting the camera (0 s)" in told
        assert told.endswith(b"WATCHDOG=1")
        assert heard == status("starting the camera (0 s)")
        assert len(children) == 1
        assert _children() == []


def test_it_does_not_outlive_the_process_that_it_speaks_for(tmp_path: Path) -> None:
    script = "import os\nfrom eyespot.host.herald import heralded\nwith heralded(): os.kill(os.getpid(), 9)"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")}
        subprocess.run([sys.executable, "-c", script], check=False, env=environment)
        manager.settimeout(2.5)
        assert len(list(iter(lambda: _heard(manager), b""))) <= 4  # two words a second, for one more at most


def _heard(manager: socket.socket) -> bytes:
    try:
        return manager.recv(1000)
    except TimeoutError:
        return b""


def _children() -> list[psutil.Process]:
    return psutil.Process().children()
