"""Runs the update worker where no unit does: outside systemd, as a child process of the body."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from eyespot.app.choice import slots_folder, utc_s
from eyespot.config import Config
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.paths import read_small
from eyespot.ports import Clock
from eyespot.update.account import NEXT
from eyespot.update.settings import FOLDER

_log = logging.getLogger(__name__)

_TURN_NS = SECOND_NS
_AFTER_FAILURE_NS = 60 * SECOND_NS
_MOST_AHEAD_S = 200_000  # what lies further ahead was said by a clock that was wrong
_NICE = 10
_PATIENCE_S = 1.0
_NOT_FOR_IT = frozenset({"NOTIFY_SOCKET", "CREDENTIALS_DIRECTORY"})

Start = Callable[[Path, Path], "subprocess.Popen[bytes]"]


class UpdateRuns:
    """Starts the worker when it is asked for something, and when it said that it wants to be woken.

    One at a time. Where `$EYESPOT_MODELS_DIR` is set a unit does all this: then it does nothing.

    Args:
        file: the configuration's.
        clock: for the times.
        environ: of the process.
        start: starts a worker, given the configuration's file and the folder of the slots.
    """

    def __init__(
        self, file: Path, clock: Clock, environ: Mapping[str, str] = os.environ, start: Start | None = None
    ) -> None:
        self._file = file
        self._clock = clock
        self._environ = environ
        self._start = start or _start
        self._folder: Path | None = None
        self._asks = False
        self._worker: subprocess.Popen[bytes] | None = None
        self._not_before_ns = 0

    def follow(self, config: Config) -> None:
        """Go by a configuration from now on."""
        self._folder = None if self._environ.get(FOLDER) else slots_folder(config, self._environ)
        self._asks = config.update.url is not None

    def tick(self) -> None:
        """Start a worker if it is time; cheap, never raises."""
        now_ns = self._clock.now_ns()
        if self._folder is None or now_ns < self._not_before_ns:
            return
        self._not_before_ns = now_ns + _TURN_NS
        if self._worker is not None and not self._is_over(self._worker, now_ns):
            return
        if self._is_due(self._folder):
            try:
                self._worker = self._start(self._file, self._folder)
            except OSError as error:
                self._not_before_ns = now_ns + _AFTER_FAILURE_NS
                _log.warning("the update worker cannot be started: %s", error.strerror)

    def close(self) -> None:
        """End the worker; what it has begun goes on with the next one."""
        if self._worker is not None:
            self._worker.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._worker.wait(_PATIENCE_S)
            self._worker.kill()
            self._worker.wait()
            self._worker = None

    def _is_over(self, worker: "subprocess.Popen[bytes]", now_ns: int) -> bool:
        """Whether a worker has come to its end; after a bad one the next has to wait."""
        code = worker.poll()
        if code is None:
            return False
        self._worker = None
        if code:
            self._not_before_ns = now_ns + _AFTER_FAILURE_NS
        return not code

    def _is_due(self, folder: Path) -> bool:
        with suppress(OSError):
            if any((folder / "requests" / "worker").iterdir()):
                return True
        return self._asks and self._is_time(folder / NEXT)

    def _is_time(self, path: Path) -> bool:
        """Whether it is when the worker wanted to be woken, or the configuration is newer than its word."""
        said = read_small(path, 32)
        with suppress(OSError, ValueError, TypeError):
            ahead_s = int(said or b"") - utc_s(self._clock)
            is_newer = path.stat().st_mtime_ns > self._file.stat().st_mtime_ns
            return not (is_newer and 0 < ahead_s <= _MOST_AHEAD_S)
        return True


def _start(file: Path, folder: Path) -> "subprocess.Popen[bytes]":
    environ = {name: value for name, value in os.environ.items() if name not in _NOT_FOR_IT}
    worker = subprocess.Popen(  # noqa: S603 - fixed words and paths
        (sys.executable, "-P", "-m", "eyespot", "update", "--config", str(file.absolute())),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        env={**environ, FOLDER: str(folder)},
        start_new_session=True,  # Ctrl-C is for us, who end it
    )
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, worker.pid, _NICE)
    return worker
