"""A subscriber: what the demo shows, and what tests check, comes back from the broker through it."""

import secrets
import threading
from collections.abc import Callable, Sequence
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.hearing import heard_in, send_subscribe
from eyespot.broker.session import Who
from eyespot.broker.settings import endpoint
from eyespot.broker.visit import version_of
from eyespot.domain.errors import BrokerError, foreign
from eyespot.domain.message import Heard
from eyespot.ports import Subscription

_KEEPALIVE_S = 20
_TIMEOUT_S = 5.0
_NOTHING = Credentials(None, None, None, certified=False)


class Listener:
    """Subscribes while its context lasts, also over restarts of the broker. Speaks MQTT 5, or 3.1.1.

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
        # some old brokers let nobody in without an id
        self._who = Who(self._where, f"eyespot-{secrets.token_hex(4)}", login or _NOTHING, None)
        filters = (topic_filters,) if isinstance(topic_filters, str) else topic_filters
        self._subscriptions = [Subscription(one, kept=True) for one in filters]
        self._hear = hear
        self._subscribed = threading.Event()
        self._refusal = ""

    def __enter__(self) -> Self:
        """Subscribe.

        Raises:
            BrokerError: that does not succeed in time.
        """
        where = self._where
        at = f"{where.host}:{where.port}" if where.port else where.host
        try:
            self._client = self._make_client(version_of(self._who))
        except BrokerError as error:
            raise BrokerError(f"cannot listen at {at}: {error}") from error
        with foreign(BrokerError, f"cannot listen at {at}"):
            self._client.connect(where.host, where.port or 1, _KEEPALIVE_S)
        self._client.loop_start()
        if not self._subscribed.wait(_TIMEOUT_S):
            self._hang_up()
            wanted = " and ".join(each.topic_filter for each in self._subscriptions)
            why = self._refusal or "no answer"
            raise BrokerError(f"cannot subscribe to {wanted} at {where.host}: {why}")
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    @property
    def trouble(self) -> str:
        """Why nothing is heard, in words; empty where all is well."""
        return "" if self._client.is_connected() else "the broker does not answer: trying again"

    def _make_client(self, version: MQTTProtocolVersion) -> paho.Client:
        login = self._who.credentials
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            self._who.client_id,
            protocol=version,
            transport="unix" if self._where.unix else "tcp",
        )
        if login.username:
            client.username_pw_set(login.username, login.password)
        if login.tls:
            client.tls_set_context(login.tls)
        client.reconnect_delay_set(1, 2)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _hang_up(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _on_connect(self, client: paho.Client, _: Any, _flags: Any, code: Any, _properties: Any) -> None:
        if code.is_failure:
            self._refusal = str(code)
        else:
            send_subscribe(client, self._subscriptions)

    def _on_subscribe(self, _client: paho.Client, _: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [str(code) for code in codes if code.is_failure]
        self._refusal = ", ".join(refused)
        if not refused:
            self._subscribed.set()

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is not None:
            self._hear(heard)
