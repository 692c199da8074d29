"""What the broker passes on: subscribing, and what comes of it. paho itself bounds nothing that comes in."""

import time
from collections.abc import Sequence
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from eyespot.domain.message import Heard, Message
from eyespot.ports import Ear, Subscription

# More than the longest topic and the largest command take; of what is larger, only the beginning is kept.
MOST_BYTES = 128 * 1024
_TRY_AGAIN_S = 60.0
_AT_ONCE = 100


class BoundedClient(paho.Client):
    """Reads packets of any size, and keeps no more than their beginning.

    A broker with MQTT 5 is told not to send larger ones. Others may, and to hang up would not help: a
    retained message comes with every connection.
    """

    def _sock_recv(self, bufsize: int) -> bytes:
        del self._in_packet["packet"][MOST_BYTES:]
        return super()._sock_recv(min(bufsize, MOST_BYTES))

    @property
    def overreached(self) -> bool:
        """Whether the broker sends with QoS 2, which nobody subscribed to: such messages pile up in here."""
        return bool(self._in_messages)


class Hearing:
    """Subscribes over one connection, and tells an ear what comes. For the thread of the connection.

    Args:
        ear: who listens.
        subscriptions: to what. More may be appended by the ear, from this thread.
    """

    def __init__(self, ear: Ear, subscriptions: Sequence[Subscription]) -> None:
        self._ear = ear
        self._subscriptions = subscriptions
        self._granted = 0
        self._asked: Sequence[Subscription] = ()
        self._again_at: float | None = None

    def attach(self, client: paho.Client) -> None:
        """Listen to a client that is not connected yet."""
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def subscribe(self, client: paho.Client) -> None:
        """Subscribe; what was refused is tried again by `turn`."""
        self._again_at = None
        self._granted = 0
        self._ask(client)

    def turn(self, client: paho.Client) -> None:
        """Ask for more, bit by bit; once a minute again where the broker refused: somebody may allow it."""
        if self._again_at is not None:
            if time.monotonic() >= self._again_at:
                self.subscribe(client)
        elif not self._asked and self._granted < len(self._subscriptions):
            self._ask(client)

    def _ask(self, client: paho.Client) -> None:
        self._asked = self._subscriptions[self._granted : self._granted + _AT_ONCE]
        if client.protocol == MQTTProtocolVersion.MQTTv5:
            client.subscribe([(each.topic_filter, _options(each)) for each in self._asked])
        else:
            client.subscribe([(each.topic_filter, each.qos) for each in self._asked])

    # paho calls these; neither can fail.

    def _on_subscribe(self, _client: paho.Client, _: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [
            (subscription.topic_filter, str(code).lower())
            for subscription, code in zip(self._asked, codes, strict=False)
            if code.is_failure
        ]
        self._granted += len(self._asked)
        self._asked = ()
        if refused:
            self._again_at = time.monotonic() + _TRY_AGAIN_S
            self._ear.deaf(*refused[0])
        else:
            self._ear.listening()

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is not None:
            self._ear.hear(heard)


def heard_in(message: paho.MQTTMessage) -> Heard | None:
    """Return what paho received; None where its topic is no text."""
    try:
        topic = message.topic
    except UnicodeDecodeError:
        return None
    return Heard(
        topic,
        bytes(message.payload),
        message.retain,
        message.qos,
        answer_to=getattr(message.properties, "ResponseTopic", None),
        correlation=getattr(message.properties, "CorrelationData", None),
    )


def bounds() -> Properties:
    """Return what CONNECT tells a broker with MQTT 5 of our bounds."""
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MOST_BYTES
    return properties


def answering(message: Message) -> Properties | None:
    """Return what PUBLISH has to give back to whoever asked; None where there is nothing."""
    if message.correlation is None:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.CorrelationData = message.correlation
    return properties


def _options(subscription: Subscription) -> SubscribeOptions:
    kept = subscription.kept
    return SubscribeOptions(
        qos=subscription.qos,
        retainAsPublished=not kept,
        retainHandling=(
            SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE if kept else SubscribeOptions.RETAIN_DO_NOT_SEND
        ),
    )
