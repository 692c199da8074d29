"""A state folder that cannot be used at the start: counts wait in memory, and move in when they can."""

import threading
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from eyespot.domain.errors import StorageError
from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import NAME, FolderInUseError
from eyespot.store.outbox import Outbox
from eyespot.store.shelter import open_database
from fakes.durables import AMPLE, Numbers

ONE, TWO, THREE = (Row(n, "eyespot/v1/shop/rule/door/event", b"%d" % n) for n in (1, 2, 3))


@pytest.fixture
def unusable(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """While it is set, no state folder can be written."""
    unusable = threading.Event()
    usual = Database.open

    def open_(folder: Path) -> Database:
        if unusable.is_set():
            raise StorageError(f"cannot use the state folder {folder}: Read-only file system")
        return usual(folder)

    monkeypatch.setattr(Database, "open", open_)
    return unusable


def kept_in(folder: Path) -> tuple[dict[str, bytes], int, list[Row]]:
    with closing(Database.open(folder)) as database:
        return database.snapshots(), database.seq(), database.waiting(0, 100)


def test_a_usual_folder_is_used_as_usual(tmp_path: Path) -> None:
    with closing(open_database(tmp_path)) as database:
        assert database.lasts
        database.commit(Change([ONE], [], {"door": b"1 in"}, 1))
    assert kept_in(tmp_path) == ({"door": b"1 in"}, 1, [ONE])


def test_a_folder_of_another_process_is_left_alone(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path)), pytest.raises(FolderInUseError):
        open_database(tmp_path)


def test_what_can_be_read_is_gone_on_from_and_all_moves_in_as_soon_as_it_can(
    tmp_path: Path, unusable: threading.Event
) -> None:
    with closing(Database.open(tmp_path)) as database:
        database.commit(Change([ONE, TWO], [], {"door": b"2 in"}, 2))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        assert (database.snapshots(), database.seq(), database.count()) == ({"door": b"2 in"}, 2, 2)
        database.commit(Change([THREE], [1], {"door": b"3 in"}, 3))
        with pytest.raises(StorageError, match="Read-only file system"):
            database.sync()
        assert not database.lasts
        unusable.clear()
        assert kept_in(tmp_path) == ({"door": b"2 in"}, 2, [ONE, TWO])
        database.sync()
        assert database.lasts
        database.commit(Change([], [2], {"door": b"3 in", "gate": b"1 in"}, 3))
        database.sync()
    assert kept_in(tmp_path) == ({"door": b"3 in", "gate": b"1 in"}, 3, [THREE])


def test_what_a_process_that_was_killed_left_in_its_log_is_gone_on_from(
    tmp_path: Path, unusable: threading.Event
) -> None:
    killed = Database.open(tmp_path)
    killed.commit(Change([ONE], [], {"door": b"1 in"}, 1))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        assert (database.snapshots(), database.seq(), database.count()) == ({"door": b"1 in"}, 1, 1)
    killed.close()


def test_a_folder_that_was_never_used_is_moved_into(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with closing(open_database(state)) as database:
        database.commit(Change([ONE], [], {"door": b"1 in"}, 1))
        state.unlink()
        database.sync()
    assert kept_in(state) == ({"door": b"1 in"}, 1, [ONE])


def test_counts_that_were_not_gone_on_from_are_never_overwritten(
    tmp_path: Path, unusable: threading.Event
) -> None:
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        database.commit(Change([ONE], [], {"door": b"1 in"}, 1))
        unusable.clear()
        with closing(Database.open(tmp_path)) as another:  # of the disk that is mounted only now
            another.commit(Change([], [], {"door": b"99 in"}, 99))
        with pytest.raises(StorageError, match="restart eyespot to use them"):
            database.sync()
        assert not database.lasts
    assert kept_in(tmp_path) == ({"door": b"99 in"}, 99, [])


def test_what_is_damaged_is_not_gone_on_from(tmp_path: Path, unusable: threading.Event) -> None:
    (tmp_path / "eyespot.db").write_bytes(b"damaged" * 1000)
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        assert (database.snapshots(), database.seq()) == ({}, 0)


def test_memory_has_an_end(tmp_path: Path, unusable: threading.Event) -> None:
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        database.commit(Change([ONE], [], {"door": b"1 in"}, 1))
        too_much = [Row(2 + n, "t", Random(n).randbytes(1_000_000)) for n in range(40)]
        with pytest.raises(StorageError, match="full"):
            database.commit(Change(too_much, [], {"door": b"2 in"}, 2))
        assert (database.snapshots(), database.count()) == ({"door": b"1 in"}, 1)


def test_a_long_backlog_leaves_in_order_whenever_the_folder_can_be_used(
    tmp_path: Path, unusable: threading.Event
) -> None:
    with closing(Database.open(tmp_path)) as database:
        database.commit(Change([Row(n, "event", b"%d" % n) for n in range(1, 12_001)], [], {}, 12_000))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        outbox = Outbox(database, Numbers(), AMPLE)
        outbox.add(Numbers().readmit("event", b"12001"))
        sent = 0
        for ends_at in (11_000, 12_001):
            while sent < ends_at:
                key, message = outbox.after(sent)
                assert message is not None
                assert (key, message.payload) == (sent + 1, b"%d" % (sent + 1))
                outbox.delivered(key)
                sent = key
                if key % 100 == 0:
                    outbox.commit({}, 12_001)
            assert len(outbox) == 12_001 - sent
            outbox.commit({}, 12_001)
            unusable.clear()
            database.sync()
            assert database.lasts
        assert (len(outbox), outbox.after(0)) == (0, (12_001, None))
    assert kept_in(tmp_path) == ({}, 12_001, [])


@pytest.mark.parametrize("seed", range(20))
def test_what_waits_is_the_same_in_the_shelter_as_in_the_folder(
    tmp_path: Path, unusable: threading.Event, seed: int
) -> None:
    random = Random(seed)
    rows = [Row(3 * n, "event", b"%d" % n) for n in range(1, random.randint(1, 40))]
    for name in ("plain", "sheltered"):
        with closing(Database.open(tmp_path / name)) as database:
            database.commit(Change(rows, [], {}, len(rows)))
    plain = Database.open(tmp_path / "plain")
    unusable.set()
    with closing(plain), closing(open_database(tmp_path / "sheltered")) as sheltered:
        moves_at = random.randrange(30)
        for step in range(30):
            if step == moves_at:
                unusable.clear()
                sheltered.sync()
            change = some_change(random, plain)
            for database in (plain, sheltered):
                database.commit(change)
            after, most = random.randint(0, plain.newest()), random.randint(1, 10)
            assert sheltered.waiting(0, most) == plain.waiting(0, most)
            assert sheltered.waiting(after, most) == plain.waiting(after, most)
            assert (sheltered.count(), sheltered.seq()) == (plain.count(), plain.seq())


def some_change(random: Random, database: Database) -> Change:
    """Return what an outbox does: rows come, some leave, and one may take the place of the oldest."""
    waiting = [row.id for row in database.waiting(0, 100)]
    new = [Row(1_000 + database.seq(), "event", b"new")] if random.random() < 0.5 else []
    if new or not waiting or random.random() < 0.5:
        return Change(new, random.sample(waiting, min(2, len(waiting))), {}, database.seq() + len(new))
    oldest = waiting[: random.randint(2, 5)]
    return Change([Row(oldest[-1], "dropped", b"no")], oldest, {}, 0)


def test_what_is_given_up_in_the_folder_makes_room(tmp_path: Path, unusable: threading.Event) -> None:
    with closing(Database.open(tmp_path)) as database:
        rows = [Row(n, "event", bytes(200)) for n in range(1, 2001)]
        database.commit(Change(rows, [], {}, 2000, packs=False))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        before = database.used_bytes()
        assert before > 2000 * 200
        database.commit(Change([], range(1, 1001), {}, 2000))
        assert database.used_bytes() < 0.6 * before


def test_what_cannot_be_read_any_more_is_not_overtaken(tmp_path: Path, unusable: threading.Event) -> None:
    with closing(Database.open(tmp_path)) as database:
        database.commit(Change([ONE], [], {}, 1))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        database.commit(Change([TWO], [], {}, 2))
        (tmp_path / NAME).rename(tmp_path / "away")
        with pytest.raises(StorageError, match="cannot read"):
            database.waiting(0, 2)
        (tmp_path / "away").rename(tmp_path / NAME)
        assert database.waiting(0, 2) == [ONE, TWO]


def test_what_was_delivered_meanwhile_is_not_gone_on_from(tmp_path: Path, unusable: threading.Event) -> None:
    with closing(Database.open(tmp_path)) as database:
        database.commit(Change([ONE, TWO], [], {}, 2))
    unusable.set()
    with closing(open_database(tmp_path)) as database:
        unusable.clear()
        with closing(Database.open(tmp_path)) as another:
            another.commit(Change([], [1], {}, 2))
        with pytest.raises(StorageError, match="restart eyespot to use them"):
            database.sync()
