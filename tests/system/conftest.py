"""A broker of its own for each test, and somebody who hears what a device tells there."""

from collections.abc import Iterator

import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from fakes.daemon import Ear


@pytest.fixture(name="mosquitto")
def a_mosquitto() -> Iterator[LocalMosquitto]:
    with LocalMosquitto() as mosquitto:
        yield mosquitto


@pytest.fixture(name="ear")
def an_ear(mosquitto: LocalMosquitto) -> Iterator[Ear]:
    ear = Ear()
    with Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
        yield ear
