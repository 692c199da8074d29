"""What body, update worker and command line leave for each other beside the model slots: small JSON files.

`worker.json` is the worker's own account of what it does. `requests/worker/*.json` and `requests/body/*.json`
are requests; who has done one removes it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.errors import StoreError, foreign
from eyespot.trust.slots import BundleId, RolloutId

MOST_BYTES = 64 * 1024

WorkerState = Literal[
    "idle", "checking", "offered", "downloading", "verifying", "testing", "staged", "failed"
]

_Text = Annotated[str, Meta(max_length=300)]
_Code = Annotated[str, Meta(pattern=r"\A[a-z0-9_]{1,40}\Z")]
_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Path = Annotated[str, Meta(min_length=1, max_length=4096)]
_ReqId = Annotated[str, Meta(pattern=r"\A[\x21-\x7e]{1,64}\Z")]


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A small file."""


class Offer(_Note, frozen=True, kw_only=True):
    """A bundle that the repository has for this device.

    Attributes:
        waits_for: "approval", "window", or "turn" where the rollout has not come to this device yet.
        until_s: UTC in s when the wait ends by itself, where that is known.
    """

    name: _Text
    version: _Text
    rollout: RolloutId | None = None
    size_bytes: _Count = 0
    notes: _Text = ""
    notes_url: Annotated[str, Meta(max_length=500)] = ""
    waits_for: Literal["approval", "window", "turn"] | None = None
    until_s: _Count | None = None


class WorkerNote(_Note, frozen=True, kw_only=True):
    """What the update worker does, or did last.

    Attributes:
        at_s: UTC in s.
        code: of a failure, for programs: `clock_unsynced`, `metadata_expired`; None where all is well.
        reason: the same in words that say what to do.
        percent: of the download.
        attempts: at the rollout that failed, so far.
        approved: the rollout that somebody approved.
        metadata_expires_s: UTC in s, when the repository's word ends, of whichever role ends first.
    """

    schema: Literal["eyespot.worker/1"] = "eyespot.worker/1"
    state: WorkerState = "idle"
    at_s: _Count
    code: _Code | None = None
    reason: _Text = ""
    offer: Offer | None = None
    percent: Annotated[float, Meta(ge=0, le=100)] | None = None
    attempts: _Count = 0
    approved: RolloutId | None = None
    checked_s: _Count | None = None
    metadata_expires_s: _Count | None = None


class Request(_Note, frozen=True, kw_only=True):
    """What somebody asks for.

    Attributes:
        kind: to the worker `check` (look now), `approve` (take what waits for approval or its window) and
            `install` (a local archive, where the configuration allows that);
            to the body `rollback`.
        path: of the archive to install.
    """

    schema: Literal["eyespot.request/1"] = "eyespot.request/1"
    kind: Literal["check", "approve", "install", "rollback"]
    req_id: _ReqId | None = None
    path: _Path | None = None
    at_s: _Count = 0


def parse_worker_note(data: bytes) -> WorkerNote:
    """Return the worker's account.

    Raises:
        StoreError: it is none.
    """
    with foreign(StoreError, "worker.json cannot be used; the next check writes it anew"):
        return msgspec.json.decode(data, type=WorkerNote)


def parse_request(data: bytes) -> Request:
    """Return a request.

    Raises:
        StoreError: it is none.
    """
    with foreign(StoreError, "a request cannot be used; make it again with `eyespot models`"):
        return msgspec.json.decode(data, type=Request)


def bundle_of(text: str) -> str:
    """Return a bundle's id.

    Raises:
        StoreError: it is none.
    """
    with foreign(StoreError, f"{text[:80]!r} is no bundle's id, such as people@1.0.0-0123456789ab"):
        return msgspec.convert(text, BundleId)
