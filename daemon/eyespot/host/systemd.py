"""Tells the service manager how it goes: the protocol of sd_notify(3).

Through python3-systemd where it is installed, else by hand. Silent when nobody listens.
"""

import logging
import os
import socket
import time
from collections.abc import Callable

try:
    from systemd.daemon import notify as _library_notify
except ImportError:
    _library_notify = None

_log = logging.getLogger(__name__)

_LONGEST_STATUS = 200
_PATIENCE_S = 1.0
_EXTEND_EVERY_NS = 1_000_000_000
_EXTEND_BY_US = 30_000_000


class Notifier:
    """The service manager, as the supervisor sees it. Used by one thread; never raises.

    The environment says whether anybody listens (`NOTIFY_SOCKET`), and whether a watchdog waits for this
    process (`WATCHDOG_USEC`, `WATCHDOG_PID`).

    Args:
        monotonic_ns: CLOCK_MONOTONIC, which the protocol wants; not the clock of the observations.
        watched: the process that a watchdog may wait for, where that is not this one.
    """

    def __init__(
        self, monotonic_ns: Callable[[], int] = time.monotonic_ns, watched: int | None = None
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._ping_every_ns = _watchdog_ns(watched or os.getpid()) // 3
        self._pinged_ns: int | None = None
        self._extended_ns: int | None = None

    def starting(self, status: str) -> None:
        """Tell that the start goes on, and is to be waited for; call it as often as you like."""
        now_ns = self._monotonic_ns()
        if self._extended_ns is None or now_ns - self._extended_ns >= _EXTEND_EVERY_NS:
            self._extended_ns = now_ns
            self._tell(f"EXTEND_TIMEOUT_USEC={_EXTEND_BY_US}\n{_status_line(status)}")

    def ready(self, status: str) -> None:
        """Tell that everything runs, at the start or after a reload."""
        self._tell(f"READY=1\n{_status_line(status)}")

    def status(self, text: str) -> None:
        """Tell how it goes, in one line for `systemctl status`."""
        self._tell(_status_line(text))

    def watchdog(self) -> None:
        """Tell that all is well, at most three times in the watchdog's time; call it as often as you like."""
        now_ns = self._monotonic_ns()
        due = self._pinged_ns is None or now_ns - self._pinged_ns >= self._ping_every_ns
        if self._ping_every_ns and due:
            self._pinged_ns = now_ns
            self._tell("WATCHDOG=1")

    def reloading(self) -> None:
        """Tell that the configuration is read anew; `ready` ends it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, text: str) -> None:
        address = os.environ.get("NOTIFY_SOCKET")
        if not address:
            return
        try:
            if _library_notify is not None:
                _library_notify(text)
            else:
                _send(address, text)
        except OSError as error:
            _log.debug("the service manager cannot be told: %s", error)


def _send(address: str, text: str) -> None:
    """Send one datagram; an address that begins with @ is an abstract one, unix(7)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.settimeout(_PATIENCE_S)
        out.sendto(text.encode(errors="replace"), "\0" + address[1:] if address.startswith("@") else address)


def _status_line(text: str) -> str:
    return f"STATUS={' '.join(text.split())[:_LONGEST_STATUS]}"


def _watchdog_ns(watched: int) -> int:
    """Return the watchdog's time in ns; 0 where none waits for this process (sd_watchdog_enabled(3))."""
    usec, pid = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    ours = not pid or pid == str(watched)
    return int(usec) * 1000 if ours and usec.isdecimal() else 0
