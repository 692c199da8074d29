"""A broker inside the process: for the demo where there is no other, and for tests."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from paho.mqtt.client import topic_matches_sub

from eyespot.domain.message import Heard, Message
from eyespot.ports import Beat, BrokerEvents, Ear, Subscription

_BEAT_S = 1.0


class MemoryBroker:
    """Implements `ports.Broker` without a wire. It keeps retained messages, and can be told to fail."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._subscribers: list[Callable[[Heard], None]] = []
        self._retained: dict[str, Heard] = {}
        self._arrived: deque[tuple[Message, int]] = deque()
        self._sent: deque[Heard] = deque()
        self._refused: set[str] = set()
        self._ear: Ear | None = None
        self._subscriptions: Sequence[Subscription] = ()
        self._online = True
        self._connected = False
        self._lost = False
        self._farewell: Message | None = None

    def attach(self, events: BrokerEvents, will: Message) -> None:
        """Set whom to tell, and what is published when the device vanishes."""
        self._events = events
        self._will = will

    def listen(self, ear: Ear, subscriptions: Sequence[Subscription]) -> None:
        """Set who listens, and to what."""
        self._ear, self._subscriptions = ear, subscriptions

    def send(self, message: Heard) -> None:
        """Publish what somebody else says; from any thread."""
        self._pass_on(message)
        with self._changed:
            if self._connected:
                self._sent.append(message)
                self._changed.notify_all()

    def subscribe(self, hear: Callable[[Heard], None]) -> None:
        """Pass on every message from now on, after those that are retained; from the broker's thread."""
        with self._changed:
            for heard in self._retained.values():
                hear(heard)
            self._subscribers.append(hear)

    def refuse(self, *topics: str) -> None:
        """Take messages on all but these topics, and subscriptions to all but these, from now on."""
        with self._changed:
            self._refused = set(topics)

    def go_offline(self) -> None:
        """Lose the connection: the will is published, and nothing is taken until `go_online`."""
        with self._changed:
            self._online, self._lost = False, self._connected
            self._changed.notify_all()

    def go_online(self) -> None:
        """Be there again."""
        with self._changed:
            self._online = True
            self._changed.notify_all()

    def publish(self, message: Message, token: int) -> bool:
        """Take a message; it is answered from the broker's thread."""
        with self._changed:
            if not self._connected:
                return False
            self._arrived.append((message, token))
            self._changed.notify_all()
            return True

    def stop(self, farewell: Message, timeout_s: float) -> None:  # noqa: ARG002 - there is nothing to wait for
        """Publish the farewell and let `run` return."""
        with self._changed:
            self._farewell = farewell
            self._changed.notify_all()

    def run(self, beat: Beat) -> None:
        """Answer and pass on messages until stopped."""
        while True:
            beat()
            with self._changed:
                self._changed.wait_for(self._has_work, _BEAT_S)
                self._follow_line()
                arrived, self._arrived = self._arrived, deque()
                sent, self._sent = self._sent, deque()
                farewell = self._farewell
            for message, token in arrived:
                self._answer(message, token)
            for heard in sent:
                self._speak_to_device(heard)
            if farewell is not None:
                if self._connected:
                    self._pass_on(farewell)
                self._connected = False
                return

    def _has_work(self) -> bool:
        line = self._online != self._connected or self._lost
        return line or bool(self._arrived or self._sent or self._farewell)

    def _follow_line(self) -> None:
        if self._lost:
            self._connected = self._lost = False
            self._arrived.clear()
            self._pass_on(self._will)
            self._events.disconnected("the broker in this process was told to be offline")
        if self._online and not self._connected:
            self._connected = True
            self._events.connected()
            self._begin_to_speak()

    def _answer(self, message: Message, token: int) -> None:
        if message.topic in self._refused:
            if message.qos:
                self._events.refused(token, "not authorized")
            return
        self._pass_on(message)
        if message.qos:
            self._events.acknowledged(token)

    def _begin_to_speak(self) -> None:
        """Answer the subscriptions, and pass on what is kept."""
        if self._ear is None:
            return
        filters = [subscription.topic_filter for subscription in self._subscriptions]
        if denied := [each for each in filters if each in self._refused]:
            self._ear.deaf(denied[0], "not authorized")
        else:
            self._ear.listening()
        for heard in list(self._retained.values()):
            self._speak_to_device(heard, kept=True)

    def _speak_to_device(self, heard: Heard, *, kept: bool = False) -> None:
        """Pass on what the device has subscribed to, as a broker with MQTT 5 does."""
        ear = self._ear
        if ear is None:
            return
        for subscription in self._subscriptions:
            wanted = subscription.kept or not kept
            allowed = self._connected and subscription.topic_filter not in self._refused
            if wanted and allowed and topic_matches_sub(subscription.topic_filter, heard.topic):
                retain = kept if subscription.kept else heard.retain
                ear.hear(replace(heard, retain=retain))

    def _pass_on(self, message: Message | Heard) -> None:
        with self._changed:
            if message.retain:
                self._retained.pop(message.topic, None)
                if message.payload:
                    self._retained[message.topic] = Heard(
                        message.topic, message.payload, retain=True, qos=message.qos
                    )
            subscribers = list(self._subscribers)
        back = message.correlation
        passed = Heard(message.topic, message.payload, retain=False, qos=message.qos, correlation=back)
        for hear in subscribers:
            hear(passed)
