"""What waits for each browser: bounded, however slow it is."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

MOST_FRAMES: Final = 64  # three devices at ten a second, for two seconds
NOTHING: Final = b"null"  # says that there is no such state any more

Said = tuple[str, str, bytes]  # device, topic below it, payload as JSON in one line


class Browser:
    """What one browser has not had yet. Any thread may put; the newest of a state stands for all before it.

    Args:
        wake: called when there is something; from any thread.
    """

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._lock = threading.Lock()
        self._states: dict[tuple[str, str], bytes] = {}
        self._had: set[tuple[str, str]] = set()  # of what it has a state; answers are never taken back
        self._frames: deque[Said] = deque(maxlen=MOST_FRAMES)

    def state(self, device: str, name: str, payload: bytes) -> None:
        """Keep a state until it is taken: it is never lost, only overtaken.

        What is taken back before the browser had any of it is as if it had not been said: so no more waits
        than there is, and than the browser has.
        """
        with self._lock:
            if payload == NOTHING and (device, name) not in self._had:
                self._states.pop((device, name), None)
            else:
                self._states[device, name] = payload
        self._wake()

    def frame(self, device: str, payload: bytes) -> None:
        """Keep a frame, unless too many come after it."""
        with self._lock:
            self._frames.append((device, "frame", payload))
        self._wake()

    def take(self) -> list[Said]:
        """Return what waits, states first, and forget it."""
        with self._lock:
            taken = [(device, name, payload) for (device, name), payload in self._states.items()]
            taken += self._frames
            for key, payload in self._states.items():
                if payload == NOTHING:
                    self._had.discard(key)
                elif not key[1].startswith("reply/"):
                    self._had.add(key)
            self._states.clear()
            self._frames.clear()
        return taken
