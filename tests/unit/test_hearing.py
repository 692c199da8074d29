"""What the broker passes on reaches an ear; whatever that makes of it, the connection stays."""

import logging

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from eyespot.broker.hearing import Hearing
from eyespot.domain.errors import StorageError
from eyespot.domain.message import Heard


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

    def deaf(self, topic_filter: str, reason: str) -> None:
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
