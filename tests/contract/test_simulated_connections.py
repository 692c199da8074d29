"""What a simulated device sends arrives, however much it is at once."""

import getpass
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.credentials import Credentials
from eyespot.broker.session import Who
from eyespot.broker.settings import endpoint
from eyespot.domain.message import Delivery, Message
from eyespot.ports import Subscription
from eyespot_fleet.simulating.connection import Connection
from fakes.brokers import local_mosquitto
from fakes.waiting import PATIENCE_S

MOST_AT_ONCE_OF_PAHO = 20


def answered(url: str, topics: Sequence[str]) -> Connection:
    """Return a connection, closed again, that has sent something to each topic and was answered."""
    who = Who(endpoint(url), "sim-0", Credentials(None, None, None, certified=False), None)
    connection = Connection(who, [Subscription("x", kept=False)], MQTTProtocolVersion.MQTTv5)
    with closing(connection):
        assert connection.dial()
        give_up = time.monotonic() + PATIENCE_S
        while not connection.opened and time.monotonic() < give_up:
            connection.turn(readable=True)
        for token, topic in enumerate(topics):
            connection.publish(Message(topic, b"%d" % token, Delivery.DURABLE), token)
        while connection.unanswered and time.monotonic() < give_up:
            connection.turn(readable=True)
    return connection


def test_more_than_may_be_under_way_at_once_arrives_in_order() -> None:
    topics = ["eyespot/v1/sim-0/event"] * (MOST_AT_ONCE_OF_PAHO + 15)
    with local_mosquitto("allow_anonymous true") as mosquitto:
        connection = answered(mosquitto.url, topics)
    assert list(connection.acknowledged) == list(range(len(topics)))
    assert connection.refused == 0


def test_what_the_broker_refuses_is_not_counted_as_acknowledged(tmp_path: Path) -> None:
    (tmp_path / "acl").write_text("topic write good\n")
    rights = ("allow_anonymous true", f"acl_file {tmp_path / 'acl'}", f"user {getpass.getuser()}")
    with local_mosquitto(*rights) as mosquitto:
        connection = answered(mosquitto.url, ["bad", "good", "bad"])
    assert list(connection.acknowledged) == [1]
    assert (connection.refused, connection.unanswered) == (2, 0)
