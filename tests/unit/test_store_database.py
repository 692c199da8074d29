"""What is kept survives restarts, kills and damage."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from eyespot.domain.errors import ConfigError, StorageError
from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import NAME, ReplacedError
from eyespot.store.settings import StateSettings, state_dir
from eyespot.store.shelter import open_database

EVENT = Row(1, "eyespot/v1/shop/rule/door/event", b'{"n": 1}')


def change(*rows: Row, seq: int = 0, gone: tuple[int, ...] = (), **snapshots: bytes) -> Change:
    return Change(rows, gone, snapshots, seq)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database.open(tmp_path / "state")) as database:
        yield database


def test_what_was_committed_is_there_after_a_restart(tmp_path: Path) -> None:
    with closing(Database.open(tmp_path)) as database:
        database.commit(change(EVENT, seq=7, door=b"3 in"))
        database.commit(change(seq=0, door=b"4 in", gate=b"1 in"))
        database.sync()
    with closing(Database.open(tmp_path)) as database:
        assert database.damage is None
        assert database.snapshots() == {"door": b"4 in", "gate": b"1 in"}
        assert database.seq() == 7
        assert database.waiting(0, 10) == [EVENT]
        assert (database.count(), database.newest()) == (1, 1)


def swap(state: Path) -> None:
    shutil.copytree(state, state.with_name("copy"))
    state.rename(state.with_name("away"))
    state.with_name("copy").rename(state)


@pytest.mark.parametrize(
    "harm",
    [shutil.rmtree, swap, lambda state: (state / NAME).unlink()],
    ids=["all removed", "a copy in its place", "removed without its log"],
)
def test_a_database_that_is_not_in_its_place_any_more_is_named(
    database: Database, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    database.commit(change(EVENT))
    database.sync()
    harm(tmp_path / "state")
    with pytest.raises(ReplacedError, match="was removed or replaced while in use"):
        database.sync()


def test_a_database_that_was_moved_into_is_named_when_it_is_removed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.write_text("no folder")
    with closing(open_database(state)) as database:
        state.unlink()
        database.sync()
        (state / NAME).unlink()
        with pytest.raises(ReplacedError, match="was removed or replaced while in use"):
            database.sync()


def test_a_sync_empties_the_log_and_a_commit_does_not(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "state" / "eyespot.db"
    before = file.read_bytes()
    for number in range(200):
        database.commit(change(Row(number, EVENT.topic, EVENT.payload)))
    assert file.read_bytes() == before
    database.sync()
    with closing(sqlite3.connect(f"{file.as_uri()}?immutable=1", uri=True)) as without_log:
        assert without_log.execute("SELECT count(*) FROM outbox").fetchone() == (200,)


def test_what_is_delivered_leaves(database: Database) -> None:
    database.commit(change(EVENT, Row(2, EVENT.topic, b"2"), Row(3, EVENT.topic, b"3")))
    database.commit(change(gone=(1, 3)))
    assert [row.id for row in database.waiting(0, 10)] == [2]


def test_messages_wait_in_pages_in_their_order(database: Database) -> None:
    database.commit(change(*(Row(n, EVENT.topic, b"%d" % n) for n in (3, 1, 2))))
    assert [row.id for row in database.waiting(0, 2)] == [1, 2]
    assert [row.id for row in database.waiting(2, 2)] == [3]


def test_the_snapshot_of_a_rule_that_is_forgotten_is_removed(database: Database) -> None:
    database.commit(change(door=b"1 in", window=b"2 in"))
    database.commit(change(door=b"", window=b"3 in"))
    assert database.snapshots() == {"window": b"3 in"}


def test_a_full_disk_changes_nothing_and_is_named(database: Database) -> None:
    database.commit(change(EVENT, seq=1, door=b"1 in"))
    pages = database._connection.execute("PRAGMA page_count").fetchone()[0]
    database._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="full"):
        database.commit(
            change(Row(2, EVENT.topic, Random(1).randbytes(100_000)), seq=2, gone=(1,), door=b"2 in")
        )
    assert (database.seq(), database.snapshots(), database.count()) == (1, {"door": b"1 in"}, 1)
    database._connection.execute("PRAGMA max_page_count = 1000000")
    database.commit(change(seq=2, door=b"2 in"))
    assert database.snapshots() == {"door": b"2 in"}


def test_a_write_that_fails_for_the_size_of_the_file_is_named(tmp_path: Path) -> None:
    program = """
import os, resource, signal, sys
from pathlib import Path
from eyespot.domain.errors import ConfigError, StorageError
from eyespot.store.database import Change, Database, Row
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
database = Database.open(Path(sys.argv[1]))
database.commit(Change([], [], {"door": b"1 in"}, 1))
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    database.commit(Change([Row(1, "t", os.urandom(200_000))], [], {"door": b"2 in"}, 2))
except StorageError as error:
    print(error)
database.commit(Change([], [], {"door": b"3 in"}, 3))
print(database.snapshots()["door"].decode(), database.seq())
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    error, kept = done.stdout.splitlines()
    assert "cannot write" in error
    assert kept == "3 in 3"


def test_a_kill_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
from eyespot.store.database import Change, Database, Row
database = Database.open(Path(sys.argv[1]))
for n in range(1, 100_000):
    database.commit(Change([Row(n, "t", b"%d" % n)], [], {"door": b"%d in" % n}, n))
    print(n, flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) < 200:
            pass
        process.send_signal(signal.SIGKILL)
        told = int(([b"200", *process.stdout.read().split()])[-1])
    with closing(Database.open(tmp_path)) as database:
        seq = database.seq()
        assert told <= seq <= told + 1
        assert database.snapshots() == {"door": b"%d in" % seq}
        assert database.count() == database.newest() == seq


def test_a_kept_database_with_larger_pages_goes_on(tmp_path: Path) -> None:
    Database.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "eyespot.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA page_size = 4096")
        connection.execute("VACUUM")
    with closing(Database.open(tmp_path)) as database:
        database.commit(change(EVENT, seq=1, door=b"1 in"))
        assert (database.damage, database.count()) == (None, 1)


def corrupt(path: Path) -> None:
    path.write_bytes(b"no database at all" * 100)


def tear(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:512] + os.urandom(len(data) - 512))


def plant_trigger(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON outbox BEGIN DELETE FROM snapshots; END")
        connection.commit()


def from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("harm", [corrupt, tear, plant_trigger, from_the_future])
def test_a_damaged_file_is_put_aside_and_named(tmp_path: Path, harm: object) -> None:
    assert callable(harm)
    for time in range(1, 6):
        with closing(Database.open(tmp_path)) as database:
            database.commit(change(EVENT, seq=5, door=b"3 in"))
        harm(tmp_path / "eyespot.db")
        with closing(Database.open(tmp_path)) as database:
            assert database.damage is not None
            assert "eyespot.db.damaged-" in database.damage
            assert database.snapshots() == {}
        kept = sorted(path.name for path in tmp_path.glob("eyespot.db.damaged-?"))
        assert len(kept) == min(time, 3)


def harm_log(data: bytes) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        with (folder / f"{NAME}-wal").open("r+b") as log:
            log.write(data)

    return harm


def killed(folder: Path) -> Path:
    """Return a state folder as a kill leaves it, nothing in its file."""
    with closing(Database.open(folder / "live")) as database:
        database.commit(change(EVENT, seq=5, door=b"3 in"))
        return Path(shutil.copytree(folder / "live", folder / "state"))


def test_an_empty_file_is_put_aside_with_its_log_and_named(tmp_path: Path) -> None:
    state = killed(tmp_path)
    log = (state / f"{NAME}-wal").stat().st_size
    os.truncate(state / NAME, 0)
    with closing(Database.open(state)) as database:
        assert "eyespot.db.damaged-1, and totals began anew" in (database.damage or "")
        assert database.seq() == 0
    assert (state / "eyespot.db.damaged-1-wal").stat().st_size == log


def test_a_damaged_file_and_its_damaged_log_are_put_aside_together(tmp_path: Path) -> None:
    state = killed(tmp_path)
    harm_log(b"no log")(state)
    (state / NAME).write_bytes(Random(1).randbytes(4096))
    with closing(Database.open(state)) as database:
        assert "eyespot.db.damaged-1, and totals began anew" in (database.damage or "")
    aside = {file.name for file in state.glob("*damaged*")}
    assert aside >= {"eyespot.db.damaged-1", "eyespot.db.damaged-1-wal"}
    assert not any("damaged-2" in name for name in aside)


@pytest.mark.parametrize(
    "data", [b"no log", b"\x37\x7f\x06\x82\x01\x02\x03"], ids=["no log", "another checksum"]
)
def test_a_log_that_would_be_passed_over_is_put_aside_alone_and_named(tmp_path: Path, data: bytes) -> None:
    with closing(Database.open(tmp_path / "live")) as database:
        database.commit(change(seq=4, door=b"2 in"))
    state = killed(tmp_path)
    harm_log(data)(state)
    log = (state / f"{NAME}-wal").read_bytes()
    for time in range(1, 5):
        with closing(Database.open(state)) as database:
            assert f"eyespot.db.damaged-{1 + (time - 1) % 3}-wal" in (database.damage or "")
            assert (database.snapshots(), database.seq()) == ({"door": b"2 in"}, 4)
        (state / f"{NAME}-wal").write_bytes(log)
    assert len(list(state.glob("*damaged*-wal"))) == 3


@pytest.mark.parametrize(
    ("harm", "seq"),
    [
        (lambda _: None, 5),
        (lambda folder: os.truncate(folder / f"{NAME}-wal", 20), 0),
        (lambda folder: (folder / f"{NAME}-wal").unlink(), 0),
        (harm_log(bytes(32)), 0),
    ],
    ids=["as it was left", "not begun", "none", "never written"],
)
def test_what_a_kill_or_a_power_cut_leaves_of_a_log_is_no_damage(
    tmp_path: Path, harm: Callable[[Path], None], seq: int
) -> None:
    state = killed(tmp_path)
    harm(state)
    with closing(Database.open(state)) as database:
        assert database.damage is None
        assert database.seq() == seq


def test_two_cannot_use_one_folder(tmp_path: Path) -> None:
    with (
        closing(Database.open(tmp_path)),
        pytest.raises(StorageError, match="another eyespot uses the state folder"),
    ):
        Database.open(tmp_path)
    Database.open(tmp_path).close()


def test_a_folder_that_cannot_be_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot use the state folder"):
        Database.open(tmp_path / "file")
    (tmp_path / "eyespot.db").mkdir()
    with pytest.raises(StorageError, match="cannot open"):
        Database.open(tmp_path)


@pytest.mark.parametrize(
    ("dir_", "environ", "root", "folder"),
    [
        ("/srv/e", {"STATE_DIRECTORY": "/var/lib/a"}, True, "/srv/e"),
        (None, {"STATE_DIRECTORY": "/var/lib/a:/var/lib/b"}, False, "/var/lib/a"),
        (None, {"XDG_STATE_HOME": "/home/u/s"}, True, "/var/lib/eyespot"),
        (None, {"XDG_STATE_HOME": "/home/u/s"}, False, "/home/u/s/eyespot"),
        (None, {}, False, "/home/u/.local/state/eyespot"),
    ],
)
def test_where_state_is_kept(
    dir_: str | None, environ: dict[str, str], root: bool, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setenv("HOME", "/home/u")
    assert state_dir(StateSettings(dir=dir_), environ) == Path(folder)


def test_a_home_that_nobody_knows_is_named() -> None:
    with pytest.raises(ConfigError, match="to a full path"):
        state_dir(StateSettings(dir="~no-such-user/x"), {})
