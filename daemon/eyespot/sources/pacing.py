"""Waiting until something is due, in slices that a stop can interrupt."""

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock


def wait_until(due_ns: int, clock: Clock, timeout_s: float) -> bool:
    """Sleep until an instant of the clock, at most for the given time, and return whether it has come."""
    left_s = (due_ns - clock.now_ns()) / SECOND_NS
    if left_s > 0:
        clock.sleep(min(left_s, timeout_s))
    return left_s <= timeout_s
