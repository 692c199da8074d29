"""A connection of a simulated device: paho's client, driven by hand, so that one thread turns a thousand."""

from collections import deque
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.hearing import BoundedClient
from eyespot.broker.settings import Endpoint
from eyespot.domain.message import Message

_KEEPALIVE_S = 20
_CONNECT_TIMEOUT_S = 4.0


class Connection:
    """One client, from dialling to its end.

    `eyespot.broker.session` waits with select(2), which takes no file numbers above 1023.

    Attributes:
        opened: the broker has accepted it.
        acknowledged: tokens of messages that the broker has, in order, to be taken.
        refused: how many the broker did not take.
    """

    def __init__(self, device: str, where: Endpoint, login: Credentials, will: Message) -> None:
        self.opened = False
        self.acknowledged: deque[int] = deque()
        self.refused = 0
        self._tokens: dict[int, int] = {}
        self._where = where
        client = BoundedClient(
            CallbackAPIVersion.VERSION2,
            device,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="unix" if where.unix else "tcp",
            reconnect_on_failure=False,
        )
        client.connect_timeout = _CONNECT_TIMEOUT_S
        client.will_set(will.topic, will.payload, will.qos, retain=will.retain)
        if login.username:
            client.username_pw_set(login.username, login.password)
        if login.tls:
            client.tls_set_context(login.tls)
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        self._client = client

    def dial(self) -> bool:
        """Connect and send CONNECT; return whether that went well. Blocks for four seconds at most."""
        try:
            self._client.connect(self._where.host, self._where.port or 1, keepalive=_KEEPALIVE_S)
        except (OSError, ValueError):
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
        if readable:
            self._client.loop_read()
        if self._client.socket() is not None and self._client.want_write():
            self._client.loop_write()

    def keep_alive(self) -> None:
        """Send PINGREQ where it is time; about once a second."""
        self._client.loop_misc()

    def publish(self, message: Message, token: int) -> None:
        """Send a message; its token comes back with the broker's word."""
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain)
        self._tokens[info.mid] = token

    def close(self, *, politely: bool = False) -> None:
        """Close it; politely, the broker does not say that it vanished."""
        if politely:
            self._client.disconnect()
        if (sock := self._client.socket()) is not None:
            sock.close()

    # paho calls these from within `turn`; none of them can fail.

    def _on_connect(self, _client: paho.Client, _: Any, _flags: Any, code: Any, _properties: Any) -> None:
        self.opened = not code.is_failure

    def _on_publish(self, _client: paho.Client, _: Any, mid: int, code: Any, _properties: Any) -> None:
        token = self._tokens.pop(mid, None)
        if token is None:
            return
        if code.is_failure:
            self.refused += 1
        self.acknowledged.append(token)
