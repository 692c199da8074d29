"""A recording as a source: what was observed then is observed again, now."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step
from eyespot.ports import Clock, ModelIdentity, Readings, SourceEnded, Tell, View, silent
from eyespot.recording import RecordingReader
from eyespot.sources.pacing import wait_until
from eyespot.sources.settings import Pace


class ReplaySource:
    """Gives a recording's observations as if its first were taken when the source was opened.

    Args:
        path: the recording.
        pace: "real" waits until each observation is due; "fast" does not.
        clock: whose time the observations take on.
        min_score: the score from which on a detection can start a track; no recording names one.
        loop: begins again, one observation's time after the last.

    Attributes:
        steps: none; nothing helps a file.
        view: as the recording tells it; None before it is opened.
        readings: nothing is measured.

    Raises:
        InputError: the file cannot be read, or does not begin as a recording.
    """

    steps: tuple[Step, ...] = ()
    readings = Readings()

    def __init__(self, path: Path, pace: Pace, clock: Clock, min_score: float, *, loop: bool = False) -> None:
        self.view: View | None = None
        self._reader = RecordingReader(path)
        self._pace = pace
        self._loop = loop
        self._clock = clock
        self._model = self._reader.header.identity(min_score)
        self._observations: Iterator[Observation] | None = None
        self._next: Observation | None = None

    @property
    def model(self) -> ModelIdentity:
        """Return what the recording tells of its model."""
        return self._model

    @property
    def paced(self) -> bool:
        """Return whether time does not wait."""
        return self._pace == "real"

    def open(self, tell: Tell = silent) -> None:
        """Begin at the first observation."""
        tell("opening the recording")
        self._observations = self._retimed(self._clock.now_ns())
        self._next = None
        header = self._reader.header
        self.view = View("replay", int(header.width), int(header.height), header.rate_hz)

    def take(self, timeout_s: float) -> Observation | None:
        """Return the next observation; None where it is not due within the time.

        Raises:
            SourceEnded: the recording is over.
            InputError: it cannot be read any further.
        """
        if self._observations is None:
            raise SourceEnded
        if self._next is None:
            self._next = next(self._observations, None)
        if self._next is None:
            raise SourceEnded
        if self.paced and not wait_until(self._next.taken_ns, self._clock, timeout_s):
            return None
        observation, self._next = self._next, None
        return observation

    def recover(self, step: Step, tell: Tell = silent) -> None:
        """Do nothing: it has no steps."""

    def close(self) -> None:
        """Stop. Harmless when not open."""
        self._observations = self._next = None

    def _retimed(self, begin_ns: int) -> Iterator[Observation]:
        """Yield the observations in the clock's time, again and again if asked to."""
        while True:
            newest_ns = shift_ns = None
            for seen in self._reader:
                if shift_ns is None:
                    shift_ns = begin_ns - seen.taken_ns
                newest_ns = shift_ns + seen.taken_ns
                yield replace(seen, taken_ns=newest_ns)
            if newest_ns is None or not self._loop:
                return
            begin_ns = newest_ns + round(SECOND_NS / self._reader.header.rate_hz)
