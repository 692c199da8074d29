"""The body of the source thread: look, and leave what was seen in the mailbox."""

import threading

from eyespot.domain.errors import CameraError, ModelError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Beat, Clock, HealthBoard, ObservationSource, SourceEnded, View
from eyespot.supervisor.mailbox import Mailbox

_PATIENCE_S = 0.5
_SILENCE_S = 5.0
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0


class SourceWorker:
    """Opens the source, again and again where it fails, and takes from it until it ends or we stop.

    Args:
        source: where observations come from.
        mailbox: where they go.
        health: knows `source_failed` and `source_silent`.
        clock: for the silence.

    Attributes:
        view: what the source said when it was opened last; None before.
    """

    def __init__(
        self, source: ObservationSource, mailbox: Mailbox, health: HealthBoard, clock: Clock
    ) -> None:
        self.view: View | None = None
        self._source = source
        self._mailbox = mailbox
        self._health = health
        self._clock = clock
        self._stopping = threading.Event()
        self._delay_s = _FIRST_DELAY_S

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()

    def run(self, beat: Beat) -> None:
        """Look until stopped, or until the source has ended.

        Raises:
            InputError: a file cannot be read (any further).
        """
        try:
            while not self._stopping.is_set():
                try:
                    self._look(beat)
                except SourceEnded:
                    return
                except (CameraError, ModelError) as error:
                    self._source.close()
                    self._health.raise_state(
                        "source_failed", f"{one_line(error)}; trying again every {self._delay_s:.0f} s"
                    )
                    self._wait(self._delay_s, beat)
                    self._delay_s = min(self._delay_s * 2, _LONGEST_DELAY_S)
        finally:
            self._source.close()
            self._mailbox.close()

    def _look(self, beat: Beat) -> None:
        self.view = self._source.open()
        newest_ns = self._clock.now_ns()
        while not self._stopping.is_set():
            beat()
            observation = self._source.take(_PATIENCE_S)
            now_ns = self._clock.now_ns()
            if observation is None:
                if now_ns - newest_ns > _SILENCE_S * SECOND_NS:
                    self._health.raise_state("source_silent", "the source gives nothing; is it connected?")
                continue
            newest_ns = now_ns
            self._delay_s = _FIRST_DELAY_S
            self._health.clear_state("source_silent")
            self._health.clear_state("source_failed")
            while not self._mailbox.put(observation, _PATIENCE_S) and not self._stopping.is_set():
                beat()

    def _wait(self, seconds: float, beat: Beat) -> None:
        until_ns = self._clock.now_ns() + seconds * SECOND_NS
        while self._clock.now_ns() < until_ns and not self._stopping.wait(_PATIENCE_S):
            beat()
