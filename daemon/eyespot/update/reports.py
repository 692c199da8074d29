"""How it stands with the model, for those who watch: record and notes in, payloads out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from eyespot.domain.instants import LATEST_S, SECOND_NS, rfc3339
from eyespot.ports import ModelIdentity
from eyespot.topics import model_payloads as payloads
from eyespot.trust.notes import Offer, WorkerNote
from eyespot.trust.slots import Record, Result, Staged, Trial

SILENT = "worker_silent"
_SILENT_AFTER_S = 600
_LONGEST_REASON = 300
_WORKING = frozenset({"checking", "downloading", "verifying", "testing"})
_IN_PROGRESS = frozenset({"downloading", "verifying", "testing", "staged"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with the model.

    Attributes:
        record: the commit record of the slots.
        note: the worker's own account; None before its first.
        looks: what makes the observations just now.
        cohort: which devices this one goes with.
        pinned: why the slots have no say in what looks, in words; empty where they have.
        asks: whether a repository is named that can be asked.
    """

    record: Record
    note: WorkerNote | None
    looks: ModelIdentity
    cohort: str
    pinned: str = ""
    asks: bool = True


class Milestones(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a standing is worth an event when it changes; kept, so that none is told twice."""

    result: Result | None = None
    staged: Staged | None = None
    trial: Trial | None = None
    offer: Offer | None = None
    failure: tuple[str, str, int] | None = None


def is_at_work(note: WorkerNote | None) -> bool:
    """Return whether the worker is at work, as it says: then time alone may change what is to be told."""
    return note is not None and note.state in _WORKING


def account(standing: Standing, now_s: int) -> WorkerNote | None:
    """Return the worker's account, as far as it can be believed.

    One that was at work and has said nothing for ten minutes is at work no more, whatever it said last.
    """
    note = standing.note
    if note is None or not is_at_work(note) or now_s - note.at_s <= _SILENT_AFTER_S:
        return note
    reason = f"the update worker stopped while {note.state}; see journalctl -u eyespot-update"
    return msgspec.structs.replace(note, state="failed", code=SILENT, reason=reason, percent=None)


def offered(standing: Standing, now_s: int) -> Offer | None:
    """Return what the repository has for this device; None where that has been tried in vain."""
    note = account(standing, now_s)
    offer = None if note is None else note.offer
    if offer is None:
        return None
    mine = f"{offer.name}@{offer.version}-"
    tried = [(shunned.bundle, shunned.rollout) for shunned in standing.record.quarantine]
    in_vain = any(bundle.startswith(mine) and rollout == offer.rollout for bundle, rollout in tried)
    return None if in_vain else offer


def state(standing: Standing, now_s: int) -> payloads.ModelState:
    """Return where the device is between one model and the next."""
    if standing.record.trial is not None:
        return "trial"
    if standing.record.staged is not None:
        return "staged"
    note = account(standing, now_s)
    if note is None or note.state == "staged":  # what it staged has been taken since, or refused
        return "idle"
    return note.state


def update_state(standing: Standing, now_s: int) -> payloads.UpdateState:
    """Return what Home Assistant is to show."""
    looks, where = standing.looks, state(standing, now_s)
    offer = offered(standing, now_s)
    if offer is not None and offer.waits_for == "turn":  # to press "install" would not help
        offer = None
    staged = standing.record.staged
    latest = offer.version if offer else _version(staged.bundle) if staged else looks.version
    note = standing.note
    return payloads.UpdateState(
        installed_version=in_short(looks.version, 64),
        latest_version=in_short(latest, 64),
        title=in_short(looks.name, 64),
        release_summary=in_short(offer.notes, payloads.LONGEST_SUMMARY) if offer else "",
        release_url=_web_page(offer.notes_url) if offer else UNSET,
        in_progress=where in _IN_PROGRESS,
        update_percentage=note.percent if note and where == "downloading" else None,
    )


def detail(standing: Standing, now_s: int) -> Mapping[str, Any]:
    """Return the fields of `ModelDetail`, without the envelope."""
    record, where = standing.record, state(standing, now_s)
    note = account(standing, now_s) if where not in {"trial", "staged"} else None
    offer = offered(standing, now_s)
    return {
        "state": where,
        "code": note and note.code,
        "reason": in_short(note.reason) if note else "",
        "looks": in_short(standing.looks.bundle, 160),
        "current": record.current,
        "good": record.good,
        "previous": record.previous,
        "staged": record.staged and record.staged.bundle,
        "trial": record.trial and _trial(record.trial),
        "quarantine": tuple(
            payloads.Shunned(bundle=one.bundle, rollout=one.rollout, reason=in_short(one.reason))
            for one in record.quarantine[-payloads.MOST_QUARANTINED :]
        ),
        "offer": offer and _offered(offer),
        "percent": note.percent if note and where == "downloading" else None,
        "attempts": note.attempts if note else 0,
        "last_result": record.last_result and _last_result(record.last_result),
        "cohort": standing.cohort,
    }


def milestones(standing: Standing, now_s: int) -> Milestones:
    """Return what of it is worth an event when it changes."""
    record, note = standing.record, account(standing, now_s)
    trial = record.trial and msgspec.structs.replace(record.trial, starts=1)
    offer = offered(standing, now_s)
    failed = note is not None and note.state == "failed"
    return Milestones(
        record.last_result,
        record.staged,
        trial,
        offer and msgspec.structs.replace(offer, waits_for=None, until_s=None),
        (note.code or "", note.reason, note.attempts) if note is not None and failed else None,
    )


def events(before: Milestones, after: Milestones) -> Iterator[Mapping[str, Any]]:
    """Yield the fields of a `ModelEvent` for each step between, in their order."""
    if (result := after.result) is not None and result != before.result:
        yield _event(result.outcome, result.bundle, result.rollout, reason=result.reason)
    name, rollout = _named(after.offer) if after.offer else (None, None)
    if (failure := after.failure) is not None and failure != before.failure:
        yield _event("failed", name, rollout, code=failure[0], reason=failure[1])
    if (offer := after.offer) is not None and offer != before.offer:
        yield _event("offered", name, rollout, reason=offer.notes)
    if (staged := after.staged) is not None and staged != before.staged:
        yield _event("staged", staged.bundle, staged.rollout)
    if (trial := after.trial) is not None and trial != before.trial:
        yield _event("trial", trial.bundle, trial.rollout)


def _event(
    kind: payloads.ModelStep, bundle: str | None, rollout: str | None, *, code: str = "", reason: str = ""
) -> Mapping[str, Any]:
    return {
        "kind": kind,
        "bundle": bundle,
        "rollout": rollout,
        "code": code or None,
        "reason": in_short(reason),
    }


def _named(offer: Offer) -> tuple[str, str | None]:
    return in_short(f"{offer.name}@{offer.version}", 160), offer.rollout


def _offered(offer: Offer) -> payloads.Offered:
    return payloads.Offered(
        name=in_short(offer.name, 64),
        version=in_short(offer.version, 64),
        rollout=offer.rollout,
        waits_for=offer.waits_for,
    )


def _trial(trial: Trial) -> payloads.TrialState:
    return payloads.TrialState(bundle=trial.bundle, rollout=trial.rollout, starts=trial.starts)


def _last_result(result: Result) -> payloads.LastResult:
    return payloads.LastResult(
        bundle=result.bundle,
        rollout=result.rollout,
        outcome=result.outcome,
        reason=in_short(result.reason),
        at=rfc3339(min(result.at_s, LATEST_S) * SECOND_NS),
    )


def _version(bundle: str) -> str:
    return bundle.partition("@")[2].rpartition("-")[0]


def _web_page(text: str) -> str | UnsetType:
    try:
        return msgspec.convert(text, payloads.WebPage)
    except msgspec.ValidationError:
        return UNSET


def in_short(text: str, longest: int = _LONGEST_REASON) -> str:
    """Return the text on one line, printable and short; whoever made a bundle may have written it."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"
