"""What the broker passes on: subscribing, and what comes of it. paho itself bounds nothing that comes in."""

import logging
import math
import time
from collections.abc import Callable, Sequence
from typing import Any, Literal

import paho.mqtt.client as paho
from paho.mqtt.enums import LogLevel, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from eyespot.domain.errors import BrokerError, EyespotError, foreign, one_line
from eyespot.domain.message import Heard, Message
from eyespot.ports import Ear, Subscription

# More than the longest topic and the largest command take; of what is larger, only the beginning is kept.
MOST_BYTES = 128 * 1024
_TRY_AGAIN_S = 60.0
_MOST_ANSWERING_S = 10.0
_AT_ONCE = 100
_MID_BYTES = 2
_LONGEST_TOPIC = 100  # of a complaint
_FIRST_FAILURE = 0x80
_TAKEN = ReasonCode(PacketTypes.PUBACK)
_NOTHING_MORE = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call]
_LOG = logging.getLogger(__name__)


class BoundedClient(paho.Client):
    """Reads packets of any size, and keeps no more than their beginning; spares what nobody looks at.

    A broker with MQTT 5 is told not to send larger ones. Others may, and to hang up would not help: a
    retained message comes with every connection.
    """

    def _sock_recv(self, bufsize: int) -> bytes:
        del self._in_packet["packet"][MOST_BYTES:]
        return super()._sock_recv(min(bufsize, MOST_BYTES))

    def _easy_log(self, level: LogLevel, fmt: str, *args: Any) -> None:
        if level == LogLevel.MQTT_LOG_ERR:  # what is said of each packet would be put into words for nobody
            super()._easy_log(level, fmt, *args)

    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        # each message is answered, nearly always with "taken", of which paho would make four objects, and
        # tell those who wait in `wait_for_publish`: nobody does
        packet = self._in_packet["packet"]
        on_publish: Any = self._on_publish
        if on_publish is None or not _says_taken(packet):
            return super()._handle_pubackcomp(cmd)
        mid = int.from_bytes(packet[:2])
        with self._out_message_mutex:
            if self._out_messages.pop(mid, None) is not None:
                self._inflight_messages -= 1
                on_publish(self, self._userdata, mid, _TAKEN, _NOTHING_MORE)
                if self._max_inflight_messages:  # what paho holds back beyond them may leave now
                    return self._update_inflight()
        return MQTTErrorCode.MQTT_ERR_SUCCESS

    @property
    def overreached(self) -> bool:
        """Whether the broker sends with QoS 2, which nobody subscribed to: such messages pile up in here."""
        return bool(self._in_messages)


def _says_taken(packet: bytearray) -> bool:
    """Whether PUBACK says nothing but that the message was taken (MQTT 5.0, 3.4.2; 3.1.1, 3.4.2)."""
    return len(packet) == _MID_BYTES or (
        _MID_BYTES < len(packet) <= _MID_BYTES + 2 and packet[2] < _FIRST_FAILURE and not any(packet[3:])
    )


class Hearing:
    """Subscribes over one connection, and tells an ear what comes. For the thread of the connection.

    Args:
        ear: who listens.
        subscriptions: to what. More may be appended by the ear, from this thread.
        clock: steady, in s.
    """

    def __init__(
        self, ear: Ear, subscriptions: Sequence[Subscription], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ear = ear
        self._subscriptions = subscriptions
        self._clock = clock
        self._next = 0
        self._asked: Sequence[Subscription] = ()
        self._refused: list[Subscription] = []
        self._again_at = 0.0
        self._answer_by = math.inf
        self._complained = False

    def attach(self, client: paho.Client) -> None:
        """Listen to a client that is not connected yet."""
        client.on_message = self._on_message
        client.on_subscribe = self._on_subscribe

    def subscribe(self, client: paho.Client) -> None:
        """Subscribe; what was refused is tried again by `turn`."""
        self._next, self._asked = 0, ()
        self._refused.clear()
        self.turn(client)

    def turn(self, client: paho.Client) -> None:
        """Ask for more, bit by bit; once a minute again where the broker refused: somebody may allow it.

        Where it does not answer, the ear is told once, and its answer is still waited for.
        """
        if self._asked:
            if self._clock() >= self._answer_by:
                self._answer_by = math.inf
                self._ear.deaf(self._asked[0].topic_filter, None)
        elif self._next < len(self._subscriptions):
            self._ask(client, self._subscriptions[self._next : self._next + _AT_ONCE])
            self._next += len(self._asked)
        elif self._refused and self._clock() >= self._again_at:
            self._ask(client, self._refused[:_AT_ONCE])
            del self._refused[:_AT_ONCE]

    def _ask(self, client: paho.Client, asked: Sequence[Subscription]) -> None:
        self._asked = asked
        self._answer_by = self._clock() + _MOST_ANSWERING_S
        send_subscribe(client, asked)

    # paho calls these; neither can fail.

    def _on_subscribe(self, _client: paho.Client, _: Any, _mid: int, codes: Any, _properties: Any) -> None:
        refused = [
            (subscription, str(code).lower())
            for subscription, code in zip(self._asked, codes, strict=False)
            if code.is_failure
        ]
        self._asked = ()
        if refused:
            # those alone: what is kept on the others would come once more
            self._refused += [subscription for subscription, _ in refused]
            self._again_at = self._clock() + _TRY_AGAIN_S
            subscription, reason = refused[0]
            self._ear.deaf(subscription.topic_filter, reason)
        elif not self._refused:
            self._ear.listening()

    def _on_message(self, _client: paho.Client, _: Any, message: paho.MQTTMessage) -> None:
        if (heard := heard_in(message)) is None:
            return
        try:
            # what others say must not end the connection: whoever may speak could keep us off the broker
            with foreign(BrokerError, f"what came on {heard.topic[:_LONGEST_TOPIC]} was passed over"):
                self._ear.hear(heard)
        except EyespotError as error:
            if not self._complained:
                _LOG.warning("%s", one_line(error))
            self._complained = True


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


def send_subscribe(client: paho.Client, subscriptions: Sequence[Subscription]) -> None:
    """Ask a broker to pass something on, as far as the version of the client goes."""
    if client.protocol == MQTTProtocolVersion.MQTTv5:
        client.subscribe([(each.topic_filter, _options(each)) for each in subscriptions])
    else:
        client.subscribe([(each.topic_filter, each.qos) for each in subscriptions])


def bounds(version: MQTTProtocolVersion) -> Properties | None:
    """Return what CONNECT tells a broker of our bounds; None where it cannot."""
    if version is not MQTTProtocolVersion.MQTTv5:
        return None
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.MaximumPacketSize = MOST_BYTES
    return properties


def answering(message: Message, version: MQTTProtocolVersion) -> Properties | None:
    """Return what PUBLISH has to give back to whoever asked; None where there is nothing, or it cannot."""
    if message.correlation is None or version is not MQTTProtocolVersion.MQTTv5:
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
