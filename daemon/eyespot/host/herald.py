"""Speaks for a process that cannot speak: a child that tells how far the start of a camera is.

libcamera's Python bindings keep the interpreter's lock while a camera starts, and a network that the sensor
does not know yet takes minutes. Meanwhile no thread of the process runs: none pings the watchdog, none tells
the service manager or the body anything. This child does, until its standard input is closed.
"""

import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from eyespot.host.systemd import Notifier

LIMIT_S = 600.0
_EVERY_S = 1.0
_GOODBYE_S = 2.0
_ROOT = Path("/")
# of the sensor's driver: stage, bytes sent, bytes in all; stage 2 is the network. Readable by root alone.
_PROGRESS = "sys/kernel/debug/imx500-fw:*/fw_progress"
_NETWORK_STAGE = 2


@contextmanager
def heralded(body: int | None = None) -> Iterator[None]:
    """Let a child speak for this process within the context, ten minutes at most.

    Args:
        body: a descriptor of the connection to the body, closed here; None where there is none.
    """
    command = [sys.executable, "-m", "eyespot.host.herald", str(-1 if body is None else body)]
    try:
        child = subprocess.Popen(  # noqa: S603 - this very file
            command, stdin=subprocess.PIPE, pass_fds=() if body is None else (body,)
        )
    except OSError:  # no memory, no processes: the camera matters more
        yield
        return
    finally:
        if body is not None:
            os.close(body)
    try:
        yield
    finally:
        if child.stdin is not None:
            child.stdin.close()
        try:
            child.wait(_GOODBYE_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def progress(seconds: float, root: Path = _ROOT) -> str:
    """Return in words how far the start of a camera is, after so many seconds."""
    for file in root.glob(_PROGRESS):
        try:
            stage, sent, size = map(int, file.read_text(encoding="ascii").split())
        except (OSError, ValueError):
            continue
        if stage == _NETWORK_STAGE and size > 0:
            return f"sending the network to the sensor: {min(100 * sent // size, 100)} % ({seconds:.0f} s)"
    return f"starting the camera ({seconds:.0f} s)"


def status(doing: str) -> bytes:
    """Return a `sources.wire.Status` that says nothing but this, as it crosses to the body."""
    return msgspec.msgpack.encode(["status", None, None, 0, doing])


def _speak(body: int, parent: int) -> None:
    manager, begun_s = Notifier(watched=parent), time.monotonic()
    while (seconds := time.monotonic() - begun_s) < LIMIT_S and os.getppid() == parent:
        doing = progress(seconds)
        manager.starting(doing)
        manager.watchdog()
        if body >= 0:
            _send(body, status(doing))
        if select.select([sys.stdin], [], [], _EVERY_S)[0]:
            return


def _send(body: int, data: bytes) -> None:
    try:
        with socket.socket(fileno=os.dup(body)) as connection:
            connection.send(data, socket.MSG_NOSIGNAL | socket.MSG_DONTWAIT)
    except OSError:
        return  # it is gone, or does not listen


if __name__ == "__main__":
    _speak(int(sys.argv[1]), os.getppid())
