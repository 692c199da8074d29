"""What rules say, in our own words and in those of others."""

from collections.abc import Sequence
from typing import Protocol

from eyespot.domain.bucket import Bucket
from eyespot.domain.event import Event, RuleState
from eyespot.domain.instants import NO_TIMELINE, Timeline
from eyespot.domain.message import Message
from eyespot.topics.native import Native, Since, Stamp, stamp


class Standard(Protocol):
    """Says what rules say in the words of others, beside our own; see `topics.onvif`."""

    def event(self, event: Event, timeline: Timeline) -> Sequence[Message]:
        """Return what it has to say of an event, if anything."""

    def rule_state(self, rule: str, state: RuleState, utc_ns: int) -> Sequence[Message]:
        """Return what it has to say of a state that is new."""

    def rule_removed(self, rule: str) -> Sequence[Message]:
        """Return what takes back all that it said of a rule."""


class Voice:
    """Makes messages of what rules say.

    Args:
        native: in our own words.
        standards: in those of others.
    """

    def __init__(self, native: Native, standards: Sequence[Standard]) -> None:
        self._native = native
        self._standards = standards

    def events(self, events: Sequence[Event], timeline: Timeline) -> list[Message]:
        """Return what is to be said of events."""
        messages: list[Message] = []
        for event in events:
            messages.append(self._native.event(event, timeline))
            messages += [message for one in self._standards for message in one.event(event, timeline)]
        return messages

    def buckets(self, buckets: Sequence[Bucket]) -> list[Message]:
        """Return what is to be said of buckets."""
        return [self._native.bucket(bucket) for bucket in buckets]

    def state(self, rule: str, state: RuleState, since: Since, model: str, at: Stamp) -> list[Message]:
        """Return what is to be said of a state that is new."""
        own = self._native.rule_state(rule, state, since, model, at)
        return [own, *(m for one in self._standards for m in one.rule_state(rule, state, at.utc_ns))]

    def try_state(self, rule: str, state: RuleState, since: Since, model: str) -> None:
        """See that a state could be told.

        Raises:
            ValueError: it is too large, or out of other bounds.
        """
        self._native.rule_state(rule, state, since, model, stamp(NO_TIMELINE, 0))

    def removed(self, rule: str) -> list[Message]:
        """Return what takes back all that others' words said of a rule that has gone."""
        return [message for one in self._standards for message in one.rule_removed(rule)]
