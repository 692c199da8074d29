"""The store thread's work, one turn at a time."""

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest

from eyespot.domain.errors import StorageError
from eyespot.domain.message import Delivery, Message
from eyespot.host.clock import ManualClock, SystemClock
from eyespot.ports import Clock, Handover
from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import NAME
from eyespot.store.intake import Intake, fold
from eyespot.store.outbox import MOST_IN_MEMORY
from eyespot.store.worker import StoreWorker
from fakes.durables import AMPLE, Numbers
from fakes.troubles import Troubles
from fakes.wire import Wire


def event(number: int) -> Message:
    return Message("event", b"%d" % number, Delivery.DURABLE)


def counted(number: int) -> Handover:
    """Return what a step leaves behind that counted something."""
    state = Message("state", b"%d in" % number, Delivery.STATE)
    return Handover((event(number), state), {"door": b"%d" % number}, number)


class Store:
    """A store worker with everything around it."""

    def __init__(self, database: Database, clock: Clock | None = None) -> None:
        self.database = database
        self.wire = Wire()
        self.health = Troubles()
        self.clock = ManualClock()
        self.worker = StoreWorker(
            database, self.wire, self.health, Numbers(), clock or self.clock, limits=AMPLE
        )

    def turn(self, *handovers: Handover) -> None:
        for handover in handovers:
            self.worker.post(handover)
        self.clock.sleep(1)
        self.worker.turn(0)

    def answer(self) -> None:
        """Acknowledge everything, until nothing more comes."""
        while answers := self.wire.unanswered():
            for token, _ in answers:
                self.worker.acknowledged(token)
            self.turn()

    def rest(self) -> None:
        """Let so much time pass that what was delivered leaves the disk."""
        self.clock.sleep(10)
        self.turn()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path)) as database:
        yield database


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


def fill(database: Database) -> None:
    """Make the disk full, as SQLite sees it."""
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages}")


def make_room(database: Database) -> None:
    database._connection.execute("PRAGMA max_page_count = 1000000")


LARGE = Random(1).randbytes(50_000)  # which nothing makes smaller


def test_a_count_and_its_event_are_kept_before_they_are_sent(store: Store) -> None:
    store.turn(counted(1))
    assert store.database.snapshots() == {"door": b"1"}
    assert store.database.count() == store.worker.backlog == 1
    assert store.wire.sent == []
    store.worker.connected()
    store.turn()
    assert store.wire.payloads == [b"1", b"1 in"]
    store.answer()
    store.rest()
    assert store.database.count() == store.worker.backlog == 0


def test_a_restart_goes_on_where_the_last_life_ended(database: Database) -> None:
    Store(database).turn(counted(1), counted(2))
    assert database.seq() == 2
    after = Store(database)
    after.worker.connected()
    after.turn()
    after.answer()
    assert after.wire.payloads == [b"1", b"2"]
    assert database.snapshots() == {"door": b"2"}


def test_a_broker_that_is_not_there_is_a_named_state(store: Store) -> None:
    store.worker.disconnected("mqtt://b: connection refused")
    store.turn()
    assert "connection refused" in store.health.lasting["broker_unreachable"]
    store.worker.connected()
    store.turn()
    assert "broker_unreachable" not in store.health.lasting


def test_another_device_with_our_id_is_a_named_state_until_it_has_been_quiet_for_long(store: Store) -> None:
    store.worker.replaced("mqtt://b: another client uses our id")
    store.turn()
    store.worker.connected()
    store.clock.sleep(500)
    store.turn()
    assert "another client uses our id" in store.health.lasting["duplicate_id"]
    store.clock.sleep(100)
    store.turn()
    assert "duplicate_id" not in store.health.lasting


def test_a_denied_topic_is_a_named_state_until_the_broker_takes_it(store: Store) -> None:
    store.worker.connected()
    store.turn(counted(1))
    for token, _ in store.wire.unanswered():
        store.worker.refused(token, "not authorized")
    store.turn()
    assert "refuses event and 1 more (not authorized)" in store.health.lasting["publish_denied"]
    assert store.database.count() == 1
    store.wire.sent.clear()
    store.clock.sleep(60)
    store.turn()
    store.answer()
    assert store.wire.payloads == [b"1", b"1 in"]
    assert "publish_denied" not in store.health.lasting
    assert store.worker.backlog == 0


def test_a_database_that_is_taken_away_is_named_with_what_that_costs(store: Store, tmp_path: Path) -> None:
    (tmp_path / NAME).unlink()
    store.turn(counted(1))
    store.turn()
    reason = store.health.lasting["storage_failed"]
    assert "was removed or replaced while in use; restart eyespot; counts since then are lost" in reason


def test_a_database_that_is_spoiled_is_named_with_what_helps(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path)) as database:
        store = Store(database)
        store.turn(counted(1))
        for path in tmp_path.glob(f"{NAME}*"):
            with path.open("r+b") as file:  # in place, as a failing card does
                file.write(Random(1).randbytes(path.stat().st_size))
        store.turn(counted(2))
        store.turn()
    reason = store.health.lasting["storage_failed"]
    assert "; restart eyespot, which puts it aside; totals begin anew then" in reason
    with closing(Database.open(tmp_path)) as after:
        assert after.damage is not None
        assert after.count() == 0


def test_while_the_disk_is_full_messages_still_leave_and_nothing_is_forgotten(store: Store) -> None:
    store.worker.connected()
    store.turn()
    fill(store.database)
    store.turn(Handover((Message("event", LARGE, Delivery.DURABLE),), {"door": b"1"}, 1))
    assert "full" in store.health.lasting["storage_failed"]
    assert store.database.snapshots() == {}
    assert store.wire.payloads == [LARGE]
    store.turn(counted(2))
    assert store.worker.backlog == 2
    make_room(store.database)
    store.turn()
    assert "storage_failed" not in store.health.lasting
    assert store.database.snapshots() == {"door": b"2"}
    assert store.database.count() == 2
    store.answer()
    store.rest()
    assert store.database.count() == 0
    assert store.wire.payloads == [LARGE, b"2", b"2 in"]


def test_a_failing_disk_is_tried_once_a_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def fails(change: Change) -> None:
        tried.append(change)
        raise StorageError("cannot write")

    monkeypatch.setattr(store.database, "commit", fails)
    store.turn(counted(1))
    for _ in range(10):
        store.worker.turn(0)
    assert len(tried) == 1
    store.turn()
    assert len(tried) == 2


def test_a_disk_that_fails_for_too_long_costs_the_oldest_events_and_says_so(store: Store) -> None:
    fill(store.database)
    store.turn(Handover((Message("event", LARGE, Delivery.DURABLE),), {}, 0))
    events = tuple(event(n) for n in range(MOST_IN_MEMORY + 5))
    store.turn(Handover(events, {"door": b"9"}, 9))
    assert store.worker.backlog == MOST_IN_MEMORY
    assert "7 events as the disk failed for too long" in store.health.lasting["store_overflowed"]
    store.turn(counted(MOST_IN_MEMORY + 5))
    assert "8 events" in store.health.lasting["store_overflowed"]
    make_room(store.database)
    store.turn()
    first, then = store.database.waiting(0, 2)
    assert first.payload.endswith(b" to 6")
    assert then.payload == b"7"
    assert store.worker.backlog == store.database.count() == MOST_IN_MEMORY
    assert store.database.snapshots() == {"door": b"%d" % (MOST_IN_MEMORY + 5)}


def test_a_burst_costs_nothing_while_the_disk_works(store: Store) -> None:
    store.turn(Handover(tuple(event(n) for n in range(MOST_IN_MEMORY + 5)), {}, 9))
    assert store.database.count() == store.worker.backlog == MOST_IN_MEMORY + 5
    assert store.health.lasting == {}


def test_states_leave_although_the_disk_cannot_be_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> list[Row]:
        raise StorageError("cannot read")

    monkeypatch.setattr(store.database, "waiting", fails)
    store.turn(counted(1))
    store.worker.connected()
    store.turn(counted(2))
    assert store.wire.payloads == [b"2 in"]
    assert "cannot read" in store.health.lasting["storage_failed"]
    monkeypatch.undo()
    store.turn()
    assert store.wire.payloads == [b"2 in", b"1", b"2"]
    assert "storage_failed" not in store.health.lasting


def test_what_somebody_else_wrote_is_removed_and_named(database: Database) -> None:
    database.commit(Change([Row(1, "image", b"pixels"), Row(2, "event", b"2")], [], {}, 0))
    store = Store(database)
    store.worker.connected()
    store.turn()
    assert store.wire.payloads == [b"2"]
    assert "removed 1 kept messages" in store.health.lasting["store_tampered"]


def test_damage_that_was_found_is_named(tmp_path: Path) -> None:
    (tmp_path / "eyespot.db").write_bytes(b"damaged" * 1000)
    with closing(Database.open(tmp_path)) as database:
        assert "eyespot.db.damaged-1" in Store(database).health.lasting["store_damaged"]


def test_an_event_leaves_before_what_is_due_by_the_clock(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    had_left: list[int] = []
    for due in ("sync", "used_bytes"):
        monkeypatch.setattr(store.database, due, lambda: had_left.append(len(store.wire.sent)) or 0)
    store.worker.connected()
    store.clock.sleep(60)
    store.turn(counted(1))
    assert had_left == [2, 2]


def test_an_event_leaves_before_answers_are_read(store: Store) -> None:
    store.worker.connected()
    store.turn(counted(1), counted(2), counted(3))
    had_left: list[int] = []
    for token, _ in store.wire.unanswered():
        store.worker.acknowledged(token)
    store.worker._intake.note(lambda: had_left.append(len(store.wire.sent)), can_wait=True)
    assert len(store.wire.sent) == 4  # of the state only the last one
    store.turn(counted(4))
    assert (had_left, len(store.wire.sent)) == ([5], 6)  # the state waits for the one before it


def test_nothing_new_leaves_before_a_reconnection_is_known_of(store: Store) -> None:
    """A slow disk held this thread up meanwhile; what is unanswered is older, and leaves again first."""
    store.worker.connected()
    store.turn(counted(1))
    store.wire.sent.clear()
    store.worker.acknowledged(99)
    store.worker.disconnected("cut off")
    store.worker.connected()
    store.worker.acknowledged(99)
    store.turn(counted(2))
    assert [message.payload for _, message in store.wire.sent] == [b"1", b"2", b"2 in"]


def test_nor_where_it_comes_while_the_disk_is_slow(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.worker.connected()
    store.turn(counted(1))
    store.wire.sent.clear()
    commit = store.database.commit

    def slow(change: Change) -> None:
        commit(change)
        store.worker.disconnected("cut off")
        store.worker.connected()

    monkeypatch.setattr(store.database, "commit", slow)
    store.turn(counted(2))
    assert store.wire.sent == []
    store.turn()
    assert [message.payload for _, message in store.wire.sent] == [b"1", b"2", b"2 in"]


def test_what_was_committed_is_synced_once_a_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(store.database, "sync", lambda: synced.append(store.clock.now_ns()))
    store.turn(counted(1))
    for number in range(2, 10):
        store.worker.post(counted(number))
        store.worker.turn(0)
    assert synced == []
    store.worker.turn(0)
    store.worker.turn(0)
    assert len(synced) == 1
    store.worker.post(counted(10))
    store.worker.turn(0)
    store.turn()
    assert len(synced) == 2
    store.turn()
    assert len(synced) == 2


def test_events_that_never_cease_are_synced_nevertheless(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(store.database, "sync", lambda: synced.append(store.clock.now_ns()))
    for number in range(1, 7):
        store.turn(counted(number))
    assert len(synced) == 3


def commits(store: Store, monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """Return what is committed from now on, as it comes."""
    made: list[Change] = []
    commit = store.database.commit

    def noted(change: Change) -> None:
        made.append(msgspec.structs.replace(change, gone=tuple(change.gone)))
        commit(change)

    monkeypatch.setattr(store.database, "commit", noted)
    return made


def test_what_was_delivered_leaves_the_disk_with_the_next_count(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.worker.connected()
    made = commits(store, monkeypatch)
    for number in range(1, 4):
        store.turn(counted(number))
        store.answer()
    assert [change.gone for change in made] == [(), (1,), (2,)]
    assert store.worker.backlog == 0


def test_what_was_delivered_leaves_the_disk_by_itself_when_nothing_more_is_counted(store: Store) -> None:
    store.worker.connected()
    store.turn(counted(1))
    store.answer()
    assert store.database.count() == 1
    store.rest()
    assert store.database.count() == 0


def test_what_is_kept_just_now_leaves_without_being_read_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> list[Row]:
        raise StorageError("cannot read")

    monkeypatch.setattr(store.database, "waiting", fails)
    store.worker.connected()
    store.turn(counted(1))
    assert store.wire.payloads == [b"1", b"1 in"]


def test_what_left_and_was_removed_does_not_leave_again(store: Store) -> None:
    store.worker.connected()
    store.turn(counted(1))
    store.answer()
    store.rest()
    store.worker.connected()
    store.turn()
    assert store.wire.payloads == [b"1", b"1 in", b"1 in"]


def test_an_answer_wakes_only_who_waits_for_room() -> None:
    intake = Intake(Numbers().announce)
    heard: list[int] = []
    for patient, wakes in ((True, False), (False, True)):
        intake.take(0, patient=patient)
        intake.note(partial(heard.append, 1), can_wait=True)
        begun = time.monotonic()
        assert len(intake.take(0.2, patient=patient).notes) == 1
        assert (time.monotonic() - begun < 0.15) == wakes


def test_a_backlog_leaves_the_disk_before_more_of_it_could_come_twice_than_may_be_under_way(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.turn(Handover(tuple(event(n) for n in range(200)), {}, 200))
    made = commits(store, monkeypatch)
    store.worker.connected()
    store.turn()
    for _ in range(10):
        for token, _ in store.wire.unanswered():
            store.worker.acknowledged(token)
        store.worker.turn(0)
    assert [len(list(change.gone)) for change in made] == [20] * 10
    assert store.database.count() == 0


def run(store: Store, patience_s: float) -> threading.Thread:
    store.worker.stop(patience_s)
    thread = threading.Thread(target=store.worker.run, args=(lambda: None,))
    thread.start()
    return thread


def test_a_stop_keeps_all_and_waits_for_nobody_who_is_not_there(store: Store) -> None:
    store.worker.disconnected("gone")
    store.worker.post(counted(1))
    run(store, 1000).join(5)
    assert store.database.snapshots() == {"door": b"1"}
    assert store.database.count() == 1


def test_a_stop_waits_until_everything_is_acknowledged(store: Store) -> None:
    store.worker.connected()
    store.worker.post(counted(1))
    thread = run(store, 1000)
    give_up = time.monotonic() + 5
    while thread.is_alive():
        assert time.monotonic() < give_up
        for token, _ in store.wire.unanswered():
            store.worker.acknowledged(token)
        time.sleep(0.001)
    assert store.wire.payloads == [b"1", b"1 in"]
    assert store.database.count() == 0


def test_a_stop_has_an_end_although_nothing_is_acknowledged(store: Store) -> None:
    store.worker.connected()
    store.worker.post(counted(1))
    thread = run(store, 10)
    store.clock.sleep(11)
    thread.join(5)
    assert not thread.is_alive()
    assert store.database.count() == 1


def test_who_closes_the_database_while_the_store_hangs_leaves_it_as_it_is(tmp_path: Path) -> None:
    store = Store(Database.open(tmp_path))
    store.worker.connected()
    store.worker.post(counted(1))

    def hanging() -> None:
        store.database.close()
        store.worker.stop(0)

    store.worker.run(hanging)
    assert store.database.snapshots() == {"door": b"1"}
    store.database.close()
    with closing(Database.open(tmp_path)) as database:
        assert database.count() == 1


def test_a_stop_while_the_disk_is_full_says_that_counts_are_lost(store: Store) -> None:
    fill(store.database)
    store.worker.disconnected("gone")
    store.worker.post(Handover((Message("event", LARGE, Delivery.DURABLE),), {"door": b"1"}, 1))
    store.worker.stop(0)
    with pytest.raises(StorageError, match="counts are lost"):
        store.worker.run(lambda: None)


def test_a_stop_ends_on_time_although_nothing_comes_in_that_would_wake_the_store(database: Database) -> None:
    store = Store(database, SystemClock())
    store.worker.connected()
    store.worker.post(counted(1))
    begun = time.monotonic()
    run(store, 0.1).join(5)
    assert time.monotonic() - begun < 0.6


def test_many_handovers_that_nobody_takes_are_folded() -> None:
    intake = Intake(Numbers().announce)
    frame = Message("frame", b"", Delivery.LIVE)
    for number in range(1, 2_501):
        intake.post(Handover((*counted(number).messages, frame), {"door": b"%d" % number}, number))
    assert len(intake) == 2_500
    taken = intake.take(0)
    assert len(taken.handovers) < 1_000
    messages = [message for handover in taken.handovers for message in handover.messages]
    assert [m.payload for m in messages if m.delivery is Delivery.DURABLE] == [
        b"%d" % number for number in range(1, 2_501)
    ]
    assert taken.handovers[-1].seq == 2_500
    assert taken.lost == 0


def test_folding_keeps_the_last_of_everything_and_counts_what_it_drops() -> None:
    frame = Message("frame", b"", Delivery.LIVE)
    many = Handover(tuple(event(n) for n in range(MOST_IN_MEMORY)), {}, 0)
    left = [counted(7), Handover((frame,), {"gate": b"1"}, 0), many, counted(8)]
    folded, lost = fold(left, Numbers().announce)
    assert lost == 3
    assert [message.payload for message in folded.messages[:2]] == [b"no 7 to 1", b"2"]
    assert len(folded.messages) == MOST_IN_MEMORY + 1
    assert folded.messages[-1].payload == b"8 in"
    assert folded.snapshots == {"door": b"8", "gate": b"1"}
    assert folded.seq == 8
