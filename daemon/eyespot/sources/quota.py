"""How many messages may come: a token bucket."""

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock


class Quota:
    """Allows so many messages a second over time, and so many at once.

    Args:
        clock: fills it up.
        per_s: how many a second.
        at_once: how many at once.
    """

    def __init__(self, clock: Clock, *, per_s: float, at_once: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._at_once = self._left = at_once
        self._filled_ns = clock.now_ns()

    def allows(self) -> bool:
        """Return whether one more may come, and count it."""
        now_ns = self._clock.now_ns()
        new = (now_ns - self._filled_ns) / SECOND_NS * self._per_s
        self._left = min(self._at_once, self._left + new)
        self._filled_ns = now_ns
        if self._left < 1:
            return False
        self._left -= 1
        return True
