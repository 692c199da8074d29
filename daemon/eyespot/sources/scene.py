"""A rendered scene as a camera: cut-outs of real pictures that a real model finds, with known truth."""

from eyespot.domain.geometry import Resize, scaled_size
from eyespot.domain.instants import SECOND_NS
from eyespot.frames import Frame
from eyespot.ports import Clock, SourceEnded, Tell, View, silent
from eyespot.sources.pacing import wait_until
from eyespot.sources.scene_art import Stage
from eyespot.sources.scene_world import HEIGHT, WIDTH, World
from eyespot.sources.settings import Pace


class SceneSource:
    """Renders the scene at a given rate, without end; each `open` begins it again.

    Args:
        seed: the same seed gives the same pictures.
        rate_hz: frames per second.
        pace: "real" gives the newest frame that is due; "fast" all of them, without waiting.
        clock: when frames are due.
    """

    def __init__(self, seed: int, rate_hz: float, pace: Pace, clock: Clock) -> None:
        self.world = World(seed)
        self._rate_hz = rate_hz
        self._pace = pace
        self._clock = clock
        self._stage: Stage | None = None
        self._begin_ns = 0
        self._number = 0

    @property
    def paced(self) -> bool:
        """Return whether time does not wait."""
        return self._pace == "real"

    @property
    def sensor(self) -> None:
        """Return nothing: there is no camera."""

    def open(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:  # noqa: ARG002
        """Begin the scene, rendered at the size that the model wants."""
        self._begin_ns = self._clock.now_ns()
        self._number = 0
        return self.fit(width, height, resize)

    def fit(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:  # noqa: ARG002
        """Render at another size from the next frame on; the scene goes on."""
        self._stage = Stage(self.world, *scaled_size((WIDTH, HEIGHT), (width, height), resize))
        return View("scene", WIDTH, HEIGHT, self._rate_hz)

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next frame; None where it is not due within the time.

        Raises:
            SourceEnded: it is not open.
        """
        if self._stage is None:
            raise SourceEnded
        if self.paced:
            if not wait_until(self._due_ns(self._number), self._clock, timeout_s):
                return None
            late_s = (self._clock.now_ns() - self._due_ns(self._number)) / SECOND_NS
            self._number += max(int(late_s * self._rate_hz), 0)
        taken_ns = self._due_ns(self._number)
        self._number += 1
        return Frame(taken_ns, self._stage.draw((taken_ns - self._begin_ns) / SECOND_NS))

    def close(self) -> None:
        """Stop. Harmless when not open."""
        self._stage = None

    def _due_ns(self, number: int) -> int:
        return self._begin_ns + round(number * SECOND_NS / self._rate_hz)
