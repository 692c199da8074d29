"""How much of our own is logged, for a while: afterwards it is as before, whoever forgets it."""

import logging

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import NOTICE
from eyespot.ports import Clock

FOR_S = 3600
_OURS = "eyespot"  # others may say at their lowest levels what is not for the log

_log = logging.getLogger(__name__)


class BoundedLevel:
    """The level of our loggers. Thread-safe, as each call does one thing.

    Args:
        clock: says when it is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ns: int | None = None

    def keep(self, level: int) -> int:
        """Log from a level of Python's on; return until when, by CLOCK_BOOTTIME in ns."""
        self._until_ns = self._clock.now_ns() + FOR_S * SECOND_NS
        logging.getLogger(_OURS).setLevel(level)
        return self._until_ns

    def tick(self) -> None:
        """Fall back once the time is over; call it as often as you like."""
        if self._until_ns is not None and self._clock.now_ns() >= self._until_ns:
            self.fall_back()
            _log.log(NOTICE, "the level of the log is the usual one again")

    def fall_back(self) -> None:
        """Log as usual."""
        self._until_ns = None
        logging.getLogger(_OURS).setLevel(logging.NOTSET)
