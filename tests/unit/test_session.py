"""A connection that is to be left says truly whether anything is under way."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.session import Session, Who
from eyespot.broker.settings import Endpoint
from eyespot.domain.message import Delivery
from fakes.brokers import message


class HeldUp:
    """A client of paho's that has begun to publish, until it is let go."""

    def __init__(self) -> None:
        self.begun, self.goes_on = threading.Event(), threading.Event()
        self._sock, self._other = socket.socketpair()

    def socket(self) -> socket.socket:
        return self._sock

    def want_write(self) -> bool:
        return False

    def publish(self, *_: object, **__: object) -> SimpleNamespace:
        self.begun.set()
        assert self.goes_on.wait(10)
        return SimpleNamespace(mid=1)

    def close(self) -> None:
        self._other.close()


@pytest.fixture(name="client")
def a_client() -> Iterator[HeldUp]:
    with closing(HeldUp()) as client:
        yield client


def test_a_session_from_which_a_thread_publishes_just_now_is_not_idle(client: HeldUp) -> None:
    nobody = Credentials(None, None, None, certified=False)
    who = Who(Endpoint("b", 1883), "shop-1", nobody, None)
    said: list[bool] = []
    with closing(Session(who, MQTTProtocolVersion.MQTTv5)) as session:
        session._client = client  # type: ignore[assignment]
        session.opened = True
        session.dialled.set()
        assert session.idle
        publishing = threading.Thread(target=session.offer, args=(message("e", b"", Delivery.DURABLE), 1))
        asking = threading.Thread(target=lambda: said.append(session.idle))
        publishing.start()
        assert client.begun.wait(10)
        asking.start()
        asking.join(0.1)  # as long as it may take to answer at once
        client.goes_on.set()
        publishing.join()
        asking.join()
    assert said == [False]
