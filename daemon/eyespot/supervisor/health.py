"""The board on which troubles stand while they last."""

import logging
import threading

from eyespot.domain.notice import NOTICE, Notice
from eyespot.ports import Clock
from eyespot.topics.native import Trouble
from eyespot.topics.payloads import LONGEST_LINE

_log = logging.getLogger(__name__)


class Health:
    """Implements `ports.HealthBoard`. Since when a trouble lasts is kept when its reason changes.

    Args:
        clock: for the instants.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._troubles: dict[str, tuple[str, int]] = {}
        self._changes = 0

    def raise_state(self, name: str, reason: str) -> None:
        """Name a trouble, or renew its reason, which is cut to what may be published."""
        reason = reason if len(reason) <= LONGEST_LINE else reason[: LONGEST_LINE - 1] + "…"
        with self._lock:
            before = self._troubles.get(name)
            since = before[1] if before else self._clock.now_ns()
            if before and before[0] == reason:
                return
            self._troubles[name] = (reason, since)
            self._changes += 1
        _log.warning("%s: %s", name, reason, extra=Notice.STATE_RAISED.of(state=name, reason=reason))

    def clear_state(self, name: str) -> None:
        """Take a trouble back."""
        with self._lock:
            if self._troubles.pop(name, None) is None:
                return
            self._changes += 1
        _log.log(NOTICE, "%s: over", name, extra=Notice.STATE_OVER.of(state=name))

    @property
    def changes(self) -> int:
        """How often anything changed; to see whether it did since the last look."""
        with self._lock:
            return self._changes

    def lasts(self, name: str) -> bool:
        """Return whether a trouble does."""
        with self._lock:
            return name in self._troubles

    def troubles(self) -> list[Trouble]:
        """Return all that last, oldest first. Instants become UTC only here: the clock may be set late."""
        with self._lock:
            lasting = sorted(self._troubles.items(), key=lambda item: item[1][1])
        timeline = self._clock.timeline()
        return [Trouble(name, reason, timeline.utc_ns(since)) for name, (reason, since) in lasting]
