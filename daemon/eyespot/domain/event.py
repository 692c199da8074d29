"""What rules say: events, which happened at an instant, and states, which hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Direction = Literal["in", "out"]
# Why totals began when they did: the rule was new, somebody said so, or what was kept could not be used.
ResetCause = Literal["begun", "manual", "unusable"]
# A rule is one level of its topics, so its id has none of MQTT's separators and wildcards.
RULE_ID = "[a-z0-9][a-z0-9_-]{0,62}"


@dataclass(frozen=True, slots=True)
class Crossed:
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


@dataclass(frozen=True, slots=True)
class Changed:
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


@dataclass(frozen=True, slots=True)
class LineState:
    """Totals of a line.

    Attributes:
        counts: class name -> direction -> crossings.
        waiting: crossings of those who are there still; they count, in late mode, when these have gone.
    """

    counts: Mapping[str, Mapping[Direction, int]]
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class ShareState:
    """What is said of the frame as a whole.

    Attributes:
        shares: class name -> share of the frame, or score, 0..1; the largest ones. Empty: nothing is known.
        top: class name that leads; None where none does.
    """

    shares: Mapping[str, float]
    top: str | None


RuleState = LineState | ShareState


@dataclass(frozen=True, slots=True)
class Split:
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


@dataclass(frozen=True, slots=True)
class Reset:
    """The totals of a rule begin at zero; these are the ones until now.

    Attributes:
        rule: id of the rule.
        taken_ns: from when on it counts anew.
        cause: why.
        state: what held for the rule then.
        since_utc_ns: UTC in ns since 1970 when those totals began.
        bundle: id of the model bundle whose work they are.
    """

    rule: str
    taken_ns: int
    cause: ResetCause
    state: RuleState
    since_utc_ns: int
    bundle: str


Event = Crossed | Changed | Split | Reset
