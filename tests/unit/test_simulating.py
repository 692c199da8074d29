"""Simulated devices do as real ones: what they say, what they keep, when they come back."""

import json
import random
import selectors
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any

import pytest
from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.backoff import SETTLED_S
from eyespot.broker.session import Ending
from eyespot.domain.message import Heard, Message
from eyespot.ports import Subscription
from eyespot_fleet.simulating.device import Device
from eyespot_fleet.simulating.fleet import Fleet
from fakes import contract

ROOT = "eyespot/v1/sim-1"
BEGAN_NS = 1_767_225_600_000_000_000


class Line:
    """A connection to a broker that is there or not. Implements `device.Line`."""

    def __init__(
        self, broker: "Broker", subscriptions: Sequence[Subscription], version: MQTTProtocolVersion
    ) -> None:
        self.version = version
        self.opened = False
        self.ending = Ending("nobody is there", alone=True)
        self.acknowledged: deque[int] = deque()
        self.heard: deque[Heard] = deque()
        self.refused = 0
        self.socket: object | None = None
        self.wants_to_write = False
        self.listens_to = [each.topic_filter for each in subscriptions]
        self.said: list[Message] = []
        self.closed: list[bool] = []
        self._broker = broker
        self._tokens: list[int] = []

    @property
    def unanswered(self) -> int:
        return len(self._tokens)

    @property
    def stirs(self) -> bool:
        """Whether something is to be read."""
        return not (self._broker.up and self.opened and not self._tokens)

    def dial(self) -> bool:
        self._broker.dialled += 1
        if self._broker.up:
            self.socket = object()
        return self._broker.up

    def turn(self, *, readable: bool) -> None:
        assert readable
        if not self._broker.up:
            self.socket, self.ending = None, Ending("the connection was closed")
            return
        if not self._broker.knows_5 and self.version is MQTTProtocolVersion.MQTTv5:
            self.socket, self.ending = None, Ending("it does not know MQTT 5", unsupported=True)
            return
        self.opened = self._broker.accepts
        if self._broker.acknowledges:
            self.acknowledged += self._tokens
            self._tokens.clear()

    def keep_alive(self) -> None:
        """Need nothing."""

    def publish(self, message: Message, token: int) -> None:
        if message.topic.startswith(f"{ROOT}/"):  # of one of a thousand will do
            contract.look_at(message.topic, message.payload)
        self.said.append(message)
        self._tokens.append(token)

    def close(self, *, politely: bool = False) -> None:
        self.closed.append(politely)


class Broker:
    """What devices connect to."""

    def __init__(self) -> None:
        self.up = self.accepts = self.acknowledges = self.knows_5 = True
        self.dialled = 0
        self.lines: list[Line] = []

    def connect(
        self,
        _name: str,
        _will: Message,
        subscriptions: Sequence[Subscription],
        version: MQTTProtocolVersion,
    ) -> Line:
        self.lines.append(Line(self, subscriptions, version))
        return self.lines[-1]

    @property
    def said(self) -> list[tuple[str, Any]]:
        """All that the last connection carried: topic below the root, and payload."""
        return [
            (each.topic.removeprefix(f"{ROOT}/"), json.loads(each.payload)) for each in self.lines[-1].said
        ]

    @property
    def events(self) -> list[int]:
        return [payload["seq"] for suffix, payload in self.said if suffix == "rule/door/event"]


class Life:
    """A device and the hand of its clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.broker = Broker()
        self.device = a_device(self.broker, 1.0)
        self.device.begin(0.0)

    def connect(self) -> Line:
        self.device.dial(self.now_s)
        self.turn()
        return self.broker.lines[-1]

    def turn(self) -> None:
        if self.device.line is not None:
            self.device.line.turn(readable=True)
        self.device.turn(self.now_s)
        if self.device.is_over(self.now_s):
            self.device.lose(self.now_s)

    def pass_time(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.now_s += 1
            self.device.speak(self.now_s)
            self.turn()

    def break_off(self) -> None:
        self.broker.up = False
        self.turn()


def a_device(
    broker: Broker, every_s: float = 0.0, name: str = "sim-1", jitter: random.Random | None = None
) -> Device:
    return Device(
        "eyespot/v1",
        name,
        every_s,
        connect=broker.connect,
        random=lambda: 0.5,
        jitter=jitter.random if jitter else lambda: 1.0,
        utc_ns=lambda: BEGAN_NS,
    )


def test_a_device_that_is_accepted_tells_its_states_and_listens_to_what_real_ones_listen_to() -> None:
    life = Life()
    line = life.connect()
    assert [suffix for suffix, _ in life.broker.said] == ["status", "info", "health", "rule/door/state"]
    assert all(each.retain for each in line.said)
    assert line.listens_to == [f"{ROOT}/{suffix}" for suffix in ("cmd/#", "model/desired", "config/desired")]


def test_crossings_are_numbered_and_totals_and_health_follow() -> None:
    life = Life()
    life.connect()
    life.pass_time(60)
    assert life.broker.events == list(range(1, 61))
    assert Counter(suffix for suffix, _ in life.broker.said)["health"] == 2
    counts = [payload["counts"] for suffix, payload in life.broker.said if suffix == "rule/door/state"]
    assert counts[-1] == {"person": {"in": 30, "out": 30}}
    assert (life.device.sent, life.device.acknowledged) == (60, 60)


def test_what_the_broker_does_not_have_is_told_again_in_order_and_the_rest_is_not() -> None:
    life = Life()
    life.connect()
    life.pass_time(3)
    life.broker.acknowledges = False
    life.pass_time(2)
    life.break_off()
    life.pass_time(2)
    assert life.device.line is None
    life.broker.up = life.broker.acknowledges = True
    life.connect()
    life.pass_time(1)
    assert life.broker.events == [4, 5, 6, 7, 8]
    assert life.device.sent == life.device.acknowledged == 8


def test_what_gives_way_is_announced_and_numbers_have_no_gap_that_is_not_spoken_of() -> None:
    life = Life()
    life.pass_time(150)
    life.connect()
    ((_, dropped),) = [said for said in life.broker.said if said[0] == "dropped"]
    assert (dropped["from"], dropped["to"], dropped["messages"]) == (1, 51, 51)
    assert life.broker.events == list(range(52, 151))
    life.turn()
    assert (life.device.dropped, life.device.acknowledged, life.device.sent) == (51, 99, 150)


def test_a_command_is_answered_and_what_is_kept_is_none() -> None:
    life = Life()
    line = life.connect()
    for suffix, payload, kept in (
        ("cmd/model/update", b'{"req_id":"a"}', False),
        ("cmd/model/update", b'{"req_id":"b"}', True),
        ("cmd/model/update", b"latest", False),
        ("cmd/explode", b'{"req_id":"c"}', False),
        ("model/desired", b'{"check":true}', True),
    ):
        line.heard.append(Heard(f"{ROOT}/{suffix}", payload, kept, 1))
    life.turn()
    answers = [
        (suffix, payload["code"]) for suffix, payload in life.broker.said if suffix.startswith("reply/")
    ]
    assert answers == [("reply/a", "refused"), ("reply/c", "invalid")]
    assert life.device.answered == 2


def test_a_device_that_is_stopped_says_that_it_goes() -> None:
    life = Life()
    life.connect()
    life.device.farewell()
    suffix, status = life.broker.said[-1]
    assert (suffix, status["state"]) == ("status", "offline")


def test_where_nobody_is_it_asks_again_within_four_seconds_and_where_it_is_refused_within_a_minute() -> None:
    life = Life()
    life.broker.up = False
    waits = []
    for _ in range(6):
        life.device.dial(0.0)
        waits.append(life.device.due_s)
    assert waits == [1, 2, 4, 4, 4, 4]
    life.broker.up, life.broker.accepts = True, False
    for _ in range(6):
        life.device.dial(0.0)
        life.broker.lines[-1].ending = Ending("it is busy")
        life.device.lose(0.0)
    assert life.device.due_s == 60


@pytest.mark.parametrize(("settled_s", "wait_s"), [(SETTLED_S + 1, 1), (SETTLED_S - 1, 2)])
def test_who_was_there_for_a_while_begins_with_short_waits_again(settled_s: float, wait_s: float) -> None:
    life = Life()
    life.broker.up = False
    life.device.dial(0.0)
    life.broker.up = True
    life.connect()
    life.now_s = settled_s
    life.break_off()
    assert life.device.due_s - settled_s == wait_s


def test_a_connection_that_is_not_answered_is_given_up() -> None:
    life = Life()
    life.broker.accepts = False
    line = life.connect()
    life.pass_time(10)
    assert life.device.line is line
    life.pass_time(1)
    assert (life.device.line, line.closed) == (None, [False])


class Selector(selectors.BaseSelector):
    """Waits for nothing: the clock moves on instead."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._keys: dict[object, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        self._keys[fileobj] = key = selectors.SelectorKey(fileobj, 0, events, data)
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now_s += timeout or 0
        stirring = [key for key in self._keys.values() if key.data.line.stirs]
        return [(key, selectors.EVENT_READ) for key in stirring]

    def get_map(self) -> Any:
        return self._keys


class Crowd:
    """A fleet at a broker, and its clock."""

    def __init__(self, count: int, connects_hz: float, jitter: random.Random | None = None) -> None:
        self.broker = Broker()
        self.selector = Selector()
        devices = [a_device(self.broker, name=f"sim-{number}", jitter=jitter) for number in range(count)]
        self.fleet = Fleet(devices, connects_hz, lambda: self.selector.now_s, self.selector)

    def run(self, seconds: float) -> None:
        until_s = self.selector.now_s + seconds
        self.fleet.run(lambda: self.selector.now_s >= until_s)


def test_no_more_devices_a_second_connect_than_was_asked_for() -> None:
    crowd = Crowd(100, 20)
    crowd.run(2)
    assert 30 <= crowd.fleet.tally().connected <= 42
    crowd.run(4)
    assert crowd.fleet.tally().connected == crowd.broker.dialled == 100


def test_a_thousand_do_not_come_back_at_once() -> None:
    def busiest(jitter: random.Random | None) -> int:
        crowd = Crowd(1000, 1e6, jitter)
        crowd.run(SETTLED_S + 2)
        crowd.broker.up = False
        crowd.run(8)
        crowd.broker.up = True
        crowd.run(6)
        waits = crowd.fleet.tally().waits_s
        assert len(waits) == 1000
        assert max(waits) < 8 + 4.5
        return max(Counter(int(wait) for wait in waits).values())

    assert busiest(random.Random(1)) < 500
    assert busiest(None) == 1000


def test_who_is_refused_with_mqtt_5_asks_at_once_with_3_1_1_each_time_it_comes_back() -> None:
    crowd = Crowd(3, 1e6)
    crowd.broker.knows_5 = False
    crowd.run(1)
    assert crowd.fleet.tally().connected == 3
    crowd.broker.up = False
    crowd.run(1)
    crowd.broker.up = True
    crowd.run(5)
    assert crowd.fleet.tally().connected == 3
    spoken = Counter(line.version for line in crowd.broker.lines if line.opened)
    assert spoken == {MQTTProtocolVersion.MQTTv311: 6}


def test_why_most_are_not_there_is_told() -> None:
    crowd = Crowd(3, 1e6)
    crowd.broker.up = False
    crowd.run(1)
    assert (crowd.fleet.tally().connected, crowd.fleet.tally().reason) == (0, "nobody is there")
    crowd.broker.up = True
    crowd.run(5)
    assert (crowd.fleet.tally().connected, crowd.fleet.tally().reason) == (3, "")


def test_at_the_end_the_broker_is_given_time_to_take_the_farewells_but_not_for_ever() -> None:
    crowd = Crowd(3, 1e6)
    crowd.run(1)
    crowd.broker.acknowledges = False
    began_s = crowd.selector.now_s
    crowd.fleet.close()
    assert 5 <= crowd.selector.now_s - began_s < 6
    assert [line.closed for line in crowd.broker.lines] == [[True]] * 3
