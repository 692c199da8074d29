"""The body of the store thread: what steps leave behind is kept, then sent."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial

from eyespot.domain.errors import StorageError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Traffic
from eyespot.ports import Beat, Broker, Clock, Handover, HealthBoard
from eyespot.store.budget import Budget
from eyespot.store.courier import MOST_SETTLED, Courier
from eyespot.store.database import Database
from eyespot.store.database_file import ReplacedError, SpoiledError
from eyespot.store.intake import Intake
from eyespot.store.outbox import Durables, Outbox
from eyespot.store.settings import Limits
from eyespot.topics.payloads import DropReason

_TURN_NS = SECOND_NS
# A sync slows what has just left down; so it comes a moment later, unless something else always does.
_PAUSE_NS = SECOND_NS // 100
_SYNC_NS, _MOST_UNSYNCED_NS = SECOND_NS, 2 * SECOND_NS
_SYNC_AGAIN_NS = 10 * SECOND_NS
_TRY_AGAIN_NS = SECOND_NS
# What the broker has leaves the disk with the next count: a write of its own would wear the card. After a
# crash it is sent once more.
_SETTLE_NS = 10 * SECOND_NS
_RETRY_REFUSED_NS = 60 * SECOND_NS
_REPLACED_NS = 600 * SECOND_NS  # two clients with one id take turns: a connection alone proves nothing
_TRIM_NS = 60 * SECOND_NS
_TEND_NS = SECOND_NS
_REASONS: dict[DropReason, str] = {
    "full": "as more waited for the broker than [state] outbox_mb allows or the disk has room for",
    "old": "as they had waited for longer than [state] outbox_days",
    "disk_failed": "as the disk failed for too long",
}

_USUAL_ADVICE = "free space or mend the disk; counts are kept in memory until then"
_ADVICE: dict[type[StorageError], str] = {
    ReplacedError: "restart eyespot; counts since then are lost",
    SpoiledError: "restart eyespot, which puts it aside; totals begin anew then",
}


class StoreWorker:
    """Keeps and sends. A `threads.Worker`, and the `ports.BrokerEvents` of its broker.

    Args:
        database: owned by this thread from `run` on; whoever opened it closes it.
        broker: the way out; to be attached to this.
        health: knows `broker_unreachable`, `credentials_refused`, `duplicate_id`, `publish_denied`,
            `storage_failed`, `store_damaged`, `store_tampered` and `store_overflowed`.
        durables: knows what waits, and announces what gives way.
        clock: for syncs, retries and patience.
        limits: of what may wait for the broker.
        budget: of what may leave in a day; knows `near_daily_cap` and `over_daily_cap`. None: it is endless.

    Attributes:
        answers: how many messages the broker has taken over; from any thread.

    Raises:
        StorageError: the database cannot be read.
    """

    def __init__(
        self,
        database: Database,
        broker: Broker,
        health: HealthBoard,
        durables: Durables,
        clock: Clock,
        *,
        limits: Limits,
        budget: Budget | None = None,
    ) -> None:
        self._database = database
        self._health = health
        self._clock = clock
        self._intake = Intake(durables.announce)
        self._outbox = Outbox(database, durables, limits)
        self._budget = budget or Budget(clock)
        self._courier = Courier(broker, self._outbox, clock, self._budget)
        self._snapshots: dict[str, bytes] = {}
        self._seq = database.seq()
        self._kept_seq = self._seq
        self._unsynced = not database.lasts
        self._synced_ns = self._retried_ns = clock.now_ns()
        self._trimmed_ns = clock.now_ns() - _TRIM_NS
        self._tended_ns = clock.now_ns() - _TEND_NS
        self._failing: set[str] = set()
        self._tried_ns = clock.now_ns()
        self._unreachable = self._complained = False
        self.answers = 0
        self._replaced_ns: int | None = None
        self._leave_by_ns: int | None = None
        if database.damage:
            health.raise_state("store_damaged", f"the store was damaged: {database.damage}")

    @property
    def backlog(self) -> int:
        """How many durable messages the broker does not have yet; from any thread."""
        return len(self._outbox) + len(self._intake)

    @property
    def bytes_today(self) -> dict[Traffic, int]:
        """How many bytes have left today, by kind; from any thread."""
        return self._budget.spent

    def post(self, handover: Handover) -> None:
        """Take what a step leaves behind; from any thread, never waits for disk or wire."""
        self._intake.post(handover)

    def stop(self, patience_s: float) -> None:
        """Let `run` return when everything is kept and sent, or after that many seconds; from any thread."""
        self._leave_by_ns = self._clock.now_ns() + round(patience_s * SECOND_NS)
        self._intake.rouse()

    def connected(self) -> None:
        """Note that messages can leave."""
        self._intake.note(self._on_connected)

    def disconnected(self, reason: str) -> None:
        """Note that they cannot, and why."""
        self._intake.note(partial(self._on_disconnected, reason))

    def replaced(self, reason: str) -> None:
        """Note that another client seems to use our id."""
        self._intake.note(partial(self._on_replaced, reason))

    def renewed(self, refusal: str) -> None:
        """Note whether the newest certificates and passwords are in force."""
        self._intake.note(partial(self._on_renewed, refusal))

    def acknowledged(self, token: int) -> None:
        """Note that the broker has a message."""
        self.answers += 1
        self._intake.note(partial(self._courier.acknowledged, token), can_wait=True)

    def refused(self, token: int, reason: str) -> None:
        """Note that the broker will not have a message."""
        self._intake.note(partial(self._courier.refused, token, reason))

    def run(self, beat: Beat) -> None:
        """Work until stopped; what is left then is on disk.

        Raises:
            StorageError: the disk failed to the end, and what memory held is lost.
        """
        with self._database.in_use():
            while not self._done():
                beat()
                self.turn(self._turn_s())
            self._end()

    def _end(self) -> None:
        now_ns = self._clock.now_ns()
        self._commit(now_ns, at_once=True)
        self._sync(now_ns, at_once=True)
        self._budget.keep()
        if "commit" in self._failing or not self._database.lasts:
            raise StorageError(
                "the newest counts are lost: the disk failed to the end; free space or mend it"
            )

    def turn(self, timeout_s: float) -> None:
        """Do what there is to do; wait for something at most this long."""
        # while nothing waits for room, an answer is read with what comes next: waking up costs more than it
        patient = self._leave_by_ns is None and self._courier.all_left
        taken = self._intake.take(timeout_s, patient=patient)
        for note in taken.notes:
            note()
        for handover in taken.handovers:
            self._accept(handover)
        if taken.lost:
            self._outbox.dropped["disk_failed"] += taken.lost
        now_ns = self._clock.now_ns()
        self._commit(now_ns)
        self._pump()  # before all that can wait
        if taken.answers:
            for answer in taken.answers:
                answer()
            self._commit(now_ns)
            self._pump()
        if now_ns - self._tended_ns >= _TEND_NS:
            self._tend(now_ns)
        if not taken.handovers or now_ns - self._synced_ns >= _MOST_UNSYNCED_NS:
            self._sync(now_ns)
        if (self._outbox.dropped or self._outbox.tampered) and not self._courier.searching:
            self._tell_losses()

    def _tend(self, now_ns: int) -> None:
        """Do what is soon enough done once a second."""
        self._tended_ns = now_ns
        if now_ns - self._trimmed_ns >= _TRIM_NS and self._at_disk("trim", self._trim):
            self._trimmed_ns = now_ns
        self._budget.turn(self._health)
        self._forget_replaced(now_ns)
        if now_ns - self._retried_ns >= _RETRY_REFUSED_NS and self._is_stuck():
            self._retried_ns = now_ns
            self._courier.retry_refused()
            self._pump()

    def _accept(self, handover: Handover) -> None:
        self._snapshots.update(handover.snapshots)
        self._seq = max(self._seq, handover.seq)
        for message in handover.messages:
            self._courier.accept(message)

    def _commit(self, now_ns: int, *, at_once: bool = False) -> None:
        since_ns = now_ns - self._tried_ns
        if not (self._is_new() or self._is_to_settle(since_ns, at_once=at_once)):
            return
        if "commit" in self._failing and not at_once and since_ns < _TRY_AGAIN_NS:
            return
        self._tried_ns = now_ns
        if self._at_disk("commit", self._keep):
            self._snapshots.clear()
            self._kept_seq = self._seq
            self._unsynced = True

    def _keep(self) -> None:
        with suppress(StorageError):  # if the disk takes nothing, the commit says so
            self._outbox.spare_disk(self._courier.under_way)
        try:
            self._outbox.commit(self._snapshots, self._seq)
        except StorageError:
            self._outbox.make_room(self._courier.under_way)
            raise

    def _trim(self) -> None:
        self._outbox.trim(self._courier.under_way)

    def _is_new(self) -> bool:
        return bool(self._snapshots or self._outbox.has_new or self._seq > self._kept_seq)

    def _is_to_settle(self, since_ns: int, *, at_once: bool) -> bool:
        settled = self._outbox.settled
        return settled >= MOST_SETTLED or (settled > 0 and (at_once or since_ns >= _SETTLE_NS))

    def _sync(self, now_ns: int, *, at_once: bool = False) -> None:
        if not (self._is_to_sync(now_ns) or (at_once and self._unsynced)):
            return
        self._synced_ns = now_ns
        if self._at_disk("sync", self._database.sync):
            self._unsynced = False

    def _is_to_sync(self, now_ns: int) -> bool:
        patience_ns = _SYNC_AGAIN_NS if "sync" in self._failing else _SYNC_NS
        return self._unsynced and now_ns - self._synced_ns >= patience_ns

    def _pump(self) -> None:
        if self._intake.urgent:  # it may tell of another connection, by which what is older leaves first
            return
        self._at_disk("read", self._courier.pump)
        if self._complained or self._courier.complaints:
            self._tell_refusals()

    def _is_stuck(self) -> bool:
        left = len(self._outbox) > len(self._courier.under_way)
        return self._courier.caught_up and (left or bool(self._courier.complaints))

    def _tell_refusals(self) -> None:
        if complaints := self._courier.complaints:
            topic, reason = next(iter(complaints.items()))
            more = f" and {len(complaints) - 1} more" if len(complaints) > 1 else ""
            advice = "allow that at the broker; events wait on disk"
            self._health.raise_state(
                "publish_denied", f"the broker refuses {topic}{more} ({reason}); {advice}"
            )
            self._complained = True
        else:
            self._complained = False
            self._health.clear_state("publish_denied")

    def _at_disk(self, doing: str, work: Callable[[], object]) -> bool:
        """Do something that the disk may not let us do; name it while it does not. Return whether it did."""
        try:
            work()
        except StorageError as error:
            self._failing.add(doing)
            advice = _ADVICE.get(type(error), _USUAL_ADVICE)
            self._health.raise_state("storage_failed", f"{one_line(error)}; {advice}")
            return False
        if doing in self._failing:
            self._failing.remove(doing)
            if not self._failing:
                self._health.clear_state("storage_failed")
        return True

    def _tell_losses(self) -> None:
        if dropped := self._outbox.dropped:
            ways = " and ".join(f"{count} events {_REASONS[reason]}" for reason, count in dropped.items())
            self._health.raise_state("store_overflowed", f"gave way: {ways}; totals are right")
        if tampered := self._outbox.tampered:
            reason = f"removed {tampered} kept messages that this device does not write; was it renamed?"
            self._health.raise_state("store_tampered", reason)

    def _on_connected(self) -> None:
        self._unreachable = False
        self._courier.connected()
        self._health.clear_state("broker_unreachable")

    def _on_disconnected(self, reason: str) -> None:
        self._unreachable = True
        self._courier.disconnected()
        self._health.raise_state("broker_unreachable", f"{reason}; trying again, events wait on disk")

    def _on_replaced(self, reason: str) -> None:
        self._replaced_ns = self._clock.now_ns()
        self._health.raise_state("duplicate_id", f"{reason}; until then it comes back once or twice a minute")

    def _on_renewed(self, refusal: str) -> None:
        if refusal:
            self._health.raise_state("credentials_refused", refusal)
        else:
            self._health.clear_state("credentials_refused")

    def _forget_replaced(self, now_ns: int) -> None:
        if self._replaced_ns is not None and now_ns - self._replaced_ns >= _REPLACED_NS:
            self._replaced_ns = None
            self._health.clear_state("duplicate_id")

    def _turn_s(self) -> float:
        if self._courier.searching:
            return 0
        now_ns = self._clock.now_ns()
        wait_ns = _PAUSE_NS if self._is_to_sync(now_ns) else _TURN_NS
        if self._leave_by_ns is not None:
            wait_ns = min(wait_ns, max(0, self._leave_by_ns - now_ns))
        return wait_ns / SECOND_NS

    def _done(self) -> bool:
        """Whether it is time to leave: everything is sent, or cannot be, or patience is at its end."""
        if self._leave_by_ns is None or self._intake.waiting:
            return False
        sent = self._courier.online and self._courier.idle
        return sent or self._unreachable or self._clock.now_ns() >= self._leave_by_ns
