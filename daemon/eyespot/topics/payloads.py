"""The payloads, as types. A field that is not here cannot leave the device.

All of them are JSON objects with the envelope of `Envelope`. Every string and list is bounded; there is
no binary and no free-form field, so that there is nothing to hide an image in.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.bucket import Cut, GapCause
from eyespot.domain.event import Direction, Outcome, ResetCause, Total
from eyespot.domain.geometry import Mount
from eyespot.domain.message import Traffic
from eyespot.ports import SensorMode

MOST_BOXES = 100
MOST_CLASSES = 100
MOST_CELLS = 64 * 64
MOST_MEASURES = 8

Short = Annotated[str, Meta(max_length=64)]
LONGEST_LINE = 320
Line = Annotated[str, Meta(max_length=LONGEST_LINE)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
BundleId = Annotated[str, Meta(max_length=160)]
Utc = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")]
Count = Annotated[int, Meta(ge=0)]
Fraction = Annotated[float, Meta(ge=0, le=1)]
Seconds = Annotated[float, Meta(ge=0)]
Box = tuple[Fraction, Fraction, Fraction, Fraction]
_Thousandth = Annotated[int, Meta(ge=0, le=1000)]
ShortBox = tuple[_Thousandth, _Thousandth, _Thousandth, _Thousandth]
ClassName = Annotated[str, Meta(max_length=64)]
ByClass = Annotated[dict[ClassName, Count], Meta(max_length=1024)]
Totals = Annotated[dict[ClassName, dict[Total, Count]], Meta(max_length=1024)]
Recovery = Literal["restart_stream", "reload_network", "new_process", "reboot"]
Presence = Literal["online", "offline", "stopping"]


class Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every payload carries.

    Attributes:
        schema: name and version of the payload's own schema.
        t: when it happened; for states, when it was said.
        clock: whether UTC was synchronised then.
        boot_id: random for each start of the process.
        seq: gapless over the durable messages of a device, also across restarts; per topic elsewhere.
    """

    schema: Short
    t: Utc
    clock: Literal["synced", "unsynced"]
    boot_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    seq: Count


class Status(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether the device is there; the last will says offline with the time of its connection."""

    state: Presence
    since: Utc


class Software(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Versions of what runs."""

    eyespot: Short
    python: Short
    engine: Short | None


class Camera(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The camera as in force; pixels of the full frame, nominal rate.

    `mode` is how the sensor is read, `roi` the part of the frame at which the model looks: left, top,
    right and bottom in fractions.
    """

    source: Short
    mount: Mount
    width: Count
    height: Count
    rate_hz: float
    mode: SensorMode | None
    roi: Box


class Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The model behind the numbers."""

    bundle: BundleId
    name: Short
    version: Short
    sha256: Sha256 | None
    labels: Annotated[tuple[ClassName, ...], Meta(max_length=1024)]
    min_score: Fraction


class Privacy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this installation may publish of individual frames and people. Images: never.

    Where `unsigned_models`, whoever has a shell on the device decides what it sees.
    """

    images: Literal[False] = False
    boxes_of_frames: bool
    unsigned_models: bool


class Info(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who the device is: its birth message. `camera` is null until the source has been opened."""

    device: Short
    name: Annotated[str, Meta(max_length=128)]
    timezone: Short
    hardware: Line
    software: Software
    camera: Camera | None
    model: Model
    schemas: Annotated[tuple[Short, ...], Meta(max_length=32)]
    privacy: Privacy


class Trouble(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named state that lasts: what is wrong, in one line that says what to do, and since when."""

    name: Annotated[str, Meta(pattern="^[a-z_]{1,64}$")]
    reason: Line
    since: Utc


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Milliseconds of one inference, over the last hundred or so."""

    p50: float
    p95: float


class Sensor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a camera says of itself; null where it says nothing of it. Counts are since the camera's start.

    `dnn_ms` and `dsp_ms` are the times that the network and what surrounds it took on the sensor. A frame
    `without_tensor` is normal where the network is slower than the camera; `repeated` tensors are not
    counted again; `missed` ones were made, but nobody got them.
    """

    dnn_ms: float | None
    dsp_ms: float | None
    temperature_c: float | None
    exposure_ms: float | None
    gain: float | None
    lux: float | None
    without_tensor: Count
    repeated: Count
    missed: Count


class Health(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device is. Facts that the machine does not give are null.

    `every_s` is how often it leaves where nothing changes. `observations_hz` is measured since the last
    health message, `dropped` and `observations` count since the start; an
    observation is dropped when the next one came before anybody had time for it. `recoveries` says how
    often each step was tried to bring a silent camera back. `bytes_today` has what left since midnight,
    UTC, in PUBLISH packets, repeated ones too; empty where nobody counts.
    """

    ok: bool
    states: Annotated[tuple[Trouble, ...], Meta(max_length=32)]
    every_s: Count
    uptime_s: Count
    observations: Count
    observations_hz: float
    dropped: Count
    inference_ms: Latency | None
    sensor: Sensor | None
    recoveries: Annotated[dict[Recovery, Count], Meta(max_length=8)]
    backlog: Count
    bytes_today: Annotated[dict[Traffic, Count], Meta(max_length=6)] = {}
    memory_mb: float | None
    disk_free_mb: float | None
    temperature_c: float | None


class LineState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Totals of a line since `since`: class -> crossings in and out.

    `reset` says why they began then: "begun", the rule was new; "manual", somebody said so; "changed", it was
    moved; "unusable", what
    was kept of it could not be used.
    """

    rule: Short
    kind: Literal["line"] = "line"
    counts: Annotated[dict[ClassName, dict[Direction, Count]], Meta(max_length=1024)]
    since: Utc
    reset: ResetCause = "begun"
    model: BundleId


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


class ShareState(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a model says of the frame as a whole.

    Attributes:
        shares: class -> share of the frame of a segmentation, score of a classifier; means, the largest
            ones. Empty while the source is silent.
        top: the class that leads; null where none does.
    """

    rule: Short
    kind: Literal["share"] = "share"
    shares: Annotated[dict[ClassName, Fraction], Meta(max_length=MOST_CLASSES)]
    top: ClassName | None
    model: BundleId


class Changed(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another class came to the top; null is none, and `to` is null after a silence of the source, too."""

    kind: Literal["changed"] = "changed"
    rule: Short
    before: ClassName | None = msgspec.field(name="from")
    after: ClassName | None = msgspec.field(name="to")
    model: BundleId


class Split(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another model counts from here on. Totals go on; `counts` are those until now, null for a share.

    Of a line they are "in" and "out", of a zone or an occupancy "entered" and "left", of a queue those of its
    state.
    """

    kind: Literal["split"] = "split"
    rule: Short
    before: BundleId = msgspec.field(name="from")
    after: BundleId = msgspec.field(name="to")
    counts: Totals | None


class Reset(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The totals of a rule begin at zero; `counts` are those until now, from `since` on; see `Split`."""

    kind: Literal["reset"] = "reset"
    rule: Short
    cause: ResetCause
    counts: Totals
    since: Utc
    model: BundleId


Bias = Annotated[float, Meta(ge=-1e6, le=1e6)]
PerDirection = Annotated[dict[Direction, Count], Meta(max_length=2)]


class Bounds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share, and between which it lies with 95 % confidence."""

    share: Bias
    low: Bias
    high: Bias


class Tallied(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Somebody at the door has counted, too; as shares, not per cent.

    Attributes:
        since: when that began.
        rule_hash: short name of the rule's settings in force.
        changed: whether rule or model were changed meanwhile; then it says little.
        n: how many the person has seen.
        seen, counted: by direction.
        missed: of those seen, not counted within three seconds.
        extra: of those counted, not seen within three seconds.
        count_error: differences by direction, added up, as a share of n; null where n is 0.
        wrong: missed and extra ones, as a share of all.
        bias: counted less seen, as a share of n.
    """

    kind: Literal["tallied"] = "tallied"
    rule: Short
    since: Utc
    model: BundleId
    rule_hash: Annotated[str, Meta(pattern="^[0-9a-f]{12}$")]
    changed: bool
    n: Count
    seen: PerDirection
    counted: PerDirection
    missed: PerDirection
    extra: PerDirection
    count_error: Annotated[float, Meta(ge=0)] | None
    wrong: Bounds
    bias: Bounds


DropReason = Literal["full", "old", "disk_failed"]


class Dropped(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Durable messages gave way before the broker had them; this one takes their place.

    Attributes:
        seq: of the last of them.
        first: `seq` of the first of them, `from` in JSON.
        to: of the last.
        since: `t` of the first of them.
        until: of the last.
        messages: how many; fewer than the numbers between, where some of these did leave.
        reason: more waited than may, or for longer, or the disk failed for too long.
    """

    kind: Literal["dropped"]
    first: Count = msgspec.field(name="from")
    to: Count
    since: Utc
    until: Utc
    messages: Count
    reason: DropReason


class Crossed(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something crossed a line; `t` is interpolated between observations."""

    kind: Literal["crossed"] = "crossed"
    rule: Short
    direction: Direction
    label: ClassName = msgspec.field(name="class")
    track: Count
    model: BundleId


class Gap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A while in which nothing was seen, and why.

    `cause`: "restart", nobody looked, as no process ran; "silent", nothing came of what looks; "dark", it was
    too dark; "covered", something lay over the lens; "clock", the clock was set, so that nobody knows which
    time that was.
    """

    start: Utc
    end: Utc
    cause: GapCause


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a gauge showed in the time that was seen: at its end, least, most, and on average over time."""

    now: float
    min: float
    max: float
    mean: float


class Spread(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long things lasted that ended in a bucket, in s; median and p90 are right to 2.5 %."""

    n: Count
    mean: float
    median: float
    p90: float
    max: float


class Bucket(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A closed interval of a rule; `t` is where it ends, `clock` tells whether `start` and `end` are certain.

    Attributes:
        start: where it begins.
        end: where the next one begins.
        bucket_s: how long it is meant to be. It is shorter where `cut` says why, in a night in which clocks
            change, and where one begins late; longer where nothing was known for longer, and in such nights.
        rev: 0; a greater one takes the place of the one with the same rule, `start` and `end`.
        cut: why it ends before its time: "model", another one looks from there on; "reset", totals began
            at zero; "changed", the rule was changed; "restart", the process began anew, by a clock that
            cannot be compared; "clock", the clock was set; "end", the recording was over; null: it does not.
        counts: class -> what -> how many, as in the totals; null where nothing was seen.
        gauges: what -> class -> level; null where nothing was seen.
        durations: what -> class -> spread.
        coverage: share of its time in which was looked often enough, and something could be seen.
        gaps: the longest whiles in which nothing was seen, of a second or more.
        ambiguous: tracks of which nobody knows whether they should have counted.
        uncertainty: by how much the sum of `counts` may be wrong, for what was not seen or not decided;
            null where nothing was seen.
    """

    kind: Literal["bucket"] = "bucket"
    rule: Short
    start: Utc
    end: Utc
    bucket_s: Annotated[int, Meta(ge=1, le=86_400)]
    rev: Count
    cut: Cut | None
    counts: Annotated[dict[ClassName, dict[Short, Count]], Meta(max_length=1024)] | None
    gauges: (
        Annotated[
            dict[Short, Annotated[dict[ClassName, Level], Meta(max_length=1024)]],
            Meta(max_length=MOST_MEASURES),
        ]
        | None
    )
    durations: Annotated[
        dict[Short, Annotated[dict[ClassName, Spread], Meta(max_length=1024)]], Meta(max_length=MOST_MEASURES)
    ]
    coverage: Fraction
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=32)]
    ambiguous: Count
    uncertainty: Annotated[float, Meta(ge=0)] | None
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


class Frame(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Boxes of the confirmed tracks seen in one observation, as columns, short: there may be 30 a second.

    Attributes:
        labels: names of the classes that there are.
        classes: of each track, as an index into `labels`.
        scores: in hundredths.
        boxes: left, top, right and bottom, in thousandths of the frame.
    """

    model: BundleId
    labels: Annotated[tuple[ClassName, ...], Meta(max_length=MOST_BOXES)]
    tracks: Annotated[tuple[Count, ...], Meta(max_length=MOST_BOXES)]
    classes: Annotated[tuple[Annotated[int, Meta(ge=0, lt=MOST_BOXES)], ...], Meta(max_length=MOST_BOXES)]
    scores: Annotated[tuple[Annotated[int, Meta(ge=0, le=100)], ...], Meta(max_length=MOST_BOXES)]
    boxes: Annotated[tuple[ShortBox, ...], Meta(max_length=MOST_BOXES)]
