"""Keeps who watches the fleet connected to the broker, in a thread of its own."""

import os
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from eyespot.broker.credentials import credentials
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings, endpoints
from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Message
from eyespot.ports import BrokerEvents, Ear, Subscription

_FIRST_S = 12.0  # a broker has ten to answer
_STEP_S = 0.1
_LEAVE_S = 1.0


class Watcher(Ear, BrokerEvents, Protocol):
    """Takes note of what devices say."""

    @property
    def subscriptions(self) -> list[Subscription]:
        """To what it listens; it may append more as it hears."""

    @property
    def trouble(self) -> str:
        """Why nothing is heard, in words; empty where the broker lets us listen."""

    def carry(self, publish: Callable[[Message, int], bool]) -> None:
        """Hand over what there is to say; for the broker's thread."""


class OnlyListening:
    """What a watcher does about all that is not heard. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trouble = "it has not answered yet; check the address, the network and its log"

    @property
    def trouble(self) -> str:
        """Why nothing is heard, in words; empty where the broker lets us listen."""
        with self._lock:
            return self._trouble

    def disconnected(self, reason: str) -> None:
        """Take note that nothing is heard, and why."""
        with self._lock:
            self._trouble = reason

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        """Take note that the broker does not let us hear, or does not answer whether it will."""
        if reason is None:
            self.disconnected(f"it does not answer whether we may read {topic_filter}; see its log")
        else:
            self.disconnected(f"it does not let us read {topic_filter} ({reason}); allow this login to")

    def connected(self) -> None:
        """Take note that we are let in, which is not all."""
        self.disconnected("it lets us in, but has not answered yet whether we may listen; see its log")

    def replaced(self, reason: str) -> None:
        """Take note of it; its reason goes before that of the closed connection."""
        self.disconnected(reason)

    def renewed(self, refusal: str) -> None:
        """Need nothing: nobody watches for so long."""

    def acknowledged(self, token: int) -> None:
        """Need nothing: devices find out by themselves."""

    def refused(self, token: int, reason: str) -> None:
        """Need nothing, likewise."""


@contextmanager
def listening(settings: MqttSettings, watch: Watcher) -> Iterator[None]:
    """Have a watch hear what the broker tells while the context lasts, also over restarts of the broker.

    Raises:
        BrokerError: it cannot be reached at first, or does not let us listen.
        ConfigError: a certificate or a password cannot be used.
    """
    broker = PahoBroker(settings, f"eyespot-fleet-{secrets.token_hex(4)}", os.environ)
    credentials(settings, tls=endpoints(settings)[0].tls, environ=os.environ)  # nobody waits for better ones
    broker.attach(watch, None)
    broker.listen(watch, watch.subscriptions)
    thread = threading.Thread(
        target=broker.run, args=[lambda: watch.carry(broker.publish)], name="broker", daemon=True
    )
    thread.start()
    try:
        _wait_for(watch, settings)
        yield
    finally:
        broker.stop(None, _LEAVE_S)
        thread.join(_LEAVE_S)


def _wait_for(watch: Watcher, settings: MqttSettings) -> None:
    until = time.monotonic() + _FIRST_S
    while trouble := watch.trouble:
        if time.monotonic() > until:
            # only why there is no connection comes with the broker's name
            named = any(url in trouble for url in settings.urls)
            said = trouble if named else f"{settings.where}: {trouble}"
            raise BrokerError(f"cannot listen to the devices: {said}")
        time.sleep(_STEP_S)
