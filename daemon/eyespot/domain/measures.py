"""What can be measured of a rule: totals that only grow until a reset, gauges, how long things lasted."""

from collections.abc import Mapping
from typing import NamedTuple

from eyespot.domain.event import (
    Crossed,
    Entered,
    Event,
    JoinedQueue,
    Left,
    LeftQueue,
    LineState,
    OccupancyState,
    QueueState,
    RuleState,
    ShelfState,
    ZoneState,
)


class Key(NamedTuple):
    """What is measured: of which class name, and what of it, as "in" or "occupancy"."""

    label: str
    what: str


class Measures(NamedTuple):
    """What a state holds."""

    totals: Mapping[Key, int]
    gauges: Mapping[Key, float]


NOTHING = Measures({}, {})
OTHERS = "other classes"  # those together that a message has no room for
_OF_A_QUEUE = ("joined", "served", "abandoned", "lost")


def measures(state: RuleState) -> Measures:
    """Return what can be measured of a state."""
    match state:
        case LineState(counts):
            return Measures(
                {Key(label, way): total for label, ways in counts.items() for way, total in ways.items()}, {}
            )
        case ZoneState(occupancy, entered, left) | OccupancyState(occupancy, entered, left):
            totals = {Key(label, "entered"): total for label, total in entered.items()}
            totals |= {Key(label, "left"): total for label, total in left.items()}
            # In an occupancy that begins anew as one more has left than had come, nobody is inside, not -1.
            inside = {Key(label, "occupancy"): max(number, 0) for label, number in occupancy.items()}
            return Measures(totals, inside)
        case ShelfState(counts):
            return Measures({}, {Key(label, "facings"): number for label, number in counts.items()})
        case QueueState():
            totals = {
                Key(label, what): total
                for what in _OF_A_QUEUE
                for label, total in getattr(state, what).items()
            }
            return Measures(totals, {Key(label, "length"): number for label, number in state.length.items()})
        case _:
            return NOTHING


def counted(event: Event) -> Key | None:
    """Return which total an event has made greater by one."""
    match event:
        case Crossed():
            return Key(event.label, event.direction)
        case Entered():
            return Key(event.label, "entered")
        case Left():
            return Key(event.label, "left")
        case JoinedQueue():
            return Key(event.label, "joined")
        case LeftQueue():
            return Key(event.label, event.outcome)
        case _:
            return None


def lasted(event: Event) -> tuple[Key, float] | None:
    """Return what an event says the end of, and how many seconds that lasted."""
    match event:
        case Left():
            return Key(event.label, "dwell_s"), event.dwell_s
        case LeftQueue(outcome="served"):
            return Key(event.label, "wait_s"), event.dwell_s
        case LeftQueue(outcome="abandoned"):
            return Key(event.label, "abandoned_s"), event.dwell_s
        case _:
            return None
