"""The number of the newest message is known after any change, though it is rarely written."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from eyespot.store.database import Change, Database, Row
from eyespot.store.database_file import NAME
from eyespot.store.numbering import Kept, Numbering


class Numbered(RuleBasedStateMachine):
    """A store that adds, delivers and lets give way in any order, ends and is killed at any time.

    Messages of ours have the next number; those of a standard have none, and lie between them.
    """

    @initialize()
    def begin(self) -> None:
        self.folder = TemporaryDirectory()
        self.database = Database.open(Path(self.folder.name))
        self.seq = self.newest = 0
        self.ids: list[int] = []

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(ours=st.integers(0, 3), others=st.integers(0, 2), gone=st.integers(0, 3), told=st.booleans())
    def commit(self, ours: int, others: int, gone: int, told: bool) -> None:
        """Messages come, and the oldest leave."""
        rows = [self.added() for _ in range(ours + others)]
        self.seq += ours
        away, self.ids = self.ids[:gone], self.ids[gone:]
        self.ids += [row.id for row in rows]
        self.database.commit(Change(rows, away, {}, self.seq if told or ours else 0))

    @rule()
    def give_way(self) -> None:
        """All that wait give way to one that has the id of the newest."""
        if self.ids:
            self.database.commit(Change([Row(self.ids[-1], "t", b"")], self.ids, {}, 0))
            self.ids = self.ids[-1:]

    @rule()
    def deliver_all(self) -> None:
        """The outbox is empty."""
        self.database.commit(Change((), self.ids, {}, self.seq))
        self.ids = []

    @rule(orderly=st.booleans())
    def end(self, orderly: bool) -> None:
        """Nothing of memory is left; ids go on from the largest that is there."""
        if orderly:
            self.database.close()
            written = self.written()
            self.database = Database.open(Path(self.folder.name))
            assert written.get("seq", 0) == self.seq  # where versions before this one look
        else:
            left = TemporaryDirectory()
            for file in (NAME, f"{NAME}-wal"):
                shutil.copy(Path(self.folder.name) / file, left.name)
            self.teardown()
            self.folder, self.database = left, Database.open(Path(left.name))
        self.newest = self.database.newest()

    def added(self) -> Row:
        self.newest += 1
        return Row(self.newest, "t", b"")

    def written(self) -> dict[str, int]:
        with closing(sqlite3.connect(Path(self.folder.name) / NAME)) as connection:
            return dict(connection.execute("SELECT name, value FROM numbers"))

    @invariant()
    def knows(self) -> None:
        """What another process reads is the number of the newest, neither less nor more."""
        with closing(sqlite3.connect(Path(self.folder.name) / NAME)) as connection:
            assert Numbering.read(connection).seq == self.seq


TestNumbered = Numbered.TestCase


def test_events_one_by_one_write_no_number(tmp_path: Path) -> None:
    """Not even where those before them leave: only once the outbox is to be empty."""
    with closing(Database.open(tmp_path)) as database:

        def written() -> dict[str, int]:
            return dict(database._connection.execute("SELECT name, value FROM numbers"))

        for number in range(1, 50):
            gone = [number - 1] if number > 1 else []
            database.commit(Change([Row(number, "t", b"")], gone, {"door": b"%d" % number}, number))
        assert (written()["seq"], database.seq()) == (1, 49)
        database.commit(Change([], [49], {}, 49))
        assert (written()["seq"], database.seq()) == (49, 49)


@given(seq=st.integers(-(2**63), 2**63 - 1), ahead=st.integers(-(2**63), 2**63 - 1))
def test_numbers_that_were_planted_are_gone_on_from_as_far_as_they_can_be(seq: int, ahead: int) -> None:
    with TemporaryDirectory() as folder:
        Database.open(Path(folder)).close()
        with closing(sqlite3.connect(Path(folder) / NAME)) as connection:
            connection.executemany("INSERT INTO numbers VALUES (?, ?)", [("seq", seq), ("ahead", ahead)])
            connection.commit()
        with closing(Database.open(Path(folder))) as database:
            found = database.seq()
            assert 0 <= found <= 2**53
            database.commit(Change([Row(1, "t", b"")], [], {}, found + 1))
            assert min(found + 1, 2**53) == database.seq()


@given(seq=st.integers(0, 1000), newest=st.integers(0, 1000))
def test_a_database_of_a_version_before_tells_what_it_wrote(seq: int, newest: int) -> None:
    with TemporaryDirectory() as folder:
        with closing(Database.open(Path(folder))) as database:
            rows = [Row(newest, "t", b"")] if newest else []
            database.commit(Change(rows, [], {}, seq))
        with closing(sqlite3.connect(Path(folder) / NAME)) as connection:
            connection.execute("DELETE FROM numbers WHERE name <> 'seq'")
            connection.execute("INSERT INTO numbers VALUES ('seq', ?) ON CONFLICT DO NOTHING", (seq,))
            connection.execute("UPDATE numbers SET value = ?", (seq,))
            connection.commit()
            assert Numbering.read(connection) == Numbering(seq, newest, Kept(seq, None))
