"""Takes note of what a broker tells, and lets a test wait for it."""

import threading
from collections.abc import Callable

from eyespot.domain.message import Heard
from fakes import contract


class Recorder:
    """Implements `ports.BrokerEvents` and `ports.Ear`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.online = False
        self.connections = 0
        self.reasons: list[str] = []
        self.replacements: list[str] = []
        self.refusal = ""
        self.acknowledged_tokens: list[int] = []
        self.refusals: dict[int, str] = {}
        self.heard: list[Heard] = []
        self.hears: bool | None = None
        self.denied: dict[str, str | None] = {}

    def connected(self) -> None:
        with self._changed:
            self.online = True
            self.connections += 1
            self._changed.notify_all()

    def disconnected(self, reason: str) -> None:
        with self._changed:
            self.online = False
            self.reasons.append(reason)
            self._changed.notify_all()

    def replaced(self, reason: str) -> None:
        with self._changed:
            self.replacements.append(reason)
            self._changed.notify_all()

    def renewed(self, refusal: str) -> None:
        with self._changed:
            self.refusal = refusal
            self._changed.notify_all()

    def acknowledged(self, token: int) -> None:
        with self._changed:
            self.acknowledged_tokens.append(token)
            self._changed.notify_all()

    def refused(self, token: int, reason: str) -> None:
        with self._changed:
            self.refusals[token] = reason
            self._changed.notify_all()

    def hear(self, heard: Heard) -> None:
        contract.look_at(heard.topic, heard.payload)
        with self._changed:
            self.heard.append(heard)
            self._changed.notify_all()

    def listening(self) -> None:
        with self._changed:
            self.hears = True
            self._changed.notify_all()

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        with self._changed:
            self.hears = False
            self.denied[topic_filter] = reason
            self._changed.notify_all()

    def wait_for(self, what: Callable[[], object], timeout_s: float = 10.0) -> None:
        """Wait until something is so.

        Raises:
            AssertionError: it is not in time.
        """
        with self._changed:
            assert self._changed.wait_for(what, timeout_s), (self.online, self.reasons, self.refusals)
