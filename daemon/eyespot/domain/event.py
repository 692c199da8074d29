"""What rules say: events, which happened at an instant, and states, which hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Direction = Literal["in", "out"]
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


Event = Crossed  # a union, once there is a second kind


@dataclass(frozen=True, slots=True)
class LineState:
    """Totals of a line: class name -> direction -> crossings."""

    counts: Mapping[str, Mapping[Direction, int]]


RuleState = LineState  # a union, once there is a second kind
