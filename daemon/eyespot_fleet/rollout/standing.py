"""How a device stands in a rollout, by its own words: the payload of `model/detail`.

Read as far as it is needed here: a device may be newer than this program, and say more.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

from eyespot.trust.archive import SUFFIX
from eyespot.trust.desired import Desired
from eyespot.update.reports import in_short

ATTEMPTS_THAT_FAIL = 3

Phase = Literal["waits", "moves", "trial", "done", "failed"]


class _OnTrial(msgspec.Struct, frozen=True):
    bundle: str
    rollout: str | None = None
    starts: int = 0


class _Shunned(msgspec.Struct, frozen=True):
    bundle: str
    rollout: str | None = None
    reason: str = ""


class _Offer(msgspec.Struct, frozen=True):
    rollout: str | None = None
    waits_for: str | None = None


class _Result(msgspec.Struct, frozen=True):
    bundle: str
    outcome: str
    rollout: str | None = None
    reason: str = ""


class Detail(msgspec.Struct, frozen=True):
    """What a device says of its model; see `eyespot.topics.model_payloads.ModelDetail`."""

    state: str
    cohort: str
    reason: str = ""
    current: str | None = None
    good: str | None = None
    staged: str | None = None
    trial: _OnTrial | None = None
    quarantine: tuple[_Shunned, ...] = ()
    offer: _Offer | None = None
    percent: float | None = None
    attempts: int = 0
    last_result: _Result | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a device stands in one rollout.

    Attributes:
        words: for people, on one line.
    """

    phase: Phase
    words: str


def bundle_in(desired: Desired) -> str:
    """Return the id of the bundle that a cohort shall run."""
    return desired.target.rpartition("/")[2].removesuffix(SUFFIX)


def standing(detail: Detail, desired: Desired) -> Standing:
    """Return how the device that says this stands in the rollout."""
    bundle, rollout = bundle_in(desired), desired.rollout
    if detail.current == detail.good == bundle and detail.trial is None:
        return Standing("done", "has proven itself")
    if (reason := _failure(detail, bundle, rollout)) is not None:
        return Standing("failed", in_short(reason))
    if detail.trial is not None and detail.trial.bundle == bundle:
        return Standing("trial", "on probation")
    if detail.staged == bundle:
        return Standing("moves", "staged")
    if detail.offer is not None and detail.offer.rollout == rollout:
        return _offered(detail, detail.offer)
    return Standing("waits", in_short(f"{detail.state}: {detail.reason}" if detail.reason else detail.state))


def _failure(detail: Detail, bundle: str, rollout: str) -> str | None:
    """Return why it has failed; None where it has not."""
    last, offer = detail.last_result, detail.offer
    if last is not None and last.rollout == rollout and last.outcome in {"rolled_back", "refused"}:
        return f"{last.outcome.replace('_', ' ')}: {last.reason}"
    for one in detail.quarantine:  # whatever happened since: it is not tried again
        if (one.bundle, one.rollout) == (bundle, rollout):
            return one.reason or "quarantined"
    mine = offer is not None and offer.rollout == rollout
    if mine and detail.state == "failed" and detail.attempts >= ATTEMPTS_THAT_FAIL:
        return f"{detail.attempts} attempts: {detail.reason}"
    return None


def _offered(detail: Detail, offer: _Offer) -> Standing:
    if detail.state == "failed":
        return Standing("moves", in_short(f"tries again: {detail.reason}"))
    if offer.waits_for is not None:
        return Standing("waits", in_short(f"waits for its {offer.waits_for}"))
    percent = "" if detail.percent is None else f" {detail.percent:.0f} %"
    return Standing("moves", in_short(f"{detail.state}{percent}"))
