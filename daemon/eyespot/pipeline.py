"""One observation's work: tracks, rules, messages. No clock, thread, file or socket.

`eyespot run` and `eyespot replay` step the same pipeline, so they count the same.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import msgspec
import numpy as np

from eyespot.domain.errors import one_line
from eyespot.domain.event import Event, LineState, Reset, ResetCause, RuleState, Split
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Message
from eyespot.domain.objects import count_of, objects_of
from eyespot.domain.observation import Indexes, Observation
from eyespot.domain.track import Scene
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule
from eyespot.topics.native import Native, Since, stamp
from eyespot.tracking.tracker import Tracker

_MOST_GONE = 100


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A rule as it is kept. What is as usual is left out: an older version that is gone back to reads it.

    Attributes:
        since_utc_ns: UTC in ns since 1970 when its totals began.
        state: what the rule itself keeps.
        model: id of the bundle whose work it is; empty where that was not kept.
        reset: why its totals began then.
    """

    since_utc_ns: int
    state: dict[str, object]
    model: str = ""
    reset: ResetCause = "begun"


class Tuning(NamedTuple):
    """What may change while it counts.

    Attributes:
        rules: by id, in the order in which they run.
        min_score: from which on a detection can start a track.
        publishes_frames: whether each observation's boxes are published, too.
        classes: whose objects are counted in `seen`; None for all.
    """

    rules: Mapping[str, Rule]
    min_score: float
    publishes_frames: bool
    classes: Collection[str] | None


class Seen(NamedTuple):
    """How much a model has seen since it began to look: looks, and what was sure in all of them."""

    bundle: str
    looks: int = 0
    objects: int = 0


class Standard(Protocol):
    """Says what rules say in the words of others, beside our own; see `topics.onvif`."""

    def event(self, event: Event, timeline: Timeline) -> Sequence[Message]:
        """Return what it has to say of an event, if anything."""

    def rule_state(self, rule: str, state: RuleState, utc_ns: int) -> Sequence[Message]:
        """Return what it has to say of a state that is new."""

    def rule_removed(self, rule: str) -> Sequence[Message]:
        """Return what takes back all that it said of a rule."""


@dataclass(slots=True)
class _Running:
    rule: Rule
    since_utc_ns: int
    published: RuleState | None = None
    model: str = ""
    reset: ResetCause = "begun"


class Pipeline:
    """Steps tracker and rules, and puts what they say into messages.

    Args:
        model: what makes the observations.
        tracker: detections to tracks.
        rules: by id, in the order in which they run.
        native: makes the messages.
        standards: make more of them, for those who do not know ours.
        publishes_frames: whether each observation's boxes are published, too.
        classes: whose objects are counted in `seen`; None for all.

    Attributes:
        seen: how much the model has seen; from any thread.
        model: what makes the observations just now; from any thread.
        tracks_alive: confirmed tracks after the newest step.
        unusable: rule id -> why its kept snapshot could not be used.
    """

    def __init__(
        self,
        model: ModelIdentity,
        tracker: Tracker,
        rules: Mapping[str, Rule],
        native: Native,
        *,
        standards: Sequence[Standard] = (),
        publishes_frames: bool = False,
        classes: Collection[str] | None = None,
    ) -> None:
        self._classes = classes
        self._begin_with(model)
        self._next = model
        self._tracker = tracker
        self._rules = {rule_id: _Running(rule, 0) for rule_id, rule in rules.items()}
        self._kept: dict[str, bytes] = {}
        self._native = native
        self._standards = standards
        self._publishes_frames = publishes_frames
        self.tracks_alive = 0
        self.unusable: dict[str, str] = {}

    def begin(self, kept: Mapping[str, bytes], taken_ns: int, timeline: Timeline) -> Handover:
        """Take up where the kept snapshots end, and return every rule's state.

        A rule that has no snapshot begins at zero, and so does one that cannot use its own: `unusable`
        then says why. The topic of a snapshot that has no rule is cleared. Totals of another model are
        split from what comes.
        """
        self._kept = dict(kept)
        return self._take_up(self._rules, self._kept, taken_ns, timeline)

    def retune(self, tuning: Tuning, taken_ns: int, timeline: Timeline) -> Handover:
        """Count on by other rules and scores, between two steps; return every rule's state.

        A rule that is the same object goes on as if nothing had happened. Another one with the id of one
        that was there before takes up its totals; else as `begin`. Tracks stay.
        """
        before = self._rules
        newest = {rule_id: _snapshot(running) for rule_id, running in before.items()}
        self._kept = {rule_id: kept for rule_id, kept in self._kept.items() if rule_id not in newest} | newest
        self._rules = {rule_id: _Running(rule, 0) for rule_id, rule in tuning.rules.items()}
        new = [rule_id for rule_id, rule in tuning.rules.items() if not _goes_on(rule, before.get(rule_id))]
        self._rules |= {rule_id: before[rule_id] for rule_id in self._rules if rule_id not in new}
        self._publishes_frames, self._classes = tuning.publishes_frames, tuning.classes
        self._next = replace(self.model, min_score=tuning.min_score)
        self._begin_with(self._next)
        everywhere = np.arange(len(self.model.labels))
        self._tracker.relabel(everywhere, tuning.min_score)
        self.unusable = {}
        return self._take_up(new, before, taken_ns, timeline)

    @property
    def states(self) -> dict[str, RuleState]:
        """What holds now, by rule."""
        return {rule_id: running.rule.state() for rule_id, running in self._rules.items()}

    @property
    def counting(self) -> tuple[str, ...]:
        """The rules that have totals."""
        return tuple(
            rule_id for rule_id, running in self._rules.items() if isinstance(running.rule.state(), LineState)
        )

    def reset(self, rules: Collection[str], taken_ns: int, timeline: Timeline) -> Handover:
        """Let totals begin at zero, as somebody wants it; what counts next counts from there.

        Args:
            rules: some of `counting`.
            taken_ns: now.
            timeline: for UTC.
        """
        resets: list[Event] = []
        for rule_id in rules:
            running = self._rules[rule_id]
            since, model = running.since_utc_ns, self.model.bundle
            resets.append(Reset(rule_id, taken_ns, "manual", running.rule.state(), since, model))
            running.rule.reset()
            running.since_utc_ns, running.reset = timeline.utc_ns(taken_ns), "manual"
            running.published = None
        messages = self._told(resets, timeline)
        states, snapshots = self._changes(taken_ns, timeline, resets)
        return Handover((*messages, *states), snapshots, self._native.seq)

    def expect(self, model: ModelIdentity) -> None:
        """Count by another model from its first observation on; from any thread."""
        self._next = model

    def step(self, taken_ns: int, observation: Observation | None, timeline: Timeline) -> Handover:
        """Look at one observation, or at its absence while the source is silent.

        At the first one of the model that is expected, counters are split. Any other model's are passed over.
        """
        events: list[Event] = []
        if observation is not None and observation.bundle != self.model.bundle:
            if observation.bundle == self._next.bundle:
                events += self._change_model(taken_ns, self._next)
            else:
                observation = None
        if observation is not None:
            self._note(observation)
        objects = None if observation is None else objects_of(observation.found, self.model.labels)
        tracks = self._tracker.step(taken_ns, objects)
        self.tracks_alive = int(tracks.confirmed.sum())
        scene = Scene(taken_ns, observation, tracks, timeline)
        events += self._run_rules(scene)
        messages = self._told(events, timeline)
        states, snapshots = self._changes(taken_ns, timeline, events)
        messages += states
        if self._publishes_frames and observation is not None:
            at = stamp(timeline, taken_ns)
            messages.append(self._native.frame(tracks, self.model.labels, self.model.bundle, at))
        return Handover(tuple(messages), snapshots, self._native.seq)

    def _take_up(
        self, new: Collection[str], known: Collection[str], taken_ns: int, timeline: Timeline
    ) -> Handover:
        for rule_id in new:
            running = self._rules[rule_id]
            running.since_utc_ns = timeline.utc_ns(taken_ns)
            if rule_id in self._kept:
                self._restore(rule_id, running, self._kept[rule_id])
        gone = [rule_id for rule_id in known if rule_id not in self._rules]
        removed = [self._native.rule_removed(rule_id) for rule_id in gone]
        removed += [m for rule_id in gone for one in self._standards for m in one.rule_removed(rule_id)]
        splits = self._split(taken_ns)
        messages = self._told(splits, timeline)
        states, snapshots = self._changes(taken_ns, timeline, splits)
        forgotten = dict.fromkeys(self._forget(), b"")
        return Handover((*removed, *messages, *states), forgotten | snapshots, self._native.seq)

    def _forget(self) -> list[str]:
        """Forget rules that have gone, but for the newest: their totals would never be asked for again."""
        gone = [rule_id for rule_id in self._kept if rule_id not in self._rules][:-_MOST_GONE]
        for rule_id in gone:
            del self._kept[rule_id]
        return gone

    def _restore(self, rule_id: str, running: _Running, kept: bytes) -> None:
        try:
            snapshot = msgspec.json.decode(kept, type=Snapshot)
            running.rule.restore(snapshot.state)
        except (msgspec.DecodeError, ValueError) as error:
            self.unusable[rule_id], running.reset = one_line(error), "unusable"
        else:
            running.since_utc_ns, running.model = snapshot.since_utc_ns, snapshot.model
            running.reset = snapshot.reset

    def _begin_with(self, model: ModelIdentity) -> None:
        self.model, self.seen = model, Seen(model.bundle)
        counted = [self._classes is None or label in self._classes for label in model.labels]
        self._counted = np.array(counted, np.bool_)

    def _note(self, observation: Observation) -> None:
        count = count_of(observation.found, self.model.min_score, self._counted)
        self.seen = Seen(self.seen.bundle, self.seen.looks + 1, self.seen.objects + count)

    def _change_model(self, taken_ns: int, model: ModelIdentity) -> list[Split]:
        """Go on with another model: tracks and totals stay, by the names of their classes."""
        self._tracker.relabel(_places(self.model.labels, model.labels), model.min_score)
        self._begin_with(model)
        for running in self._rules.values():
            running.rule.relabel(model.labels, model.bundle)
        return self._split(taken_ns)

    def _split(self, taken_ns: int) -> list[Split]:
        """Split the totals that another model than the one of now has made until now."""
        after = self.model.bundle
        splits = [
            Split(rule_id, taken_ns, running.model, after, running.rule.state())
            for rule_id, running in self._rules.items()
            if running.model not in {"", after}
        ]
        for running in self._rules.values():
            running.model = after
            running.published = None  # states name the model, too
        return splits

    def _told(self, events: Sequence[Event], timeline: Timeline) -> list[Message]:
        messages: list[Message] = []
        for event in events:
            messages.append(self._native.event(event, timeline))
            messages += [message for one in self._standards for message in one.event(event, timeline)]
        return messages

    def _run_rules(self, scene: Scene) -> Sequence[Event]:
        events: list[Event] = []
        for running in self._rules.values():
            events += running.rule.step(scene, events)
        return events

    def _changes(
        self, taken_ns: int, timeline: Timeline, events: Sequence[Event]
    ) -> tuple[list[Message], dict[str, bytes]]:
        """Return the states that are not published yet, and the snapshots of rules that have moved."""
        messages: list[Message] = []
        snapshots: dict[str, bytes] = {}
        at = stamp(timeline, taken_ns)
        speakers = {event.rule for event in events}
        for rule_id, running in self._rules.items():
            state = running.rule.state()
            is_new = state != running.published
            if is_new:
                running.published = state
                since = Since(running.since_utc_ns, running.reset)
                messages.append(self._native.rule_state(rule_id, state, since, self.model.bundle, at))
                messages += [m for one in self._standards for m in one.rule_state(rule_id, state, at.utc_ns)]
            if is_new or rule_id in speakers:
                snapshots[rule_id] = _snapshot(running)
        return messages, snapshots


def _snapshot(running: _Running) -> bytes:
    kept = running.rule.snapshot()
    return msgspec.json.encode(Snapshot(running.since_utc_ns, kept, running.model, running.reset))


def _goes_on(rule: Rule, running: _Running | None) -> bool:
    return running is not None and running.rule is rule


def _places(before: Sequence[str], after: Sequence[str]) -> Indexes:
    """Return where each class of one model is in another one; -1 where that lacks it."""
    places = {label: place for place, label in reversed(list(enumerate(after)))}
    return np.array([places.get(label, -1) for label in before], np.intp)
