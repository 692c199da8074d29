"""A subscriber: what the demo shows, and what tests check, comes back from the broker through it."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from eyespot.broker.credentials import Credentials
from eyespot.broker.hearing import heard_in
from eyespot.broker.settings import endpoint
from eyespot.domain.errors import BrokerError, foreign
from eyespot.domain.message import Heard

_KEEPALIVE_S = 20
_TIMEOUT_S = 5.0


class Listener:
    """Subscribes while its context lasts, also over restarts of the broker.

    Args:
        url: of a broker.
        topic_filters: one or several, as MQTT has them, with + and #.
        hear: called for each message, from the listener's thread; must not raise.
        login: what the broker wants of us; None: nothing, and no TLS.
    """

    def __init__(
        self,
        url: str,
        topic_filters: str | Sequence[str],
        hear: Callable[[Heard], None],
        login: Credentials | None = None,
    ) -> None:
        self._where = endpoint(url)
        self._filters = (topic_filters,) if isinstance(topic_filters, str) else tuple(topic_filters)
        self._hear = hear
        self._subscribed = threading.Event()
        self._refusal = ""
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="unix" if self._where.unix else "tcp",
        )
        if login is not None:
            self._client.username_pw_set(login.username, login.password)
            if login.tls is not None:
                self._client.tls_set_context(login.tls)
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Subscribe.

        Raises:
            BrokerError: that does not succeed in time.
        """
        at = f"{self._where.host}:{self._where.port}" if self._where.port else self._where.host
        with foreign(BrokerError, f"cannot listen at {at}"):
            self._client.connect(self._where.host, self._where.port or 1, _KEEPALIVE_S)
        self._client.loop_start()
        if not self._subscribed.wait(_TIMEOUT_S):
            self._hang_up()
            wanted = " and ".join(self._filters)
            why = self._refusal or "no answer"
            raise BrokerError(f"cannot subscribe to {wanted} at {self._where.host}: {why}")
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    @property
    def trouble(self) -> str:
        """Why nothing is heard, in words; empty where all is well."""
        return "" if self._client.is_connected() else "the broker does not answer: trying again"

    def _hang_up(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self._refusal = str(code)
        else:
            client.subscribe([(one, SubscribeOptions(qos=1)) for one in self._filters])

    def _on_subscribe(self, _client: paho.Client, _: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        self._refusal = ", ".join(refused)
        if not refused:
            self._subscribed.set()

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is not None:
            self._hear(heard)
