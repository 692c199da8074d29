"""ONVIF's events as JSON, for video management systems that know Profile M.

Topics and payloads are those of the ONVIF Core Specification, "Event Broker", payload prefix `onvif-ej`,
and of the Analytics Service Specification, "Specified Rules". An ONVIF rule has one direction, so a line is
two of them: `door.in` and `door.out`. Only lines are told there.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.event import RULE_ID, Crossed, Direction, Event, LineState, RuleState
from eyespot.domain.instants import Timeline, rfc3339
from eyespot.domain.message import Delivery, Message
from eyespot.topics.payloads import Count, Utc

PREFIX = "onvif-ej/"
RULE = rf"{RULE_ID}\.(in|out)"
CROSSED = f"{PREFIX}RuleEngine/LineDetector/Crossed/&1/1/"
COUNTER = f"{PREFIX}RuleEngine/CountAggregation/Counter/&1/1/"

_DIRECTIONS: tuple[Direction, ...] = ("in", "out")
_CLASSES: Mapping[str, str] = {
    "person": "Human",
    "face": "HumanFace",
    "bicycle": "Bicycle",
    **dict.fromkeys(("bus", "car", "motorcycle", "truck", "vehicle"), "Vehicle"),
    **dict.fromkeys(("bird", "cat", "cattle", "cow", "dog", "horse", "sheep"), "Animal"),
}


class _Form(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="pascal"):
    """A part of ONVIF's form; it has neither envelope nor numbers of ours."""


class OnvifSource(_Form, frozen=True, kw_only=True):
    """Who says it: the only video source with its only configuration of analytics, and one of its rules."""

    video_source: Literal["1"] = "1"
    analytics_configuration: Literal["1"] = "1"
    rule: Annotated[str, Meta(pattern=rf"\A{RULE}\Z")]


class OnvifObject(_Form, frozen=True, kw_only=True):
    """What crossed: the number of its track, and its class by ONVIF's name where that has one."""

    object_id: Annotated[str, Meta(pattern=r"\A[0-9]{1,20}\Z")]
    class_types: Annotated[str, Meta(pattern=r"\A\S*\Z", max_length=64)]


class OnvifCount(_Form, frozen=True, kw_only=True):
    """How many there were, of all classes of the line."""

    count: Count


class OnvifCrossed(_Form, frozen=True, kw_only=True):
    """Something crossed a line: ONVIF's `tns1:RuleEngine/LineDetector/Crossed`."""

    utc_time: Utc
    source: OnvifSource
    data: OnvifObject


class OnvifCounter(_Form, frozen=True, kw_only=True):
    """The total of a line in one direction: ONVIF's `tns1:RuleEngine/CountAggregation/Counter`."""

    utc_time: Utc
    source: OnvifSource
    data: OnvifCount


DECLARED = (
    (f"{CROSSED}{RULE}", OnvifCrossed, Delivery.DURABLE),
    (f"{COUNTER}{RULE}", OnvifCounter, Delivery.STATE),
)


class Onvif:
    """Makes ONVIF's messages of what rules say. Implements `pipeline.Standard`.

    Args:
        let_out: the gate's, for a topic below the device's root and its payload.
        clear: the gate's, for a retained topic that is no more.
    """

    def __init__(
        self, let_out: Callable[[str, msgspec.Struct], Message], clear: Callable[[str], Message]
    ) -> None:
        self._let_out = let_out
        self._clear = clear
        self._told: dict[str, int] = {}

    def event(self, event: Event, timeline: Timeline) -> list[Message]:
        """Return what ONVIF has to say of an event."""
        if not isinstance(event, Crossed):
            return []
        rule = f"{event.rule}.{event.direction}"
        crossed = OnvifCrossed(
            utc_time=rfc3339(timeline.utc_ns(event.taken_ns)),
            source=OnvifSource(rule=rule),
            data=OnvifObject(object_id=str(event.track), class_types=_class_type(event.label)),
        )
        return [self._let_out(f"{CROSSED}{rule}", crossed)]

    def rule_state(self, rule: str, state: RuleState, utc_ns: int) -> list[Message]:
        """Return the totals of a rule that are not told yet."""
        if not isinstance(state, LineState):
            return []
        totals = {
            f"{rule}.{direction}": sum(counts.get(direction, 0) for counts in state.counts.values())
            for direction in _DIRECTIONS
        }
        new = {name: total for name, total in totals.items() if self._told.get(name) != total}
        self._told |= new
        return [self._counter(name, total, utc_ns) for name, total in new.items()]

    def rule_removed(self, rule: str) -> list[Message]:
        """Return what clears the totals of a rule that is no more."""
        names = [f"{rule}.{direction}" for direction in _DIRECTIONS]
        for name in names:
            self._told.pop(name, None)
        return [self._clear(f"{COUNTER}{name}") for name in names]

    def _counter(self, rule: str, total: int, utc_ns: int) -> Message:
        counter = OnvifCounter(
            utc_time=rfc3339(utc_ns), source=OnvifSource(rule=rule), data=OnvifCount(count=total)
        )
        return self._let_out(f"{COUNTER}{rule}", counter)


def _class_type(label: str) -> str:
    """Return ONVIF's name of a class, else our own; a blank would begin another entry of the list."""
    return _CLASSES.get(label, "_".join(label.split()))
