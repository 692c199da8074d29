"""Ways for a line of the log to leave: an entry of the journal, a line for the journal, a line for people.

The journal's own protocol (https://systemd.io/JOURNAL_NATIVE_PROTOCOL/) is spoken by hand: python3-systemd
waits for a journal that hangs, and keeps all threads from running meanwhile (decisions/0009).
"""

import os
import select
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_SOCKET = Path("/run/systemd/journal/socket")
_STDERR = 2
_PATIENCE_S = 0.1
_LONGEST = 16_000  # characters; well below what one datagram takes
_LEVELS = ("CRITICAL", "CRITICAL", "CRITICAL", "ERROR", "WARNING", "NOTICE", "INFO", "DEBUG")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log.

    Attributes:
        priority: 0 (worst) to 7, syslog(3).
        text: may have several lines, a traceback say.
        fields: what else the journal is to know, by its names.
    """

    priority: int
    text: str
    fields: Mapping[str, str]


class Outlet(Protocol):
    """A way out."""

    def send(self, entry: Entry) -> bool:
        """Send an entry, without waiting for long; whether it went. Never raises."""


def way_out(
    environ: Mapping[str, str] = os.environ, path: Path = _SOCKET, descriptor: int = _STDERR
) -> Outlet:
    """Return the best way there is.

    Where stderr goes to the journal, as `JOURNAL_STREAM` says (systemd.exec(5)), but its socket is not to be
    had, lines of stderr carry their priority, sd-daemon(3).

    Args:
        environ: of the process.
        path: where the journal listens.
        descriptor: of stderr.
    """
    try:
        status = os.fstat(descriptor)
    except OSError:  # there is none
        return PlainLines()
    if environ.get("JOURNAL_STREAM") != f"{status.st_dev}:{status.st_ino}":
        return PlainLines()
    try:
        return JournalSocket(path)
    except OSError:
        return StreamLines(descriptor)


class JournalSocket:
    """Entries with fields. A journal that takes nothing is waited for once, a moment.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, path: Path = _SOCKET) -> None:
        self._path = path
        self._socket: socket.socket | None = _dial(path)
        self._patience_s = _PATIENCE_S

    def send(self, entry: Entry) -> bool:
        """See `Outlet`."""
        try:
            self._socket = self._socket or _dial(self._path)
            self._socket.settimeout(self._patience_s)
            self._socket.send(encoded(entry))
        except (TimeoutError, BlockingIOError):
            self._patience_s = 0
            return False
        except OSError:
            self.close()
            return False
        self._patience_s = _PATIENCE_S
        return True

    def close(self) -> None:
        """Hang up; the next `send` connects anew."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None


class StreamLines:
    """Lines with `<N>` before them, on a stderr that is the journal's.

    Args:
        descriptor: of stderr. It is shared with libraries and children, so it is not made non-blocking.
    """

    def __init__(self, descriptor: int) -> None:
        self._stream = socket.socket(fileno=os.dup(descriptor))
        self._writable = select.poll()
        self._writable.register(self._stream, select.POLLOUT)
        self._patience_s = _PATIENCE_S

    def send(self, entry: Entry) -> bool:
        """See `Outlet`. Each line of the text becomes an entry of its own."""
        lines = _shortened(entry.text).splitlines() or [""]
        data = "".join(f"<{entry.priority}>{line}\n" for line in lines).encode(errors="replace")
        try:
            went = bool(self._writable.poll(self._patience_s * 1000))
            if went:
                self._stream.send(data, socket.MSG_DONTWAIT)
        except OSError:
            went = False
        self._patience_s = _PATIENCE_S if went else 0
        return went

    def close(self) -> None:
        """Let go of the copy of stderr."""
        self._stream.close()


class PlainLines:
    """Lines for people, on stderr."""

    def send(self, entry: Entry) -> bool:
        """See `Outlet`."""
        try:
            sys.stderr.write(f"{_LEVELS[entry.priority]} {entry.text}\n")
            sys.stderr.flush()
        except (OSError, ValueError, AttributeError):  # it is gone, closed, or was never there
            return False
        return True


def encoded(entry: Entry) -> bytes:
    """Return an entry as the journal takes it."""
    fields = {"MESSAGE": entry.text, "PRIORITY": str(entry.priority), **entry.fields}
    return b"".join(_field(name, _shortened(value)) for name, value in fields.items())


def _field(name: str, value: str) -> bytes:
    data = value.encode(errors="replace")
    if b"\n" in data:
        return b"%s\n%s%s\n" % (name.encode(), len(data).to_bytes(8, "little"), data)
    return b"%s=%s\n" % (name.encode(), data)


def _shortened(text: str) -> str:
    """Keep the beginning and the end, which is what counts of a traceback."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}\n…\n{text[-half:]}"


def _dial(path: Path) -> socket.socket:
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        journal.connect(str(path))
    except OSError:
        journal.close()
        raise
    return journal
