"""The payloads, as types. A field that is not here cannot leave the device.

All of them are JSON objects with the envelope of `Envelope`. Every string and list is bounded; there is
no binary field, and the one free form is the configuration that is told: nothing to hide an image in.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.event import Direction, ResetCause, Total
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
UnderVoltage = Literal["now", "before", "never"]
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
    """The model behind the numbers; `labels` are the first of them where not all have room."""

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
    schemas: Annotated[tuple[Short, ...], Meta(max_length=64)]
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
    counted again; `missed` ones were made, but nobody got them. `inputs` is 0: nothing asks the sensor for
    what its network was given, which is a picture.
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
    inputs: Count


class Health(Envelope, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the device is. Facts that the machine does not give are null.

    `every_s` is how often it leaves where nothing changes. `observations_hz` is measured since the last
    health message, `dropped` and `observations` count since the start; an
    observation is dropped when the next one came before anybody had time for it. `recoveries` says how
    often each step was tried to bring a silent camera back. `bytes_today` has what left since midnight,
    UTC, in PUBLISH packets, repeated ones too; empty where nobody counts. `under_voltage` is whether
    the board has too little voltage, or had since the device began.
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
    under_voltage: UnderVoltage | None


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
