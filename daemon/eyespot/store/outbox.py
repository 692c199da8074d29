"""Durable messages that the broker does not have yet."""

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from eyespot.domain.errors import one_line
from eyespot.domain.message import Message
from eyespot.store.database import Change, Database, Row
from eyespot.store.settings import Limits
from eyespot.topics.durables import Announced
from eyespot.topics.payloads import DropReason

_log = logging.getLogger(__name__)

MOST_IN_MEMORY = 10_000
_PAGE = 50
# At a cut or a kill so many are under way (`courier.WINDOW`) or known to be delivered only to memory
# (`courier.MOST_SETTLED`): a subscriber may have them, and they are the first of those that wait.
_MOST_LEFT = 30
_MOST_PASSED = 1_000  # ids at once, to find the one that comes next: the thread has more to do
_ROW_BYTES = 512  # that the log takes for one that leaves, about

_FEWEST_DROPPED, _MOST_DROPPED = 200, 10_000  # at once


class Durables(Protocol):
    """What is known of messages that wait; see `topics.durables`."""

    def readmit(self, topic: str, payload: bytes) -> Message:
        """Return the message for what comes back from the disk; raises ValueError where it is none."""

    def announce(self, payloads: Sequence[bytes], reason: DropReason) -> Announced:
        """Return what takes the place of messages, in order."""

    def outdated(self, payloads: Sequence[bytes], most_age_ns: int) -> int:
        """Return how many of these messages, in order, are too old or come before one that is."""


class Outbox:
    """Keeps messages on disk, and in memory while the disk fails. For one thread.

    What gives way is announced: one message takes the place of all that were before it. The first ones stay,
    however old or many, while a subscriber may have them: what is announced never left.

    Args:
        database: where they are kept.
        durables: the gate, through which what comes back from the disk passes again.
        limits: of what may wait on disk.

    Attributes:
        newest: the id of the newest message ever added; ids only grow.
        announced: the id up to which some gave way: what announces that may be new there.
        dropped: how many messages gave way, and why.
        tampered: how many on disk were not what could have left.
    """

    def __init__(self, database: Database, durables: Durables, limits: Limits) -> None:
        self._database = database
        self._durables = durables
        self._limits = limits
        self._on_disk = database.count()
        self.newest = self._newest_on_disk = database.newest()
        self.announced = 0
        self._left_up_to = self.newest  # in an earlier life, for all we know
        self._unkept: dict[int, Message] = {}
        self._gone: set[int] = set()
        self._young: dict[int, Message] = {}
        self._young_after = self.newest
        self._page: list[Row] = []
        self._page_after = 0
        self.dropped: Counter[DropReason] = Counter()
        self.tampered = self._untold = 0

    def __len__(self) -> int:
        # asked for in the middle of a commit, too, by another thread
        return max(0, self._on_disk - len(self._gone) + len(self._unkept))

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
        self.newest += 1
        self._unkept[self.newest] = message

    def commit(self, snapshots: Mapping[str, bytes], seq: int) -> None:
        """Keep what was added, with the snapshots, in one transaction; remove what was delivered.

        Args:
            snapshots: rule id -> its state.
            seq: number of the newest durable message.

        Raises:
            StorageError: nothing was changed; `make_room`, and try again later.
        """
        rows = [Row(key, message.topic, message.payload) for key, message in self._unkept.items()]
        self._database.commit(
            Change(rows, self._gone, snapshots, seq, packs=self._on_disk + len(rows) > _PAGE)
        )
        self._on_disk += len(rows) - len(self._gone)
        if self._gone:
            self._page = [row for row in self._page if row.id not in self._gone]
        self._remember_young(len(rows))
        self._newest_on_disk = self.newest
        self._unkept = {}
        self._gone.clear()

    def after(self, key: int, but: Collection[str] = ()) -> tuple[int, Message | None]:
        """Return the first message with a larger id than `key`, with its id.

        None in its place: up to that id there is none, and more is to be looked at unless it is the newest.

        Args:
            key: where to begin.
            but: topics whose messages are passed over.

        Raises:
            StorageError: it cannot be read.
        """
        found, message = self._first_after(key, but)
        if message is not None or found == self.newest:
            self._tell_removed()
        if message is not None:
            self._left_up_to = max(self._left_up_to, found)
        return found, message

    def _first_after(self, key: int, but: Collection[str]) -> tuple[int, Message | None]:
        end = key + _MOST_PASSED
        while key < end:
            row = self._row_after(key) if key < self._young_after else None
            if row is None:
                return self._first_in_memory(key, but)
            key = row.id
            if row.topic in but:
                key = self._database.passed(key, but, _MOST_PASSED)
            elif key not in self._gone and (message := self._readmitted(row)) is not None:
                return key, message
        return key, None

    def _first_in_memory(self, key: int, but: Collection[str]) -> tuple[int, Message | None]:
        for known in (self._young, self._unkept):
            for found, message in known.items():
                if found > key and found not in self._gone and message.topic not in but:
                    return found, message
        return self.newest, None

    def delivered(self, key: int) -> None:
        """Take a message out."""
        if self._unkept.pop(key, None) is None and key <= self._newest_on_disk:
            self._gone.add(key)

    def trim(self, under_way: Collection[int]) -> None:
        """Let the oldest on disk give way where they are too many or too old.

        Args:
            under_way: as for `make_room`.

        Raises:
            StorageError: nothing was changed.
        """
        if (excess := self._database.used_bytes() - self._limits.most_bytes) > 0:
            self._give_way(excess, under_way)
        else:
            rows = self._outdated(_FEWEST_DROPPED, under_way)
            if len(rows) >= _FEWEST_DROPPED // 2:  # there may be more
                rows = self._outdated(_MOST_DROPPED, under_way)
            self._drop(rows, "old")

    def spare_disk(self, under_way: Collection[int]) -> None:
        """Let the oldest on disk give way where what was added could fill it.

        Args:
            under_way: as for `make_room`.

        Raises:
            StorageError: nothing was changed.
        """
        new = sum(len(message.topic) + len(message.payload) for message in self._unkept.values())
        room = self._database.room(new + _ROW_BYTES * len(self._gone))
        if room is not None and new and (lack := room.lacks(new)) > 0:
            self._give_way(lack, under_way)

    def _give_way(self, excess: int, under_way: Collection[int]) -> None:
        if (room := self._database.room(excess)) is not None:  # what is removed is written to the log first
            excess = min(excess, room.free // 4)
        share = self._on_disk * excess // max(1, self._database.used_bytes())
        most = min(share + _FEWEST_DROPPED, _MOST_DROPPED)
        self._drop(self._oldest(most, under_way), "full")

    def _outdated(self, most: int, under_way: Collection[int]) -> list[Row]:
        rows = self._oldest(most, under_way)
        return rows[: self._durables.outdated([row.payload for row in rows], self._limits.most_age_ns)]

    def _oldest(self, most: int, under_way: Collection[int]) -> list[Row]:
        """Return the oldest on disk that have not left."""
        read = self._database.waiting(0, _MOST_LEFT + most)
        rows = {row.id: row for row in read if row.id not in self._gone}
        return [rows[key] for key in self._never_left(list(rows), under_way)]

    def _never_left(self, keys: Sequence[int], under_way: Collection[int]) -> list[int]:
        """Return which of the oldest messages, in order, no subscriber can have."""
        return [
            key
            for place, key in enumerate(keys)
            if key not in under_way and (place >= _MOST_LEFT or key > self._left_up_to)
        ]

    def _drop(self, rows: Sequence[Row], reason: DropReason) -> None:
        if len(rows) <= 1:  # that may be the announcement
            return
        messages, lost = self._durables.announce([row.payload for row in rows], reason)
        kept = [Row(rows[-1].id, message.topic, message.payload) for message in messages]
        self._database.commit(Change(kept, [row.id for row in rows], {}, 0))
        self._on_disk -= len(rows) - len(kept)
        self.announced = max(self.announced, rows[-1].id)
        self._page = []
        self._forget_young()
        if lost:
            self.dropped[reason] += lost

    def _remember_young(self, rows: int) -> None:
        """Spare reading back what was kept just now; where it is much, it is read page by page."""
        if rows > _PAGE:
            self._young, self._young_after = {}, self.newest
        elif rows:
            self._young, self._young_after = self._unkept, self._newest_on_disk
        else:
            self._young = {key: message for key, message in self._young.items() if key not in self._gone}

    def _forget_young(self) -> None:
        """Read from the disk what is there."""
        self._young, self._young_after = {}, self._newest_on_disk

    def make_room(self, under_way: Collection[int]) -> None:
        """Let the oldest in memory give way where they are too many.

        Args:
            under_way: ids of messages that never give way, as the broker may have them.
        """
        oldest = list(self._unkept)[: 1 - MOST_IN_MEMORY]
        excess = self._never_left(oldest, under_way)
        if len(self._unkept) <= MOST_IN_MEMORY or not excess:
            return
        payloads = [self._unkept.pop(key).payload for key in excess]
        messages, lost = self._durables.announce(payloads, "disk_failed")
        self._unkept.update((excess[-1], message) for message in messages)
        self._unkept = dict(sorted(self._unkept.items()))
        self.announced = max(self.announced, excess[-1])
        if lost:
            self.dropped["disk_failed"] += lost

    def _row_after(self, key: int) -> Row | None:
        if key >= self._page_after:
            self._page = [row for row in self._page if row.id > key]
        if key < self._page_after or not self._page:
            self._page = self._database.waiting(key, _PAGE)
        self._page_after = key
        return self._page[0] if self._page else None

    def _readmitted(self, row: Row) -> Message | None:
        try:
            return self._durables.readmit(row.topic, row.payload)
        except ValueError as error:
            if not self._untold:
                message = "removing what eyespot did not write, first a message on %r: %s"
                _log.error(message, row.topic[:80], one_line(error))
            self._untold += 1
            self.tampered += 1
            self._gone.add(row.id)
            return None

    def _tell_removed(self) -> None:
        if self._untold > 1:
            _log.error("removed %d messages that eyespot did not write", self._untold)
        self._untold = 0
