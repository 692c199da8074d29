"""The tracks of the last hour, in memory, for whoever wonders on the device itself why they counted.

They never leave over MQTT: nothing here makes messages.
"""

import threading
from collections import deque

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.store.packed_strips import END, packed

_HOUR_NS = 3600 * SECOND_NS
_STEPS = 256  # so many are packed at once, which takes a few milliseconds
_MOST_BYTES = 8_000_000


class TrackHour:
    """Keeps an hour of scenes of one model, less where that is too much. Thread-safe; outlives a reload.

    Args:
        most_bytes: how much is kept at most, packed.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._blocks: deque[tuple[int, bytes]] = deque()  # the newest instant, and the strip
        self._bytes = 0
        self._newest: list[Scene] = []
        self._labels: tuple[str, ...] = ()

    def note(self, scene: Scene, labels: tuple[str, ...]) -> None:
        """Keep a scene. Where the classes are others than before, what was kept is of no use any more."""
        with self._lock:
            if labels != self._labels:
                self._labels, self._newest, self._bytes = labels, [], 0
                self._blocks.clear()
            self._newest.append(scene)
            if len(self._newest) == _STEPS:
                self._pack()

    def told(self) -> tuple[bytes, tuple[str, ...]]:
        """Return what is kept, as `packed_strips` has it, and the names of its classes by index."""
        with self._lock:
            last = packed(Strip.of(self._newest)) if self._newest else b""
            return b"".join([*(data for _, data in self._blocks), last, END]), self._labels

    def _pack(self) -> None:
        newest_ns, data = self._newest[-1].taken_ns, packed(Strip.of(self._newest))
        self._newest = []
        self._blocks.append((newest_ns, data))
        self._bytes += len(data)
        while self._bytes > self._most_bytes or self._blocks[0][0] < newest_ns - _HOUR_NS:
            self._bytes -= len(self._blocks.popleft()[1])
