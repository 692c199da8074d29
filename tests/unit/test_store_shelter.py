"""A state folder that cannot be used at the start: counts wait in memory, and move in when they can."""

import threading
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from eyespot.domain.errors import StorageError
from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import FolderInUseError
from eyespot.store.shelter import open_database

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
