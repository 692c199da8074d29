"""How it may stand with the model."""

from typing import Any

from hypothesis import strategies as some

from eyespot.ports import ModelIdentity
from eyespot.trust.notes import Offer, WorkerNote
from eyespot.trust.slots import MOST_QUARANTINED, Quarantined, Record, Result, Staged, Trial
from eyespot.update.reports import Standing

NOW_S = 1_800_000_000
OLD, NEW = "people@1.1.0-0123456789ab", "people@1.2.0-ba9876543210"
FACTORY = Record()
OFFER = Offer(
    name="people", version="1.2.0", rollout="2026-11-a", notes="Sees dogs", notes_url="https://example.org/1"
)


def identity(bundle: str) -> ModelIdentity:
    name, _, rest = bundle.partition("@")
    return ModelIdentity(bundle, name, rest.rpartition("-")[0], "0" * 64, ("person",), 0.35)


def note(state: str = "idle", **more: Any) -> WorkerNote:
    return WorkerNote(**{"state": state, "at_s": NOW_S, **more})


def standing(record: Record = FACTORY, note: WorkerNote | None = None, **more: Any) -> Standing:
    looks = identity(record.current or "factory@1.0.0-ffffffffffff")
    return Standing(**{"record": record, "note": note, "looks": looks, "cohort": "default", **more})


texts = some.text(max_size=300)
bundles = some.sampled_from([OLD, NEW, "a@0.0.1-000000000000"])
rollouts = some.none() | some.sampled_from(["2026-11-a", "b"])
counts = some.integers(0, 2**53)
offers = some.builds(
    Offer,
    name=some.sampled_from(["people", "a"]) | texts,
    version=some.sampled_from(["1.2.0"]) | texts,
    rollout=rollouts,
    notes=texts,
    notes_url=some.sampled_from(["https://example.org/1", "http://[::1]/"]) | some.text(max_size=500),
    waits_for=some.sampled_from(["approval", "window", "turn", None]),
)
notes = some.builds(
    WorkerNote,
    state=some.sampled_from(
        ["idle", "checking", "offered", "downloading", "verifying", "testing", "staged", "failed"]
    ),
    at_s=some.integers(NOW_S - 1000, NOW_S + 10) | counts,
    code=some.none() | some.sampled_from(["clock_unsynced"]),
    reason=texts,
    offer=some.none() | offers,
    percent=some.none() | some.floats(0, 100),
    attempts=counts,
)
records = some.builds(
    Record,
    current=some.none() | bundles,
    good=some.none() | bundles,
    previous=some.none() | bundles,
    staged=some.none() | some.builds(Staged, bundle=bundles, rollout=rollouts),
    trial=some.none() | some.builds(Trial, bundle=bundles, rollout=rollouts, starts=some.integers(1, 2)),
    quarantine=some.lists(
        some.builds(Quarantined, bundle=bundles, rollout=rollouts, reason=texts), max_size=MOST_QUARANTINED
    ).map(tuple),
    last_result=some.none()
    | some.builds(
        Result,
        bundle=bundles,
        rollout=rollouts,
        outcome=some.sampled_from(["committed", "rolled_back", "refused"]),
        reason=texts,
        at_s=counts,
    ),
)
standings = some.builds(
    standing,
    records,
    some.none() | notes,
    pinned=some.sampled_from(["", "the configuration names /opt/ours"]),
    asks=some.booleans(),
)
