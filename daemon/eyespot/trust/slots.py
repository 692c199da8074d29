"""The commit record of the model slots, and how it may change: values in, values out.

A bundle is named by its id, `name@version-sha12`; None stands for the factory model, which is always there.
Each function returns the next record, one generation on; who keeps it makes that one write.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MOST_STARTS = 2
MOST_QUARANTINED = 50
NONE_BEFORE = "the factory model looks, and there is none before it"
_LONGEST = 300

_BUNDLE_ID = r"\A[a-z0-9][a-z0-9-]{0,62}@[0-9]+\.[0-9]+\.[0-9]+-[0-9a-f]{12}\Z"

BundleId = Annotated[str, Meta(pattern=_BUNDLE_ID, max_length=120)]
_Text = Annotated[str, Meta(max_length=_LONGEST)]
RolloutId = Annotated[str, Meta(pattern=r"\A[a-z0-9][a-z0-9.-]{0,63}\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**53)]

Outcome = Literal["committed", "rolled_back", "refused"]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of the record."""


class Staged(_Part, frozen=True, kw_only=True):
    """A bundle that is installed and has passed all tests that need no frames; the body decides on it.

    Attributes:
        rollout: which rollout wants it; None for one that was installed by hand.
        signed: whether the trust chain vouches for it.
    """

    bundle: BundleId
    rollout: RolloutId | None = None
    signed: bool = True


class Trial(_Part, frozen=True, kw_only=True):
    """The current bundle is on probation.

    Attributes:
        starts: how often it was loaded, or was about to be.
    """

    bundle: BundleId
    rollout: RolloutId | None = None
    starts: Annotated[int, Meta(ge=1, le=MOST_STARTS)] = 1


class Quarantined(_Part, frozen=True, kw_only=True):
    """A bundle that is not tried again for the same rollout."""

    bundle: BundleId
    rollout: RolloutId | None = None
    reason: _Text


class Floor(_Part, frozen=True, kw_only=True):
    """What trust never goes back behind: versions of the repository's metadata, and a time, UTC in s.

    Attributes:
        anchor: sha256 of the `root.json` with which trust began; the versions are those of that repository.
    """

    anchor: Annotated[str, Meta(pattern=r"\A([0-9a-f]{64})?\Z")] = ""
    root: _Count = 0
    timestamp: _Count = 0
    snapshot: _Count = 0
    targets: _Count = 0
    trusted_s: _Count = 0


class Result(_Part, frozen=True, kw_only=True):
    """How the last change ended.

    Attributes:
        at_s: UTC in s, as the clock of the device had it.
    """

    bundle: BundleId
    rollout: RolloutId | None = None
    outcome: Outcome
    reason: _Text = ""
    at_s: _Count


class Record(_Part, frozen=True, kw_only=True):
    """Which model looks, which one is known to be good, and what is being tried.

    Attributes:
        generation: one more with each change.
        current: what is to be loaded.
        good: what has proven itself last; what a failed trial goes back to.
        previous: what was good before, for an operator who wants it back.
        staged: what the body may try next.
        trial: set while `current` is on probation.
        quarantine: the newest last.
    """

    schema: Literal["eyespot.models/1"] = "eyespot.models/1"
    generation: _Count = 0
    current: BundleId | None = None
    good: BundleId | None = None
    previous: BundleId | None = None
    staged: Staged | None = None
    trial: Trial | None = None
    quarantine: Annotated[tuple[Quarantined, ...], Meta(max_length=MOST_QUARANTINED)] = ()
    floor: Floor = Floor()
    last_result: Result | None = None

    @property
    def in_use(self) -> frozenset[str]:
        """The bundles that must not be removed."""
        staged = self.staged.bundle if self.staged else None
        return frozenset(b for b in (self.current, self.good, self.previous, staged) if b is not None)

    def shuns(self, bundle: str, rollout: str | None) -> str | None:
        """Return why a bundle is not to be tried for this rollout; None where it may be."""
        for one in self.quarantine:
            if (one.bundle, one.rollout) == (bundle, rollout):
                return one.reason
        return None


class OutOfTurnError(ValueError):
    """What is asked for does not fit the state of the slots; says so in one line."""


def stage(record: Record, staged: Staged) -> Record:
    """Offer an installed bundle to the body; one that was offered before gives way.

    Raises:
        OutOfTurnError: a trial is under way, it is quarantined, or it looks already.
    """
    _without_trial(record)
    if staged.bundle == record.current:
        raise OutOfTurnError(f"{staged.bundle} is what looks already")
    reason = record.shuns(staged.bundle, staged.rollout)
    if reason is not None:
        raise OutOfTurnError(f"{staged.bundle} is quarantined: {reason}")
    return _next(record, staged=staged)


def refuse(record: Record, reason: str, at_s: int) -> Record:
    """Put what is staged into quarantine, untried.

    Raises:
        OutOfTurnError: nothing is staged.
    """
    return msgspec.structs.replace(shun(record, _staged(record), reason, at_s), staged=None)


def activate(record: Record) -> Record:
    """Begin the probation of what is staged. It counts as its first start.

    Raises:
        OutOfTurnError: nothing is staged, or a trial is under way.
    """
    staged = _staged(record)
    _without_trial(record)
    trial = Trial(bundle=staged.bundle, rollout=staged.rollout)
    return _next(record, current=staged.bundle, staged=None, trial=trial)


def count_start(record: Record) -> Record | None:
    """Return the record to keep before the current bundle is loaded at a start of the body.

    None where it has been started too often on probation: then it is to be rolled back.
    Without a trial the record stays as it is.
    """
    trial = record.trial
    if trial is None:
        return record
    if trial.starts >= MOST_STARTS:
        return None
    return _next(record, trial=msgspec.structs.replace(trial, starts=trial.starts + 1))


def commit(record: Record, at_s: int) -> Record:
    """End a probation well.

    Raises:
        OutOfTurnError: there is none.
    """
    trial = _trial(record)
    return _next(
        record,
        good=trial.bundle,
        previous=record.good,
        trial=None,
        last_result=_result(trial, "committed", "", at_s),
    )


def roll_back(record: Record, reason: str, at_s: int) -> Record:
    """End a probation badly: what was good before looks again, and the bundle is quarantined.

    Raises:
        OutOfTurnError: there is none.
    """
    trial = _trial(record)
    return _next(
        record,
        current=record.good,
        trial=None,
        quarantine=_shunned(record, trial, reason),
        last_result=_result(trial, "rolled_back", reason, at_s),
    )


def go_back(record: Record, reason: str, at_s: int) -> Record:
    """Do what an operator asks for: leave the current bundle, for the one before it.

    Raises:
        OutOfTurnError: the factory model looks already, or there is no other.
    """
    if record.trial is not None:
        return roll_back(record, reason, at_s)
    if record.current is None:
        raise OutOfTurnError(NONE_BEFORE)
    left = Trial(bundle=record.current, rollout=_rollout(record))
    return _next(
        record,
        current=record.previous,
        good=record.previous,
        previous=None,
        quarantine=_shunned(record, left, reason),
        last_result=_result(left, "rolled_back", reason, at_s),
    )


def lose(record: Record, bundle: str, reason: str, at_s: int) -> Record:
    """Do without a bundle that is missing or damaged: what is good looks, else the factory model."""
    good = None if record.good == bundle else record.good
    lost = record.current == bundle
    return _next(
        record,
        current=good if lost else record.current,
        good=good,
        previous=None if record.previous == bundle else record.previous,
        staged=None if record.staged and record.staged.bundle == bundle else record.staged,
        trial=None if lost else record.trial,
        last_result=Result(bundle=bundle, outcome="rolled_back", reason=reason[:_LONGEST], at_s=at_s),
    )


def raise_floor(record: Record, floor: Floor, *, anew: bool = False) -> Record:
    """Never again trust what is older than this; what is newer already stays.

    Args:
        record: as it stands.
        floor: the new one.
        anew: whether versions are counted anew: it is another repository, or one whose keys were replaced.
            Time goes on all the same.
    """
    before = record.floor
    if anew:
        return _next(
            record, floor=msgspec.structs.replace(floor, trusted_s=max(before.trusted_s, floor.trusted_s))
        )
    names = Floor.__struct_fields__
    highest = {name: max(getattr(before, name), getattr(floor, name)) for name in names}
    return _next(record, floor=Floor(**highest))


def shun(record: Record, of: Staged, reason: str, at_s: int) -> Record:
    """Put a bundle into quarantine that was not even staged."""
    return _next(
        record,
        quarantine=_shunned(record, of, reason),
        last_result=_result(of, "refused", reason, at_s),
    )


def _next(record: Record, **changes: object) -> Record:
    return msgspec.structs.replace(record, generation=record.generation + 1, **changes)


def _staged(record: Record) -> Staged:
    if record.staged is None:
        raise OutOfTurnError("nothing is staged")
    return record.staged


def _without_trial(record: Record) -> None:
    if record.trial is not None:
        raise OutOfTurnError(f"{record.trial.bundle} is on probation; wait until that is over")


def _trial(record: Record) -> Trial:
    if record.trial is None:
        raise OutOfTurnError("nothing is on probation")
    return record.trial


def _rollout(record: Record) -> str | None:
    last = record.last_result
    return last.rollout if last is not None and last.bundle == record.current else None


def _result(of: Staged | Trial, outcome: Outcome, reason: str, at_s: int) -> Result:
    return Result(bundle=of.bundle, rollout=of.rollout, outcome=outcome, reason=reason[:_LONGEST], at_s=at_s)


def _shunned(record: Record, of: Staged | Trial, reason: str) -> tuple[Quarantined, ...]:
    others = (one for one in record.quarantine if (one.bundle, one.rollout) != (of.bundle, of.rollout))
    newest = Quarantined(bundle=of.bundle, rollout=of.rollout, reason=reason[:_LONGEST])
    return (*others, newest)[-MOST_QUARANTINED:]
