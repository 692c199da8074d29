"""A broker's thread, what it tells, and a mosquitto to tell it about."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from eyespot.broker.local import LocalMosquitto
from eyespot.broker.settings import endpoint
from eyespot.domain.errors import BrokerError, EyespotError
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Broker, Ear, Subscription
from fakes.recorder import Recorder
from fakes.waiting import PATIENCE_S

ROOT = "eyespot/v1/shop-1"


def message(suffix: str, payload: bytes, delivery: Delivery = Delivery.STATE) -> Message:
    return Message(f"{ROOT}/{suffix}", payload, delivery)


WILL = message("status", b"offline, says the will")
FAREWELL = message("status", b"offline, says the device")

COMMANDS = Subscription(f"{ROOT}/cmd/#", kept=False)
DESIRED = Subscription(f"{ROOT}/model/desired", kept=True)


class Device:
    """A broker that runs in a thread, and what it hears."""

    def __init__(self, broker: Broker, ear: Ear | None = None) -> None:
        self.told = Recorder()
        self.broker = broker
        self.error: EyespotError | None = None
        self.longest_silence_s = 0.0
        self._beaten = time.monotonic()
        broker.attach(self.told, WILL)
        broker.listen(ear or self.told, (COMMANDS, DESIRED))
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_s: float = 2.0) -> None:
        self.broker.stop(FAREWELL, timeout_s)
        self._thread.join(timeout_s + 2)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        try:
            self.broker.run(self._beat)
        except EyespotError as error:
            self.error = error
        self._beat()

    def _beat(self) -> None:
        now = time.monotonic()
        self.longest_silence_s = max(self.longest_silence_s, now - self._beaten)
        self._beaten = now


@contextmanager
def running(broker: Broker, ear: Ear | None = None) -> Iterator[Device]:
    """Run a broker until the context ends; what it passes on is heard by the device, or by somebody else."""
    device = Device(broker, ear)
    device.start()
    try:
        yield device
    finally:
        device.stop()


@contextmanager
def local_mosquitto(*lines: str) -> Iterator[LocalMosquitto]:
    """Run a mosquitto with these lines in its configuration; skip the test where there is none."""
    try:
        mosquitto = LocalMosquitto(lines)
    except BrokerError as error:
        pytest.skip(str(error))
    with mosquitto:
        yield mosquitto


def mosquitto_plugin(name: str) -> Path:
    """Return where a plugin of `local_mosquitto` is; skip the test where it is not."""
    binary = Path(os.environ.get("EYESPOT_MOSQUITTO", "/usr/sbin/mosquitto"))
    for root in (binary.parents[1], Path("/")):
        for found in root.glob(f"usr/lib/*-linux-gnu*/**/{name}.so"):
            return found
    pytest.skip(f"there is no {name}.so beside mosquitto")


def say(url: str, *said: Heard) -> None:
    """Publish something at a broker, as anybody there can."""
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    where = endpoint(url)
    client.connect(where.host, where.port or 1)
    # by hand: paho may tear packets apart that two threads send
    _turn_until(client, client.is_connected)
    sent = [
        client.publish(each.topic, each.payload, each.qos, each.retain, properties=_properties(each))
        for each in said
    ]
    _turn_until(client, lambda: all(one.is_published() for one in sent))
    client.disconnect()


def _properties(said: Heard) -> Properties:
    properties = Properties(PacketTypes.PUBLISH)
    if said.answer_to is not None:
        properties.ResponseTopic = said.answer_to
    if said.correlation is not None:
        properties.CorrelationData = said.correlation
    return properties


def _turn_until(client: paho.Client, true: Callable[[], bool]) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < give_up, "the broker takes nothing"
        client.loop(0.1)
