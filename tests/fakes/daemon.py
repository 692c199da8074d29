"""A real `eyespot` process, what it tells its service manager, and what a subscriber hears of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from eyespot.domain.message import Heard
from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes import contract
from fakes.waiting import PATIENCE_S
from fakes.walkers import Walker, film

LINE = {"kind": "line", "id": "door", "a": [0.5, 1.0], "b": [0.5, 0.0]}  # from left to right is in
LABELS = ("person", "dog")


def eyespot(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    command = [sys.executable, "-m", "eyespot", *map(str, arguments)]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def write_config(
    folder: Path,
    *,
    camera: dict[str, Any],
    url: str | list[str],
    rules: Iterable[dict[str, Any]] = (LINE,),
    state: Path | None = None,
) -> Path:
    """Write a configuration whose state is kept in `folder`, unless it is to be kept elsewhere."""
    tables = {
        "device": {"id": "shop"},
        "camera": {"mount": "overhead", **camera},
        "mqtt": {"url": url},
        "state": {"dir": str(state or folder / "state")},
    }
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    for rule in rules:
        lines += ["[[rules]]", *(f"{key} = {json.dumps(value)}" for key, value in rule.items())]
    file = folder / "eyespot.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


def write_recording(file: Path, crossings: int, rate_hz: float = 10, seconds: float = 2) -> Path:
    """Write a recording of so many walkers, one after the other, each from left to right in some seconds."""
    walkers = [Walker((0.1, 0.5), (0.9, 0.5), n * seconds, (n + 1) * seconds) for n in range(crossings)]
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=768, height=576, rate_hz=rate_hz
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, rate_hz, crossings * seconds):
            writer.write(Observation(taken_ns, "recording", found))
    return file


class Ear:
    """Keeps what a subscriber hears."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []

    def __call__(self, heard: Heard) -> None:
        contract.look_at(heard.topic, heard.payload)
        self.heard.append(heard)

    def on(self, suffix: str) -> list[dict[str, Any]]:
        """Return the payloads of the topics that end so."""
        return [json.loads(h.payload) for h in list(self.heard) if h.topic.endswith(suffix) and h.payload]

    def newest(self, suffix: str) -> dict[str, Any]:
        """Return the last of them, or nothing."""
        return (self.on(suffix) or [{}])[-1]

    def numbers(self) -> list[int]:
        """Return the numbers of the events, in the order in which they came for the first time."""
        return list(dict.fromkeys(event["seq"] for event in self.on("/event")))


class Service:
    """A command under a service manager of ours, until the context ends.

    Args:
        folder: where it tells how it goes, and where what it says on stderr is kept.
        arguments: the command.
        environment: more of it.

    Attributes:
        told: what the service manager was told, line by line.
    """

    def __init__(self, folder: Path, *arguments: object, **environment: str) -> None:
        self._address = folder / f"notify{time.monotonic_ns() % 10**9}"
        self._command = [sys.executable, "-m", "eyespot", *map(str, arguments)]
        self._environment = {
            **os.environ,
            "NOTIFY_SOCKET": str(self._address),
            "WATCHDOG_USEC": "1000000",
            **environment,
        }
        self.told: list[str] = []

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._address))
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()
        self._errors = (self._address.parent / "stderr").open("ab")
        self.process = self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.wait()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"", str(self._address))
        self._listener.join()
        self._socket.close()
        self._errors.close()
        if error is not None:
            sys.stderr.write(self.stderr)  # pytest shows it with the failure

    @property
    def stderr(self) -> str:
        """What it and those before it in this folder said."""
        return (self._address.parent / "stderr").read_text()

    def ready(self) -> bool:
        return any(told.startswith("READY=1") for told in self.told)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        return self.process.wait(timeout_s)

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._command, stderr=self._errors, env=self._environment)

    def _listen(self) -> None:
        while data := self._socket.recv(65536):
            self.told += data.decode().split("\n")


class Daemon(Service):
    """`eyespot run`. With `EYESPOT_EYE_SOCKET` in its environment another process looks for it."""

    def __init__(self, config: Path, **environment: str) -> None:
        super().__init__(config.parent, "run", "--config", config, **environment)


class EyeService(Service):
    """`eyespot eye`."""

    def __init__(self, socket: Path) -> None:
        super().__init__(socket.parent, "eye", "--socket", socket)

    @property
    def status(self) -> str:
        """How it goes, as it said last."""
        return [told for told in self.told if told.startswith("STATUS=")][-1].removeprefix("STATUS=")


class EyeUnit(EyeService):
    """`eyespot eye`, started again whenever it ends, as its unit does.

    Attributes:
        socket: where the body is to listen.
        pids: of all eyes so far.
    """

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "eye.sock"
        self.pids: list[int] = []
        self._over = threading.Event()
        super().__init__(self.socket)

    def __enter__(self) -> Self:
        super().__enter__()
        self._keeper = threading.Thread(target=self._keep)
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self.process.kill()
        self._keeper.join()
        super().__exit__(kind, error, trace)

    def _start(self) -> subprocess.Popen[bytes]:
        process = super()._start()
        self.pids.append(process.pid)
        return process

    def _keep(self) -> None:
        while not self._over.is_set():
            self.process.wait()
            if not self._over.wait(0.2):
                self.process = self._start()
