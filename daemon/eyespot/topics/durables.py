"""Durable messages on their way to the broker: readmitted from the disk, too old, or given way."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta, field

from eyespot.domain.instants import parse_rfc3339, rfc3339
from eyespot.domain.message import Delivery, Message
from eyespot.ports import Clock
from eyespot.topics.gate import SCHEMAS, Gate
from eyespot.topics.payloads import Dropped, DropReason, Utc


class _Head(msgspec.Struct, frozen=True):
    """What there is to know of a message that is to go: of an announcement, what it spoke of."""

    seq: Annotated[int, Meta(ge=0)]
    t: Utc
    clock: str
    first: Annotated[int, Meta(ge=0)] | None = field(name="from", default=None)
    since: Utc | None = None
    messages: Annotated[int, Meta(ge=1)] = 1


class Announced(NamedTuple):
    """What takes the place of messages that give way.

    Attributes:
        messages: one, or none where none of them could leave.
        lost: how many gave way; announcements of others are none.
    """

    messages: tuple[Message, ...]
    lost: int


class Durables:
    """Implements `store.outbox.Durables`. Thread-safe.

    Args:
        gate: the way out.
        boot_id: as in every message of this process.
        clock: for the time of an announcement, and for ages.
    """

    def __init__(self, gate: Gate, boot_id: str, clock: Clock) -> None:
        self._gate = gate
        self._boot_id = boot_id
        self._clock = clock

    def readmit(self, topic: str, payload: bytes) -> Message:
        """Return the message for what was kept on disk.

        Raises:
            ValueError: it is not what could have been kept there.
        """
        message = self._gate.readmit(topic, payload)
        if message.delivery is not Delivery.DURABLE:
            raise ValueError("this topic is never kept")
        return message

    def announce(self, payloads: Sequence[bytes], reason: DropReason) -> Announced:
        """Return the message that takes the place of others, in order.

        It has the number of the last one: who counts finds no gap that is not spoken of.
        """
        heads = [head for payload in payloads if (head := _head(payload)) is not None]
        if not heads:
            return Announced((), 0)
        first, last, timeline = heads[0], heads[-1], self._clock.timeline()
        payload = Dropped(
            schema=SCHEMAS[Dropped],
            t=rfc3339(timeline.utc_ns(self._clock.now_ns())),
            clock="synced" if timeline.synced else "unsynced",
            boot_id=self._boot_id,
            seq=last.seq,
            kind="dropped",
            first=first.seq if first.first is None else first.first,
            to=last.seq,
            since=first.since or first.t,
            until=last.t,
            messages=sum(head.messages for head in heads),
            reason=reason,
        )
        lost = sum(head.first is None for head in heads)
        return Announced((self._gate.let_out("dropped", payload),), lost)

    def outdated(self, payloads: Sequence[bytes], most_age_ns: int) -> int:
        """Return how many of these messages, in order, are older than that, or come before one that is.

        A time tells only where the clock was kept right, then and now.
        """
        timeline = self._clock.timeline()
        if not timeline.synced:
            return 0
        oldest_ns = timeline.utc_ns(self._clock.now_ns()) - most_age_ns
        found = 0
        for count, payload in enumerate(payloads, start=1):
            head = _head(payload)
            if head is not None and head.clock == "synced" and parse_rfc3339(head.t) < oldest_ns:
                found = count
        return found


def _head(payload: bytes) -> _Head | None:
    try:
        return msgspec.json.decode(payload, type=_Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
