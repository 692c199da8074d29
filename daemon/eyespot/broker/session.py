"""One connection to a broker, from dialling to its end."""

import fcntl
import select
import socket
import ssl
import struct
import termios
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.hearing import BoundedClient, Hearing, answering, bounds
from eyespot.broker.reasons import (
    KEEPALIVE_TIMEOUT,
    TAKEN_OVER,
    UNSUPPORTED_VERSION,
    broker_said,
    no_way,
    tls_said,
)
from eyespot.broker.settings import Endpoint
from eyespot.domain.errors import BrokerError, foreign
from eyespot.domain.message import Message

_KEEPALIVE_S = 20
_CONNECT_TIMEOUT_S = 4.0
_WINDOW = 20
_MOST_LIVE_DELAY_S = 1.0
_REST_S = 0.25
_SEND_TIMEOUT_MS = 10_000
_MOST_SWALLOWING_S = 60.0
_MUTE = "it answers no more: the way to it is cut, or it hangs"
_SWALLOWED = "it takes messages and acknowledges none: is its disk full, or a part of it away?"
# Not every broker gives a reason when a second client comes with the same id: mosquitto 2.0 just closes.
_CLOSED = "the connection was closed; is the broker restarting, or does another client use our id?"
_ASKED = "; if it asks for a client certificate, set cert_file and key_file"
_REFUSED = "; it may not accept our certificate: see `eyespot check`"


@dataclass(frozen=True, slots=True)
class Who:
    """Who connects, where to, and what is to be said when we vanish, if anything."""

    endpoint: Endpoint
    client_id: str
    credentials: Credentials
    will: Message | None


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a connection ended.

    Attributes:
        reason: in words for people.
        unsupported: the broker does not speak this version of MQTT.
        unanswered: it was there, but went away without an answer to CONNECT.
        alone: nobody was there who would mind being asked again soon.
        cut_off: it was open, and the broker closed it without a word.
        taken_over: another client came with our id.
        swallowed: the broker was there, and acknowledged nothing.
    """

    reason: str
    unsupported: bool = False
    unanswered: bool = False
    alone: bool = False
    cut_off: bool = False
    taken_over: bool = False
    swallowed: bool = False


class Session:
    """Carries messages over one connection. Except for `offer`, `wake` and `dial`, for one thread.

    paho's client is driven by hand: it has no thread of its own, and one thread at a time touches it, since
    two that publish may tear packets apart. Nobody waits for another: what cannot be sent at once is left
    for `turn`.

    Args:
        who: who connects, and where to.
        version: of MQTT.
        hearing: who listens to what; None where nobody does.

    Attributes:
        opened: the broker has accepted us.
        ending: why it is over; None as long as it is not.
        answers: token and, when the broker refused the message, the reason; in order, to be taken.
        dialled: set when `dial` is done, whether it succeeded or not.
        left: we said goodbye.
        version: of MQTT.
    """

    def __init__(self, who: Who, version: MQTTProtocolVersion, hearing: Hearing | None = None) -> None:
        self.opened = self.left = False
        self.ending: Ending | None = None
        self.answers: deque[tuple[int, str | None]] = deque()
        self.dialled = threading.Event()
        self._who = who
        self._hearing = hearing
        self.version = version
        self._lock = threading.Lock()
        self._wire = threading.Lock()
        self._closed = False
        self._ear, self._bell = socket.socketpair()
        self._ear.settimeout(0)
        self._bell.settimeout(0)
        self._outgoing: deque[tuple[Message, int]] = deque()
        self._tokens: dict[int, int] = {}
        self._answered_at = 0.0  # or when nothing waited for that
        self._window = _WINDOW
        self._most_bytes: int | None = None
        self._drained_at = 0.0
        self._rest_until = 0.0
        self._resting = False
        self._complaint = ""
        self._client = self._make_client(version)

    def dial(self) -> None:
        """Look the name up, connect, agree on TLS, send CONNECT. Blocks: for a thread of its own."""
        where = self._who.endpoint
        try:
            # paho wants a port even for a path
            self._client.connect(
                where.host,
                where.port or 1,
                keepalive=_KEEPALIVE_S,
                properties=bounds(self.version),
            )
        except (OSError, ValueError) as error:
            self.end(Ending(no_way(error), alone=not isinstance(error, ssl.SSLError)))
        with self._lock:
            self.dialled.set()
            if self._closed:
                self._shut()

    def offer(self, message: Message, token: int) -> bool:
        """Take a message along; from any thread.

        Returns:
            False when there is no connection, or when as much as the broker allows is unanswered.
        """
        if not self.opened or self.ending is not None:
            return False
        if message.qos and self._unanswered >= self._window:
            return False
        self._outgoing.append((message, token))
        if not self._sent_at_once(message) or (self._resting and self._is_crowded):
            self.wake()
        return True

    @property
    def _unanswered(self) -> int:
        return len(self._tokens) + len(self._outgoing)

    @property
    def _is_crowded(self) -> bool:
        """Whether with the next message whoever sends may begin to wait for answers."""
        return self._unanswered + 1 >= self._window // 2

    @property
    def idle(self) -> bool:
        """Whether all is answered that was under way."""
        with (
            self._wire
        ):  # who publishes just now has taken a message from the one, and not yet put it into the other
            return not (self._tokens or self._outgoing)

    def wake(self) -> None:
        """Let `turn` return soon; from any thread."""
        with suppress(OSError):
            self._bell.send(b"!")

    def turn(self, timeout_s: float) -> None:
        """Send and receive what there is; wait for something to come at most this long."""
        self._guard(self._turn, timeout_s)
        if self._client.socket() is None:
            self.end(Ending("the connection is closed"))

    def leave(self) -> None:
        """Say goodbye, so that the broker does not send the will."""
        with self._wire:
            self.left = True
            self._client.disconnect()

    def end(self, ending: Ending) -> None:
        """Note why it is over; the first reason stays."""
        if self.ending is None:
            self.ending = ending

    def close(self) -> None:
        """Close the connection, as it is. A dialling that still hangs closes it later."""
        with self._lock, self._wire:
            self._closed = True
            if self.dialled.is_set():
                self._shut()

    def _shut(self) -> None:
        for sock in (self._client.socket(), self._ear, self._bell):
            if sock is not None:
                sock.close()

    def _make_client(self, version: MQTTProtocolVersion) -> BoundedClient:
        who = self._who
        client = BoundedClient(
            CallbackAPIVersion.VERSION2,
            who.client_id,
            protocol=version,
            transport="unix" if who.endpoint.unix else "tcp",
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if who.will is not None:
            client.will_set(who.will.topic, who.will.payload, who.will.qos, retain=who.will.retain)
        if who.credentials.username:
            client.username_pw_set(who.credentials.username, who.credentials.password)
        if who.credentials.tls:
            client.tls_set_context(who.credentials.tls)
        client.on_socket_open = self._on_socket_open
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.max_inflight_messages = 0  # no bound of paho's: our own window is never larger
        client.on_disconnect = self._on_disconnect
        client.on_log = self._on_log
        if self._hearing is not None:
            self._hearing.attach(client)
        return client

    def _guard(self, exchange: Callable[..., None], *arguments: Any) -> None:
        try:
            with foreign(BrokerError, "the exchange with the broker failed"):
                exchange(*arguments)
        except BrokerError as error:
            self.end(Ending(str(error)))

    def _sent_at_once(self, message: Message) -> bool:
        """Send from this thread, which spares waking the other; return whether nothing is left to do."""
        if not self._wire.acquire(blocking=False):
            return False
        try:
            sock: Any = self._client.socket()
            if sock is None or self._closed or self._client.want_write():
                return False
            self._guard(self._send_outgoing, None if message.qos else sock)
            return not self._client.want_write() and not self.answers and self.ending is None
        finally:
            self._wire.release()

    def _turn(self, timeout_s: float) -> None:
        sock: Any = self._client.socket()
        if sock is None:
            return
        with self._wire:
            buffered = _is_buffered(sock)
            writing = [sock] if self._client.want_write() else []
        if not (buffered or writing):
            self._rest(timeout_s)
        readable, _, _ = select.select([sock, self._ear], writing, [], 0 if buffered else timeout_s)
        if self._ear in readable:
            self._ear.recv(4096)
        with self._wire:
            self._exchange(sock, reads=sock in readable or buffered)

    def _rest(self, most_s: float) -> None:
        """Let answers gather for a moment after some were read: waking up for each costs more than they."""
        left_s = min(self._rest_until - time.monotonic(), most_s)
        if left_s <= 0 or not self.opened:
            return
        self._resting = True  # before the look: who sends after it wakes us
        if not self._is_crowded:
            select.select([self._ear], [], [], left_s)
        self._resting = False

    def _exchange(self, sock: Any, *, reads: bool) -> None:
        self._send_outgoing(sock)
        if reads:
            before = len(self.answers)
            self._client.loop_read()
            if len(self.answers) > before and self.ending is None and not _is_readable(sock):
                self._rest_until = time.monotonic() + _REST_S
        if self._client.overreached:
            self.end(Ending("it sends messages that nobody subscribed to"))
        if self.opened and self._hearing is not None:
            self._hearing.turn(self._client)
        if self._client.want_write():
            self._client.loop_write()
        self._client.loop_misc()
        self._note_unanswered()

    def _note_unanswered(self) -> None:
        """End what answers pings alone: its window stays full, as nothing is said twice on a connection."""
        now = time.monotonic()
        if not self._tokens:
            self._answered_at = now
        elif now - self._answered_at > _MOST_SWALLOWING_S:
            self.end(Ending(_SWALLOWED, swallowed=True))

    def _send_outgoing(self, sock: Any) -> None:
        """Send what was offered; a socket is given where something live may be among it."""
        if sock is not None:
            self._note_drained(sock)
        while self._outgoing and self._client.socket() is not None:
            message, token = self._outgoing.popleft()
            if self._most_bytes is not None and message.packet_bytes > self._most_bytes:
                self.answers.append(
                    (token, f"larger than the {self._most_bytes} bytes that the broker takes")
                )
            elif (qos := message.qos) or self._live_may_leave():
                self._publish(message, token, qos)

    def _publish(self, message: Message, token: int, qos: int) -> None:
        properties = answering(message, self.version)
        info = self._client.publish(message.topic, message.payload, qos, message.retain, properties)
        if qos:
            self._tokens[info.mid] = token

    def _note_drained(self, sock: Any) -> None:
        """Note when the other side last had everything we sent: the kernel counts what it lacks (tcp(7))."""
        lacking = struct.unpack("i", fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0" * 4))[0]
        if not lacking and not self._client.want_write():
            self._drained_at = time.monotonic()

    def _live_may_leave(self) -> bool:
        """Whether a live message would be live when it arrives: buffers of a dead link fill in silence."""
        return time.monotonic() - self._drained_at < _MOST_LIVE_DELAY_S

    # paho calls these from within `turn` or `dial`; none of them can fail.

    def _on_socket_open(self, _client: paho.Client, _: Any, sock: Any) -> None:
        if not self._who.endpoint.unix:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _SEND_TIMEOUT_MS)

    def _on_connect(self, _client: paho.Client, _: Any, _flags: Any, code: Any, properties: Any) -> None:
        if code.is_failure:
            said = broker_said(code.value, str(code))
            self.end(Ending(said, unsupported=code.value == UNSUPPORTED_VERSION))
            return
        self._window = min(_WINDOW, getattr(properties, "ReceiveMaximum", _WINDOW))
        self._most_bytes = getattr(properties, "MaximumPacketSize", None)
        self.opened = True
        if self._hearing is not None:
            self._hearing.subscribe(self._client)

    def _on_publish(self, _client: paho.Client, _: Any, mid: int, code: Any, _properties: Any) -> None:
        self._answered_at = time.monotonic()
        token = self._tokens.pop(mid, None)
        if token is not None:
            self.answers.append((token, str(code).lower() if code.is_failure else None))

    def _on_disconnect(self, _client: paho.Client, _: Any, flags: Any, code: Any, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            said = broker_said(code.value, str(code))
            self.end(Ending(said, taken_over=code.value == TAKEN_OVER))
        elif told := tls_said(self._complaint):
            self.end(Ending(told))
        elif self.opened and code.value == KEEPALIVE_TIMEOUT:
            self.end(Ending(_MUTE))
        elif self.opened and self._complaint:
            self.end(Ending(f"the connection broke ({self._complaint})"))
        elif self.opened:
            self.end(Ending(_CLOSED, cut_off=True))
        else:
            login = self._who.credentials
            # the alert that says so may be lost with the connection
            hint = _REFUSED if login.certified else _ASKED if login.tls else ""
            said = f"it closed the connection unanswered{hint}"
            self.end(Ending(said, unanswered=True, alone=not login.tls))

    def _on_log(self, _client: paho.Client, _: Any, _level: int, text: str) -> None:
        self._complaint = text


def _is_buffered(sock: Any) -> bool:
    """Whether there is something to read that select does not see, as TLS has decrypted it already."""
    return isinstance(sock, ssl.SSLSocket) and sock.pending() > 0


def _is_readable(sock: Any) -> bool:
    return _is_buffered(sock) or bool(select.select([sock], [], [], 0)[0])
