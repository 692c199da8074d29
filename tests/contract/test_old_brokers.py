"""Who only listens, and devices that are none, speak MQTT 3.1.1 with a broker that knows no better."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.broker.session import Who
from eyespot.broker.settings import endpoint
from eyespot.broker.visit import visit
from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Subscription
from eyespot_fleet.simulating.connection import Connection
from eyespot_fleet.simulating.device import Device
from eyespot_fleet.simulating.fleet import Fleet
from fakes.brokers import local_mosquitto
from fakes.example_broker import use_mosquitto_2_1
from fakes.scripted import SUBSCRIBE, Peer, ScriptedBroker
from fakes.waiting import PATIENCE_S, until

TOPIC = b"eyespot/v1/shop/info"
NOBODY = Credentials(None, None, None, certified=False)


def knows_only_3_1_1(peer: Peer) -> None:
    """Refuse every other version; tell what it has kept."""
    if peer.version != 4:
        peer.say(b"\x20\x02\x00\x01")
        return
    peer.say(b"\x20\x02\x00\x00")
    asked = peer.next(SUBSCRIBE).body[:2]
    peer.say(b"\x90\x03" + asked + b"\x01", bytes([0x31, 4 + len(TOPIC), 0, len(TOPIC)]) + TOPIC + b"{}")
    peer.hear_out()


def leaves_without_a_word(peer: Peer) -> None:
    if peer.version == 4:
        knows_only_3_1_1(peer)


@pytest.mark.parametrize("script", [knows_only_3_1_1, leaves_without_a_word])
def test_a_listener_hears_an_old_broker(script: Callable[[Peer], None]) -> None:
    heard: list[Heard] = []
    with closing(ScriptedBroker(script)) as server, Listener(server.url, "eyespot/#", heard.append):
        until(lambda: heard, "what it has kept")
        assert server.versions == [5, 4, 4]
    assert heard == [Heard(TOPIC.decode(), b"{}", retain=True, qos=0)]


def test_a_listener_that_is_not_let_in_is_told_what_to_do_and_is_not_tried_with_another_version() -> None:
    begun = time.monotonic()
    with (
        closing(ScriptedBroker(lambda peer: peer.say(b"\x20\x03\x00\x86\x00"))) as server,
        pytest.raises(BrokerError, match=r"^cannot listen at 127\.0\.0\.1:\d+: login denied; check username"),
        Listener(server.url, "#", print),
    ):
        pass
    assert time.monotonic() - begun < 4  # it need not wait for what never comes
    assert server.versions == [5]


@pytest.fixture(name="old")
def an_old_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalMosquitto]:
    """Yield a mosquitto that takes 3.1 and 3.1.1 only, which only a newer one can be told to."""
    use_mosquitto_2_1(monkeypatch)
    with local_mosquitto("allow_anonymous true", "accept_protocol_versions 3,4") as mosquitto:
        yield mosquitto


def ask(url: str) -> None:
    """Send a command to the first of the simulated devices."""
    command = Message("eyespot/v1/sim-0/cmd/model/update", b'{"req_id":"a"}', Delivery.DURABLE)
    with visit([Who(endpoint(url), "operator", NOBODY, None)]) as (session, version):
        assert version == "3.1.1"
        assert session.offer(command, 1)
        while not session.answers:
            session.turn(1)


def test_simulated_devices_tell_an_old_broker_and_answer_over_it(old: LocalMosquitto) -> None:
    def connect(
        name: str, will: Message, subscriptions: Sequence[Subscription], version: MQTTProtocolVersion
    ) -> Connection:
        return Connection(Who(endpoint(old.url), name, NOBODY, will), subscriptions, version)

    def half() -> float:
        return 0.5

    devices = [
        Device(
            "eyespot/v1", f"sim-{nth}", 0.2, connect=connect, random=half, jitter=half, utc_ns=time.time_ns
        )
        for nth in range(3)
    ]
    fleet, heard = Fleet(devices, 1e6), list[Heard]()
    give_up, asked = time.monotonic() + PATIENCE_S, False

    def done() -> bool:
        nonlocal asked
        if not asked and all(device.acknowledged for device in devices):
            ask(old.url)
            asked = True
        return bool(heard) or time.monotonic() > give_up

    with closing(fleet), Listener(old.url, "eyespot/v1/+/reply/+", heard.append):
        fleet.run(done)
    assert heard
    tally = fleet.tally()
    assert (tally.dialled, tally.answered, tally.refused, tally.dropped) == (2 * len(devices), 1, 0, 0)
    assert tally.sent == tally.acknowledged
