"""Much that waits and may not leave: on a topic that the broker refuses, or of a device of another name."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import ManualClock, SystemClock
from eyespot.ports import Clock, Handover
from eyespot.store.database import Change, Database, Row
from eyespot.store.worker import StoreWorker
from fakes.durables import AMPLE, Numbers
from fakes.troubles import Troubles
from fakes.wire import Wire

MANY = 5_000
DENIED = "event/denied"


def event(topic: str, number: int) -> Message:
    return Message(topic, b"%d" % number, Delivery.DURABLE)


class Shop:
    """A store whose broker refuses one topic until it is allowed."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self.database = database
        self.clock = ManualClock()
        self.wire = Wire()
        self.health = Troubles()
        self.allowed = False
        self.store = StoreWorker(
            database, self.wire, self.health, Numbers(), clock or self.clock, limits=AMPLE
        )
        self.store.connected()

    def turn(self, *messages: Message) -> None:
        if messages:
            self.store.post(Handover(messages, {}, 0))
        self.store.turn(0)

    def answer(self) -> None:
        for token, message in self.wire.unanswered():
            if message.topic == DENIED and not self.allowed:
                self.store.refused(token, "not authorized")
            else:
                self.store.acknowledged(token)

    def settle(self) -> int:
        """Turn until nothing is sent any more; return how many turns that took."""
        turns = quiet = 0
        while quiet < MANY // 500:
            before = len(self.wire.sent)
            self.answer()
            self.turn()
            turns += 1
            quiet = 0 if len(self.wire.sent) > before else quiet + 1
        return turns - quiet

    def tries(self) -> int:
        """Return how often the refused topic was tried."""
        return sum(message.topic == DENIED for _, message in self.wire.sent)


def fill(database: Database, topic: str, first: int = 1, rows: int = MANY) -> None:
    database.commit(Change([Row(n, topic, b"%d" % n) for n in range(first, first + rows)], [], {}, 0))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        yield database


def test_much_on_a_refused_topic_is_passed_over_bit_by_bit_while_states_leave(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, DENIED)
    fill(database, "event/door", MANY + 1, 1)
    shop, read = Shop(database), [0]
    waiting, passed = database.waiting, database.passed

    def counted(after: int, most: int) -> list[Row]:
        rows = waiting(after, most)
        read[0] += len(rows)
        return rows

    def measured(after: int, topics: set[str], most: int) -> int:
        up_to = passed(after, topics, most)
        read[0] += up_to - after
        return up_to

    monkeypatch.setattr(database, "waiting", counted)
    monkeypatch.setattr(database, "passed", measured)
    shop.turn()
    shop.answer()
    most, turns = 0, 0
    while shop.wire.payloads[-1] != b"%d" % (MANY + 1):
        read[0] = 0
        shop.turn(Message("state", b"%d" % turns, Delivery.STATE))
        assert b"%d" % turns in shop.wire.payloads[-2:]
        shop.answer()
        most, turns = max(most, read[0]), turns + 1
    assert turns >= 3
    assert most <= MANY // 2
    assert shop.tries() == 20
    assert shop.store.backlog == MANY + 1


def test_the_thread_does_not_rest_while_it_passes_over(database: Database) -> None:
    fill(database, DENIED)
    fill(database, "event/door", MANY + 1, 1)
    shop = Shop(database, SystemClock())
    thread = threading.Thread(target=shop.store.run, args=(lambda: None,))
    thread.start()
    begun = time.monotonic()
    while shop.wire.payloads[-1:] != [b"%d" % (MANY + 1)] and time.monotonic() < begun + 10:
        shop.answer()
        time.sleep(0.001)
    took = time.monotonic() - begun
    shop.store.stop(0)
    thread.join(5)
    assert took < 2  # five parts; a second each, if it did


def test_what_is_refused_again_is_not_read_again(database: Database) -> None:
    fill(database, DENIED)
    shop = Shop(database)
    assert shop.settle() < MANY // 500
    shop.clock.sleep(60)
    shop.turn()
    shop.answer()
    assert shop.tries() == 40
    shop.turn(event("event/door", 7))
    assert shop.wire.payloads[-1] == b"7"


def test_of_two_refused_topics_the_one_that_is_allowed_leaves_in_order(database: Database) -> None:
    fill(database, DENIED, rows=30)
    shop = Shop(database)
    shop.settle()
    shop.turn(event("event/door", 31))
    for token, _ in shop.wire.unanswered():
        shop.store.refused(token, "not authorized")
    shop.turn(event("event/door", 32))
    assert shop.wire.payloads[-1] == b"31"
    shop.wire.sent.clear()
    shop.clock.sleep(60)
    shop.settle()
    assert [message.payload for _, message in shop.wire.sent if message.topic != DENIED] == [b"31", b"32"]
    shop.wire.sent.clear()
    shop.allowed = True
    shop.clock.sleep(60)
    shop.turn()
    while shop.store.backlog:
        shop.answer()
        shop.clock.sleep(1)
        shop.turn()
    assert shop.wire.payloads == [b"%d" % n for n in range(1, 31)]
    assert "publish_denied" not in shop.health.lasting


def test_what_announces_that_refused_ones_gave_way_is_not_passed_over(database: Database) -> None:
    fill(database, DENIED)
    shop = Shop(database)
    shop.settle()
    shop.store._outbox._drop(shop.store._outbox._oldest(100, ()), "full")
    shop.clock.sleep(60)
    shop.settle()
    assert shop.wire.sent[-1][1].topic == "event"
    assert shop.wire.payloads[-1] == b"no 31 to 130"


def test_messages_of_a_device_of_another_name_are_removed_bit_by_bit_and_logged_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    fill(database, "other/door")
    fill(database, "event/door", MANY + 1, 1)
    shop = Shop(database)
    left, told = [], set()
    with caplog.at_level(logging.ERROR):
        while b"%d" % (MANY + 1) not in shop.wire.payloads:
            shop.turn()
            left.append(database.count())
            told.add(shop.health.lasting.get("store_tampered", ""))
        shop.answer()
        shop.turn()
    assert len(left) >= 3
    assert all(before - after <= 1_000 for before, after in pairwise(left))
    assert [record.getMessage() for record in caplog.records] == [
        "removing what eyespot did not write, first a message on 'other/door': not ours",
        f"removed {MANY} messages that eyespot did not write",
    ]
    assert told == {"", f"removed {MANY} kept messages that this device does not write; was it renamed?"}


def test_a_refused_topic_is_tried_again_although_something_is_always_under_way(database: Database) -> None:
    shop = Shop(database)
    shop.turn(event(DENIED, 0))
    shop.answer()
    shop.allowed = True
    for number in range(1, 70):
        before = [token for token, _ in shop.wire.unanswered()]
        shop.clock.sleep(1)
        shop.turn(event("event/door", number))
        for token in before:
            shop.store.acknowledged(token)
    shop.turn()
    assert shop.wire.payloads.count(b"0") == 2
    assert shop.wire.payloads.count(b"60") == 1
    assert "publish_denied" not in shop.health.lasting
