"""A broker that is away for long: what waits has an end, and what gives way is spoken of."""

import json
import os
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest

from eyespot.domain.errors import StorageError
from eyespot.domain.event import Crossed
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message
from eyespot.host.clock import ManualClock
from eyespot.ports import Handover
from eyespot.store.database import Change, Database, Row
from eyespot.store.settings import Limits, StateSettings
from eyespot.store.worker import StoreWorker
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Stamp
from fakes.durables import AMPLE
from fakes.troubles import Troubles
from fakes.wire import Wire

DAY_S = 86_400
GATE = Gate("eyespot/v1/store-berlin-mitte-entrance-1")
MODEL = "people-detector@1.10.0-0123456789ab"
BOOT = "0123456789abcdef"
SMALL = Limits(most_bytes=300_000, most_age_ns=AMPLE.most_age_ns)
TINY = Limits(most_bytes=50_000, most_age_ns=AMPLE.most_age_ns)
SHORT = Limits(most_bytes=AMPLE.most_bytes, most_age_ns=7 * DAY_S * SECOND_NS)


class Shop:
    """Counts and keeps, for a broker that comes and goes."""

    def __init__(self, database: Database, limits: Limits, clock: ManualClock | None = None) -> None:
        self.database = database
        self.clock = clock or ManualClock()
        self.wire = Wire()
        self.health = Troubles()
        durables = Durables(GATE, BOOT, self.clock)
        self.store = StoreWorker(database, self.wire, self.health, durables, self.clock, limits=limits)
        self.native = Native(GATE, BOOT, database.seq())

    def count(self, events: int) -> None:
        """Let so many people go through the door."""
        messages = tuple(crossing(self.native, self.clock) for _ in range(events))
        self.store.post(Handover(messages, {}, self.native.seq))
        self.store.turn(0)

    def rest(self, seconds: float = 60) -> None:
        self.clock.sleep(seconds)
        self.store.turn(0)

    def arrived(self) -> list[dict[str, Any]]:
        """Return all that a subscriber gets, once the broker is back."""
        self.store.connected()
        self.store.turn(0)
        while answers := self.wire.unanswered():
            for token, _ in answers:
                self.store.acknowledged(token)
            self.rest(1)
        return self.left()

    def left(self) -> list[dict[str, Any]]:
        """Return all that a subscriber may have."""
        return [json.loads(message.payload) for _, message in self.wire.sent]


def crossing(native: Native, clock: ManualClock) -> Message:
    event = Crossed("main-entrance-door", clock.now_ns(), "in", "person", native.seq % 10_000, MODEL)
    return native.event(event, clock.timeline())


def spoken_of(arrived: list[dict[str, Any]]) -> set[int]:
    """Return the numbers that a subscriber knows of, also of what did not come."""
    known: set[int] = set()
    for each in arrived:
        known.update(range(each["from"], each["to"] + 1) if each["kind"] == "dropped" else [each["seq"]])
    return known


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        yield database


def test_more_than_may_wait_gives_way_and_is_spoken_of(database: Database) -> None:
    shop = Shop(database, SMALL)
    for _ in range(60):
        shop.count(100)
        shop.rest()
        assert database.used_bytes() <= SMALL.most_bytes + 100 * 512
    assert (
        "events as more waited for the broker than [state] outbox_mb allows or the disk has room for"
        in (shop.health.lasting["store_overflowed"])
    )
    backlog = shop.store.backlog
    assert backlog == database.count() > 500
    arrived = shop.arrived()
    assert len(arrived) == backlog
    assert spoken_of(arrived) == set(range(1, 6001))
    assert all(before["seq"] < after["seq"] for before, after in pairwise(arrived))
    first, *rest = arrived
    assert {each["kind"] for each in rest} == {"crossed"}
    assert (first["from"], first["to"], first["seq"]) == (1, 6000 - len(rest), 6000 - len(rest))
    assert (first["messages"], first["reason"]) == (first["to"], "full")
    assert first["since"] < first["until"] <= rest[0]["t"] < first["t"]


def taken(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def shrink(monkeypatch: pytest.MonkeyPatch, folder: Path, size: int, others: int = 0) -> None:
    """Let the disk be so small."""

    def statvfs(_: Path) -> os.statvfs_result:
        free = max(0, size - others - taken(folder))
        return os.statvfs_result((1, 1, size, free, free, 0, 0, 0, 0, 255))

    monkeypatch.setattr(os, "statvfs", statvfs)


@pytest.mark.parametrize("size", [1_000_000, 3_000_000])
def test_a_disk_is_never_filled_and_what_gave_way_for_that_is_spoken_of(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    shrink(monkeypatch, tmp_path, size)
    shop, most = Shop(database, AMPLE), 0
    for _ in range(200):
        shop.count(100)
        shop.clock.sleep(0.3)
        most = max(most, taken(tmp_path))
    assert 0.7 * size < most < 0.95 * size
    assert "or the disk has room for" in shop.health.lasting["store_overflowed"]
    arrived = shop.arrived()
    assert spoken_of(arrived) == set(range(1, 20_001))
    assert arrived[0]["reason"] == "full"
    assert taken(tmp_path) < 0.95 * size
    shop.rest()
    assert database.count() == 0


@pytest.mark.parametrize(
    ("size", "others", "events"), [(0, 0, 3000), (10_000_000, 10_000_000, 300), (10_000_000, 0, 3000)]
)
def test_nothing_gives_way_where_room_is_unknown_or_ample_or_taken_by_others(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, others: int, events: int
) -> None:
    shrink(monkeypatch, tmp_path, size, others)
    shop = Shop(database, AMPLE)
    for _ in range(events // 100):
        shop.count(100)
        shop.rest(1)
    assert database.count() == events


def test_it_is_spoken_of_also_after_a_restart(database: Database) -> None:
    shop = Shop(database, SMALL)
    for _ in range(60):
        shop.count(100)
        shop.rest()
    later = Shop(database, SMALL, shop.clock)
    later.count(1)
    assert spoken_of(later.arrived()) == set(range(1, 6002))


def test_a_limit_that_was_lowered_holds_before_long(database: Database) -> None:
    Shop(database, AMPLE).count(3000)
    shop = Shop(database, SMALL)
    for _ in range(5):
        shop.rest()
    assert database.used_bytes() <= SMALL.most_bytes
    assert spoken_of(shop.arrived()) == set(range(1, 3001))


def test_what_waited_for_too_long_gives_way(database: Database) -> None:
    shop = Shop(database, SHORT)
    for _ in range(10):
        shop.count(1)
        shop.rest(DAY_S)
    assert (
        "3 events as they had waited for longer than [state] outbox_days"
        in (shop.health.lasting["store_overflowed"])
    )
    first, *rest = shop.arrived()
    assert (first["from"], first["to"], first["messages"], first["reason"]) == (1, 3, 3, "old")
    assert [each["seq"] for each in rest] == list(range(4, 11))


def test_a_clock_that_nobody_keeps_right_lets_nothing_give_way(database: Database) -> None:
    shop = Shop(database, SHORT, ManualClock(synced=False))
    shop.count(3)
    later = Shop(database, SHORT, ManualClock(utc_at_zero_ns=50 * 365 * DAY_S * SECOND_NS))
    later.count(2)
    later.rest()
    assert [each["seq"] for each in later.arrived()] == [1, 2, 3, 4, 5]


def test_an_event_a_second_does_not_outgrow_the_age(database: Database) -> None:
    hour = Limits(most_bytes=AMPLE.most_bytes, most_age_ns=3600 * SECOND_NS)
    shop = Shop(database, hour)
    for _ in range(180):
        for _ in range(60):
            shop.count(1)
            shop.clock.sleep(1)
    shop.rest()
    assert database.count() <= 3600 + 2 * 60


def test_what_may_have_arrived_does_not_give_way(database: Database) -> None:
    shop = Shop(database, SMALL)
    shop.store.connected()
    shop.rest()
    shop.count(3000)
    shop.rest()
    shop.rest()
    sent = [message.payload for _, message in shop.wire.sent]
    assert len(sent) == 20
    assert database.count() < 3000
    assert [row.payload for row in database.waiting(0, 20)] == sent
    shop.store.disconnected("gone")
    shop.count(3000)
    shop.rest()
    assert [row.payload for row in database.waiting(0, 20)] == sent
    later = Shop(database, SMALL, shop.clock)
    later.count(3000)
    later.rest()
    assert [row.payload for row in database.waiting(0, 20)] == sent


@pytest.mark.parametrize("limits", [TINY, SHORT], ids=["full", "old"])
@pytest.mark.parametrize("seed", range(8))
def test_what_is_announced_never_left(database: Database, limits: Limits, seed: int) -> None:
    random, clock = Random(seed), ManualClock()
    left: list[dict[str, Any]] = []
    shop = Shop(database, limits, clock)
    shop.count(1000)
    shop.rest(8 * DAY_S)
    for _ in range(60):
        match random.choice(["count", "count", "rest", "connect", "answer", "cut", "kill"]):
            case "count":
                shop.count(random.choice([3, 250]))
            case "rest":
                shop.rest(random.choice([60, 2 * DAY_S]))
            case "connect":
                shop.store.connected()
            case "answer":
                waiting = shop.wire.unanswered()
                for token, _ in waiting[: random.randint(0, 20)]:
                    shop.store.acknowledged(token)
            case "cut":
                shop.store.disconnected("gone")
            case "kill":  # what is settled is forgotten
                left += shop.left()
                shop = Shop(database, limits, clock)
        shop.store.turn(0)
    left += shop.arrived()
    numbers = [(each["from"], each["to"]) for each in left if each["kind"] == "dropped"]
    came = {each["seq"] for each in left if each["kind"] != "dropped"}
    announced = {number for first, last in numbers for number in range(first, last + 1)}
    assert announced
    assert not came & announced
    assert came | announced == set(range(1, shop.native.seq + 1))


def test_what_may_have_left_before_the_disk_failed_does_not_give_way(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(database, AMPLE)
    shop.store.connected()

    def fail(change: Change) -> None:
        raise StorageError("no space")

    monkeypatch.setattr(database, "commit", fail)
    shop.count(30)
    shop.store.disconnected("gone")
    for _ in range(12):
        shop.count(1000)
        shop.rest()
    monkeypatch.undo()
    shop.rest()
    came = [each["seq"] for each in shop.arrived() if each["kind"] != "dropped"]
    sent, *_ = (each for each in shop.left() if each["kind"] == "dropped")
    assert came[:20] == list(range(1, 21))
    assert sent["from"] > 20
    assert sent["messages"] == sent["to"] - sent["from"] + 1


def test_what_cannot_have_left_gives_way_without_a_word(database: Database) -> None:
    database.commit(Change([Row(n, "x", b"junk") for n in range(1, 2001)], [], {}, 0))
    shop = Shop(database, Limits(most_bytes=10_000, most_age_ns=SHORT.most_age_ns))
    shop.rest()
    assert database.count() < 2000
    assert shop.health.lasting == {}


NEVER_KEPT = Native(GATE, BOOT, 0).status("online", Stamp(0, synced=True), 0)


@pytest.mark.parametrize(
    ("topic", "payload"), [(NEVER_KEPT.topic, NEVER_KEPT.payload), ("eyespot/v1/shop/rule/door/event", b"")]
)
def test_what_is_never_kept_does_not_leave_when_it_was_planted(
    database: Database, topic: str, payload: bytes
) -> None:
    database.commit(Change([Row(1, topic, payload)], [], {}, 0))
    shop = Shop(database, AMPLE)
    assert shop.arrived() == []
    assert "removed 1 kept messages" in shop.health.lasting["store_tampered"]


def test_a_week_of_an_event_a_second_may_wait(database: Database) -> None:
    shop, part = Shop(database, AMPLE), 7 * DAY_S // 20
    shop.count(part)
    assert database.used_bytes() * 20 <= StateSettings().limits.most_bytes
