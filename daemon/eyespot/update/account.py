"""What the worker says of itself: worker.json, written as it goes, and when it is to be woken next."""

import logging
from collections.abc import Callable

from msgspec.structs import replace

from eyespot.domain.errors import EyespotError, StoreError, UpdateError, one_line
from eyespot.domain.placing import put, staged
from eyespot.trust.notes import Offer, WorkerNote, WorkerState
from eyespot.update.commit import FOR_ALL, storing
from eyespot.update.slots import Slots

NEXT = "next"  # when to wake the worker, UTC in s; read by the unit's condition
WARN_S = 14 * 86_400

_SHORTEST_S, _LONGEST_S, _STEP = 5.0, 60.0, 10.0

_log = logging.getLogger(__name__)


class Account:
    """The worker's own account.

    Args:
        slots: where it is kept.
        utc_s: the time of day.
        show: gets each note, too.

    Attributes:
        note: what it says now; at first, what it said at the end of the run before.
    """

    def __init__(
        self, slots: Slots, utc_s: Callable[[], int], show: Callable[[WorkerNote], None] = lambda _: None
    ) -> None:
        self._slots = slots
        self._utc_s = utc_s
        self._show = show
        self.note = _read(slots) or WorkerNote(at_s=utc_s())

    def say(self, state: WorkerState, **changes: object) -> None:
        """Say where the worker is. What is not given stays, apart from how it failed and how far it is.

        A disk that does not take the note is no reason to stop.
        """
        cleared: dict[str, object] = {"code": None, "reason": "", "percent": None}
        self.note = replace(self.note, state=state, at_s=self._utc_s(), **(cleared | changes))
        self._show(self.note)
        try:
            self._slots.write_worker_note(self.note)
        except StoreError as error:
            _log.warning("%s", one_line(error))

    def fail(self, error: EyespotError, attempts: int) -> None:
        """Say how the run has failed."""
        code = error.code if isinstance(error, UpdateError) else "refused"
        self.say("failed", code=code, reason=one_line(error), attempts=attempts)

    def progress(self, offer: Offer) -> "Progress":
        """Return what is told how far the download of an offer is."""
        return Progress(self, offer.size_bytes, self._utc_s)

    def wake_at(self, next_s: int) -> None:
        """Note when the worker is to be woken."""
        path = self._slots.folder / NEXT
        try:
            with storing(path):
                put(staged(path, b"%d\n" % next_s, FOR_ALL), path)
        except StoreError as error:
            _log.warning("%s", one_line(error))


class Progress:
    """Says how far a download is, now and then: each time costs a write to the card.

    Args:
        account: says it.
        size_bytes: of the whole.
        now_s: a clock.
    """

    def __init__(self, account: Account, size_bytes: int, now_s: Callable[[], float]) -> None:
        self._account = account
        self._size_bytes = size_bytes
        self._now_s = now_s
        self._told = 0.0
        self._told_s = now_s()

    def __call__(self, have: int) -> None:
        """Say so, where that is news."""
        percent = 100 * have / max(1, self._size_bytes)
        quiet_s = self._now_s() - self._told_s
        if quiet_s >= (_SHORTEST_S if percent - self._told >= _STEP else _LONGEST_S):
            self._told, self._told_s = percent, self._now_s()
            self._account.say("downloading", percent=round(min(percent, 100.0), 1))


def warning(expires_s: int, now_s: int, clock_behind: str) -> dict[str, object]:
    """Return code and reason of what is not as it should be, though nothing has failed; else nothing."""
    if clock_behind:
        return {"code": "clock_unsynced", "reason": clock_behind}
    if expires_s - now_s < WARN_S:
        days = max(0, (expires_s - now_s) // 86_400)
        reason = f"the repository's signatures end in {days} days; sign anew: eyespot-fleet publish refresh"
        return {"code": "metadata_expires", "reason": reason}
    return {}


def _read(slots: Slots) -> WorkerNote | None:
    try:
        return slots.worker_note()
    except StoreError as error:
        _log.warning("%s", one_line(error))
        return None
