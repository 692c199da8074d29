"""What the broker passes on reaches an ear; whatever that makes of it, the connection stays."""

import logging

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from eyespot.broker.hearing import Hearing
from eyespot.domain.errors import StorageError
from eyespot.domain.message import Heard
from eyespot.ports import Subscription

COMMANDS, DESIRED = Subscription("eyespot/v1/shop/cmd/#", kept=False), Subscription("desired", kept=True)
TAKEN, DENIED = 0x01, 0x87


class Hurt:
    """An ear that some words hurt."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def hear(self, heard: Heard) -> None:
        if heard.payload == b"much":
            raise OverflowError("Python int too large to convert to C long\x1b[2J")
        if heard.payload == b"full":
            raise StorageError("the disk is full")
        self.heard.append(heard.payload)

    def listening(self) -> None:
        pass

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        pass


def test_what_hurts_an_ear_is_passed_over_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    ear, client = Hurt(), paho.Client(CallbackAPIVersion.VERSION2)
    Hearing(ear, []).attach(client)
    with caplog.at_level(logging.WARNING):
        for payload in (b"much", b"full", b"much", b"right"):
            message = paho.MQTTMessage(topic=b"eyespot/v1/evil/frame")
            message.payload = payload
            client.on_message(client, None, message)  # type: ignore[misc]
    assert ear.heard == [b"right"]
    said = "what came on eyespot/v1/evil/frame was passed over: Python int too large to convert to C long?[2J"
    assert caplog.messages == [said]


class Told:
    """An ear that takes note of whether it hears, and the hand of its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.told: list[object] = []
        self._client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._hearing = Hearing(self, [COMMANDS, DESIRED], lambda: self.now_s)
        self._hearing.attach(self._client)
        self._hearing.subscribe(self._client)

    def hear(self, heard: Heard) -> None:
        self.told.append(heard)

    def listening(self) -> None:
        self.told.append("listening")

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        self.told.append((topic_filter, reason))

    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self._hearing.turn(self._client)

    def answer(self, *codes: int) -> None:
        said = [ReasonCode(PacketTypes.SUBACK, identifier=code) for code in codes]
        self._client.on_subscribe(self._client, None, 1, said, None)  # type: ignore[misc]


def test_a_broker_that_does_not_answer_whether_it_lets_us_listen_is_named_once() -> None:
    ear = Told()
    ear.wait(9.9)
    assert ear.told == []
    for _ in range(3):
        ear.wait(10)
    assert ear.told == [(COMMANDS.topic_filter, None)]


@pytest.mark.parametrize(("late_s", "before"), [(9.9, []), (3600, [(COMMANDS.topic_filter, None)])])
def test_an_answer_counts_however_late_it_comes(late_s: float, before: list[object]) -> None:
    ear = Told()
    ear.wait(late_s)
    ear.answer(TAKEN, TAKEN)
    ear.wait(3600)
    assert ear.told == [*before, "listening"]


def test_silence_about_what_was_refused_before_is_named_too() -> None:
    ear = Told()
    ear.answer(TAKEN, DENIED)
    ear.wait(60)  # asks again
    ear.wait(10)
    ear.answer(TAKEN)
    filter_ = DESIRED.topic_filter
    assert ear.told == [(filter_, "not authorized"), (filter_, None), "listening"]
