"""Signals, taken one at a time by the main thread instead of interrupting it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum

_TAKEN = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Wish(Enum):
    """What somebody outside wants."""

    STOP = "stop"
    RELOAD = "reload"


@contextmanager
def held_back() -> Iterator[None]:
    """Keep the signals waiting for `next_wish`, in this thread and all that it starts."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _TAKEN)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def next_wish(timeout_s: float) -> Wish | None:
    """Wait for a signal, at most this long, and return what it stands for."""
    taken = signal.sigtimedwait(_TAKEN, timeout_s)
    if taken is None:
        return None
    return Wish.RELOAD if taken.si_signo == signal.SIGHUP else Wish.STOP
