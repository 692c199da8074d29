"""Holds back what is said over and over, and counts it. Values in, values out; time is passed in."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Said = TypeVar("Said")

_BURST = 5
_WINDOW_S = 60.0
_LONGEST_WINDOW_S = 900.0
_MOST_KEYS = 100
_REST = object()  # the key of all that come when there are too many


@dataclass(frozen=True, slots=True)
class Held(Generic[Said]):
    """What was held back: how often, within how many seconds, and the newest of it."""

    newest: Said
    count: int
    within_s: float


@dataclass(slots=True)
class _Window(Generic[Said]):
    begun_s: float
    length_s: float = _WINDOW_S
    left: int = _BURST
    held: int = 0
    newest: Said | None = None


class Flood(Generic[Said]):
    """Lets the first few of a kind through in each window, and tells of the rest when the window ends.

    While a kind goes on, its windows become longer, and nothing gets through but that. After a window
    without it all is as in the beginning.
    """

    def __init__(self) -> None:
        self._windows: dict[Hashable, _Window[Said]] = {}

    def __len__(self) -> int:
        return len(self._windows)

    def admits(self, key: Hashable, said: Said, now_s: float) -> bool:
        """Return whether this may be said now; else it is counted.

        Args:
            key: its kind.
            said: what is kept of it while it is the newest.
            now_s: of a clock that never goes back; the same for all calls.
        """
        if key not in self._windows and len(self._windows) >= _MOST_KEYS:
            key = _REST
        window = self._windows.setdefault(key, _Window(now_s))
        if window.left > 0:
            window.left -= 1
            return True
        window.held += 1
        window.newest = said
        return False

    def due(self, now_s: float) -> list[Held[Said]]:
        """Return what was held back in windows that have ended, and begin anew."""
        told: list[Held[Said]] = []
        for key, window in list(self._windows.items()):
            if now_s < window.begun_s + window.length_s:
                continue
            if window.newest is None:
                del self._windows[key]
            else:
                told.append(Held(window.newest, window.held, now_s - window.begun_s))
                longer_s = min(window.length_s * 2, _LONGEST_WINDOW_S)
                self._windows[key] = _Window(now_s, longer_s, left=0)
        return told

    def due_s(self) -> float:
        """Return when there is next something to tell; infinite while nothing is held back."""
        ends = [w.begun_s + w.length_s for w in self._windows.values() if w.held]
        return min(ends, default=math.inf)

    def rest(self, now_s: float) -> list[Held[Said]]:
        """Return all that is held back, whose window has not ended: nothing comes after this."""
        windows, self._windows = self._windows, {}
        return [Held(w.newest, w.held, now_s - w.begun_s) for w in windows.values() if w.newest is not None]
