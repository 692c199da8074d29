"""What every broker does, asked of the one in memory and of a real mosquitto."""

import getpass
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eyespot.broker.heard import Heard
from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.memory import MemoryBroker
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Delivery, Message
from eyespot.ports import Broker
from fakes.brokers import FAREWELL, ROOT, WILL, Device, local_mosquitto, message, running
from fakes.waiting import until

FORBIDDEN = "eyespot/v1/shop-2/status"


class InMemory:
    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.broker.refuse(FORBIDDEN)

    def make(self) -> Broker:
        return self.broker

    @contextmanager
    def listening(self) -> Iterator[list[Heard]]:
        heard: list[Heard] = []
        self.broker.subscribe(heard.append)
        yield heard

    def cut(self) -> None:
        self.broker.go_offline()

    def mend(self) -> None:
        self.broker.go_online()


class OverTheWire:
    def __init__(self, mosquitto: LocalMosquitto) -> None:
        self.mosquitto = mosquitto

    def make(self) -> Broker:
        return PahoBroker(MqttSettings(url=self.mosquitto.url), "shop-1", {}, lambda: 0.2)

    @contextmanager
    def listening(self) -> Iterator[list[Heard]]:
        heard: list[Heard] = []
        with Listener(self.mosquitto.url, "#", heard.append):
            yield heard

    def cut(self) -> None:
        self.mosquitto.stop(kill=True)

    def mend(self) -> None:
        self.mosquitto.start()


@pytest.fixture(params=["memory", "mosquitto"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InMemory | OverTheWire]:
    if request.param == "memory":
        yield InMemory()
        return
    rights = tmp_path / "acl"
    rights.write_text(f"topic readwrite {ROOT}/#\n")
    with local_mosquitto(
        "allow_anonymous true", f"acl_file {rights}", f"user {getpass.getuser()}"
    ) as mosquitto:
        yield OverTheWire(mosquitto)


@pytest.fixture
def device(world: InMemory | OverTheWire) -> Iterator[Device]:
    with running(world.make()) as device:
        device.told.wait_for(lambda: device.told.online)
        yield device


def test_what_is_acknowledged_was_heard(world: InMemory | OverTheWire, device: Device) -> None:
    with world.listening() as heard:
        for token in range(1, 11):
            assert device.broker.publish(message("rule/door/event", b"%d" % token, Delivery.DURABLE), token)
        device.told.wait_for(lambda: len(device.told.acknowledged_tokens) == 10)
        until(lambda: len(heard) == 10)
    assert sorted(device.told.acknowledged_tokens) == list(range(1, 11))
    assert [(h.topic, h.payload, h.qos) for h in heard] == [
        (f"{ROOT}/rule/door/event", b"%d" % token, 1) for token in range(1, 11)
    ]


def test_a_state_is_there_for_whoever_comes_later(world: InMemory | OverTheWire, device: Device) -> None:
    device.broker.publish(message("info", b"hello"), 1)
    device.broker.publish(message("rule/door/event", b"gone", Delivery.DURABLE), 2)
    device.told.wait_for(lambda: len(device.told.acknowledged_tokens) == 2)
    with world.listening() as heard:
        until(lambda: heard)
    assert heard == [Heard(f"{ROOT}/info", b"hello", retain=True, qos=1)]


def test_an_empty_state_removes_it(world: InMemory | OverTheWire, device: Device) -> None:
    device.broker.publish(message("info", b"hello"), 1)
    device.broker.publish(message("info", b""), 2)
    device.broker.publish(message("health", b"fine"), 3)
    device.told.wait_for(lambda: len(device.told.acknowledged_tokens) == 3)
    with world.listening() as heard:
        until(lambda: heard)
    assert [h.payload for h in heard] == [b"fine"]


def test_live_messages_are_carried_without_an_answer(world: InMemory | OverTheWire, device: Device) -> None:
    with world.listening() as heard:
        for number in range(20):
            assert device.broker.publish(message("frame", b"%d" % number, Delivery.LIVE), 0)
        until(lambda: len(heard) == 20)
    assert [h.qos for h in heard] == [0] * 20
    assert device.told.acknowledged_tokens == []


def test_a_refused_topic_is_named(world: InMemory | OverTheWire, device: Device) -> None:
    assert device.broker.publish(Message(FORBIDDEN, b"mine", Delivery.STATE), 1)
    assert device.broker.publish(message("info", b"hello"), 2)
    device.told.wait_for(lambda: device.told.acknowledged_tokens == [2])
    device.told.wait_for(lambda: device.told.refusals)
    assert device.told.refusals == {1: "not authorized"}


def test_a_device_that_stops_says_farewell_itself(world: InMemory | OverTheWire) -> None:
    with world.listening() as heard:
        with running(world.make()) as device:
            device.told.wait_for(lambda: device.told.online)
        until(lambda: heard)
    assert [h.payload for h in heard] == [FAREWELL.payload]


def test_it_connects_again_and_takes_nothing_in_between(
    world: InMemory | OverTheWire, device: Device
) -> None:
    world.cut()
    device.told.wait_for(lambda: not device.told.online)
    assert not device.broker.publish(message("info", b"hello"), 1)
    assert device.told.reasons
    world.mend()
    device.told.wait_for(lambda: device.told.online)
    assert device.told.connections == 2
    assert device.broker.publish(message("info", b"hello"), 2)
    device.told.wait_for(lambda: device.told.acknowledged_tokens == [2])


def test_one_that_is_not_connected_stops_at_once(world: InMemory | OverTheWire) -> None:
    world.cut()
    with running(world.make()) as device:
        time.sleep(0.2)
        begun = time.monotonic()
        device.stop()
        assert time.monotonic() - begun < 1.0


def test_the_broker_speaks_for_a_device_that_vanished(world: InMemory | OverTheWire, device: Device) -> None:
    with world.listening() as heard:
        if isinstance(world, OverTheWire):
            session = device.broker._session  # type: ignore[attr-defined]
            session._client.socket().shutdown(socket.SHUT_RDWR)
        else:
            world.cut()
            world.mend()
        device.told.wait_for(lambda: device.told.connections == 2)
        until(lambda: heard)
    assert [h.payload for h in heard] == [WILL.payload]
