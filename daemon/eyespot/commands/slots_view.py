"""What is in the model slots, in words and as JSON."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from eyespot.app import Installed, SlotsView
from eyespot.domain.instants import LATEST_S
from eyespot.trust.notes import Offer, WorkerNote
from eyespot.trust.slots import MOST_STARTS, Record, Result

_MB = 1_000_000
_FACTORY = "the factory model"
_WAITS = {
    "approval": "waits for approval: `eyespot models approve`",
    "window": "waits for its window",
    "turn": "waits until the rollout comes to this device",
    None: "is taken next",
}


def as_object(view: SlotsView) -> dict[str, Any]:
    """Return it as an object for JSON."""
    record = msgspec.to_builtins(view.record)
    return {
        "folder": str(view.folder),
        **{name: record[name] for name in ("current", "good", "previous", "staged", "trial")},
        "quarantine": record["quarantine"],
        "last_result": record["last_result"],
        "pinned": view.pinned,
        "cohort": view.cohort,
        "worker": msgspec.to_builtins(view.note),
        "installed": [msgspec.to_builtins(each) for each in view.installed],
        "free_bytes": view.free_bytes,
    }


def as_text(view: SlotsView) -> str:
    """Return it in words, a line a fact."""
    return "\n".join(f"{name:12}{words}" for name, words in _rows(view))


def _rows(view: SlotsView) -> Iterator[tuple[str, str]]:
    record = view.record
    if view.pinned is not None:
        yield "pinned", f"{view.pinned}, by the configuration: the slots have no say"
    yield "current", (record.current or _FACTORY) + _trial(record)
    yield "good", record.good or _FACTORY
    yield "previous", record.previous or _FACTORY
    if record.staged is not None:
        signed = "" if record.staged.signed else ", which nobody has signed"
        yield "staged", f"{record.staged.bundle}{_of(record.staged.rollout)}{signed}"
    for one in record.quarantine:
        yield "quarantine", f"{one.bundle}{_of(one.rollout)}: {one.reason!a}"
    if record.last_result is not None:
        yield "last", _result(record.last_result)
    yield from _worker(view.note, record)
    yield "folder", str(view.folder)
    yield "disk", _disk(view.installed, view.free_bytes)


def _trial(record: Record) -> str:
    trial = record.trial
    return "" if trial is None else f", on probation, start {trial.starts} of {MOST_STARTS}"


def _result(result: Result) -> str:
    reason = f": {result.reason!a}" if result.reason else ""
    return (
        f"{_at(result.at_s)} {result.outcome.replace('_', ' ')} {result.bundle}{_of(result.rollout)}{reason}"
    )


def _worker(note: WorkerNote | None, record: Record) -> Iterator[tuple[str, str]]:
    if note is None:
        yield "worker", "has never looked"
        return
    if note.state == "staged" and record.staged is None:  # the body has taken it since, or refused it
        yield "worker", f"idle, {_at(note.at_s)}"
        return
    percent = "" if note.percent is None else f" {note.percent:.0f} %"
    reason = f": {note.reason!a}" if note.reason else ""
    yield "worker", f"{note.state}{percent}, {_at(note.at_s)}{reason}"
    if note.offer is not None:
        yield "offer", _offer(note.offer)


def _offer(offer: Offer) -> str:
    return f"{offer.name!a} {offer.version!a}{_of(offer.rollout)} {_WAITS[offer.waits_for]}"


def _disk(installed: tuple[Installed, ...], free_bytes: int) -> str:
    used = sum(each.size_bytes for each in installed)
    bundles = "1 bundle" if len(installed) == 1 else f"{len(installed)} bundles"
    return f"{bundles}, {used / _MB:.1f} MB; {free_bytes / _MB:.0f} MB are free"


def _of(rollout: str | None) -> str:
    return "" if rollout is None else f" of rollout {rollout}"


def _at(utc_s: int) -> str:
    return f"{datetime.fromtimestamp(min(utc_s, LATEST_S), UTC):%Y-%m-%dT%H:%M:%SZ}"
