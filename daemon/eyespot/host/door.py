"""A local socket at which the running service may be asked for something: one answer, then it closes."""

import logging
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from eyespot.domain.errors import InputError

_log = logging.getLogger(__name__)

_PATIENCE_S = 10.0
_MOST_BYTES = 64_000_000
_PRIVATE = 0o600


class Door:
    """Listens, and answers one at a time from a thread of its own, lest a slow asker hold anything up.

    Where it cannot be made nobody can ask, and nothing else is amiss.

    Args:
        path: of the socket; for this user, and root.
        answer: returns what is told.
    """

    def __init__(self, path: Path, answer: Callable[[], bytes]) -> None:
        self._path = path
        self._answer = answer
        self._answering: threading.Thread | None = None
        self._listening: socket.socket | None = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            path.unlink(missing_ok=True)
            self._listening.bind(str(path))
            path.chmod(_PRIVATE)
            self._listening.listen(1)
            self._listening.setblocking(False)  # noqa: FBT003 - Python's own
        except OSError as error:
            _log.info("nobody can ask at %s: %s", path, error.strerror or error)
            self.close()

    def tick(self) -> None:
        """Let in who waits; call it often."""
        if self._listening is None or (self._answering is not None and self._answering.is_alive()):
            return
        with suppress(OSError):
            peer, _ = self._listening.accept()
            self._answering = threading.Thread(target=self._tell, args=(peer,), name="door", daemon=True)
            self._answering.start()

    def close(self) -> None:
        """Close it. Harmless when closed."""
        if self._listening is not None:
            self._listening.close()
            self._listening = None
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _tell(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            peer.settimeout(_PATIENCE_S)
            peer.sendall(self._answer())


def ask(path: Path) -> bytes:
    """Return what is told at a door.

    Raises:
        InputError: nobody is there, or may not be asked.
    """
    told = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
            peer.settimeout(_PATIENCE_S)
            peer.connect(str(path))
            while len(told) < _MOST_BYTES and (data := peer.recv(1 << 16)):
                told += data
    except OSError as error:
        advice = "is the service running, and are you its user or root? Else name a --recording"
        raise InputError(f"{path}: {error.strerror or error}; {advice}") from error
    return bytes(told)
