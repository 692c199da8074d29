"""How the number of the newest message is kept: the newest row of the outbox tells it where it can.

Each message of ours has the next number, and its row in the outbox the next id, so that one follows from the
other: a number that is written with each of them would be one more page of the log for nothing.
"""

import sqlite3

import msgspec

_WRITTEN, _AHEAD = "seq", "ahead"
_MOST = 2**53  # that JSON carries everywhere; what is beyond was planted
_READ = "SELECT name, value FROM numbers WHERE name IN (?, ?)"
_NEWEST = "SELECT coalesce(max(id), 0) FROM outbox"
_FORGET = "DELETE FROM numbers WHERE name = ?"
_WRITE = "INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class Kept(msgspec.Struct, frozen=True):
    """What is written beside the rows.

    Attributes:
        seq: the number to begin with, for when no row tells a larger one.
        ahead: how much larger an id is than its number; None where rows are not to tell.
    """

    seq: int
    ahead: int | None


class Numbering(msgspec.Struct, frozen=True):
    """What a database knows of numbers and ids.

    Attributes:
        seq: number of the newest message ever made; 0 before the first.
        newest: the largest id that a row ever had, as far as is known; 0 before the first.
        kept: `seq` is what this and the newest row tell.
    """

    seq: int
    newest: int
    kept: Kept

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "Numbering":
        """Return what is kept in a database that nobody else writes to; raises sqlite3.Error."""
        numbers = dict(connection.execute(_READ, (_WRITTEN, _AHEAD)))
        newest = max(0, connection.execute(_NEWEST).fetchone()[0])
        kept = Kept(numbers.get(_WRITTEN, 0), numbers.get(_AHEAD))
        return cls(min(max(_told(kept, newest), 0), _MOST), newest, kept)

    def write(self, cursor: sqlite3.Cursor) -> None:
        """Write `kept`; raises sqlite3.Error."""
        cursor.execute(_WRITE, (_WRITTEN, self.kept.seq))
        if self.kept.ahead is None:
            cursor.execute(_FORGET, (_AHEAD,))
        else:
            cursor.execute(_WRITE, (_AHEAD, self.kept.ahead))

    def at_rest(self) -> "Numbering":
        """Return the same with the number written by itself, for a version that knows of nothing else."""
        return Numbering(self.seq, self.newest, Kept(self.seq, None))

    def after(self, last: int, seq: int, *, some_gone: bool) -> "Numbering":
        """Return what is known after a change; where `kept` is another then, it is to be written with it.

        Args:
            last: the largest id of the rows that come; 0 where none do.
            seq: number of the newest message; a smaller one than the known one changes nothing.
            some_gone: whether rows leave: the newest may be among them.
        """
        seq = max(seq, self.seq)
        if last > self.newest:
            newest, told = last, _told(self.kept, last)
        else:
            newest, told = self.newest, self.kept.seq if some_gone else self.seq
        return Numbering(seq, newest, self.kept if told == seq else Kept(seq, newest - seq))


def _told(kept: Kept, newest: int) -> int:
    return kept.seq if kept.ahead is None else max(kept.seq, newest - kept.ahead)
