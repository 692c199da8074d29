"""A source that does what is written."""

from collections.abc import Iterable, Iterator

from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock
from eyespot.ports import ModelIdentity, Readings, SourceEnded, Tell, View, silent

MODEL = ModelIdentity("m", "m", "1", None, ("person",), 0.35)


def seen(taken_ns: int) -> Observation:
    return Observation(taken_ns, "m", no_detections())


class Script:
    """A source that does what is written: an observation, None for silence, or an error.

    Args:
        clock: moves while nothing comes.
        script: what `take` gives, one after the other; then it ends.
        steps: of recovery.
        opening: what `open` and `recover` raise, one after the other; then nothing.
    """

    model, paced, readings = MODEL, True, Readings()
    view = View("script", 640, 480, 10)

    def __init__(
        self,
        clock: ManualClock,
        script: Iterable[Observation | Exception | None],
        steps: tuple[Step, ...] = (),
        opening: Iterable[Exception | None] = (),
    ) -> None:
        self.steps = steps
        self.closed = 0
        self.done: list[str] = []
        self._clock = clock
        self._script: Iterator[Observation | Exception | None] = iter(script)
        self._opening = iter(opening)

    @property
    def opened(self) -> int:
        return self.done.count("open")

    def open(self, tell: Tell = silent) -> None:
        tell("opening")
        self._do("open")

    def recover(self, step: Step, tell: Tell = silent) -> None:
        tell("recovering")
        self._do(step.value)

    def take(self, timeout_s: float) -> Observation | None:
        line = next(self._script, SourceEnded())
        if isinstance(line, Exception):
            raise line
        if line is None:
            self._clock.sleep(timeout_s)
        return line

    def close(self) -> None:
        self.closed += 1

    def _do(self, what: str) -> None:
        self.done.append(what)
        failure = next(self._opening, None)
        if failure is not None:
            raise failure
