"""What the service keeps about itself, and does to itself when told; it outlives a reload."""

import logging
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from eyespot.domain.instants import SECOND_NS, rfc3339
from eyespot.host.log_level import BoundedLevel
from eyespot.host.log_ring import LogRing
from eyespot.ports import Clock
from eyespot.supervisor.command_worker import Answered
from eyespot.supervisor.health_day import HealthDay
from eyespot.supervisor.signals import Wish
from eyespot.supervisor.track_hour import TrackHour
from eyespot.topics.commands import LogLevel
from eyespot.topics.model_payloads import Result
from eyespot.update.commands import Verdict

RESTART_AFTER_S = 60
_SAY_IT_FIRST_S = 1.0  # the answer shall leave before
_LEVELS: dict[LogLevel, int] = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING}


class Steward:
    """Restarts, the level of the log, what a diagnosis is made of, and which commands have been done.

    Args:
        clock: for the times between.
        unattended: whether somebody starts the process again when it ends.

    Attributes:
        ring: the newest lines of the log, while `listening`.
        day: of health.
        hour: of tracks.
        answered: commands that are not done again.
    """

    def __init__(self, clock: Clock, *, unattended: bool) -> None:
        self._clock = clock
        self._unattended = unattended
        self._level = BoundedLevel(clock)
        self._begun_ns = clock.now_ns()
        self._restart_ns: int | None = None
        self.ring = LogRing()
        self.day = HealthDay(clock)
        self.hour = TrackHour()
        self.answered: Answered = OrderedDict()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to the log meanwhile; afterwards its level is the usual one."""
        root = logging.getLogger()
        root.addHandler(self.ring)
        try:
            yield
        finally:
            root.removeHandler(self.ring)
            self._level.fall_back()

    def restart(self) -> Verdict:
        """Begin anew in a second; not sooner than a minute after the last time."""
        now_ns = self._clock.now_ns()
        since_s = (now_ns - self._begun_ns) // SECOND_NS
        if self._restart_ns is not None:
            return Verdict("ok", "it is about to begin anew")
        if since_s < RESTART_AFTER_S:
            again = f"ask again in {RESTART_AFTER_S - since_s} s"
            return Verdict("refused", f"it has begun {since_s} s ago; {again}")
        self._restart_ns = now_ns + round(_SAY_IT_FIRST_S * SECOND_NS)
        if self._unattended:
            return Verdict("ok", "the process ends, and is started again")
        return Verdict("ok", "beginning anew within the process, which nobody would start again")

    def log(self, level: LogLevel) -> Verdict:
        """Log from this level on, for an hour."""
        until = rfc3339(self._clock.timeline().utc_ns(self._level.keep(_LEVELS[level])))
        return Verdict("ok", f"logging from {level} on, until {until}", done=Result(until=until))

    def tick(self) -> None:
        """Attend to what time brings; call it as often as you like."""
        self._level.tick()

    def wish(self) -> Wish | None:
        """Return what is wanted of the process by now; once."""
        now_ns = self._clock.now_ns()
        if self._restart_ns is None or now_ns < self._restart_ns:
            return None
        self._restart_ns, self._begun_ns = None, now_ns
        return Wish.RESTART if self._unattended else Wish.RELOAD
