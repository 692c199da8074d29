"""What rules say: events, which happened at an instant, and states, which hold.

They are structs, as these are made several times as fast as dataclasses: a busy day has a hundred thousand.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from eyespot.domain.tally_result import TallyResult

Direction = Literal["in", "out"]
# How a wait in a queue ended: at the service, elsewhere, or nobody knows how.
Outcome = Literal["served", "abandoned", "lost"]
# What totals are of: ways over a line; into a zone, or behind lines, and out of there; into a queue and out.
Total = Literal["in", "out", "entered", "left", "joined", "served", "abandoned", "lost"]
# Why totals began when they did: the rule was new, somebody said so, what was kept could not be used, or the
# rule looks elsewhere. Of an occupancy also: the hour had come, more left than had come, nobody stays for so
# long, nobody was seen.
ResetCause = Literal["begun", "manual", "unusable", "changed", "schedule", "negative", "max_dwell", "empty"]
# A rule is one level of its topics, so its id has none of MQTT's separators and wildcards.
RULE_ID = "[a-z0-9][a-z0-9_-]{0,62}"


class Crossed(msgspec.Struct, frozen=True):
    """A track went over a line.

    Attributes:
        rule: id of the rule.
        taken_ns: when the path met the line, interpolated between observations.
        direction: "in" from the left-hand side to the right-hand side, walking from a to b.
        label: class name of the track.
        track: id of the track.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    direction: Direction
    label: str
    track: int
    bundle: str


class Changed(msgspec.Struct, frozen=True):
    """Another class came to the top of what is said of the frame as a whole.

    Attributes:
        rule: id of the rule.
        taken_ns: when that had become certain.
        before: class name that was on top; None where none was.
        after: class name that is now; None where none is, or nothing has been observed for long.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    before: str | None
    after: str | None
    bundle: str


class Entered(msgspec.Struct, frozen=True):
    """A stay in a zone began.

    Attributes:
        rule: id of the rule.
        taken_ns: when; interpolated between observations.
        label: class name of the track.
        track: id of the track.
        found: whether it was inside when it was seen first: then it had come before.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    found: bool
    bundle: str


class Left(msgspec.Struct, frozen=True):
    """A stay in a zone ended.

    Attributes:
        rule: id of the rule.
        taken_ns: when; interpolated between observations. Where `lost`, when it was seen last.
        label: class name that it had entered with.
        track: id of the track; another one than that which entered, where it was hidden for a while.
        dwell_s: how long the stay was. It was longer where `found` or `lost`.
        found: as it was when it entered.
        lost: whether it vanished inside.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    dwell_s: float
    found: bool
    lost: bool
    bundle: str


class Loitered(msgspec.Struct, frozen=True):
    """A stay in a zone has lasted for too long; told once of each stay.

    Attributes:
        rule: id of the rule.
        taken_ns: when it had.
        label: class name that it had entered with.
        track: id of the track.
        dwell_s: how long it lasted until then.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    dwell_s: float
    bundle: str


class Intruded(msgspec.Struct, frozen=True):
    """Somebody is in a zone in hours in which nobody may be; told once of each stay.

    Attributes:
        rule: id of the rule.
        taken_ns: when it entered, or when the hours began.
        label: class name that it had entered with.
        track: id of the track.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    bundle: str


class JoinedQueue(msgspec.Struct, frozen=True):
    """Somebody queues.

    Attributes:
        rule: id of the rule.
        taken_ns: since when; it was not known before that this would be a wait.
        label: class name of the track.
        track: id of the track.
        found: whether it was there when it was seen first: then it had come before.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    found: bool
    bundle: str


class LeftQueue(msgspec.Struct, frozen=True):
    """Somebody does not queue any more.

    Attributes:
        rule: id of the rule.
        taken_ns: when; interpolated between observations. Where that was not seen, when it was seen last.
        label: class name that it had joined with.
        track: id of the track.
        dwell_s: how long it had waited. It was longer where `found`.
        outcome: how that ended.
        found: whether it was there when it was seen first.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    track: int
    dwell_s: float
    outcome: Outcome
    found: bool
    bundle: str


class Threshold(msgspec.Struct, frozen=True):
    """A number went below its limit, or is not below it any more.

    Attributes:
        rule: id of the rule.
        taken_ns: when that had become certain.
        label: class name whose number it is.
        count: the number.
        limit: the least that shall be there.
        below: whether there are fewer.
        bundle: id of the model bundle that saw it.
    """

    rule: str
    taken_ns: int
    label: str
    count: int
    limit: int
    below: bool
    bundle: str


class LineState(msgspec.Struct, frozen=True):
    """Totals of a line.

    Attributes:
        counts: class name -> direction -> crossings.
        waiting: crossings of those who are there still; they count, in late mode, when these have gone.
    """

    counts: Mapping[str, Mapping[Direction, int]]
    waiting: int = 0


class ShareState(msgspec.Struct, frozen=True):
    """What is said of the frame as a whole.

    Attributes:
        shares: class name -> share of the frame, or score, 0..1; the largest ones. Empty: nothing is known.
        top: class name that leads; None where none does.
    """

    shares: Mapping[str, float]
    top: str | None


class ZoneState(msgspec.Struct, frozen=True):
    """Who is in a zone: always those that entered and have not left yet; each class name -> how many."""

    occupancy: Mapping[str, int]
    entered: Mapping[str, int]
    left: Mapping[str, int]


class OccupancyState(msgspec.Struct, frozen=True):
    """Who is behind lines: always those that came and have not gone yet; each class name -> how many."""

    occupancy: Mapping[str, int]
    entered: Mapping[str, int]
    left: Mapping[str, int]


class ShelfState(msgspec.Struct, frozen=True):
    """What stands on a shelf.

    Attributes:
        counts: class name -> how many facings there are.
        low: class names of which there are too few.
        slots: how many places for one are known, empty ones among them.
        unseen: how many of these have been hidden for long, so that nobody knows whether they changed.
    """

    counts: Mapping[str, int]
    low: tuple[str, ...]
    slots: int
    unseen: int


class HeatmapState(msgspec.Struct, frozen=True):
    """Where tracks were in the last hour that is over.

    Attributes:
        begin_utc_ns: UTC in ns since 1970, from when on; None where no hour is over yet.
        end_utc_ns: and until when.
        observed_s: in how much of that time something could be seen.
        grid: columns and rows.
        tracks: how many were seen.
        cells: column from the left, row from the top, seconds of all tracks together, and how many
            tracks were there; of cells where any was, row by row.
    """

    begin_utc_ns: int | None
    end_utc_ns: int | None
    observed_s: float
    grid: tuple[int, int]
    tracks: int
    cells: tuple[tuple[int, int, float, int], ...]


class QueueState(msgspec.Struct, frozen=True):
    """A queue: class name -> how many. `length` is always `joined` less `served`, `abandoned` and `lost`.

    Attributes:
        wait_s: how long the one that was served last had waited; None before that.
    """

    length: Mapping[str, int]
    joined: Mapping[str, int]
    served: Mapping[str, int]
    abandoned: Mapping[str, int]
    lost: Mapping[str, int]
    wait_s: float | None


Counted = LineState | ZoneState | QueueState | OccupancyState  # what has totals
RuleState = Counted | ShareState | ShelfState | HeatmapState


class Split(msgspec.Struct, frozen=True):
    """Another model makes the observations from here on. Totals go on; these are the ones until now.

    Attributes:
        rule: id of the rule.
        taken_ns: instant of the first observation of the new model.
        before: id of the bundle whose work ends.
        after: id of the bundle whose work begins.
        state: what held for the rule then.
    """

    rule: str
    taken_ns: int
    before: str
    after: str
    state: RuleState


class Reset(msgspec.Struct, frozen=True):
    """The totals of a rule begin at zero; these are the ones until now.

    Attributes:
        rule: id of the rule.
        taken_ns: from when on it counts anew.
        cause: why.
        state: what held for the rule then.
        since_utc_ns: UTC in ns since 1970 when those totals began; 0 where a rule says so by itself, as it
            does not know.
        bundle: id of the model bundle whose work they are.
    """

    rule: str
    taken_ns: int
    cause: ResetCause
    state: RuleState
    since_utc_ns: int
    bundle: str


class Tallied(msgspec.Struct, frozen=True):
    """Somebody at the door has counted, too.

    Attributes:
        rule: id of the rule.
        taken_ns: when that ended.
        since_utc_ns: UTC in ns since 1970 when it began.
        bundle: id of the model bundle that looked.
        rule_hash: short name of the rule's settings.
        changed: whether rule or model were changed meanwhile.
        result: how far the one is from the other.
    """

    rule: str
    taken_ns: int
    since_utc_ns: int
    bundle: str
    rule_hash: str
    changed: bool
    result: TallyResult


Event = (
    Crossed
    | Changed
    | Entered
    | Left
    | JoinedQueue
    | LeftQueue
    | Loitered
    | Intruded
    | Threshold
    | Split
    | Reset
    | Tallied
)
