"""A rule that runs, and what the pipeline knows of it beside."""

import heapq
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import msgspec

from eyespot.domain.event import Event, HeatmapState, Reset, ResetCause, RuleState, ShelfState
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.rules import Rule, Snapshot, Sweeping
from eyespot.topics.native import Since

# What a rule keeps may change without a word, as where somebody is. Each time that is kept wears the card.
_KEEP_NS, _KEEP_GATHERED_NS = 30 * SECOND_NS, 300 * SECOND_NS


@dataclass(slots=True)
class Running:
    """A rule that runs.

    Attributes:
        since_utc_ns: UTC in ns since 1970 when its totals began.
        published: its state that was told last.
        model: id of the bundle that its totals are of; empty where that is not known.
        reset: why its totals began then.
        counted: its state that went into its bucket last.
        undecided: as the rule said last.
        kept: of the rule itself, in its last snapshot.
        kept_ns: when that was looked at last.
    """

    rule: Rule
    since_utc_ns: int
    published: RuleState | None = None
    model: str = ""
    reset: ResetCause = "begun"
    counted: RuleState | None = None
    undecided: int = 0
    kept: dict[str, object] | None = None
    kept_ns: int = 0

    @property
    def since(self) -> Since:
        """When and why its totals began."""
        return Since(self.since_utc_ns, self.reset)

    @property
    def is_heatmap(self) -> bool:
        """Whether its state is told on the topic of a heatmap."""
        return isinstance(self.rule.state(), HeatmapState)

    @property
    def gathers(self) -> bool:
        """Whether it changes though it says nothing and its state is as before."""
        return isinstance(self.rule.state(), HeatmapState | ShelfState)

    def is_moved(self, taken_ns: int) -> bool:
        """Return whether what it keeps has changed without a word, as where somebody is; now and then."""
        if taken_ns - self.kept_ns < (_KEEP_GATHERED_NS if self.gathers else _KEEP_NS):
            return False
        self.kept_ns = taken_ns
        return self.rule.snapshot() != self.kept

    def dated(self, event: Event, scene: Scene) -> Event:
        """Return an event of the rule; of totals that it has begin anew, with when they had begun."""
        if not isinstance(event, Reset):
            return event
        dated = replace(event, since_utc_ns=self.since_utc_ns)
        self.since_utc_ns, self.reset = scene.timeline.utc_ns(event.taken_ns), event.cause
        self.published = None
        return dated

    def snapshot(self, buckets: dict[str, object] | None) -> bytes:
        """Return what is kept of it, with what its buckets keep."""
        self.kept = self.rule.snapshot()
        snapshot = Snapshot(
            since_utc_ns=self.since_utc_ns,
            state=self.kept,
            model=self.model,
            reset=self.reset,
            heatmap=self.is_heatmap,
            buckets=buckets,
        )
        return msgspec.json.encode(snapshot)

    def restore(self, kept: bytes, try_state: Callable[[RuleState, Since, str], object]) -> Snapshot:
        """Let it go on from a snapshot, and return that.

        Args:
            kept: the snapshot.
            try_state: raises ValueError where a state, since when it is so, and its model cannot be told.

        Raises:
            ValueError: it is none, not one of such a rule, or nothing that could be told; all is as before.
            RecursionError: it is nested without end.
        """
        blank, snapshot = self.rule.snapshot(), msgspec.json.decode(kept, type=Snapshot)
        self.rule.restore(snapshot.state)
        try:
            since = Since(snapshot.since_utc_ns, snapshot.reset)
            try_state(self.rule.state(), since, snapshot.model)
        except ValueError:
            self.rule.restore(blank)
            raise
        self.since_utc_ns, self.model, self.reset = snapshot.since_utc_ns, snapshot.model, snapshot.reset
        return snapshot


class Told(NamedTuple):
    """What a rule has told of a scene of a strip, and its state then."""

    step: int
    order: int
    events: Sequence[Event]
    state: RuleState
    undecided: int


def told_of(rules: Sequence[Sweeping], strip: Strip) -> Iterator[tuple[int, list[Told]]]:
    """Yield what rules tell of the scenes of a strip, step by step, in their order."""
    told = heapq.merge(*(_told(order, rule, strip) for order, rule in enumerate(rules)), key=_when)
    for step, at_once in groupby(told, key=lambda one: one.step):
        yield step, list(at_once)


def _told(order: int, rule: Sweeping, strip: Strip) -> Iterator[Told]:
    for step, events in rule.sweep(strip):
        yield Told(step, order, events, rule.state(), rule.undecided)


def _when(told: Told) -> tuple[int, int]:
    return told.step, told.order
