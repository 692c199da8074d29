"""Waiting until something is due, in slices that a stop can interrupt."""

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock


def wait_until(due_ns: int, clock: Clock, timeout_s: float) -> bool:
    """Sleep until an instant of the clock, at most for the given time, and return whether it has come."""
    left_s = (due_ns - clock.now_ns()) / SECOND_NS
    if left_s > 0:
        clock.sleep(min(left_s, timeout_s))
    return left_s <= timeout_s


class Pacer:
    """Keeps what comes too fast to a rate on average, and lets pass what only comes a little early.

    Args:
        rate_hz: how often.
        clock: ours.
    """

    def __init__(self, rate_hz: float, clock: Clock) -> None:
        self._period_ns = round(SECOND_NS / rate_hz)
        self._clock = clock
        self._due_ns = clock.now_ns()

    def wait(self, timeout_s: float) -> bool:
        """Wait until the next one may come, at most for the given time, and return whether it may."""
        return wait_until(self._due_ns - self._period_ns // 2, self._clock, timeout_s)

    def came(self) -> None:
        """Note that one has come. Who was late need not hurry."""
        self._due_ns = max(self._due_ns, self._clock.now_ns() - self._period_ns) + self._period_ns
