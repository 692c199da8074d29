"""A server that does what a script says, for what no real broker does."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO, NamedTuple

WELCOME = b"\x20\x03\x00\x00\x00"  # CONNACK of MQTT 5, 3.2
PUBLISH, SUBSCRIBE = 0x30, 0x80


class Packet(NamedTuple):
    """One packet of MQTT: its first byte, and what follows its length (MQTT 5, 2.1)."""

    head: int
    body: bytes

    @property
    def kind(self) -> int:
        return self.head & 0xF0


class Peer:
    """A client's connection; what came in one piece, or in many, is read packet by packet.

    Attributes:
        version: of MQTT, as it stands in CONNECT.
    """

    def __init__(self, sock: socket.socket, received: BinaryIO) -> None:
        self._sock = sock
        self._received = received
        self.version = next(self.packets()).body[6]

    def say(self, *said: bytes) -> None:
        for each in said:
            self._sock.sendall(each)

    def acknowledge(self, published: Packet) -> None:
        """Say PUBACK for a PUBLISH of QoS 1."""
        topic = int.from_bytes(published.body[:2])
        self.say(b"\x40\x02" + published.body[2 + topic : 4 + topic])

    def packets(self) -> Iterator[Packet]:
        """Yield each packet that comes, until the client has gone."""
        while head := self._received.read(1):
            length = shift = 0
            while True:
                low = self._received.read(1)[0]
                length |= (low & 0x7F) << shift
                shift += 7
                if low < 0x80:
                    break
            yield Packet(head[0], self._received.read(length))

    def next(self, kind: int) -> Packet:
        """Return the next packet of a kind."""
        return next(packet for packet in self.packets() if packet.kind == kind)

    def hear_out(self, silence_s: float | None = None) -> None:
        """Listen until the client has gone; or, if that is given, has said nothing for so long."""
        self._sock.settimeout(silence_s)
        for _ in self.packets():
            pass


class ScriptedBroker:
    """Lets the script speak with each client, after its CONNECT; then the connection is closed.

    Args:
        script: says what there is to say.
        tls: what it shows of itself; None: nothing, and no TLS.

    Attributes:
        versions: of MQTT, of each client that came.
    """

    def __init__(self, script: Callable[[Peer], None], tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self._server = socket.create_server(("127.0.0.1", 0))
        scheme = "mqtts" if tls else "mqtt"
        self.url = f"{scheme}://127.0.0.1:{self._server.getsockname()[1]}"
        self.versions: list[int] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._server.accept()
            except OSError:
                return
            # a client that goes in the middle of a word ends the talk, as it would a broker's
            with sock, suppress(OSError, IndexError, StopIteration):
                self._attend(self._tls.wrap_socket(sock, server_side=True) if self._tls else sock)

    def _attend(self, sock: socket.socket) -> None:
        with sock, sock.makefile("rb") as received:
            peer = Peer(sock, received)
            self.versions.append(peer.version)
            self._script(peer)
