"""One observation's work: tracks, rules, messages. No clock, thread, file or socket.

`eyespot run` and `eyespot replay` step the same pipeline, so they count the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.event import Event, RuleState
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Message
from eyespot.domain.objects import objects_of
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Rule
from eyespot.topics.native import Native, stamp
from eyespot.tracking.tracker import Tracker


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule as it is kept: UTC in ns since 1970 when its totals began, and what the rule itself keeps."""

    since_utc_ns: int
    state: dict[str, object]


@dataclass(slots=True)
class _Running:
    rule: Rule
    since_utc_ns: int
    published: RuleState | None = None


class Pipeline:
    """Steps tracker and rules, and puts what they say into messages.

    Args:
        model: what makes the observations.
        tracker: detections to tracks.
        rules: by id, in the order in which they run.
        native: makes the messages.
        publishes_frames: whether each observation's boxes are published, too.

    Attributes:
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
        publishes_frames: bool = False,
    ) -> None:
        self._model = model
        self._tracker = tracker
        self._rules = {rule_id: _Running(rule, 0) for rule_id, rule in rules.items()}
        self._native = native
        self._publishes_frames = publishes_frames
        self.tracks_alive = 0
        self.unusable: dict[str, str] = {}

    def begin(self, kept: Mapping[str, bytes], taken_ns: int, timeline: Timeline) -> Handover:
        """Take up where the kept snapshots end, and return every rule's state.

        A rule that has no snapshot begins at zero, and so does one that cannot use its own: `unusable`
        then says why. The topic of a snapshot that has no rule is cleared.
        """
        for rule_id, running in self._rules.items():
            running.since_utc_ns = timeline.utc_ns(taken_ns)
            if rule_id in kept:
                self._restore(rule_id, running, kept[rule_id])
        removed = [self._native.rule_removed(rule_id) for rule_id in kept if rule_id not in self._rules]
        messages, snapshots = self._changes(taken_ns, timeline, ())
        return Handover((*removed, *messages), snapshots, self._native.seq)

    def step(self, taken_ns: int, observation: Observation | None, timeline: Timeline) -> Handover:
        """Look at one observation, or at its absence while the source is silent."""
        objects = None if observation is None else objects_of(observation.found, self._model.labels)
        tracks = self._tracker.step(taken_ns, objects)
        self.tracks_alive = int(tracks.confirmed.sum())
        scene = Scene(taken_ns, observation, tracks)
        events = self._run_rules(scene)
        messages = [self._native.event(event, timeline) for event in events]
        states, snapshots = self._changes(taken_ns, timeline, events)
        messages += states
        if self._publishes_frames and observation is not None:
            at = stamp(timeline, taken_ns)
            messages.append(self._native.frame(tracks, self._model.labels, self._model.bundle, at))
        return Handover(tuple(messages), snapshots, self._native.seq)

    def _restore(self, rule_id: str, running: _Running, kept: bytes) -> None:
        try:
            snapshot = msgspec.json.decode(kept, type=Snapshot)
            running.rule.restore(snapshot.state)
        except (msgspec.DecodeError, ValueError) as error:
            self.unusable[rule_id] = one_line(error)
        else:
            running.since_utc_ns = snapshot.since_utc_ns

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
            state, since = running.rule.state(), running.since_utc_ns
            is_new = state != running.published
            if is_new:
                running.published = state
                messages.append(self._native.rule_state(rule_id, state, since, self._model.bundle, at))
            if is_new or rule_id in speakers:
                snapshots[rule_id] = msgspec.json.encode(Snapshot(since, running.rule.snapshot()))
        return messages, snapshots
