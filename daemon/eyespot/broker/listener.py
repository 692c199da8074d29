"""A subscriber: what the demo shows, and what tests check, comes back from the broker through it."""

import threading
from collections.abc import Callable
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.hearing import heard_in
from eyespot.broker.settings import endpoint
from eyespot.domain.errors import BrokerError, foreign
from eyespot.domain.message import Heard

_KEEPALIVE_S = 20
_TIMEOUT_S = 5.0


class Listener:
    """Subscribes while its context lasts, also over restarts of the broker.

    Args:
        url: of a broker without login or TLS.
        topic_filter: as MQTT has them, with + and #.
        hear: called for each message, from the listener's thread; must not raise.
    """

    def __init__(self, url: str, topic_filter: str, hear: Callable[[Heard], None]) -> None:
        self._where = endpoint(url)
        self._filter = topic_filter
        self._hear = hear
        self._subscribed = threading.Event()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2,
            protocol=MQTTProtocolVersion.MQTTv5,
            transport="unix" if self._where.unix else "tcp",
        )
        self._client.reconnect_delay_set(1, 2)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = self._on_subscribe
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Subscribe.

        Raises:
            BrokerError: that does not succeed in time.
        """
        with foreign(BrokerError, f"cannot listen at {self._where.host}"):
            self._client.connect(self._where.host, self._where.port or 1, _KEEPALIVE_S)
        self._client.loop_start()
        if not self._subscribed.wait(_TIMEOUT_S):
            self._hang_up()
            raise BrokerError(f"cannot subscribe to {self._filter} at {self._where.host}: no answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def _hang_up(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if not code.is_failure:
            client.subscribe(self._filter, qos=1)

    def _on_subscribe(self, _client: paho.Client, _: Any, _mid: int, codes: Any, _properties: Any) -> None:
        if not any(code.is_failure for code in codes):
            self._subscribed.set()

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is not None:
            self._hear(heard)
