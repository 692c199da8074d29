"""What leaves the device in a day, and what has to wait once that is as much as it may be."""

from typing import Annotated

import msgspec
from msgspec import Meta

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Message, Traffic
from eyespot.ports import Clock, HealthBoard
from eyespot.store.memo import Memo
from eyespot.topics.traffic import KINDS, THINNED_S, is_optional, kind_of, may_wait

NAME = "traffic.json"
_DAY_NS = 86_400 * SECOND_NS
_KEEP_NS = 3600 * SECOND_NS  # a crash forgets an hour at most; more often would wear the card for nothing
_THINNED_NS = THINNED_S * SECOND_NS
_NEAR_PERCENT = 80
_FREE, _NEAR, _OVER = range(3)

_Bytes = Annotated[int, Meta(ge=0, le=2**53)]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds: the day since 1970, if it was known, how much of it is over, and the bytes.

    `before` has those of the day before it, where that was counted to its end.
    """

    day: int | None = None
    elapsed_s: Annotated[int, Meta(ge=0, le=86_400)] = 0
    spent: Annotated[dict[Traffic, _Bytes], Meta(max_length=len(KINDS))] = {}
    before: Annotated[dict[Traffic, _Bytes], Meta(max_length=len(KINDS))] = {}


class Budget:
    """Counts the bytes of PUBLISH packets by kind, on the day of UTC that it is. For one thread.

    A day begins at midnight, UTC. While the clock is not synchronised it has 24 hours of running: who has no
    time is not without a cap, nor capped for ever.

    Args:
        clock: for the day.
        root: where the topics of the device begin.
        most_bytes: of a day; None: as many as there are.
        memo: keeps the count over restarts; None: nothing does.
    """

    def __init__(
        self, clock: Clock, root: str = "", most_bytes: int | None = None, memo: Memo | None = None
    ) -> None:
        self._clock = clock
        self._root = root
        self._most_bytes = most_bytes
        self._memo = memo
        kept = _read(memo)
        now_ns = clock.now_ns()
        self._day = kept.day
        self._begun_ns = now_ns - kept.elapsed_s * SECOND_NS
        self._spent: dict[Traffic, int] = {kind: kept.spent.get(kind, 0) for kind in KINDS}
        self._before = kept.before
        self._kept_ns = now_ns
        self._unkept = False
        self._kinds: dict[str, Traffic] = {}
        self._sent_ns: dict[str, int] = {}
        self._level = self._reached()
        self._told = _FREE

    @property
    def spent(self) -> dict[Traffic, int]:
        """How many bytes have left today, by kind; from any thread."""
        return dict(self._spent)

    def admits(self, message: Message) -> bool:
        """Return whether a message may leave at all: what can be done without may not, near the cap."""
        return self._level == _FREE or message.retain or not is_optional(message, self._root)

    def holds(self, message: Message) -> bool:
        """Return whether a retained value has to wait, as one of its topic has left not long ago."""
        thinned = self._level == _OVER or (self._level == _NEAR and is_optional(message, self._root))
        if not thinned or not may_wait(message, self._root):
            return False
        sent_ns = self._sent_ns.get(message.topic)
        return sent_ns is not None and self._clock.now_ns() - sent_ns < _THINNED_NS

    def spend(self, message: Message) -> None:
        """Count a message that leaves, each time that it does."""
        kind = self._kinds.get(message.topic)
        if kind is None:
            kind = kind_of(message, self._root)
            if kind != "answers":  # whose topics are without number
                self._kinds[message.topic] = kind
        self._spent[kind] += message.packet_bytes
        self._level = self._reached()
        self._unkept = True
        if not message.retain:
            return
        if message.payload:
            self._sent_ns[message.topic] = self._clock.now_ns()
        else:
            self._sent_ns.pop(message.topic, None)

    def turn(self, health: HealthBoard) -> None:
        """See which day it is and how much is left of its bytes; name it where that is not much."""
        self._follow_day()
        self._level = self._reached()
        if self._level != self._told:
            self._told = self._level
            self._sent_ns.pop(f"{self._root}/health", None)  # it has the reason, which is not to wait
            self.keep()
            self._tell(health)
        elif self._clock.now_ns() - self._kept_ns >= _KEEP_NS:
            self.keep()

    def keep(self) -> None:
        """Write the count down, where there is anything new in it."""
        self._kept_ns = self._clock.now_ns()
        if self._memo is None or not self._unkept:
            return
        elapsed_s = min(max(self._kept_ns - self._begun_ns, 0), _DAY_NS) // SECOND_NS
        kept = _Kept(self._day, elapsed_s, self._spent, self._before)
        self._unkept = not self._memo.keep(msgspec.json.encode(kept))

    def _follow_day(self) -> None:
        now_ns, timeline = self._clock.now_ns(), self._clock.timeline()
        if not timeline.synced:
            if now_ns - self._begun_ns >= _DAY_NS:
                self._begin_day(None, now_ns)
            return
        day, since_midnight_ns = divmod(timeline.utc_ns(now_ns), _DAY_NS)
        if self._day is None:
            self._day = day  # what was sent before that was known counts with it
        elif day != self._day:
            self._begin_day(day, now_ns - since_midnight_ns)

    def _begin_day(self, day: int | None, begun_ns: int) -> None:
        follows = day is not None and self._day is not None and day == self._day + 1
        self._before = self._spent if follows else {}
        self._day, self._begun_ns = day, begun_ns
        self._spent = dict.fromkeys(KINDS, 0)
        self._unkept = True

    def _reached(self) -> int:
        if self._most_bytes is None:
            return _FREE
        spent = sum(self._spent.values())
        if spent >= self._most_bytes:
            return _OVER
        return _NEAR if spent * 100 >= self._most_bytes * _NEAR_PERCENT else _FREE

    def _tell(self, health: HealthBoard) -> None:
        cap = f"[mqtt] daily_mb = {(self._most_bytes or 0) // 1_000_000}"
        until = "until midnight, UTC; bytes_today says what takes so much"
        if self._level == _NEAR:
            waits = "frame and other optional topics stop"
            health.raise_state(
                "near_daily_cap", f"{_NEAR_PERCENT} % of {cap} has left today: {waits} {until}"
            )
        else:
            health.clear_state("near_daily_cap")
        if self._level == _OVER:
            waits = "states leave every 15 minutes, trajectories not at all, events as ever"
            health.raise_state("over_daily_cap", f"all of {cap} has left today: {waits}, {until}")
        else:
            health.clear_state("over_daily_cap")


def spent_on(day: int, memo: Memo) -> dict[Traffic, int] | None:
    """Return how many bytes left on a day, by kind, as kept once an hour; None where nobody knows.

    Args:
        day: since 1970, in UTC.
        memo: what a budget keeps.
    """
    kept = _read(memo)
    if kept.day is None:
        return None
    return {kept.day: kept.spent, kept.day - 1: kept.before}.get(day) or None


def _read(memo: Memo | None) -> _Kept:
    data = None if memo is None else memo.read()
    if data is not None:
        try:
            return msgspec.json.decode(data, type=_Kept)
        except (msgspec.DecodeError, UnicodeDecodeError):
            pass  # it is only a count; the next one is written over it
    return _Kept()
