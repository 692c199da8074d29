"""A worker, its thread and its heartbeat."""

import logging
import threading
from typing import Protocol

from eyespot.domain.errors import EyespotError
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import Notice
from eyespot.ports import Beat, Clock

_log = logging.getLogger(__name__)


class Worker(Protocol):
    """The body of a thread."""

    def run(self, beat: Beat) -> None:
        """Work until there is nothing left to do; call `beat` at least every few seconds."""


class Watched:
    """Runs a worker in a thread of its own, and knows how fresh its heartbeat is.

    Args:
        name: of the thread, as people read it.
        worker: the body.
        clock: for the heartbeat.

    Attributes:
        error: what ended the body, if it was one of ours.
        bug: whether anything else ended it.
    """

    def __init__(self, name: str, worker: Worker, clock: Clock) -> None:
        self.name = name
        self.error: EyespotError | None = None
        self.bug = False
        self._worker = worker
        self._clock = clock
        self._beaten_ns = clock.now_ns()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread; its heartbeat counts from now."""
        self._beat()
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the body has not returned yet."""
        return self._thread.is_alive()

    def silent_s(self) -> float:
        """Return for how long a running body has not beaten; 0 for one that is done."""
        return (self._clock.now_ns() - self._beaten_ns) / SECOND_NS if self.running else 0.0

    def join(self, timeout_s: float) -> bool:
        """Wait for the body to return, at most this long; whether it did."""
        self._thread.join(timeout_s)
        return not self.running

    def _beat(self) -> None:
        self._beaten_ns = self._clock.now_ns()

    def _run(self) -> None:
        try:
            self._worker.run(self._beat)
        except EyespotError as error:
            self.error = error
        except Exception:  # noqa: BLE001 - the one place where a bug is caught, to stop in good order
            self.bug = True
            _log.exception("a bug in the %s thread", self.name, extra=Notice.BUG.of(thread=self.name))
