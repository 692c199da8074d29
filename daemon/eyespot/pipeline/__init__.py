"""One observation's work: tracks, rules, messages. No clock, thread, file or socket.

`eyespot run` and `eyespot replay` step the same pipeline, so they count the same.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

import numpy as np

from eyespot.buckets import Buckets
from eyespot.domain.doubt import Doubt
from eyespot.domain.event import Counted, Event, Reset, ResetCause, RuleState, Split
from eyespot.domain.instants import Timeline
from eyespot.domain.measures import measures
from eyespot.domain.message import Message
from eyespot.domain.objects import count_of, objects_of, places_of
from eyespot.domain.observation import Observation
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.pipeline.counting import count_told, run_rules
from eyespot.pipeline.drifting import Drifting
from eyespot.pipeline.places import Places
from eyespot.pipeline.running import Running
from eyespot.pipeline.sweeping import Told, can_sweep, rough, told_of
from eyespot.pipeline.tuning import Seen, Tuning
from eyespot.pipeline.voice import Standard, Voice
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import Gathering, Rule, was_heatmap
from eyespot.topics.native import Native, Stamp, stamp
from eyespot.tracking.tracker import Tracker

__all__ = ["Pipeline", "Seen", "Standard", "Tuning", "Watch"]

_Ids = Collection[str]
Watch = Callable[[Scene, tuple[str, ...], Sequence[Event]], None]

_UTC = ZoneInfo("UTC")
_MOST_GONE = 100


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
        watch: is given each scene, the class names of its model by index, and what happened in it.
        spans: rule id -> length of its buckets, in s; a rule that is not there has none.
        zone: time zone of the device, by whose clock buckets begin.

    Attributes:
        seen: how much the model has seen; from any thread.
        model: what makes the observations just now; from any thread.
        tracks_alive: confirmed tracks after the newest step.
        unusable: rule id -> what began anew, and why what was kept of it could not be used.
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
        watch: Watch = lambda _scene, _labels, _events: None,
        spans: Mapping[str, int] = MappingProxyType({}),
        zone: ZoneInfo = _UTC,
    ) -> None:
        self._classes = classes
        self._watch = watch
        self._begin_with(model)
        self._next = model
        self._tracker = tracker
        self._rules = {rule_id: Running(rule, 0) for rule_id, rule in rules.items()}
        self._kept: dict[str, bytes] = {}
        self._places = Places()
        self._native, self._voice = native, Voice(native, standards)
        self._publishes_frames = publishes_frames
        self._buckets = Buckets(spans, zone)
        self._drifting = Drifting(zone)
        self.tracks_alive = 0
        self.unusable: dict[str, str] = {}

    def begin(self, kept: Mapping[str, bytes], taken_ns: int, timeline: Timeline) -> Handover:
        """Take up where the kept snapshots end, and return every rule's state.

        A rule that has no snapshot, or one of another kind of rule, begins at zero, and so does one that
        cannot use its own: `unusable` then says why. One that looks elsewhere now is reset. The topic of a
        snapshot that has no rule is cleared. Totals of another model are split from what comes.
        """
        self._kept = self._places.take_from(self._drifting.take_from(kept, self.model.bundle))
        self._buckets.begin(self.model.bundle, taken_ns, timeline)
        return self._take_up(self._rules, self._kept, taken_ns, timeline, {})

    def retune(self, tuning: Tuning, taken_ns: int, timeline: Timeline) -> Handover:
        """Count on by other rules and scores, between two steps; return every rule's state.

        A rule that is the same object goes on as if nothing had happened. Another one with the id of one
        that was there before takes up its totals; one of another kind cannot, and is told as reset. Else as
        `begin`. Tracks stay.
        """
        before = self._rules
        self._buckets.pass_time(taken_ns, timeline)
        self._rules = {rule_id: Running(rule, 0) for rule_id, rule in tuning.rules.items()}
        same = {rule_id for rule_id, was in before.items() if was.rule is tuning.rules.get(rule_id)}
        new = [rule_id for rule_id in tuning.rules if rule_id not in same]
        ended = [rule_id for rule_id in before if rule_id in new or rule_id not in self._rules]
        for rule_id in ended:
            self._buckets.close(rule_id, "changed")
        self._buckets.spans = tuning.spans
        newest = {rule_id: before[rule_id].snapshot(self._buckets.keep(rule_id)) for rule_id in ended}
        self._kept = {rule_id: kept for rule_id, kept in self._kept.items() if rule_id not in newest} | newest
        self._rules |= {rule_id: before[rule_id] for rule_id in self._rules if rule_id not in new}
        self._publishes_frames, self._classes = tuning.publishes_frames, tuning.classes
        self._next = replace(self.model, min_score=tuning.min_score)
        self._begin_with(self._next)
        everywhere = np.arange(len(self.model.labels))
        self._tracker.relabel(everywhere, tuning.min_score)
        self.unusable = {}
        handover = self._take_up(new, ended, taken_ns, timeline, before)
        # of a rule that goes, so that no bucket of it is told again when it returns
        gone = {rule_id: kept for rule_id, kept in newest.items() if rule_id not in self._rules}
        return replace(handover, snapshots={**gone, **handover.snapshots})

    @property
    def doubts(self) -> Mapping[Doubt, str]:
        """What is in doubt, with the evidence in words; from any thread."""
        return self._drifting.doubts

    def relearn(self) -> Handover:
        """Learn anew what is usually seen, as the camera looks elsewhere."""
        return Handover((), self._drifting.relearn(), self._native.seq)

    @property
    def states(self) -> dict[str, RuleState]:
        """What holds now, by rule."""
        return {rule_id: running.rule.state() for rule_id, running in self._rules.items()}

    @property
    def counting(self) -> tuple[str, ...]:
        """The rules that have totals."""
        return tuple(
            rule_id for rule_id, running in self._rules.items() if isinstance(running.rule.state(), Counted)
        )

    def reset(self, rules: Collection[str], taken_ns: int, timeline: Timeline) -> Handover:
        """Let totals begin at zero, as somebody wants it; what counts next counts from there.

        Args:
            rules: some of `counting`.
            taken_ns: now.
            timeline: for UTC.
        """
        self._buckets.pass_time(taken_ns, timeline)
        resets = [self._reset(rule_id, "manual", taken_ns, timeline) for rule_id in rules]
        messages = self._voice.events(resets, timeline)
        states, snapshots = self._changes(taken_ns, timeline, resets)
        return Handover((*messages, *states), snapshots, self._native.seq)

    def _reset(self, rule_id: str, cause: ResetCause, taken_ns: int, timeline: Timeline) -> Reset:
        running = self._rules[rule_id]
        reset = running.begin_anew(rule_id, cause, self.model.bundle, taken_ns, timeline)
        self._buckets.reset(rule_id, measures(running.rule.state()))
        return reset

    def expect(self, model: ModelIdentity) -> None:
        """Count by another model from its first observation on; from any thread."""
        self._next = model

    def expect_rate(self, rate_hz: float) -> None:
        """Take note of how often is meant to be observed, for coverage; from any thread."""
        self._buckets.expect(rate_hz)

    def keep(self, taken_ns: int, timeline: Timeline) -> Handover:
        """Return the snapshots of all rules that gather, as of now, before the process ends."""
        self._buckets.pass_time(taken_ns, timeline)
        messages, snapshots = self._changes(taken_ns, timeline, ())
        gathering = {*self._buckets.rules, *(key for key, rule in self._rules.items() if rule.gathers)}
        whole = {key: self._rules[key].snapshot(self._buckets.keep(key)) for key in sorted(gathering)}
        usual = self._drifting.keep(taken_ns, now=True)
        return Handover(tuple(messages), {**snapshots, **whole, **usual}, self._native.seq)

    def end(self, taken_ns: int, timeline: Timeline) -> Handover:
        """End all buckets and heatmaps, as nothing more will come of a recording; return them."""
        self._buckets.pass_time(taken_ns, timeline)
        for running in self._rules.values():
            if isinstance(running.rule, Gathering):
                running.rule.close()
        for rule_id in self._buckets.rules:
            self._buckets.close(rule_id, "end")
        messages, snapshots = self._changes(taken_ns, timeline, ())
        return Handover(tuple(messages), snapshots, self._native.seq)

    def step(self, taken_ns: int, observation: Observation | None, timeline: Timeline) -> Handover:
        """Look at one observation, or at its absence while the source is silent.

        At the first one of the model that is expected, counters are split. Any other model's are passed over.
        """
        events: list[Event] = []
        self._buckets.pass_time(taken_ns, timeline)
        if observation is not None and observation.bundle != self.model.bundle:
            if observation.bundle == self._next.bundle:
                events += self._change_model(taken_ns, self._next)
            else:
                observation = None
        if observation is not None:
            self._note(observation)
        objects = None if observation is None else objects_of(observation.found, self.model.labels)
        scene = Scene(taken_ns, observation, self._tracker.step(taken_ns, objects), timeline)
        self._drifting.step(scene)
        if observation is not None:
            self._buckets.look(self._drifting.worth(observation.sight))
        return self._look(scene, events)

    def sweep(self, strip: Strip) -> Iterator[Message]:
        """Yield what is told of many scenes whose tracks are known: what `step` would tell of each of them.

        Where all rules can, they look at them at once. Nobody but the recording tells of its health: where
        something comes into doubt, or is so no more, that is told, too.
        """
        yield from self._drifting.news(self._native, strip)
        rules = [running.rule for running in self._rules.values()]
        if self._publishes_frames or not can_sweep(rules):
            yield from self._step_through(strip)
            return
        blind = self._drifting.worth("clear") != "clear"
        not_smooth = range(len(strip) + 1) if blind else rough(strip, self._buckets.stands_ns)
        passed, running, looks = 0, tuple(self._rules.items()), bool(self._buckets.rules)
        for step, told in told_of(strip, rules):
            if looks and not self._look_on(strip, passed, step + 1, not_smooth):
                yield from self._let_pass(strip, passed, step, not_smooth)
                self._pass_time(strip, step)
            yield from self._tell(told, strip, step, running)
            passed = step + 1
        if looks:
            yield from self._let_pass(strip, passed, len(strip), not_smooth)

    def _step_through(self, strip: Strip) -> Iterator[Message]:
        for scene in strip.scenes():
            self._buckets.pass_time(scene.taken_ns, scene.timeline)
            if scene.observation is not None:
                self._buckets.look(self._drifting.worth(scene.observation.sight))
            yield from self._look(scene, ()).messages

    def _let_pass(self, strip: Strip, begin: int, end: int, not_smooth: Sequence[int]) -> Iterator[Message]:
        """Yield what is told of scenes in which no rule says anything: buckets that end."""
        if begin == end or self._look_on(strip, begin, end, not_smooth):
            return
        for step in range(begin, end):
            self._pass_time(strip, step)
            yield from self._voice.buckets(self._buckets.due())

    def _look_on(self, strip: Strip, begin: int, end: int, not_smooth: Sequence[int]) -> bool:
        """Go on over some scenes at once, as far as buckets go; return whether that could be done."""
        smooth = not_smooth[begin] == not_smooth[end]
        return smooth and self._buckets.look_on(int(strip.taken_ns[end - 1]), strip.timeline)

    def _pass_time(self, strip: Strip, step: int) -> None:
        self._buckets.pass_time(int(strip.taken_ns[step]), strip.timeline)
        if strip.observed[step]:
            self._buckets.look(self._drifting.worth(strip.sight(step)))

    def _tell(
        self, told: Sequence[Told], strip: Strip, step: int, running: Sequence[tuple[str, Running]]
    ) -> Iterator[Message]:
        """Yield what rules have told at one step: events, buckets that end, states."""
        for one in told:
            rule_id, of = running[one.order]
            events = [of.dated(event, strip.timeline) for event in one.events]
            count_told(rule_id, of, self._buckets, one, events)
            yield from self._voice.events(events, strip.timeline)
        yield from self._voice.buckets(self._buckets.due())
        at = stamp(strip.timeline, int(strip.taken_ns[step]))
        for one in told:
            yield from self._published(*running[one.order], one.state, at)

    def _look(self, scene: Scene, before: Sequence[Event]) -> Handover:
        """Let the rules look at a scene, and tell what they say, after what had happened before."""
        self.tracks_alive = int(scene.tracks.confirmed.sum())
        events = [*before, *run_rules(self._rules, self._buckets, scene)]
        self._watch(scene, self.model.labels, events)
        messages = self._voice.events(events, scene.timeline)
        states, snapshots = self._changes(scene.taken_ns, scene.timeline, events)
        messages += states
        if self._publishes_frames and scene.observation is not None:
            at = stamp(scene.timeline, scene.taken_ns)
            messages.append(self._native.frame(scene.tracks, self.model.labels, self.model.bundle, at))
        return Handover(tuple(messages), snapshots, self._native.seq)

    def _take_up(
        self, new: _Ids, known: _Ids, taken_ns: int, timeline: Timeline, before: Mapping[str, Running]
    ) -> Handover:
        begun: list[Event] = []
        anew: list[str] = []
        for rule_id in new:
            running, was = self._rules[rule_id], before.get(rule_id)
            running.since_utc_ns = timeline.utc_ns(taken_ns)
            kept = None
            if was is not None and type(was.rule) is not type(running.rule):
                begun += running.follow(was, rule_id, self.model.bundle, taken_ns)
            elif rule_id in self._kept:
                kept, why = running.restored(self._kept[rule_id], partial(self._voice.try_state, rule_id))
                self.unusable |= {rule_id: why} if why else {}
            anew += [rule_id] if rule_id in known and kept is None else []
            bucket = self._buckets.open(rule_id, measures(running.rule.state()), kept and kept.buckets)
            self.unusable |= {rule_id: f"began its bucket anew: {bucket}"} if bucket else {}
            if kept and self._places.is_elsewhere(rule_id, running.rule.place):
                begun.append(self._reset(rule_id, "changed", taken_ns, timeline))
        removed = self._remove(known, anew)
        begun += self._split(taken_ns)
        messages = self._voice.events(begun, timeline)
        states, snapshots = self._changes(taken_ns, timeline, begun)
        kept_too = dict.fromkeys(self._forget(), b"") | self._places.renew(self._rules, self._kept)
        return Handover((*removed, *messages, *states), kept_too | snapshots, self._native.seq)

    def _remove(self, known: _Ids, anew: _Ids) -> list[Message]:
        """Return what clears topics that nothing tells any more: of rules that have gone, or are others."""
        messages: list[Message] = []
        for rule_id in known:
            was, running = was_heatmap(self._kept[rule_id]), self._rules.get(rule_id)
            if running is None or was != running.is_heatmap:
                messages.append(self._native.rule_removed(rule_id, is_heatmap=was))
        gone = [rule_id for rule_id in known if rule_id not in self._rules or rule_id in anew]
        return messages + [message for rule_id in gone for message in self._voice.removed(rule_id)]

    def _forget(self) -> list[str]:
        """Forget rules that have gone, but for the newest: their totals would never be asked for again."""
        gone = [rule_id for rule_id in self._kept if rule_id not in self._rules][:-_MOST_GONE]
        for rule_id in gone:
            del self._kept[rule_id]
        return gone

    def _begin_with(self, model: ModelIdentity) -> None:
        self.model, self.seen = model, Seen(model.bundle)
        counted = [self._classes is None or label in self._classes for label in model.labels]
        self._counted = np.array(counted, np.bool_)

    def _note(self, observation: Observation) -> None:
        count = count_of(observation.found, self.model.min_score, self._counted)
        self.seen = Seen(self.seen.bundle, self.seen.looks + 1, self.seen.objects + count)

    def _change_model(self, taken_ns: int, model: ModelIdentity) -> list[Split]:
        """Go on with another model: tracks and totals stay, by the names of their classes."""
        self._tracker.relabel(places_of(self.model.labels, model.labels), model.min_score)
        self._begin_with(model)
        for running in self._rules.values():
            running.rule.relabel(model.labels, model.bundle)
        self._buckets.change_model(model.bundle)
        self._drifting.change_model(model.bundle)
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

    def _changes(
        self, taken_ns: int, timeline: Timeline, events: Sequence[Event]
    ) -> tuple[list[Message], dict[str, bytes]]:
        """Return due buckets, states that are not published yet, and the snapshots of rules that moved."""
        messages = self._voice.buckets(self._buckets.due())
        snapshots = self._drifting.keep(taken_ns)
        at = stamp(timeline, taken_ns)
        speakers = {event.rule for event in events}
        for rule_id, running in self._rules.items():
            state = running.rule.state()
            new = list(self._published(rule_id, running, state, at))
            messages += new
            wanted = self._buckets.wants_to_be_kept(rule_id) or running.is_moved(taken_ns)
            if new or rule_id in speakers or wanted:
                running.kept_ns = taken_ns
                snapshots[rule_id] = running.snapshot(self._buckets.keep(rule_id))
        return messages, snapshots

    def _published(self, rule_id: str, running: Running, state: RuleState, at: Stamp) -> Iterator[Message]:
        """Yield what is to be said of a state, if it is new."""
        if state != running.published:
            running.published = state
            yield from self._voice.state(rule_id, state, running.since, self.model.bundle, at)
