"""What rules of places say: zones, queues, occupancies, shelves, heatmaps."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.event import Outcome, ResetCause
from eyespot.topics.payloads import (
    MOST_CELLS,
    BundleId,
    ByClass,
    ClassName,
    Count,
    Envelope,
    Seconds,
    Short,
    Utc,
)


class ZoneState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is in a zone now, and how many have entered and left since `since`; each class -> number.

    Always `occupancy` = `entered` - `left`, also after a reset: who is inside has `entered` then.
    `reset` is as of `LineState`.
    """

    rule: Short
    kind: Literal["zone"] = "zone"
    occupancy: ByClass
    entered: ByClass
    left: ByClass
    since: Utc
    reset: ResetCause = "begun"
    model: BundleId


class Entered(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stay in a zone began; `found`: it was inside when it was seen first, and had come before."""

    kind: Literal["entered"] = "entered"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    found: bool
    model: BundleId


class Left(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stay in a zone ended after `dwell_s` seconds; it was longer where `found` or `lost`.

    `found` is as of `Entered`; `lost`: it vanished inside, at `t`. `track` is another one than that which
    entered where somebody was hidden for a while.
    """

    kind: Literal["left"] = "left"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    dwell_s: Seconds
    found: bool
    lost: bool
    model: BundleId


class Loitering(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stay in a zone lasts for longer than it may; once of each stay, after `dwell_s` seconds."""

    kind: Literal["loitering"] = "loitering"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    dwell_s: Seconds
    model: BundleId


class Intrusion(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody is in a zone in hours in which nobody may be; once of each stay."""

    kind: Literal["intrusion"] = "intrusion"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    model: BundleId


class QueueState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a queue is now, and totals since `since`; each class -> number.

    Always `length` = `joined` - `served` - `abandoned` - `lost`, also after a reset: who queues has `joined`
    then. `wait_s` is how long the one that was served last had waited. `reset` is as of `LineState`.
    """

    rule: Short
    kind: Literal["queue"] = "queue"
    length: ByClass
    joined: ByClass
    served: ByClass
    abandoned: ByClass
    lost: ByClass
    wait_s: Seconds | None
    since: Utc
    reset: ResetCause = "begun"
    model: BundleId


class Joined(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody queues, since `t`; `found`: it was there when it was seen first, and had come before."""

    kind: Literal["joined"] = "joined"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    found: bool
    model: BundleId


class LeftQueue(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody does not queue any more, after `dwell_s` seconds; it was longer where `found`.

    `outcome` is "served" where it left over a side of the service, "abandoned" elsewhere, "lost" where it
    vanished.
    """

    kind: Literal["left"] = "left"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    track: Count
    dwell_s: Seconds
    outcome: Outcome
    found: bool
    model: BundleId


class OccupancyState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who is behind lines now, and how many came and went since `since`; each class -> number.

    Always `occupancy` = `entered` - `left`, also after a reset: who is still inside has `entered` then. It is
    derived from what lines counted: see `reset`, which says why it began when it did. Beside what `LineState`
    has: "schedule", the hour had come; "negative", more left than had come; "max_dwell", nobody stays for so
    long; "empty", nobody was in view for long.
    """

    rule: Short
    kind: Literal["occupancy"] = "occupancy"
    occupancy: ByClass
    entered: ByClass
    left: ByClass
    since: Utc
    reset: ResetCause = "begun"
    model: BundleId


class HeatmapState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where tracks went in the last hour that is over, in a grid over the picture.

    Attributes:
        start: from when on; null until an hour is over.
        end: until when; an hour later, or less after a start of the device.
        observed_s: in how many seconds of that something could be seen.
        grid: columns and rows.
        tracks: how many tracks were seen.
        cells: of each cell where any was: column from the left and row from the top, both from 0, seconds
            of all tracks together, and how many tracks were there.
    """

    rule: Short
    kind: Literal["heatmap"] = "heatmap"
    start: Utc | None
    end: Utc | None
    observed_s: Seconds
    grid: tuple[Annotated[int, Meta(ge=1, le=64)], Annotated[int, Meta(ge=1, le=64)]]
    tracks: Count
    cells: Annotated[tuple[tuple[Count, Count, Seconds, Count], ...], Meta(max_length=MOST_CELLS)]
    model: BundleId


class ShelfState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands on a shelf.

    Attributes:
        counts: class -> how many facings.
        low: classes of which there are fewer than there shall be.
        slots: how many places for a facing are known; the rest of them are empty.
        unseen: how many of these have been hidden for longer than a minute; they count as they were before.
    """

    rule: Short
    kind: Literal["shelf"] = "shelf"
    counts: ByClass
    low: Annotated[tuple[ClassName, ...], Meta(max_length=1024)]
    slots: Count
    unseen: Count
    model: BundleId


class Threshold(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A number went below what it shall be at least (`below` true), or is not below it any more."""

    kind: Literal["threshold"] = "threshold"
    rule: Short
    label: ClassName = msgspec.field(name="class")
    count: Count
    limit: Count
    below: bool
    model: BundleId
