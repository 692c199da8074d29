"""`eyespot eye` under a service manager of ours, which starts it again when it ends."""

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from fakes.waiting import until

_AGAIN_S = 0.2


class EyeUnit:
    """Starts an eye, again and again, until the context ends.

    Args:
        folder: where its socket, its manager's socket and its log are.

    Attributes:
        socket: where the body is to listen.
        pids: of all eyes so far.
        told: what they told their manager.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "eye.sock"
        self.pids: list[int] = []
        self.told: list[str] = []
        self._log = folder / "eye.log"
        self._address = folder / "eye.notify"
        self._over = threading.Event()

    def __enter__(self) -> Self:
        self._manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._manager.bind(str(self._address))
        self._threads = [threading.Thread(target=self._keep), threading.Thread(target=self._listen)]
        for thread in self._threads:
            thread.start()
        until(lambda: self.pids, "an eye")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.process.terminate()
        self._threads[0].join()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self._address))
        self._threads[1].join()
        self._manager.close()

    @property
    def log(self) -> str:
        """What they said."""
        return self._log.read_text()

    def _keep(self) -> None:
        command = [sys.executable, "-m", "eyespot", "eye", "--socket", str(self.socket)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(self._address), "WATCHDOG_USEC": "3000000"}
        while not self._over.is_set():
            with self._log.open("ab") as log:
                self.process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)
            self.pids.append(self.process.pid)
            self.process.wait()
            self._over.wait(_AGAIN_S)

    def _listen(self) -> None:
        while data := self._manager.recv(65536):
            self.told += data.decode().split("\n")
