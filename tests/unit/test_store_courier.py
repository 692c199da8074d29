"""What is sent, in which order, and what is sent again."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import ManualClock
from eyespot.store.budget import Budget
from eyespot.store.courier import WINDOW, Courier
from eyespot.store.database import Database
from eyespot.store.outbox import Outbox
from fakes.durables import AMPLE, Numbers
from fakes.troubles import Troubles
from fakes.wire import Wire

MB = 1_000_000


def event(number: int, rule: str = "door") -> Message:
    return Message(f"event/{rule}", b"%d" % number, Delivery.DURABLE)


def state(topic: str, payload: bytes) -> Message:
    return Message(topic, payload, Delivery.STATE)


class Office:
    """A courier with its outbox and a wire."""

    def __init__(self, database: Database) -> None:
        self.wire = Wire()
        self.outbox = Outbox(database, Numbers(), AMPLE)
        self.clock = ManualClock()
        self.budget = Budget(self.clock, most_bytes=MB)
        self.courier = Courier(self.wire, self.outbox, self.clock, self.budget)

    def step(self, *messages: Message) -> None:
        for message in messages:
            self.courier.accept(message)
        self.outbox.commit({}, 0)
        self.clock.sleep(1)
        self.courier.pump()

    def answer(self) -> None:
        """Acknowledge everything, until nothing more comes."""
        while answers := self.wire.unanswered():
            for token, _ in answers:
                self.courier.acknowledged(token)
            self.step()

    def reconnect(self) -> None:
        self.courier.disconnected()
        self.wire.unanswered()
        self.courier.connected()
        self.step()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        yield database


@pytest.fixture
def office(database: Database) -> Office:
    office = Office(database)
    office.courier.connected()
    return office


def test_what_was_delivered_is_not_sent_again(office: Office) -> None:
    office.step(event(1))
    office.answer()
    office.reconnect()
    assert office.wire.payloads == [b"1"]


def test_messages_leave_in_the_order_in_which_they_were_made(office: Office) -> None:
    office.step(event(1), state("state", b"1"), event(2), state("info", b"x"))
    assert office.wire.payloads == [b"1", b"1", b"2", b"x"]
    assert not office.courier.idle
    office.answer()
    assert office.courier.idle
    assert len(office.outbox) == 0


def test_no_more_than_a_window_is_under_way(office: Office) -> None:
    office.step(*(event(n) for n in range(100)))
    assert len(office.wire.sent) == WINDOW
    office.answer()
    assert office.wire.payloads == [b"%d" % n for n in range(100)]


def test_while_a_value_is_under_way_only_the_newest_waits(office: Office) -> None:
    office.step(state("state", b"1"))
    office.step(state("state", b"2"))
    office.step(state("state", b"3"))
    assert office.wire.payloads == [b"1"]
    office.answer()
    assert office.wire.payloads == [b"1", b"3"]


def test_a_long_backlog_does_not_hold_up_states(office: Office) -> None:
    office.courier.disconnected()
    office.step(*(event(n) for n in range(500)))
    office.step(state("health", b"fine"))
    office.reconnect()
    assert office.wire.payloads[0] == b"fine"


def test_all_states_and_all_that_is_unanswered_leave_again_after_a_reconnection(office: Office) -> None:
    office.step(state("info", b"x"), event(1), event(2))
    tokens = {message.payload: token for token, message in office.wire.unanswered()}
    office.courier.acknowledged(tokens[b"x"])
    office.courier.acknowledged(tokens[b"1"])
    office.step()
    office.wire.sent.clear()
    office.reconnect()
    assert office.wire.payloads == [b"x", b"2"]
    office.courier.acknowledged(tokens[b"2"])  # the answer of the connection before: too late to count
    assert len(office.outbox) == 1


def test_live_messages_leave_now_or_never(office: Office) -> None:
    office.step(Message("frame", b"1", Delivery.LIVE))
    office.courier.disconnected()
    office.step(Message("frame", b"2", Delivery.LIVE))
    office.reconnect()
    assert office.wire.payloads == [b"1"]


def test_a_removed_topic_is_not_removed_again_at_every_connection(office: Office) -> None:
    office.step(state("old", b""))
    office.answer()
    office.wire.sent.clear()
    office.reconnect()
    assert office.wire.sent == []


def test_what_is_refused_is_kept_and_holds_up_nothing_else(office: Office) -> None:
    office.step(event(1, "denied"), event(2))
    (refused, _), (taken, _) = office.wire.unanswered()
    office.courier.refused(refused, "not authorized")
    office.courier.acknowledged(taken)
    office.step(event(3, "denied"), event(4), state("info", b"x"))
    office.answer()
    assert office.courier.complaints == {"event/denied": "not authorized"}
    assert office.wire.payloads == [b"1", b"2", b"4", b"x"]
    assert office.courier.idle
    assert len(office.outbox) == 2
    office.courier.retry_refused()
    office.step()
    office.answer()
    assert office.wire.payloads[4:] == [b"1", b"3"]
    assert office.courier.complaints == {}
    assert len(office.outbox) == 0


def test_a_refused_state_is_tried_again_with_its_newest_value(office: Office) -> None:
    office.step(state("info", b"1"))
    ((token, _),) = office.wire.unanswered()
    office.courier.refused(token, "not authorized")
    office.step(state("info", b"2"))
    assert office.wire.payloads == [b"1"]
    office.courier.retry_refused()
    office.step()
    assert office.wire.payloads == [b"1", b"2"]


def test_what_leaves_is_counted_each_time_and_what_does_not_is_not(office: Office) -> None:
    office.step(event(1), state("state", b"1"), Message("frame", b"1", Delivery.LIVE))
    sent = sum(message.packet_bytes for _, message in office.wire.sent)
    assert sum(office.budget.spent.values()) == sent > 0
    office.reconnect()
    again = sum(message.packet_bytes for _, message in office.wire.sent)
    assert sum(office.budget.spent.values()) == again > sent
    office.wire.online = False
    office.step(event(2), Message("frame", b"2", Delivery.LIVE))
    assert sum(office.budget.spent.values()) == again


def test_over_the_cap_events_leave_and_states_wait_also_after_a_reconnection(
    office: Office,
) -> None:
    office.step(state("state", b"1"), event(1))
    office.answer()
    office.step(state("large", bytes(MB)))
    office.answer()
    office.budget.turn(Troubles())
    office.step(state("state", b"2"))
    office.answer()
    office.wire.sent.clear()
    office.step(state("state", b"3"), event(2), Message("frame", b"1", Delivery.LIVE))
    office.reconnect()
    office.answer()
    assert office.wire.payloads == [b"2", b"2"]  # the event, and once more after the reconnection
    assert office.courier.idle  # who leaves does not wait for what may not leave
    office.clock.sleep(900)
    office.step()
    assert office.wire.payloads[2] == b"3"


def test_what_the_broker_cannot_take_now_is_not_lost(office: Office) -> None:
    office.wire.online = False
    office.step(event(1), state("info", b"x"))
    office.wire.online = True
    office.step()
    assert office.wire.payloads == [b"1", b"x"]


def test_what_is_new_leaves_at_once_and_a_backlog_in_turn(office: Office) -> None:
    office.courier.connected()
    office.step(*(event(n) for n in range(1000)))
    for _ in range(50):  # at one instant
        for token, _ in office.wire.unanswered():
            office.courier.acknowledged(token)
        office.courier.pump()
    assert len(office.wire.sent) == 200
    office.courier.accept(state("status", b"here"))
    office.courier.pump()
    assert office.wire.payloads[-1] == b"here"
    office.answer()
    assert len(office.wire.sent) == 1001
    assert office.clock.now_ns() >= 8 * SECOND_NS


def test_what_waited_on_disk_passes_the_gate_again(database: Database) -> None:
    before = Outbox(database, Numbers(), AMPLE)
    for message in (event(1), Message("image/door", b"pixels", Delivery.DURABLE), event(2)):
        before.add(message)
    before.commit({}, 0)
    office = Office(database)
    office.courier.connected()
    office.step()
    office.answer()
    assert office.wire.payloads == [b"1", b"2"]
    assert office.outbox.tampered == 1
    assert database.count() == 0


class Deliveries(RuleBasedStateMachine):
    """Whatever happens, every event arrives, and for the first time in order; so does each last value."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.database = Database.open(Path(self.folder.name))
        self.office = Office(self.database)
        self.office.courier.connected()
        self.wires = [self.office.wire]
        self.made = 0
        self.values: dict[str, bytes] = {}
        self.arrived: list[tuple[str, bytes]] = []

    def teardown(self) -> None:
        self.settle()
        self.database.close()
        self.folder.cleanup()

    @rule(count=st.sampled_from([1, 1, 2, 30]))
    def count(self, count: int) -> None:
        self.office.step(*(event(self.made + n) for n in range(count)))
        self.made += count

    @rule(topic=st.sampled_from("abc"), value=st.binary(min_size=1, max_size=2))
    def say(self, topic: str, value: bytes) -> None:
        self.values[topic] = value
        self.office.step(state(topic, value))

    @rule(up_to=st.integers(1, WINDOW))
    def hear(self, up_to: int) -> None:
        for token, message in self.office.wire.unanswered()[:up_to]:
            self.arrived.append((message.topic, message.payload))
            self.office.courier.acknowledged(token)
        self.office.step()

    @rule()
    def refuse(self) -> None:
        for token, _ in self.office.wire.unanswered():
            self.office.courier.refused(token, "not authorized")
        self.office.step()
        self.office.courier.retry_refused()

    @rule()
    def connect(self) -> None:
        self.office.reconnect()

    @precondition(lambda self: self.office.courier.online)
    @rule()
    def lose(self) -> None:
        self.office.courier.disconnected()

    @rule()
    def restart(self) -> None:
        self.office = Office(self.database)
        self.wires.append(self.office.wire)
        self.office.step(*(state(topic, value) for topic, value in self.values.items()))

    @invariant()
    def nothing_is_lost(self) -> None:
        known = {payload for topic, payload in self.arrived if topic == "event/door"}
        assert len(known) + len(self.office.outbox) >= self.made

    @invariant()
    def first_sends_are_in_order(self) -> None:
        sent = [m.payload for wire in self.wires for _, m in wire.sent if m.delivery is Delivery.DURABLE]
        first = list(dict.fromkeys(sent))
        assert first == [b"%d" % n for n in range(len(first))]

    def settle(self) -> None:
        self.office.reconnect()
        while answers := self.office.wire.unanswered():
            for token, message in answers:
                self.arrived.append((message.topic, message.payload))
                self.office.courier.acknowledged(token)
            self.office.step()
        assert len(self.office.outbox) == 0
        assert {payload for topic, payload in self.arrived if topic == "event/door"} == {
            b"%d" % n for n in range(self.made)
        }
        last = {topic: payload for topic, payload in self.arrived if topic != "event/door"}
        assert last == self.values


Deliveries.TestCase.settings = settings(max_examples=30, stateful_step_count=30)
TestDeliveries = Deliveries.TestCase


def answer(payload: bytes = b"ok", topic: str = "reply/1") -> Message:
    return Message(topic, payload, Delivery.ANSWER)


def test_an_answer_leaves_before_what_has_waited_for_long(office: Office) -> None:
    office.step(*(event(number) for number in range(WINDOW * 3)))
    office.courier.accept(answer())
    first = office.wire.unanswered()
    for token, _ in first[:1]:
        office.courier.acknowledged(token)
    office.step()
    assert [message.payload for _, message in office.wire.unanswered()] == [b"ok"]


def test_an_answer_goes_with_the_connection(office: Office) -> None:
    office.courier.disconnected()
    office.courier.accept(answer(b"nobody waits"))
    office.courier.connected()
    office.courier.accept(answer(b"lost"))
    office.reconnect()
    assert office.wire.unanswered() == []
    assert office.courier.idle


def test_a_refused_answer_is_nobodys_trouble(office: Office) -> None:
    office.step(answer(topic="clerk/desk-7"))
    ((token, _),) = office.wire.unanswered()
    office.courier.refused(token, "not authorized")
    assert dict(office.courier.complaints) == {}
    assert office.courier.idle
