"""The body of the source thread: look, hand on what was seen, and recover a source that gives nothing."""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from eyespot.domain.errors import CameraError, CameraStuck, ModelError, ModelRefused, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import NOTICE, Notice
from eyespot.domain.observation import Observation
from eyespot.domain.recovery import Step, too_often
from eyespot.domain.standstill import Standstill
from eyespot.ports import (
    Beat,
    Clock,
    HealthBoard,
    ObservationSource,
    Readings,
    SourceEnded,
    Tell,
)
from eyespot.supervisor.ladder import Ladder

_log = logging.getLogger(__name__)

_PATIENCE_S = 0.5
_SILENCE_S = 5.0
_STANDSTILL_S = 3.0
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0


@dataclass(frozen=True, slots=True)
class _Act:
    """Something to do with the source. `opens`: it looks afterwards, whether it did before or not."""

    do: Callable[[Tell], None]
    opens: bool = True


class Outlet(Protocol):
    """Where observations go: a `Mailbox`, or the way to another process."""

    def put(self, observation: Observation, timeout_s: float) -> bool:
        """Leave an observation; False when there was no room in time, so try again."""

    def close(self) -> None:
        """Say that nothing more will be left."""


class SourceWorker:
    """Opens the source, again and again where it fails, and takes from it until it ends or we stop.

    Args:
        source: where observations come from.
        outlet: where they go.
        health: knows `source_failed`, `source_silent` and `camera_stalled`.
        clock: for the silence.
        stall_s: how long a source may give nothing before a step of recovery is taken; None: never.
        reboot: asks for the machine to start anew, the last step there is; returns why not, or nothing.
        replaceable: a new process takes over when this one ends, so that a hang may end it.
        leave: asked before the camera is powered up; returns 0, or the seconds to wait before asking again.
            None where power-ups do no harm.
    """

    def __init__(
        self,
        source: ObservationSource,
        outlet: Outlet,
        health: HealthBoard,
        clock: Clock,
        *,
        stall_s: float | None = None,
        reboot: Callable[[], str] = str,
        replaceable: bool = False,
        leave: Callable[[], float] | None = None,
    ) -> None:
        self._doing = ""
        self._source = source
        self._outlet = outlet
        self._health = health
        self._clock = clock
        self._reboot = reboot
        self._replaceable = replaceable
        self._leave = leave
        self._powers_up = True
        self._is_open = False
        self._ladder = Ladder(source.steps if stall_s else (), stall_s or 0, clock.now_ns())
        self._wanted: queue.SimpleQueue[_Act] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._delay_s = _FIRST_DELAY_S
        self._newest_ns = self._silent_since_ns = clock.now_ns()

    @property
    def readings(self) -> Readings:
        """How the source does just now, and what it is busy with; from any thread."""
        readings = self._source.readings
        return replace(readings, doing=self._doing or readings.doing)

    @property
    def recoveries(self) -> dict[Step, int]:
        """How often each step of recovery was taken."""
        return dict(self._ladder.taken)

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Let `run` return soon; from any thread."""
        self._stopping.set()

    def recover(self, step: Step) -> None:
        """Take a step of recovery as soon as can be; from any thread."""
        self._wanted.put(_Act(partial(self._source.recover, step)))

    def request(self, act: Callable[[Tell], None]) -> None:
        """Do something with the source as soon as can be, in its own thread; from any thread.

        It is told how to tell how far it is, and raises as opening the source does.
        """
        self._wanted.put(_Act(act, opens=False))

    def run(self, beat: Beat) -> None:
        """Look until stopped, or until the source has ended.

        Raises:
            InputError: a file cannot be read (any further).
            CameraStuck: only a new process can help, and there will be one.
            ModelRefused: the camera cannot run the model, and what ran before is known.
        """
        act = _Act(self._source.open)
        try:
            while not self._stopping.is_set():
                act = self._attempt(act, beat)
        except SourceEnded:
            return
        finally:
            self._source.close()
            self._outlet.close()

    def _attempt(self, act: _Act, beat: Beat) -> _Act:
        """Do something so that observations come, take them, and return what to do next."""
        if act.opens and not self._may_power_up(beat):
            return self._next_act() or act
        try:
            act.do(partial(self._tell, beat))
            self._is_open |= act.opens
            self._silent_since_ns = self._clock.now_ns()
            self._ladder.busy(self._silent_since_ns)
            self._doing = ""
            return self._take_all(beat) if self._is_open else _Act(self._source.open)
        except ModelRefused:
            raise
        except CameraStuck as error:
            self._health.raise_state("source_failed", one_line(error))
            if self._replaceable:
                raise
            while not self._stopping.wait(_PATIENCE_S):
                beat()
            return act
        except (CameraError, ModelError) as error:
            self._doing, self._is_open = "", False
            reason = f"{one_line(error)}; trying again in {self._delay_s:.0f} s"
            self._health.raise_state("source_failed", reason)
            self._wait(self._delay_s, beat)
            self._delay_s = min(self._delay_s * 2, _LONGEST_DELAY_S)
            return self._next_act() or _Act(self._source.open)

    def _take_all(self, beat: Beat) -> _Act:
        """Hand on observations until stopped, or until something else is to be done; return what."""
        standstill = Standstill(_STANDSTILL_S, self._clock.now_ns())
        while not self._stopping.is_set():
            beat()
            if standstill.ended(self._clock.now_ns()):  # not the camera but this process gave nothing
                self._silent_since_ns = self._clock.now_ns()
                self._ladder.busy(self._silent_since_ns)
            observation = self._source.take(_PATIENCE_S)
            if observation is None:
                self._notice_silence()
            else:
                self._hand_on(observation, beat)
            act = self._next_act()
            if act is not None:
                return act
        return _Act(self._source.open)

    def _hand_on(self, observation: Observation, beat: Beat) -> None:
        now_ns = self._newest_ns = self._silent_since_ns = self._clock.now_ns()
        self._ladder.seen(now_ns)
        self._delay_s = _FIRST_DELAY_S
        for name in ("source_silent", "source_failed", "camera_stalled"):
            self._health.clear_state(name)
        while not self._outlet.put(observation, _PATIENCE_S) and not self._stopping.is_set():
            beat()

    def _notice_silence(self) -> None:
        """Name a silence that lasts, unless something is under way that takes its time."""
        now_ns = self._clock.now_ns()
        if self._source.readings.doing:
            self._silent_since_ns = now_ns
            self._ladder.busy(now_ns)
        elif now_ns - self._silent_since_ns > self._usual_silence_s() * SECOND_NS:
            self._health.raise_state("source_silent", "the source gives nothing; is it connected?")

    def _usual_silence_s(self) -> float:
        """Return how long nothing may come from a source of this rate."""
        view = self._source.view
        return max(_SILENCE_S, 3 / view.rate_hz) if view is not None and view.rate_hz > 0 else _SILENCE_S

    def _next_act(self) -> _Act | None:
        """Return what somebody wants, or what is due to bring a silent source back."""
        with suppress(queue.Empty):
            return self._wanted.get_nowait()
        step = self._ladder.due(self._clock.now_ns())
        return None if step is None else self._recovery(step)

    def _recovery(self, step: Step) -> _Act:
        """Name the silence, and return what a step means."""
        silent_s = (self._clock.now_ns() - self._newest_ns) / SECOND_NS
        reason = f"nothing seen for {silent_s:.0f} s; now trying {step.value}"
        recovery = Notice.RECOVERY_STEP.of(step=step.value)
        _log.log(NOTICE, "trying to recover the camera: %s", step.value, extra=recovery)
        self._health.raise_state("camera_stalled", reason)
        self._powers_up |= step is Step.RENEW
        return _Act(self._after_reboot if step is Step.REBOOT else partial(self._source.recover, step))

    def _after_reboot(self, tell: Tell) -> None:
        refusal = self._reboot()
        if refusal:
            self._health.raise_state("camera_stalled", f"a reboot might help, but {refusal}")
        self._source.open(tell)

    def _tell(self, beat: Beat, doing: str) -> None:
        self._doing = doing
        beat()

    def _may_power_up(self, beat: Beat) -> bool:
        """Wait until the camera may be powered up, where that is about to happen.

        Returns:
            False where something else is to be done first.
        """
        if not self._powers_up or self._leave is None:
            return True
        self._doing = "waiting until the camera may be powered up"
        wait_s = self._leave()
        if not wait_s:
            self._powers_up = False
            self._health.clear_state("camera_resting")
            return True
        if wait_s > _FIRST_DELAY_S:
            self._health.raise_state("camera_resting", too_often(wait_s))
        self._wait(min(wait_s, _LONGEST_DELAY_S), beat)
        self._ladder.busy(self._clock.now_ns())
        return False

    def _wait(self, seconds: float, beat: Beat) -> None:
        """Wait; shorter where somebody wants something."""
        until_ns = self._clock.now_ns() + seconds * SECOND_NS
        while self._clock.now_ns() < until_ns and self._wanted.empty():
            if self._stopping.wait(_PATIENCE_S):
                return
            beat()
