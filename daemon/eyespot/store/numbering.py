"""How the number of the newest message is kept: the newest row of the outbox tells it where it can.

Each message of ours has the next number, and its row in the outbox the next id, so that one follows from the
other: a number that is written with each of them would be one more page of the log for nothing.
"""

import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

_WRITTEN, _AHEAD = "seq", "ahead"
_READ = "SELECT name, value FROM numbers WHERE name IN (?, ?)"
_NEWEST = "SELECT coalesce(max(id), 0) FROM outbox"
WRITE = "INSERT INTO numbers VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"


class Numbering(NamedTuple):
    """What a database knows of numbers and ids. `seq` is the larger of `written` and `newest - ahead`.

    Attributes:
        seq: number of the newest message ever made; 0 before the first.
        newest: the largest id that a row ever had, as far as is known; 0 before the first.
        written: the number that is kept by itself, for when no row tells the newest.
        ahead: how much larger an id is than its number; None where no version that knew of it has written.
    """

    seq: int
    newest: int
    written: int
    ahead: int | None

    @classmethod
    def read(cls, connection: sqlite3.Connection) -> "Numbering":
        """Return what is kept in a database; raises sqlite3.Error."""
        kept = dict(connection.execute(_READ, (_WRITTEN, _AHEAD)))
        newest: int = connection.execute(_NEWEST).fetchone()[0]
        unread = cls(0, newest, kept.get(_WRITTEN, 0), kept.get(_AHEAD))
        return unread._replace(seq=unread._told_by(newest))

    @property
    def kept(self) -> tuple[tuple[str, int | None], ...]:
        """Names and values, for `WRITE`."""
        return (_WRITTEN, self.written), (_AHEAD, self.ahead)

    def after(self, ids: Iterable[int], seq: int, *, some_gone: bool) -> "Numbering":
        """Return what is known after a change; where `kept` is another then, it is to be written with it.

        Args:
            ids: of the rows that come.
            seq: number of the newest message; a smaller one than the known one changes nothing.
            some_gone: whether rows leave: the newest may be among them.
        """
        seq, last = max(seq, self.seq), max(ids, default=0)
        newest = max(last, self.newest)
        if last > self.newest:
            told = self._told_by(last)
        elif some_gone:
            told = self.written
        else:
            told = self.seq
        if told == seq:
            return self._replace(seq=seq, newest=newest)
        return Numbering(seq, newest, written=seq, ahead=newest - seq)

    def _told_by(self, newest: int) -> int:
        return self.written if self.ahead is None else max(self.written, newest - self.ahead)
