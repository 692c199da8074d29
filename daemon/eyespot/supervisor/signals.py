"""Signals, taken by the main thread when it is ready for them instead of interrupting it."""

import queue
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock

_TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# put() of this queue may interrupt itself, which is what a signal handler does
_waiting: queue.SimpleQueue[int] = queue.SimpleQueue()


class Wish(Enum):
    """What somebody outside wants."""

    STOP = "stop"
    RELOAD = "reload"
    RESTART = "restart"


@contextmanager
def held_back() -> Iterator[None]:
    """Keep the signals waiting for `next_wish`; for the main thread.

    By handlers, not by a mask: libraries start threads as they are imported, those would not have the mask,
    and a signal that finds such a thread would end the process.
    """
    before = {number: signal.signal(number, _keep) for number in _TAKEN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with suppress(queue.Empty):
            while True:
                _waiting.get_nowait()


def next_wish(timeout_s: float) -> Wish | None:
    """Wait for a signal, at most this long, and return what all that wait stand for together.

    A stop overtakes reloads, and many reloads are one. A signal that finds another thread does not shorten
    the wait; the next call returns it.
    """
    numbers: set[int] = set()
    with suppress(queue.Empty):
        numbers.add(_waiting.get(timeout=timeout_s))
        while True:
            numbers.add(_waiting.get_nowait())
    if numbers - {signal.SIGHUP}:
        return Wish.STOP
    return Wish.RELOAD if numbers else None


def wishes_within(seconds: float | None, clock: Clock) -> Callable[[float], Wish | None]:
    """Return a `next_wish` that wishes to stop once the seconds are over; None is never."""
    if seconds is None:
        return next_wish
    until_ns = clock.now_ns() + round(seconds * SECOND_NS)
    return lambda timeout_s: Wish.STOP if clock.now_ns() >= until_ns else next_wish(timeout_s)


def _keep(number: int, _frame: object) -> None:
    _waiting.put(number)
