"""Clocks: the machine's, and one that stands until it is told to move."""

import ctypes
import threading
import time
from collections.abc import Callable
from pathlib import Path

from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.ports import Clock

# Past this error the kernel, and timedatectl with it, calls the clock not synchronised (adjtimex(2)).
_MOST_ERROR_US = 16_000_000
_TIMESYNCD_FLAG = Path("/run/systemd/timesync/synchronized")
_ASK_AGAIN_NS = SECOND_NS
_SET_BY_NS = 120 * SECOND_NS  # CLOCK_BOOTTIME begins with the machine


class _Timex(ctypes.Structure):
    """The head of `struct timex` (adjtimex(2)), with room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_byte * 256),
    )


def utc_is_synced() -> bool:
    """Return whether something keeps this machine's UTC right; False where that cannot be known.

    The kernel knows. Under `ProtectClock=` it may not be asked: there the flag of systemd-timesyncd counts.
    """
    return _kernel_says_synced() or _TIMESYNCD_FLAG.exists()


def _kernel_says_synced() -> bool:
    try:
        adjtimex = ctypes.CDLL(None).adjtimex
    except (OSError, AttributeError):
        return False
    timex = _Timex(modes=0)
    failed = adjtimex(ctypes.byref(timex)) < 0
    return not failed and int(timex.maxerror) < _MOST_ERROR_US


class SystemClock:
    """The machine's clock. Thread-safe.

    Args:
        is_synced: tells whether UTC is right; asked once a second at most.
    """

    def __init__(self, is_synced: Callable[[], bool] = utc_is_synced) -> None:
        self._is_synced = is_synced
        self._lock = threading.Lock()
        self._synced = False
        self._asked_ns: int | None = None

    def now_ns(self) -> int:
        """Return CLOCK_BOOTTIME in ns: it goes on while the machine sleeps, and is never set."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def timeline(self) -> Timeline:
        """Return how CLOCK_BOOTTIME maps to UTC just now."""
        now_ns = self.now_ns()
        return Timeline(time.time_ns() - now_ns, self._synced_at(now_ns))

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def _synced_at(self, now_ns: int) -> bool:
        with self._lock:
            if self._asked_ns is None or now_ns - self._asked_ns >= _ASK_AGAIN_NS:
                self._asked_ns = now_ns
                self._synced = self._is_synced()
            return self._synced


def may_soon_be_set(clock: Clock) -> bool:
    """Return whether UTC is not right, and the machine has run for so short that it may be soon.

    Some have no clock that goes on without power. systemd lets them begin where they ended, so that they are
    late; the network tells the time within seconds, or there is nobody to ask, and nothing to wait for.
    """
    return not clock.timeline().synced and clock.now_ns() < _SET_BY_NS


class ManualClock:
    """A clock that moves when somebody sleeps. Thread-safe.

    Args:
        now_ns: where it stands at first.
        utc_at_zero_ns: UTC, in ns since 1970, of its 0.
        synced: what it says of its UTC.
    """

    def __init__(self, now_ns: int = 0, utc_at_zero_ns: int = 0, *, synced: bool = True) -> None:
        self._lock = threading.Lock()
        self._now_ns = now_ns
        self._timeline = Timeline(utc_at_zero_ns, synced)

    def now_ns(self) -> int:
        """Return where it stands."""
        with self._lock:
            return self._now_ns

    def timeline(self) -> Timeline:
        """Return how it maps to UTC; always the same."""
        return self._timeline

    def sleep(self, seconds: float) -> None:
        """Move on by that much, at once."""
        with self._lock:
            self._now_ns += round(seconds * SECOND_NS)
