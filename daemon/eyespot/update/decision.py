"""Whether a device takes what its cohort is to run, and when: values in, a decision out."""

from dataclasses import dataclass
from typing import Literal
from zoneinfo import ZoneInfo

from eyespot.domain.errors import StoreError, TrustError
from eyespot.domain.windows import opens_s
from eyespot.trust.archive import SUFFIX
from eyespot.trust.desired import Desired, delay_s
from eyespot.trust.notes import Offer, WorkerNote, bundle_of
from eyespot.trust.slots import Record
from eyespot.update.settings import UpdateSettings

MOST_ATTEMPTS = 10

_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Device:
    """Whose decision it is.

    Attributes:
        id: in topics.
        zone: where it stands.
        runtime: what its models run on; None where it looks with none of its own.
        memory_mb: that it has.
        pinned: the bundle that the configuration names, so that the slots have no say; empty where they have.
    """

    id: str
    zone: ZoneInfo
    runtime: Literal["tflite", "imx500"] | None
    memory_mb: int
    pinned: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What comes of an offer.

    Attributes:
        take: whether it is to be fetched now.
        bundle: its id.
        offer: what people are told; None where there is nothing to tell.
        code, reason: why it is not taken, where that is not for lack of time.
        staged: whether the body has it already.
    """

    take: bool
    bundle: str
    offer: Offer | None = None
    code: str | None = None
    reason: str = ""
    staged: bool = False


def bundle_desired(desired: Desired) -> str:
    """Return the id of the bundle that a cohort is to run.

    Raises:
        TrustError: its parts contradict each other.
    """
    name = desired.target.rpartition("/")[2].removesuffix(SUFFIX)
    try:
        bundle = bundle_of(name)
    except StoreError as error:
        raise TrustError(f"{desired.target}, which is desired, is not named after a bundle's id") from error
    if not bundle.startswith(f"{desired.bundle}@{desired.version}-"):
        raise TrustError(
            f"{desired.target} is not {desired.bundle} {desired.version}, as the release says; release again"
        )
    return bundle


def decide(
    desired: Desired,
    record: Record,
    before: WorkerNote | None,
    *,
    size_bytes: int,
    settings: UpdateSettings,
    device: Device,
    now_s: int,
) -> Decision:
    """Return what a device makes of what its cohort is to run.

    Args:
        desired: by the cohort.
        record: of the slots.
        before: what the worker said last: who has waited for a turn, or was approved, keeps that.
        size_bytes: of the packed bundle.
        settings: of the device.
        device: which.
        now_s: UTC.

    Raises:
        TrustError: the release contradicts itself.
    """
    bundle = bundle_desired(desired)
    settled = _settled(bundle, desired, record, before, device)
    if settled is not None:
        return settled
    waits_for, until_s = _wait(desired, before, settings, device, now_s)
    offer = Offer(
        name=desired.bundle,
        version=desired.version,
        rollout=desired.rollout,
        size_bytes=size_bytes,
        notes=desired.notes,
        notes_url=desired.notes_url,
        waits_for=waits_for,
        until_s=until_s,
    )
    return Decision(take=waits_for is None, bundle=bundle, offer=offer)


def attempts(before: WorkerNote | None, rollout: str | None) -> int:
    """Return how often a rollout has failed on this device."""
    same = before is not None and before.offer is not None and before.offer.rollout == rollout
    return before.attempts if before is not None and same else 0


def _settled(
    bundle: str, desired: Desired, record: Record, before: WorkerNote | None, device: Device
) -> Decision | None:
    """Return why there is nothing to do; None where there is."""
    staged = record.staged
    if staged is not None and (staged.bundle, staged.rollout) == (bundle, desired.rollout):
        return Decision(take=False, bundle=bundle, staged=True)
    if bundle == record.current and not device.pinned:
        return Decision(take=False, bundle=bundle)
    code, reason = None, ""
    if device.pinned:
        code, reason = "pinned", device.pinned
    elif (shunned := record.shuns(bundle, desired.rollout)) is not None:
        code = "quarantined"
        reason = f"{bundle} was tried, and is not tried again in this rollout: {shunned}"
    elif record.trial is not None:
        code, reason = "on_trial", f"{record.trial.bundle} is on probation; the next check goes on"
    elif attempts(before, desired.rollout) >= MOST_ATTEMPTS:
        code, reason = "gave_up", _gave_up(bundle, before)
    return Decision(take=False, bundle=bundle, code=code, reason=reason[:_LONGEST]) if code else None


def _gave_up(bundle: str, before: WorkerNote | None) -> str:
    if before is None or before.code == "gave_up":
        return before.reason if before else ""
    return f"{bundle} is not tried again in this rollout, after {MOST_ATTEMPTS} times: {before.reason}"


def _wait(
    desired: Desired, before: WorkerNote | None, settings: UpdateSettings, device: Device, now_s: int
) -> tuple[Literal["approval", "window", "turn"] | None, int | None]:
    """Return what it waits for, and until when, UTC in s; None and None where its time has come."""
    if not desired.includes(device.id):
        return "turn", None
    if before is not None and before.approved == desired.rollout:
        return None, None
    turn_s = _turn_s(desired, before, device, now_s)
    if turn_s > now_s:
        return "turn", turn_s
    if settings.approve:
        return "approval", None
    opening_s = None if settings.window is None else opens_s(settings.window, now_s, device.zone)
    return ("window" if opening_s else None), opening_s


def _turn_s(desired: Desired, before: WorkerNote | None, device: Device, now_s: int) -> int:
    """Return when a device that is included may begin: all spread from when they could know, and may."""
    delay = delay_s(device.id, desired.rollout, desired.jitter_s)
    offer = None if before is None else before.offer
    if offer is None or offer.rollout != desired.rollout:
        return max(desired.not_before_s, now_s) + delay
    if offer.waits_for != "turn":
        return desired.not_before_s
    if offer.until_s is None:
        return max(desired.not_before_s, now_s) + delay
    return max(offer.until_s, desired.not_before_s)
