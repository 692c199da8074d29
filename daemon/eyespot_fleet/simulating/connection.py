"""A connection of a simulated device: paho's client, driven by hand, so that one thread turns a thousand."""

import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.hearing import BoundedClient, answering, bounds, heard_in, send_subscribe
from eyespot.broker.reasons import UNSUPPORTED_VERSION, broker_said, no_way
from eyespot.broker.session import Ending, Who
from eyespot.domain.message import Heard, Message
from eyespot.ports import Subscription

_KEEPALIVE_S = 20
_CONNECT_TIMEOUT_S = 4.0
_MOST_HEARD = 16
_UNANSWERED = "it closed the connection unanswered"
_CLOSED = Ending("the connection was closed")


class Connection:
    """One client, from dialling to its end. Implements `device.Line`.

    `eyespot.broker.session` waits with select(2), which takes no file numbers above 1023.

    Args:
        who: the device, and which broker.
        subscriptions: what it listens to.
        version: of MQTT.
    """

    def __init__(self, who: Who, subscriptions: Sequence[Subscription], version: MQTTProtocolVersion) -> None:
        self.opened = False
        # whether that the connection broke tells of nobody who is there; see `broker.session`
        self.ending = Ending(_UNANSWERED, unanswered=True, alone=who.credentials.tls is None)
        self.acknowledged: deque[int] = deque()
        self.heard: deque[Heard] = deque(maxlen=_MOST_HEARD)
        self.refused = 0
        self._tokens: dict[int, int] = {}
        self._who = who
        self._subscriptions = subscriptions
        self._version = version
        self._client = self._make_client()

    def _make_client(self) -> BoundedClient:
        login, will = self._who.credentials, self._who.will
        client = BoundedClient(
            CallbackAPIVersion.VERSION2,
            self._who.client_id,
            protocol=self._version,
            transport="unix" if self._who.endpoint.unix else "tcp",
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, retain=will.retain)
        if login.username:
            client.username_pw_set(login.username, login.password)
        if login.tls:
            client.tls_set_context(login.tls)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def dial(self) -> bool:
        """Connect and send CONNECT; return whether that went well. Blocks for four seconds at most."""
        where = self._who.endpoint
        try:
            self._client.connect(
                where.host, where.port or 1, keepalive=_KEEPALIVE_S, properties=bounds(self._version)
            )
        except (OSError, ValueError) as error:
            self.ending = Ending(no_way(error), alone=not isinstance(error, ssl.SSLError))
            return False
        return self._client.socket() is not None

    @property
    def socket(self) -> Any:
        """What to wait for; None once the connection is over."""
        return self._client.socket()

    @property
    def unanswered(self) -> int:
        """How many messages the broker has not acknowledged."""
        return len(self._tokens)

    @property
    def wants_to_write(self) -> bool:
        """Whether there is more to send than the socket took."""
        return self._client.want_write()

    def turn(self, *, readable: bool) -> None:
        """Send and receive what there is."""
        while readable:
            self._client.loop_read()
            sock: Any = self._client.socket()
            # what TLS has decrypted already is not seen by epoll
            readable = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        if self._client.socket() is not None and self._client.want_write():
            self._client.loop_write()

    def keep_alive(self) -> None:
        """Send PINGREQ where it is time; about once a second."""
        self._client.loop_misc()

    def publish(self, message: Message, token: int) -> None:
        """Send a message; its token comes back with the broker's word."""
        properties = answering(message, self._version)
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain, properties)
        self._tokens[info.mid] = token

    def close(self, *, politely: bool = False) -> None:
        """Close it; politely, the broker does not say that it vanished."""
        if politely:
            self._client.disconnect()
        if (sock := self._client.socket()) is not None:
            sock.close()

    # paho calls these from within `turn`; none of them can fail.

    def _on_connect(self, client: paho.Client, _: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            said = broker_said(code.value, str(code))
            self.ending = Ending(said, unsupported=code.value == UNSUPPORTED_VERSION)
            return
        self.opened, self.ending = True, _CLOSED
        send_subscribe(client, self._subscriptions)

    def _on_publish(self, _client: paho.Client, _: Any, mid: int, code: Any, _properties: Any) -> None:
        token = self._tokens.pop(mid, None)
        if token is None:
            return
        if code.is_failure:
            self.refused += 1
        else:
            self.acknowledged.append(token)

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is not None:
            self.heard.append(heard)
