"""One run of the update worker: from a look at the repository to a bundle that is staged for the body."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from eyespot.domain.errors import (
    FeedError,
    ModelError,
    TrustError,
    UpdateError,
    one_line,
)
from eyespot.trust.desired import bucket
from eyespot.trust.notes import Offer, Request, WorkerNote
from eyespot.trust.slots import OutOfTurnError, Record, Staged, raise_floor, shun
from eyespot.update.account import Account, warning
from eyespot.update.commands import CAN_BE_APPROVED
from eyespot.update.commit import storing
from eyespot.update.decision import Decision, Device, attempts, decide
from eyespot.update.feed import Feed, Found, Target
from eyespot.update.fetcher import Fetcher
from eyespot.update.now import Now
from eyespot.update.settings import UpdateSettings
from eyespot.update.slots import Slots
from eyespot.update.taking import Prove, Taking

_A_DAY_S, _PARTS_OF_A_DAY = 86_400, 10_000
_AT_LEAST_S = 3600
_SOON_S = 600, 3600
_TRUSTED_STEP_S = _A_DAY_S // 2


@dataclass(frozen=True, slots=True)
class Source:
    """Where signed bundles come from.

    Attributes:
        feed: says which.
        fetcher: brings them.
    """

    feed: Feed
    fetcher: Fetcher


class Worker:
    """The update worker.

    Args:
        slots: are filled.
        settings: of updates.
        device: for which.
        source: of bundles; None where no repository is named.
        prove: tries a network in a process of its own; raises ModelError.
        now: tells the time.
        show: gets each note that is written.
    """

    def __init__(
        self,
        slots: Slots,
        settings: UpdateSettings,
        device: Device,
        source: Source | None,
        *,
        prove: Prove,
        now: Callable[[], Now],
        show: Callable[[WorkerNote], None] = lambda _: None,
    ) -> None:
        self._slots = slots
        self._settings = settings
        self._device = device
        self._source = source
        self._now = now
        self._account = Account(slots, lambda: now().utc_s, show)
        self._taking = Taking(slots, device, prove, self._account.say)

    def run(self) -> WorkerNote:
        """Do what is asked for, then what the repository wants, as far as its time has come.

        Returns:
            What there is to be said at the end.

        Raises:
            UpdateError: that went wrong; the note on the disk says the same.
        """
        with self._slots.working():
            requests = self._slots.take_requests("worker")
            self._account.wake_at(self._soon_s())  # should this run be cut off
            try:
                with storing(self._slots.folder):
                    if not self._installed(requests):
                        self._look(requests)
            except UpdateError as error:
                named = _by_the_clock(error, self._now())
                self._account.fail(named, self._account.note.attempts)
                raise named from error
            self._account.wake_at(self._next_s())
            return self._account.note

    def _installed(self, requests: Sequence[Request]) -> bool:
        """Take the local bundles that are asked for; return whether there were any."""
        paths = [one.path for one in requests if one.kind == "install" and one.path]
        for path in paths:
            self._install(Path(path))
        return bool(paths)

    def _install(self, path: Path) -> None:
        if not self._settings.allow_unsigned:
            raise TrustError(
                f"nobody has signed {path}: set [update] allow_unsigned = true to take it all the same",
                "unsigned",
            )
        self._account.say("verifying", offer=None, attempts=0, approved=None)
        try:
            staged = self._taking.local(path)
        except ModelError as error:
            raise TrustError(f"the local bundle is refused: {one_line(error)}", "refused") from error
        except OutOfTurnError as error:
            raise TrustError(f"the local bundle is not taken: {error}", "out_of_turn") from error
        finally:
            if path.parent == self._slots.part("").parent:  # a copy that was made for us
                path.unlink(missing_ok=True)
        self._account.say("staged", reason=f"{staged.bundle} is signed by nobody")
        self._slots.collect()

    def _look(self, requests: Sequence[Request]) -> None:
        """Look at the repository, and do what it wants."""
        if self._source is None:
            self._wait_for_nothing(reason="no repository is named")
            return
        before = replace(self._account.note, **self._approval(requests))
        self._account.say("checking", approved=before.approved)
        now = self._now()
        record = self._slots.record
        found = self._source.feed.ask(self._settings.cohort, record.floor, now)
        self._raise_floor(record, found)
        doubts = warning(found.expires_s, now.utc_s, _behind(now, record))
        told = {"checked_s": now.utc_s, "metadata_expires_s": max(0, found.expires_s)}
        if found.desired is None or found.target is None:
            reason = f"nothing is released to the cohort {self._settings.cohort}"
            self._wait_for_nothing(**({"reason": reason} | told | doubts))
            return
        decision = decide(
            found.desired,
            record,
            before,
            size_bytes=found.target.length,
            settings=self._settings,
            device=self._device,
            now_s=now.utc_s,
        )
        failed = attempts(before, found.desired.rollout)
        if decision.take and decision.offer:
            self._account.say("checking", offer=decision.offer, attempts=failed, **told)
            self._take(found.target, decision.offer, decision.bundle)
        else:
            self._wait(decision, failed, {**told, **doubts})

    def _approval(self, requests: Sequence[Request]) -> dict[str, object]:
        """Return what is approved: the rollout that waited when somebody did."""
        offer = self._account.note.offer
        asked = any(one.kind == "approve" for one in requests)
        if asked and offer is not None and offer.waits_for in CAN_BE_APPROVED:
            return {"approved": offer.rollout}
        return {}

    def _raise_floor(self, record: Record, found: Found) -> None:
        """Keep what is trusted from now on; time alone is not worth a write each time."""
        before, after = record.floor, found.floor
        newer = after.trusted_s - before.trusted_s >= _TRUSTED_STEP_S
        if newer or replace(after, trusted_s=before.trusted_s) != before:
            self._slots.change(partial(raise_floor, floor=after, anew=found.anew))

    def _wait_for_nothing(self, **told: object) -> None:
        self._account.say("idle", offer=None, attempts=0, approved=None, **told)

    def _wait(self, decision: Decision, failed: int, told: dict[str, object]) -> None:
        """Say why nothing is taken."""
        if decision.code == "gave_up":
            self._account.say("failed", **(told | {"code": decision.code, "reason": decision.reason}))
            return
        if decision.code:
            told |= {"code": decision.code, "reason": decision.reason}
        offer = decision.offer
        waits = offer is not None and offer.waits_for in CAN_BE_APPROVED
        self._account.say(
            "staged" if decision.staged else "offered" if waits else "idle",
            offer=offer,
            attempts=failed if offer else 0,
            approved=None,
            **told,
        )

    def _take(self, target: Target, offer: Offer, bundle: str) -> None:
        """Fetch a bundle and stage it; count what fails."""
        part = self._slots.part(target.url)
        before = _size(part)
        staged = Staged(bundle=bundle, rollout=offer.rollout)
        try:
            self._fetch(target, part, offer)
            self._stage(target, part, staged)
        except ModelError as error:
            part.unlink(missing_ok=True)
            reason = one_line(error)
            self._slots.change(partial(shun, of=staged, reason=reason, at_s=self._now().utc_s))
            raise TrustError(f"{bundle} is refused: {reason}", "refused") from error
        except (TrustError, FeedError) as error:
            if isinstance(error, TrustError) or _size(part) <= before:
                self._account.say("failed", attempts=self._account.note.attempts + 1)
            raise
        except OutOfTurnError as error:
            self._account.say("idle", code="out_of_turn", reason=one_line(error))
            return
        self._account.say("staged", attempts=0, approved=None)
        self._slots.collect()

    def _fetch(self, target: Target, part: Path, offer: Offer) -> None:
        self._slots.need_room(target.room_bytes)
        self._account.say("downloading", percent=0.0)
        assert self._source is not None  # noqa: S101 - whose target it is
        self._source.fetcher.bring(target.url, target.length, part, self._account.progress(offer))

    def _stage(self, target: Target, part: Path, staged: Staged) -> None:
        with storing(part):
            file = part.open("rb", buffering=0)
        with file:
            try:
                target.check(file)
            except TrustError:
                part.unlink()
                raise
            file.seek(0)
            self._taking.packed(file, staged)
        part.unlink(missing_ok=True)

    def _soon_s(self) -> int:
        return self._now().utc_s + random.randint(*_SOON_S)  # noqa: S311 - no secret

    def _next_s(self) -> int:
        """Return when to look again: at this device's time of the day, or when a wait ends."""
        if self._account.note.code == "on_trial":  # what waits for its end need not wait for tomorrow
            return self._soon_s()
        now_s = self._now().utc_s
        own_s = bucket(self._device.id, "poll") * _A_DAY_S // _PARTS_OF_A_DAY
        next_s = now_s + _AT_LEAST_S + (own_s - now_s - _AT_LEAST_S) % _A_DAY_S
        offer = self._account.note.offer
        if offer is not None and offer.until_s is not None:
            return min(next_s, max(offer.until_s, now_s))
        return next_s


def _behind(now: Now, record: Record) -> str:
    """Return in words that the clock has gone back; empty where it has not."""
    if now.utc_s >= record.floor.trusted_s:
        return ""
    return "the clock of this device is behind: it was later when the repository was trusted last; set it"


def _by_the_clock(error: UpdateError, now: Now) -> UpdateError:
    """Return the error; where a clock that nobody keeps right may be at fault, that is said."""
    if error.code != "tls" or now.synced:
        return error
    return FeedError(
        f"{one_line(error)}; the clock of this device is not set, look at that first", "clock_unsynced"
    )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
