"""What every broker does, asked of the one in memory and of a real mosquitto."""

import getpass
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.memory import MemoryBroker
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import MqttSettings
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Broker
from fakes.brokers import COMMANDS, FAREWELL, ROOT, WILL, Device, local_mosquitto, message, running, say
from fakes.waiting import until

FORBIDDEN = "eyespot/v1/shop-2/status"


class InMemory:
    knows_5 = True

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

    def say(self, heard: Heard) -> None:
        self.broker.send(heard)

    def cut(self) -> None:
        self.broker.go_offline()

    def mend(self) -> None:
        self.broker.go_online()


class OverTheWire:
    def __init__(self, mosquitto: LocalMosquitto, version: MQTTProtocolVersion) -> None:
        self.mosquitto = mosquitto
        self.version = version
        self.knows_5 = version is MQTTProtocolVersion.MQTTv5

    def make(self) -> Broker:
        broker = PahoBroker(MqttSettings(url=self.mosquitto.url), "shop-1", {}, lambda: 0.2)
        if not self.knows_5:
            broker._learn = self._stay_with(broker, broker._learn)  # type: ignore[method-assign]
            broker._version.now = self.version
        return broker

    def _stay_with(self, broker: PahoBroker, learn: Callable[..., float]) -> Callable[..., float]:
        def learn_all_but_the_version(*ending: object) -> float:
            wait_s = learn(*ending)
            broker._version.now = self.version
            return wait_s

        return learn_all_but_the_version

    @contextmanager
    def listening(self) -> Iterator[list[Heard]]:
        heard: list[Heard] = []
        with Listener(self.mosquitto.url, "#", heard.append):
            yield heard

    def say(self, heard: Heard) -> None:
        say(self.mosquitto.url, heard)

    def cut(self) -> None:
        self.mosquitto.stop(kill=True)

    def mend(self) -> None:
        self.mosquitto.start()


@pytest.fixture(params=["memory", "mosquitto", "mosquitto with 3.1.1"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InMemory | OverTheWire]:
    if request.param == "memory":
        yield InMemory()
        return
    rights = tmp_path / "acl"
    rights.write_text(f"topic readwrite {ROOT}/#\n")
    with local_mosquitto(
        "allow_anonymous true", f"acl_file {rights}", f"user {getpass.getuser()}"
    ) as mosquitto:
        old = request.param.endswith("3.1.1")
        yield OverTheWire(mosquitto, MQTTProtocolVersion.MQTTv311 if old else MQTTProtocolVersion.MQTTv5)


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
    if not world.knows_5:  # 3.1.1 has no word for it
        device.told.wait_for(lambda: device.told.acknowledged_tokens == [1, 2])
        return
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


def test_a_command_is_heard_as_it_was_said(world: InMemory | OverTheWire, device: Device) -> None:
    device.told.wait_for(lambda: device.told.hears)
    old = Heard(f"{ROOT}/cmd/model/update", b"latest", retain=False, qos=1)
    asked = replace(old, answer_to="clerk/desk-7", correlation=b"\x00\xff42")
    world.say(asked)
    device.told.wait_for(lambda: device.told.heard)
    assert device.told.heard == [asked if world.knows_5 else old]


def test_nothing_is_heard_but_what_was_subscribed_to(world: InMemory | OverTheWire, device: Device) -> None:
    device.told.wait_for(lambda: device.told.hears)
    for topic in (f"{ROOT}/model/state", "eyespot/v1/shop-2/cmd/model/update", f"{ROOT}/config/desired", "x"):
        world.say(Heard(topic, b"for others", retain=False, qos=1))
    world.say(Heard(f"{ROOT}/cmd/model/rollback", b"{}", retain=False, qos=1))
    device.told.wait_for(lambda: device.told.heard)
    assert [h.topic for h in device.told.heard] == [f"{ROOT}/cmd/model/rollback"]


def test_what_is_kept_tells_old_from_new(world: InMemory | OverTheWire) -> None:
    desired, command = f"{ROOT}/model/desired", f"{ROOT}/cmd/model/update"
    world.say(Heard(desired, b"old", retain=True, qos=1))
    world.say(Heard(command, b"old", retain=True, qos=1))
    with running(world.make()) as device:
        device.told.wait_for(lambda: device.told.heard and device.told.hears)
        world.say(Heard(desired, b"new", retain=True, qos=1))
        world.say(Heard(command, b"new", retain=True, qos=1))
        device.told.wait_for(
            lambda: any(h.payload == b"new" and h.topic == command for h in device.told.heard)
        )
    heard = {(h.topic, h.payload, h.retain) for h in device.told.heard}
    assert {(desired, b"old", True), (desired, b"new", False)} <= heard
    rest = heard - {(desired, b"old", True), (desired, b"new", False)}
    if world.knows_5:  # a command that was to be kept always comes marked, and never again
        assert rest == {(command, b"new", True)}
    else:
        assert rest == {(command, b"old", True), (command, b"new", False)}


def test_it_listens_again_after_an_interruption(world: InMemory | OverTheWire, device: Device) -> None:
    device.told.wait_for(lambda: device.told.hears)
    world.cut()
    device.told.wait_for(lambda: not device.told.online)
    device.told.hears = None
    world.mend()
    device.told.wait_for(lambda: device.told.hears)
    world.say(Heard(f"{ROOT}/cmd/model/update", b"latest", retain=False, qos=1))
    device.told.wait_for(lambda: device.told.heard)


def test_an_answer_gives_back_what_was_asked_with(world: InMemory | OverTheWire, device: Device) -> None:
    answer = Message(f"{ROOT}/reply/17", b"{}", Delivery.ANSWER, b"\x00\xff42")
    with world.listening() as heard:
        assert device.broker.publish(answer, 1)
        device.told.wait_for(lambda: device.told.acknowledged_tokens == [1])
        until(lambda: heard)
    back = b"\x00\xff42" if world.knows_5 else None
    assert heard == [Heard(f"{ROOT}/reply/17", b"{}", retain=False, qos=1, correlation=back)]


def test_in_memory_a_subscription_can_be_refused() -> None:
    broker = MemoryBroker()
    broker.refuse(COMMANDS.topic_filter)
    with running(broker) as device:
        device.told.wait_for(lambda: device.told.denied)
        broker.send(Heard(f"{ROOT}/cmd/model/update", b"latest", retain=False, qos=1))
        broker.send(Heard(f"{ROOT}/model/desired", b"{}", retain=False, qos=1))
        device.told.wait_for(lambda: device.told.heard)
    assert device.told.denied == {COMMANDS.topic_filter: "not authorized"}
    assert [h.topic for h in device.told.heard] == [f"{ROOT}/model/desired"]
