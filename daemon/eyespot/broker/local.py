"""A mosquitto of our own on a free loopback port, for as long as it is needed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

from eyespot.domain.errors import BrokerError, one_line

_LOOPBACK = "127.0.0.1"
_START_S = 5.0
_STOP_S = 2.0
_STEP_S = 0.02


class LocalMosquitto:
    """Runs mosquitto on loopback while its context lasts; nothing is kept.

    Args:
        lines: of mosquitto.conf(5), for its listener; default: everybody on this machine may connect.

    Attributes:
        port: where it listens; the same over `stop` and `start`.
    """

    def __init__(self, lines: Sequence[str] = ("allow_anonymous true",)) -> None:
        self._lines = lines
        self._binary = _find()
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's address, without TLS."""
        return f"mqtt://{_LOOPBACK}:{self.port}"

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="eyespot-broker-")
        try:
            self.start()
        except BrokerError:
            self._folder.cleanup()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._folder.cleanup()

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises:
            BrokerError: it does not listen in time.
        """
        folder = Path(self._folder.name)
        config, said = folder / "mosquitto.conf", folder / "said"
        lines = (f"listener {self.port} {_LOOPBACK}", "persistence false", *self._lines)
        config.write_text("\n".join(lines) + "\n")
        with said.open("wb") as out:
            # a session of its own: Ctrl-C is for us; it is to hear our last messages
            self._process = subprocess.Popen(  # noqa: S603 - the binary is the system's
                [self._binary, "-c", str(config)], stdout=out, stderr=out, start_new_session=True
            )
        if not self._listens():
            self.stop()
            words = said.read_text("utf-8", "replace").splitlines()
            raise BrokerError(f"mosquitto does not start: {words[-1] if words else 'it says nothing'}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it, or kill it; harmless when it does not run."""
        if self._process is None:
            return
        if not kill:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_S)
        self._process.kill()
        self._process.wait()
        self._process = None

    def _listens(self) -> bool:
        give_up = time.monotonic() + _START_S
        while time.monotonic() < give_up and self._process is not None and self._process.poll() is None:
            with suppress(OSError), socket.create_connection((_LOOPBACK, self.port), 1):
                return True
            time.sleep(_STEP_S)
        return False


def _find() -> str:
    """Return where mosquitto is; Debian keeps it where users' paths do not look."""
    path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/usr/local/sbin"
    binary = os.environ.get("EYESPOT_MOSQUITTO") or shutil.which("mosquitto", path=path)
    if binary is None or not os.access(binary, os.X_OK):
        raise BrokerError("there is no mosquitto here: apt install mosquitto, or set EYESPOT_MOSQUITTO")
    return binary


def _free_port() -> int:
    try:
        with socket.create_server((_LOOPBACK, 0)) as server:
            port: int = server.getsockname()[1]
            return port
    except OSError as error:
        raise BrokerError(f"there is no free port on loopback: {one_line(error)}") from error
