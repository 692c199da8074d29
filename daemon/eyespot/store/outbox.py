"""Durable messages that the broker does not have yet."""

import logging
from collections.abc import Callable, Mapping

from eyespot.domain.errors import StorageError, one_line
from eyespot.domain.message import Delivery, Message
from eyespot.store.database import Change, Database, Row

_log = logging.getLogger(__name__)

_PAGE = 50
MOST_IN_MEMORY = 10_000

Readmit = Callable[[str, bytes], Message]


class Outbox:
    """Keeps messages on disk, and in memory while the disk fails. For one thread.

    Args:
        database: where they are kept.
        readmit: the gate, through which what comes back from the disk passes again. Raises ValueError.

    Attributes:
        lost: how many messages gave way because the disk failed for too long.
        tampered: how many on disk were not what could have left.
    """

    def __init__(self, database: Database, readmit: Readmit) -> None:
        self._database = database
        self._readmit = readmit
        self._on_disk = database.count()
        self._newest = self._newest_on_disk = database.newest()
        self._unkept: dict[int, Message] = {}
        self._gone: set[int] = set()
        self._page: list[Row] = []
        self._page_after = 0
        self.lost = 0
        self.tampered = 0

    def __len__(self) -> int:
        return self._on_disk - len(self._gone) + len(self._unkept)

    @property
    def newest(self) -> int:
        """The id of the newest message ever added; ids only grow."""
        return self._newest

    @property
    def has_new(self) -> bool:
        """Whether there are messages that are not kept yet."""
        return bool(self._unkept)

    @property
    def settled(self) -> int:
        """How many messages are on disk that the broker has: the next `commit` removes them."""
        return len(self._gone)

    def add(self, message: Message) -> None:
        """Add a message; it is kept from the next `commit` on."""
        self._newest += 1
        self._unkept[self._newest] = message

    def commit(self, snapshots: Mapping[str, bytes], seq: int) -> None:
        """Keep what was added, with the snapshots, in one transaction; remove what was delivered.

        Raises:
            StorageError: nothing was changed; try again later. The oldest give way if they are too many.
        """
        rows = [Row(key, message.topic, message.payload) for key, message in self._unkept.items()]
        try:
            self._database.commit(Change(rows, self._gone, snapshots, seq))
        except StorageError:
            self._make_room()
            raise
        self._on_disk += len(rows) - len(self._gone)
        self._newest_on_disk = self._newest
        self._page = [row for row in self._page if row.id not in self._gone]
        self._unkept.clear()
        self._gone.clear()

    def after(self, key: int) -> tuple[int, Message] | None:
        """Return the first message with a larger id than `key`, with its id; None when there is none.

        Raises:
            StorageError: it cannot be read.
        """
        while key < self._newest_on_disk:
            row = self._row_after(key)
            if row is None:
                break
            key = row.id
            if key not in self._gone and (message := self._readmitted(row)) is not None:
                return key, message
        found = next((kept for kept in self._unkept if kept > key), None)
        return None if found is None else (found, self._unkept[found])

    def delivered(self, key: int) -> None:
        """Take a message out."""
        if self._unkept.pop(key, None) is None and key <= self._newest_on_disk:
            self._gone.add(key)

    def _make_room(self) -> None:
        for key in list(self._unkept)[:-MOST_IN_MEMORY]:
            del self._unkept[key]
            self.lost += 1

    def _row_after(self, key: int) -> Row | None:
        if key >= self._page_after:
            self._page = [row for row in self._page if row.id > key]
        if key < self._page_after or not self._page:
            self._page = self._database.waiting(key, _PAGE)
        self._page_after = key
        return self._page[0] if self._page else None

    def _readmitted(self, row: Row) -> Message | None:
        try:
            message = self._readmit(row.topic, row.payload)
            if message.delivery is not Delivery.DURABLE:
                raise ValueError("this topic is never kept")  # noqa: TRY301 - as any other that did not pass
        except ValueError as error:
            _log.error(
                "removed a message on %r that eyespot did not write: %s", row.topic[:80], one_line(error)
            )
            self.tampered += 1
            self._gone.add(row.id)
            return None
        return message
