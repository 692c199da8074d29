"""Where what is said to the device waits until somebody has time for it."""

import threading
from collections import deque

from eyespot.domain.message import Heard

MOST_WAITING = 32
_LONGEST_TOPIC = 512


class Inbox:
    """Takes without ever waiting, and holds little; thread-safe.

    Args:
        most_bytes: of a payload; what is larger is not taken.

    Attributes:
        dropped: how many messages found no room, or were too large.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._changed = threading.Condition()
        self._waiting: deque[Heard] = deque()
        self._closed = False
        self.dropped = 0

    def put(self, heard: Heard) -> None:
        """Leave a message."""
        fits = len(heard.payload) <= self._most_bytes and len(heard.topic) <= _LONGEST_TOPIC
        with self._changed:
            if fits and len(self._waiting) < MOST_WAITING:
                self._waiting.append(heard)
                self._changed.notify_all()
            else:
                self.dropped += 1

    def take(self, timeout_s: float) -> Heard | None:
        """Return the oldest message, waiting for one at most this long; None if there is none."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed, timeout_s)
            return self._waiting.popleft() if self._waiting else None

    def close(self) -> None:
        """Say that nobody will look any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether that was said."""
        with self._changed:
            return self._closed
