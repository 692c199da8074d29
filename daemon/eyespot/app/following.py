"""How what looks is told to go over to another model: in this process, or in the eye."""

from typing import Protocol

from eyespot.app.swapping import Swapping
from eyespot.domain.errors import EyespotError, one_line
from eyespot.domain.recovery import Step
from eyespot.ports import Clock, ObservationSource
from eyespot.sources.eye import EyeSource
from eyespot.sources.screening import Wanted
from eyespot.sources.wire import Look
from eyespot.supervisor.source_worker import SourceWorker


class Follower(Protocol):
    """What looks, and can go over to another model; all from the main thread.

    Attributes:
        refusal: why it did not go over to the newest order; empty where nothing is known against it.
        losses: how often the process that looks went of its own accord since that order.
    """

    @property
    def refusal(self) -> str: ...  # noqa: D102 - told above

    @property
    def losses(self) -> int: ...  # noqa: D102 - told above

    def follow(self, look: Look, wanted: Wanted) -> None:
        """Go over to a model as soon as can be; what looks goes on until then, and where it cannot be."""

    def renew(self) -> None:
        """Let another process look, where it is one of its own: a model that hangs cannot be ended."""


class InThisProcess:
    """What looks is a source of ours.

    Args:
        source: what looks.
        worker: what runs it.
        look: by which it looks.
        clock: for the thread that loads.
    """

    losses = 0  # this process would have gone with it

    def __init__(self, source: ObservationSource, worker: SourceWorker, look: Look, clock: Clock) -> None:
        self._looks_by = look
        self.refusal = ""
        self._swapping = Swapping(source, worker, clock, over=self._over, refused=self._refused)

    def follow(self, look: Look, wanted: Wanted) -> None:  # noqa: ARG002 - whoever loads it finds that out
        """Load it beside what looks, and go over to it."""
        self.refusal = ""
        if look == self._looks_by:
            self._swapping.forget()
        else:
            self._swapping.begin(look)

    def renew(self) -> None:
        """Do nothing: there is no other process."""

    def _over(self, look: Look) -> None:
        self._looks_by = look

    def _refused(self, _: Look, error: EyespotError) -> None:
        self.refusal = one_line(error)


class ThroughTheEye:
    """What looks is another process.

    Args:
        eye: the way there.
        worker: what runs it.
    """

    def __init__(self, eye: EyeSource, worker: SourceWorker) -> None:
        self._eye = eye
        self._worker = worker
        self._order = eye.order

    @property
    def refusal(self) -> str:  # noqa: D102 - see `Follower`
        return self._eye.refusal if self._is_given else ""

    @property
    def losses(self) -> int:  # noqa: D102 - see `Follower`
        return self._eye.losses if self._is_given else 0

    def follow(self, look: Look, wanted: Wanted) -> None:
        """Tell the eye, from the thread that talks with it."""
        self._order = look
        self._worker.request(lambda _: self._eye.swap(look, wanted))

    def renew(self) -> None:
        """Have the eye end; the service manager starts the next."""
        self._worker.recover(Step.RENEW)

    @property
    def _is_given(self) -> bool:
        return self._eye.order == self._order
