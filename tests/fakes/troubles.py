"""A health board that shows what stands on it."""

import threading


class Troubles:
    """Implements `ports.HealthBoard`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.lasting: dict[str, str] = {}

    def raise_state(self, name: str, reason: str) -> None:
        with self._lock:
            self.lasting[name] = reason

    def clear_state(self, name: str) -> None:
        with self._lock:
            self.lasting.pop(name, None)

    def lasts(self, name: str) -> bool:
        with self._lock:
            return name in self.lasting
