"""What the thread that counts leaves of its scenes for the one that keeps them."""

import threading
from collections import deque

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.track import Scene
from eyespot.store.trajectories.ways import Look

MOST_WAITING = 6000  # looks: ten minutes at ten a second, where nobody takes them
_STEP_NS = 95 * SECOND_NS // 1000  # ten looks a second are enough, of whoever comes about on time
_EMPTY_NS = 95 * SECOND_NS // 100  # one a second where nobody is: less than is taken for seen with it


class Gathering:
    """Gathers looks while it is open. Thread-safe; it never waits for a disk."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: deque[Look] = deque()
        self._open = False
        self._newest_ns: int | None = None
        self._had_tracks = False
        self._model = ""
        self._lost = 0

    @property
    def is_open(self) -> bool:
        """Whether it gathers."""
        with self._lock:
            return self._open

    def open(self, *, wanted: bool) -> None:
        """Gather from now on, or do not, and forget what nobody has taken."""
        with self._lock:
            if self._open and not wanted:
                self._looks.clear()
            self._open = wanted

    def note(self, scene: Scene, labels: tuple[str, ...]) -> None:
        """Take note of a scene: ten a second, and one where nobody is."""
        with self._lock:
            if scene.observation is not None:
                self._model = scene.observation.bundle
            if not self._open or not self._is_due(scene):
                return
            self._newest_ns, self._had_tracks = scene.taken_ns, len(scene.tracks) > 0
            if len(self._looks) == MOST_WAITING:
                self._looks.popleft()
                self._lost += 1
            self._looks.append(_look(scene, self._model, labels))

    def take(self) -> tuple[list[Look], int]:
        """Return what was gathered since the last time, and how many more there were than may wait."""
        with self._lock:
            taken, lost = list(self._looks), self._lost
            self._looks.clear()
            self._lost = 0
        return taken, lost

    def _is_due(self, scene: Scene) -> bool:
        if self._newest_ns is None or scene.taken_ns < self._newest_ns:
            return True
        empty = not (len(scene.tracks) or self._had_tracks)
        return scene.taken_ns - self._newest_ns >= (_EMPTY_NS if empty else _STEP_NS)


def _look(scene: Scene, model: str, labels: tuple[str, ...]) -> Look:
    observation = scene.observation
    return Look(
        taken_ns=scene.taken_ns,
        utc_ns=scene.timeline.utc_ns(scene.taken_ns),
        synced=scene.timeline.synced,
        blind=observation is None or observation.sight != "clear",
        model=model,
        labels=labels,
        tracks=scene.tracks,
    )
