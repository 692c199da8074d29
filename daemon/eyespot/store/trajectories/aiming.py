"""For how long it is kept where people go, once somebody has asked for it: it ends by itself."""

from typing import Annotated

import msgspec
from msgspec import Meta

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock
from eyespot.store.memo import Memo

MOST_MINUTES = 24 * 60
_CHARGE_S = 60
_MS_NS = 1_000_000


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds: how much of it is left at least, and the last ms where the clock was right."""

    left_s: Annotated[int, Meta(ge=0, le=MOST_MINUTES * 60)] = 0
    until_ms: int | None = None


class Aiming:
    """Counts the time down. For one thread.

    It is counted while the process runs, each minute before it begins, so that no restart adds to it. Once
    the clock is right it ends by the calendar, too, so that a time without power counts.

    Args:
        clock: for both.
        memo: keeps it over restarts.
    """

    def __init__(self, clock: Clock, memo: Memo) -> None:
        self._clock = clock
        self._memo = memo
        kept = _read(memo)
        self._left_ns = kept.left_s * SECOND_NS
        self._until_ms = kept.until_ms
        self._told_ns = clock.now_ns()
        self._charged_ns = self._left_ns  # what is on the disk
        self.tick()

    @property
    def active(self) -> bool:
        """Whether it goes on, as of the last tick."""
        return self._left_ns > 0

    @property
    def left_ms(self) -> int:
        """For how long, as of the last tick."""
        return self._left_ns // _MS_NS

    def begin(self, minutes: int) -> bool:
        """Begin, or begin anew, for so long; 0 ends it. Whether that is on the disk: else it has ended.

        Then a restart may go on with what was asked for before, where the disk takes no change at all.
        """
        self._left_ns = min(minutes, MOST_MINUTES) * 60 * SECOND_NS
        self._told_ns = self._clock.now_ns()
        self._until_ms = None
        self._follow_clock()
        return self._charge()

    def tick(self) -> None:
        """Let time pass; about once a second."""
        if not self.active:
            return
        now_ns = self._clock.now_ns()
        self._left_ns = max(self._left_ns - max(now_ns - self._told_ns, 0), 0)
        self._told_ns = now_ns
        self._follow_clock()
        if self._left_ns <= self._charged_ns:
            self._charge()

    def _follow_clock(self) -> None:
        timeline = self._clock.timeline()
        if not timeline.synced or not self.active:
            return
        now_ms = timeline.utc_ns(self._told_ns) // _MS_NS
        if self._until_ms is None:
            self._until_ms = now_ms + self.left_ms
            self._charged_ns = self._left_ns  # have it written down
        self._left_ns = min(self._left_ns, max(self._until_ms - now_ms, 0) * _MS_NS)

    def _charge(self) -> bool:
        """Write down what is left after the minute that begins; what cannot be written down ends.

        Whether it is on the disk; an end is, too, where nothing is.
        """
        self._charged_ns = max(self._left_ns - _CHARGE_S * SECOND_NS, 0)
        kept = _Kept(self._charged_ns // SECOND_NS, self._until_ms if self.active else None)
        if self._memo.keep(msgspec.json.encode(kept)):
            return True
        ends, self._left_ns = not self.active, 0
        return self._memo.forget() and ends


def _read(memo: Memo) -> _Kept:
    try:
        return msgspec.json.decode(memo.read() or b"{}", type=_Kept)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Kept()
