"""Where other threads leave what the store thread is to do."""

import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

import msgspec

from eyespot.domain.message import Delivery, Message
from eyespot.ports import Handover
from eyespot.store.outbox import MOST_IN_MEMORY
from eyespot.topics.durables import Announced
from eyespot.topics.payloads import DropReason

_MOST_HANDOVERS = 1_000
# A row that leaves in the transaction that brings the next one makes room for it in its page; many answers
# would hold up what is new.
_FEW_ANSWERS = 4

Note = Callable[[], None]


class Taken(msgspec.Struct, frozen=True):
    """What was left since the last time.

    Attributes:
        handovers: in order.
        notes: what the broker told; to be called, in order.
        answers: what it told that can wait until the handovers have left, where it is much; none where there
            are notes, which may tell of another connection: all is in order then.
        lost: durable messages that gave way.
    """

    handovers: list[Handover]
    notes: list[Note]
    answers: list[Note]
    lost: int


Announce = Callable[[Sequence[bytes], DropReason], Announced]


class Intake:
    """Takes without ever waiting; thread-safe. A disk that hangs makes it fold what it holds, not grow.

    Args:
        announce: returns what takes the place of messages that give way.

    Attributes:
        urgent: whether something is noted that cannot wait.
    """

    def __init__(self, announce: Announce) -> None:
        self._announce = announce
        self._lock = threading.Lock()
        self._bell: SimpleQueue[None] = SimpleQueue()  # made in C: a Condition costs as much as a commit
        self._handovers: list[Handover] = []
        self._notes: list[Note] = []
        self._lost = 0
        self._rung = self._patient = self.urgent = False

    def __len__(self) -> int:
        with self._lock:
            return sum(_durable(message) for left in self._handovers for message in left.messages)

    @property
    def waiting(self) -> bool:
        """Whether `take` would return something."""
        with self._lock:
            return bool(self._handovers or self._notes)

    def post(self, handover: Handover) -> None:
        """Leave what a step leaves behind."""
        with self._lock:
            self._handovers.append(handover)
            if len(self._handovers) > _MOST_HANDOVERS:
                folded, lost = fold(self._handovers, self._announce)
                self._handovers = [folded]
                self._lost += lost
            self._ring()

    def note(self, note: Note, *, can_wait: bool = False) -> None:
        """Leave something to be called; a patient `take` does not return for what can wait."""
        with self._lock:
            self._notes.append(note)
            self.urgent = self.urgent or not can_wait
            if not (can_wait and self._patient):
                self._ring()

    def rouse(self) -> None:
        """Let `take` return, now or the next time."""
        with self._lock:
            self._ring()

    def take(self, timeout_s: float, *, patient: bool = False) -> Taken:
        """Return what was left, waiting for something at most this long."""
        with self._lock:
            self._patient = patient
            if self._notes and not patient:
                self._ring()
        try:  # noqa: SIM105 - this is done with each event
            self._bell.get(timeout=timeout_s)
        except Empty:
            pass
        with self._lock:
            at_once = self.urgent or len(self._notes) <= _FEW_ANSWERS
            notes, answers = (self._notes, []) if at_once else ([], self._notes)
            taken = Taken(self._handovers, notes, answers, self._lost)
            self._handovers, self._notes, self._lost = [], [], 0
            self._rung = self.urgent = False
            return taken

    def _ring(self) -> None:
        if not self._rung:
            self._rung = True
            self._bell.put(None)


def fold(handovers: list[Handover], announce: Announce) -> tuple[Handover, int]:
    """Return one handover that leaves behind the same, and how many durable messages it had to drop.

    Live messages are too old by now; of states and snapshots the last one counts.
    """
    messages = [message for handover in handovers for message in handover.messages]
    last = {message.topic: message for message in messages if message.delivery is Delivery.STATE}
    durable = [message for message in messages if _durable(message)]
    excess = len(durable) - MOST_IN_MEMORY + 1 if len(durable) > MOST_IN_MEMORY else 0
    announced = announce([message.payload for message in durable[:excess]], "disk_failed")
    snapshots = {rule: state for handover in handovers for rule, state in handover.snapshots.items()}
    seq = max(handover.seq for handover in handovers)
    return Handover((*announced.messages, *durable[excess:], *last.values()), snapshots, seq), announced.lost


def _durable(message: Message) -> bool:
    return message.delivery is Delivery.DURABLE
