"""The main thread: signals, heartbeats, the watchdog's ping, the order of the stop."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from eyespot.domain.errors import EyespotError, ModelRefused
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import NOTICE, Notice
from eyespot.domain.standstill import Standstill
from eyespot.ports import Clock
from eyespot.supervisor.signals import Wish
from eyespot.supervisor.threads import Watched

_log = logging.getLogger(__name__)

START_AGAIN = 75  # as sysexits.h has it: try again. The unit knows it
_TICK_S = 0.2
_FRESH_S = 10.0
_GRACE_S = 2.0
_STATUS_EVERY_S = 5.0
_JOIN_MARGIN_S = 0.2  # a thread that uses up its patience still has to return


class ServiceManager(Protocol):
    """What the service manager is told; see `host.systemd`."""

    def starting(self, status: str) -> None: ...  # noqa: D102
    def ready(self, status: str) -> None: ...  # noqa: D102
    def status(self, text: str) -> None: ...  # noqa: D102
    def watchdog(self) -> None: ...  # noqa: D102
    def stopping(self) -> None: ...  # noqa: D102


class Outcome(Enum):
    """Why supervision ended."""

    STOPPED = "on request"
    ENDED = "a thread has ended"
    RELOAD = "for a reload"
    RESTART = "for a restart"
    BUG = "after a bug"

    @property
    def exit_code(self) -> int:
        """What the process ends with: 70 after a bug, 75 to be started again, else 0."""
        return {Outcome.BUG: EyespotError.exit_code, Outcome.RESTART: START_AGAIN}.get(self, 0)


@dataclass(frozen=True, slots=True)
class StopStep:
    """One step of the stop: ask, then wait for a thread.

    Attributes:
        ask: lets the thread return.
        thread: the thread.
        patience_s: how long it may take after a signal.
        patience_at_end_s: how long after a file has ended, when nobody waits.
    """

    ask: Callable[[float], None]
    thread: Watched
    patience_s: float
    patience_at_end_s: float


class Supervisor:
    """Starts threads, watches them, stops them.

    Args:
        threads: all of them, in the order in which they start.
        stop: how they stop, in order.
        manager: the service manager.
        tick: called several times a second; posts reports.
        describe: one line on how it goes, for the service manager.
        reload: called on SIGHUP; True when everything is to be built anew.
        next_wish: waits for a signal, at most that many seconds.
        clock: for the heartbeats.
        starting: whether something that belongs to the start is still under way; it may take minutes.
    """

    def __init__(
        self,
        *,
        threads: Sequence[Watched],
        stop: Sequence[StopStep],
        manager: ServiceManager,
        tick: Callable[[], None],
        describe: Callable[[], str],
        reload: Callable[[], bool],
        next_wish: Callable[[float], Wish | None],
        clock: Clock,
        starting: Callable[[], bool] = lambda: False,
    ) -> None:
        self._starting = starting
        self._is_ready = False
        self._threads = threads
        self._stop_steps = stop
        self._manager = manager
        self._tick = tick
        self._describe = describe
        self._reload = reload
        self._next_wish = next_wish
        self._clock = clock
        self._stale: set[str] = set()
        self._told_ns = 0
        self._standstill = Standstill(_FRESH_S / 2, clock.now_ns())
        self._grace_until_ns = 0

    def run(self) -> Outcome:
        """Supervise until a signal, the end of the source, an error or a bug.

        Raises:
            EyespotError: the first one that ended a thread, after everything was stopped in order.
        """
        for thread in self._threads:
            thread.start()
        self._tell_start()
        outcome = self._watch()
        goes_back = any(isinstance(thread.error, ModelRefused) for thread in self._threads)
        if outcome is not Outcome.RELOAD and not goes_back:  # the service manager would kill what goes on
            self._manager.stopping()
            _log.log(NOTICE, "stopping: %s", outcome.value, extra=Notice.STOPPING.of(reason=outcome.value))
        clean = self._stop(at_end=outcome is Outcome.ENDED and not goes_back)
        error = next((thread.error for thread in self._threads if thread.error), None)
        if error is not None:
            raise error
        return outcome if clean and not any(thread.bug for thread in self._threads) else Outcome.BUG

    def _watch(self) -> Outcome:
        while True:
            wish = self._next_wish(_TICK_S)
            if wish is Wish.STOP:
                return Outcome.STOPPED
            if wish is Wish.RESTART:
                return Outcome.RESTART
            if wish is Wish.RELOAD and self._reload():
                return Outcome.RELOAD
            if not all(thread.running for thread in self._threads):
                return Outcome.ENDED
            self._tick()
            self._check_heartbeats()

    def _check_heartbeats(self) -> None:
        stale = self._hanging()
        for name in stale - self._stale:
            words = "the %s thread has not beaten for %.0f s"
            _log.error(words, name, _FRESH_S, extra=Notice.THREAD_HANGS.of(thread=name))
        self._stale = stale
        if not stale:
            self._manager.watchdog()
        now_ns = self._clock.now_ns()
        if not self._is_ready:
            self._tell_start()
        elif now_ns - self._told_ns > _STATUS_EVERY_S * SECOND_NS or stale:
            self._told_ns = now_ns
            hangs = f"the {', '.join(sorted(stale))} thread hangs; " if stale else ""
            self._manager.status(hangs + self._describe())

    def _hanging(self) -> set[str]:
        """Return the threads that do not beat; none for a while after this one stood still, too.

        So it is while a camera starts, and after the machine slept.
        """
        now_ns = self._clock.now_ns()
        if self._standstill.ended(now_ns):
            self._grace_until_ns = now_ns + round(_GRACE_S * SECOND_NS)
        if now_ns < self._grace_until_ns:
            return set()
        return {thread.name for thread in self._threads if thread.silent_s() > _FRESH_S}

    def _tell_start(self) -> None:
        """Say that everything runs, or that the start takes longer."""
        if self._starting():
            self._manager.starting(self._describe())
        else:
            self._is_ready = True
            description = self._describe()
            self._manager.ready(description)
            _log.log(NOTICE, "ready: %s", description, extra=Notice.READY.of())

    def _stop(self, *, at_end: bool) -> bool:
        clean = True
        for step in self._stop_steps:
            if at_end:
                clean &= self._ask(step, step.patience_at_end_s)
                at_end = self._wait_unhurried(step)
            if not at_end:
                clean &= self._ask(step, step.patience_s)
            if not step.thread.join(step.patience_s + _JOIN_MARGIN_S):
                hangs = Notice.THREAD_HANGS.of(thread=step.thread.name)
                _log.error("the %s thread does not stop", step.thread.name, extra=hangs)
                clean = False
        return clean

    def _wait_unhurried(self, step: StopStep) -> bool:
        """Wait for a thread after the end of a file; False once a signal asks us to hurry."""
        until_ns = self._clock.now_ns() + step.patience_at_end_s * SECOND_NS
        while step.thread.running and self._clock.now_ns() < until_ns:
            if self._next_wish(0) is Wish.STOP:
                return False
            step.thread.join(_TICK_S)
        return True

    def _ask(self, step: StopStep, patience_s: float) -> bool:
        try:
            step.ask(patience_s)
        except Exception:  # noqa: BLE001 - a bug here must not keep the others from stopping
            bug = Notice.BUG.of(thread=step.thread.name)
            _log.exception("a bug in stopping the %s thread", step.thread.name, extra=bug)
            return False
        return True
