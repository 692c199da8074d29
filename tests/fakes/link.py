"""A network between a device and its broker, which can be cut in the ways in which networks are."""

import selectors
import socket
import struct
import threading
from contextlib import suppress
from typing import Literal, Self

Cut = Literal["reset", "hole", "mute"]
_CHUNK = 65_536


class Link:
    """Passes on what comes to a port of its own, while its context lasts; for one thread to cut and mend.

    `reset`: connections are reset, and new ones too. `hole`: they stay open and new ones are taken, and what
    is sent goes nowhere; when the link is mended they are reset, as by a router that has forgotten them.
    `mute`: what the device sends goes nowhere, and what the broker sends arrives.

    Args:
        port: on this machine, where to pass it on.
    """

    def __init__(self, port: int) -> None:
        self._to = ("127.0.0.1", port)
        self._server = socket.create_server(("127.0.0.1", 0))
        self._pairs: dict[socket.socket, socket.socket | None] = {}
        self._cut: Cut | None = None
        self._lock = threading.Lock()
        self._ended = False
        self._thread = threading.Thread(target=self._serve)

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self._server.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended = True
        self._thread.join()
        self._server.close()

    def cut(self, how: Cut) -> None:
        with self._lock:
            self._cut = how
            if how == "reset":
                self._reset_all()

    def mend(self) -> None:
        with self._lock:
            self._cut = None
            self._reset_all()

    def _serve(self) -> None:
        while not self._ended:
            with self._lock, selectors.DefaultSelector() as selector:
                for sock in (self._server, *self._pairs):
                    selector.register(sock, selectors.EVENT_READ)
                for key, _ in selector.select(0.01):
                    self._attend(key.fileobj)  # type: ignore[arg-type]  # all of them are sockets
        self._reset_all()

    def _attend(self, sock: socket.socket) -> None:
        if sock is self._server:
            self._accept()
        elif sock in self._pairs:
            try:
                self._pass_on(sock)
            except OSError:
                self._hang_up(sock)

    def _accept(self) -> None:
        near, _ = self._server.accept()
        far = None
        if self._cut is None:
            with suppress(OSError):
                far = socket.create_connection(self._to, 1)
        if far is None and self._cut not in {"hole", "mute"}:
            _reset(near)
            return
        self._pairs[near] = far
        if far is not None:
            self._pairs[far] = near

    def _pass_on(self, sock: socket.socket) -> None:
        data, other = sock.recv(_CHUNK), self._pairs[sock]
        if not data:
            self._hang_up(sock)
        elif other is not None and self._lets_through(sock):
            other.sendall(data)

    def _lets_through(self, sock: socket.socket) -> bool:
        of_broker = sock.getsockname()[1] != self._server.getsockname()[1]
        return self._cut is None or (self._cut == "mute" and of_broker)

    def _hang_up(self, sock: socket.socket) -> None:
        other = self._pairs.pop(sock)
        sock.close()
        if other is not None:
            self._pairs.pop(other, None)
            other.close()

    def _reset_all(self) -> None:
        for sock in self._pairs:
            _reset(sock)
        self._pairs.clear()


def _reset(sock: socket.socket) -> None:
    """Close it with RST instead of FIN (tcp(7), SO_LINGER)."""
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()
