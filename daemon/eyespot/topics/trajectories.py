"""Ways of tracks as they are kept and fetched: whole numbers, nothing but place, class and time."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.topics.commands import ReqId
from eyespot.topics.payloads import BundleId, ClassName, Count, Envelope, Utc

MOST_BYTES = 24 * 1024  # of a piece as JSON; the gate lets its envelope pass, too
MOST_PIECES = 64  # of one answer
MOST_STEPS = 1024
MOST_AT_ONCE = 100  # tracks of one step, as in `frame`
MOST_WAYS = 1024
PARTS = 1000  # of the frame, each way
LONGEST_STEP_MS = 60_000

_LATEST_MS = (
    2**63 - 1
) // 1_000_000 - 7 * 86_400_000  # in the year 2262: as ns it is int64, and its steps are
_Index = Annotated[int, Meta(ge=0, lt=MOST_STEPS)]
_Run = Annotated[int, Meta(ge=0, le=MOST_STEPS)]
_Places = Annotated[
    tuple[Annotated[int, Meta(ge=-PARTS, le=PARTS)], ...], Meta(min_length=1, max_length=MOST_STEPS)
]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a payload."""


class Way(_Part, frozen=True, kw_only=True):
    """One track through consecutive steps of a piece.

    Sides of its box are in thousandths of the frame: the first as it is, the others as differences to the one
    before.

    Attributes:
        track: a number that is good for one day of UTC and one start of the process, and nowhere else.
        label: of its class, as an index into `labels`.
        begin: its first step.
        tentative: for how many steps it had not been seen often enough to count.
        seen: for how many steps it was seen, then was not, then was, and so on.
    """

    track: Annotated[int, Meta(ge=0, lt=1 << 48)]
    label: Annotated[int, Meta(ge=0, lt=MOST_WAYS)]
    begin: _Index
    tentative: _Run
    seen: Annotated[tuple[_Run, ...], Meta(min_length=1, max_length=MOST_STEPS + 1)]
    left: _Places
    top: _Places
    right: _Places
    bottom: _Places


class Piece(_Part, frozen=True, kw_only=True):
    """Some seconds of what was followed.

    Attributes:
        begun: of its first step, in ms since 1970, UTC.
        synced: whether the clock was synchronised then.
        model: what made the observations.
        labels: names of the classes that there are.
        steps: ms since the step before; 0 for the first.
        blind: indexes of steps in which nothing could be seen.
        ways: of all tracks.
    """

    begun: Annotated[int, Meta(ge=0, le=_LATEST_MS)]
    synced: bool
    model: BundleId
    labels: Annotated[tuple[ClassName, ...], Meta(max_length=MOST_WAYS)]
    steps: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=LONGEST_STEP_MS)], ...], Meta(min_length=1, max_length=MOST_STEPS)
    ]
    blind: Annotated[tuple[_Index, ...], Meta(max_length=MOST_STEPS)]
    ways: Annotated[tuple[Way, ...], Meta(max_length=MOST_WAYS)]


class Trajectories(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One piece of the answer to `cmd/trajectories`.

    Attributes:
        index, of: which of how many pieces of this answer, from 0.
        more: whether more is kept behind the last of them: ask with its `cursor` as `after`.
        cursor: of this piece; larger ones were kept later.
    """

    req_id: ReqId
    index: Count
    of: Count
    more: bool
    cursor: Count
    piece: Piece


class TrajectoriesState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether ways of tracks are kept on the device.

    Attributes:
        keeps: "off", "always" as the configuration says, or "aim" after `cmd/aim`.
        until: when aiming ends, by the clock as it is now.
        hours: how long each is kept.
        kept_bytes: what they take on the disk.
        since: of the oldest.
        given_up: pieces that were given up for room since the start of the process.
        lost: pieces that could not be written since then.
        damaged: how often something kept could not be read since then.
    """

    keeps: Literal["off", "always", "aim"]
    until: Utc | None
    hours: Count
    kept_bytes: Count
    since: Utc | None
    given_up: Count
    lost: Count
    damaged: Count
