"""The body of the vision thread: observations become counts. It never waits for disk or wire."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from eyespot.pipeline import Pipeline
from eyespot.ports import Beat, Clock, Handover
from eyespot.supervisor.mailbox import Mailbox

_SILENCE_S = 1.0


class VisionWorker:
    """Steps the pipeline with each observation, and once a second while there is none.

    Args:
        pipeline: owned by this thread from `run` on.
        mailbox: where observations come from.
        post: takes what each step leaves behind.
        clock: for UTC, and for the steps in silence.
        turn: held while durable messages are numbered and posted, where others do that, too.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        mailbox: Mailbox,
        post: Callable[[Handover], None],
        clock: Clock,
        turn: AbstractContextManager[object] | None = None,
    ) -> None:
        self._pipeline = pipeline
        self._mailbox = mailbox
        self._post = post
        self._clock = clock
        self._turn = turn or nullcontext()

    def run(self, beat: Beat) -> None:
        """Work until the mailbox is exhausted."""
        # A file may be read faster than time passes: silence goes on from its newest instant.
        ahead_ns = 0
        while not self._mailbox.exhausted():
            beat()
            observation = self._mailbox.take(_SILENCE_S)
            if observation is None and self._mailbox.exhausted():
                break
            now_ns = self._clock.now_ns()
            if observation is not None:
                ahead_ns = max(0, observation.taken_ns - now_ns)
            taken_ns = now_ns + ahead_ns if observation is None else observation.taken_ns
            with self._turn:
                handover = self._pipeline.step(taken_ns, observation, self._clock.timeline())
                if handover.messages or handover.snapshots:
                    self._post(handover)
        with self._turn:
            handover = self._pipeline.keep(self._clock.now_ns() + ahead_ns, self._clock.timeline())
            if handover.snapshots:
                self._post(handover)
