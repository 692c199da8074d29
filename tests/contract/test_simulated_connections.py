"""What a simulated device sends arrives, however much it is at once."""

import time
from contextlib import closing

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


def test_more_than_may_be_under_way_at_once_arrives_in_order() -> None:
    sent = list(range(MOST_AT_ONCE_OF_PAHO + 15))
    with local_mosquitto("allow_anonymous true") as mosquitto:
        who = Who(endpoint(mosquitto.url), "sim-0", Credentials(None, None, None, certified=False), None)
        connection = Connection(who, [Subscription("x", kept=False)], MQTTProtocolVersion.MQTTv5)
        with closing(connection):
            assert connection.dial()
            give_up = time.monotonic() + PATIENCE_S
            while not connection.opened and time.monotonic() < give_up:
                connection.turn(readable=True)
            for token in sent:
                connection.publish(Message("eyespot/v1/sim-0/event", b"%d" % token, Delivery.DURABLE), token)
            while connection.unanswered and time.monotonic() < give_up:
                connection.turn(readable=True)
            assert list(connection.acknowledged) == sent
