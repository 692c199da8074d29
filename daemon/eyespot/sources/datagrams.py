"""A unix socket that carries whole datagrams, bounded in size: SOCK_SEQPACKET, unix(7)."""

import errno
import select
import socket
from pathlib import Path
from typing import Self

# in bytes, as the kernel counts: some hundred observations at most, as older ones help nobody
_MOST_UNDER_WAY = 64 * 1024


class Gone(Exception):  # noqa: N818 - not an error: the other end may leave
    """The other end is gone, or never was."""


class Datagrams:
    """One end of a connection. Several threads may send; one receives.

    Args:
        connected: a connected socket of the kind SOCK_SEQPACKET; closed with this.
        most_bytes: of one datagram; longer ones arrive cut, one byte longer than allowed.
    """

    def __init__(self, connected: socket.socket, most_bytes: int) -> None:
        self._socket = connected
        self._most_bytes = most_bytes
        connected.settimeout(0)
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_UNDER_WAY)

    @classmethod
    def dial(cls, path: Path, most_bytes: int) -> Self:
        """Connect to who listens at a path.

        Raises:
            Gone: nobody does.
        """
        dialing = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        dialing.settimeout(0)  # while others wait to be accepted, too, connect() would block
        try:
            dialing.connect(str(path))
        except OSError as error:
            dialing.close()
            raise Gone(error.strerror or str(error)) from error
        return cls(dialing, most_bytes)

    def receive(self, timeout_s: float) -> bytes | None:
        """Return the next datagram; None if there was none within the time.

        Raises:
            Gone: the other end is.
        """
        if not _ready(self._socket, timeout_s, to_send=False):
            return None
        try:
            data = self._socket.recv(self._most_bytes + 1)
        except BlockingIOError:
            return None
        except OSError as error:
            raise Gone(error.strerror) from error
        if not data:
            raise Gone("it closed the connection")
        return data

    def send(self, data: bytes, timeout_s: float = 0) -> bool:
        """Send a datagram; False if there was no room for it within the time.

        Raises:
            Gone: the other end is.
        """
        try:
            if not _ready(self._socket, timeout_s, to_send=True):
                return False
            return self._socket.send(data, socket.MSG_NOSIGNAL) == len(data)
        except BlockingIOError:
            return False
        except (OSError, ValueError) as error:
            raise Gone(str(error)) from error

    @property
    def descriptor(self) -> int:
        """The file descriptor of this end; -1 once it is closed."""
        return self._socket.fileno()

    def close(self) -> None:
        """Close this end. Harmless when it is closed."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Listener:
    """Where one peer at a time can connect.

    Args:
        path: of the socket, made anew; its folder says who may reach it.
        most_bytes: see `Datagrams`.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._path = path
        self._most_bytes = most_bytes
        _make_way(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.bind(str(path))
            self._made = _which(path)
            path.chmod(0o666)
            self._socket.listen(1)
        except OSError:
            self._socket.close()
            raise

    def accept(self, timeout_s: float) -> Datagrams | None:
        """Return the connection of whoever comes; None if nobody does within the time."""
        if not _ready(self._socket, timeout_s, to_send=False):
            return None
        self._socket.settimeout(0)
        try:
            peer, _ = self._socket.accept()
        except OSError:
            return None
        return Datagrams(peer, self._most_bytes)

    def close(self) -> None:
        """Take the socket away, unless somebody else has made another one in its place."""
        self._socket.close()
        if _which(self._path) == self._made:
            self._path.unlink(missing_ok=True)


def _make_way(path: Path) -> None:
    """Remove a socket that nobody listens at any more.

    Raises:
        FileExistsError: somebody does.
    """
    try:
        Datagrams.dial(path, 1).close()
    except Gone:
        path.unlink(missing_ok=True)
    else:
        raise FileExistsError(errno.EADDRINUSE, "another process listens there", str(path))


def _which(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from one that takes its place; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _ready(waited_for: socket.socket, timeout_s: float, *, to_send: bool) -> bool:
    """Wait until a socket can be read or written; poll(2), as select(2) knows no high descriptors."""
    if to_send and timeout_s == 0:
        return True
    poll = select.poll()
    poll.register(waited_for, select.POLLOUT if to_send else select.POLLIN)
    return bool(poll.poll(max(timeout_s, 0) * 1000))
