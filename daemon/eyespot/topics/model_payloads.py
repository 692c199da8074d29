"""Payloads about the model, and answers to commands. As in `payloads`: what is not here cannot leave."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from eyespot.domain.names import RuleId
from eyespot.topics.commands import ReqId
from eyespot.topics.payloads import BundleId, Count, Envelope, Line, Short, Utc

MOST_QUARANTINED = 16
LONGEST_SUMMARY = 255  # more Home Assistant does not keep

_Percent = Annotated[float, Meta(ge=0, le=100)]
_Code = Annotated[str, Meta(pattern=r"\A[a-z0-9_]{1,40}\Z")]
WebPage = Annotated[str, Meta(pattern=r"\Ahttps?://[A-Za-z0-9\[][\x21-\x7e]*\Z", max_length=500)]

Ask = Literal["check", "approve", "rollback"]
ReplyCode = Literal["ok", "invalid", "refused", "failed"]
ModelState = Literal[
    "idle", "checking", "offered", "downloading", "verifying", "testing", "staged", "trial", "failed"
]
ModelStep = Literal["offered", "failed", "staged", "refused", "trial", "committed", "rolled_back"]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a payload."""


class Result(_Part, frozen=True, kw_only=True):
    """What came of a command, for programs; each command has keys of its own.

    Attributes:
        request: what was passed on, and will be done.
        rules: which began at zero.
        until: when what was changed falls back by itself.
        pieces: how many follow.
    """

    request: Ask | UnsetType = UNSET
    rules: Annotated[tuple[RuleId, ...], Meta(max_length=100)] | UnsetType = UNSET
    until: Utc | UnsetType = UNSET
    pieces: Count | UnsetType = UNSET


class Reply(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to a command.

    Attributes:
        code: "invalid" is not understood, "refused" is understood and not done, "failed" is our fault.
        detail: the same in words.
        result: what came of it; null where nothing did.
    """

    req_id: ReqId
    code: ReplyCode
    detail: Line
    result: Result | None


class UpdateState(_Part, frozen=True, kw_only=True):
    """The state of an `update` entity of Home Assistant, which takes these keys and no others."""

    installed_version: Short
    latest_version: Short
    title: Short
    release_summary: Annotated[str, Meta(max_length=LONGEST_SUMMARY)]
    release_url: WebPage | UnsetType = UNSET
    in_progress: bool
    update_percentage: _Percent | None


class TrialState(_Part, frozen=True, kw_only=True):
    """The probation of `bundle`; `starts` is how often it was loaded, or was about to be."""

    bundle: BundleId
    rollout: Short | None
    starts: Count


class Shunned(_Part, frozen=True, kw_only=True):
    """A bundle that is not tried again for the same rollout."""

    bundle: BundleId
    rollout: Short | None
    reason: Line


class Offered(_Part, frozen=True, kw_only=True):
    """What the repository has for this device, and what that waits for, if for anything."""

    name: Short
    version: Short
    rollout: Short | None
    waits_for: Literal["approval", "window", "turn"] | None


class LastResult(_Part, frozen=True, kw_only=True):
    """How the last change ended."""

    bundle: BundleId
    rollout: Short | None
    outcome: Literal["committed", "rolled_back", "refused"]
    reason: Line
    at: Utc


class ModelDetail(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the device is between one model and the next. A bundle that is null is the factory's.

    Attributes:
        looks: the bundle that makes the observations just now.
        code: of a failure, for programs; null where all is well.
        reason: the same in words that say what to do.
        current, good, previous: what is to look, what has proven itself last, and what before that.
        staged: what is tried next.
        quarantine: the newest last.
        percent: of the download.
        attempts: at what failed, so far.
    """

    state: ModelState
    code: _Code | None
    reason: Line
    looks: BundleId
    current: BundleId | None
    good: BundleId | None
    previous: BundleId | None
    staged: BundleId | None
    trial: TrialState | None
    quarantine: Annotated[tuple[Shunned, ...], Meta(max_length=MOST_QUARANTINED)]
    offer: Offered | None
    percent: _Percent | None
    attempts: Count
    last_result: LastResult | None
    cohort: Short


class ModelEvent(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One step from one model to the next; `bundle` is its id, of an offer its name@version."""

    kind: ModelStep
    bundle: BundleId | None
    rollout: Short | None
    code: _Code | None
    reason: Line
