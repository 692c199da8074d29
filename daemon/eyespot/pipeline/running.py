"""A rule that runs, and what the pipeline knows of it beside."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.event import Counted, Event, HeatmapState, Reset, ResetCause, RuleState, ShelfState
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.rules import Rule, Snapshot, was_another_kind
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

    def dated(self, event: Event, timeline: Timeline) -> Event:
        """Return an event of the rule; of totals that it has begin anew, with when they had begun."""
        if not isinstance(event, Reset):
            return event
        dated = msgspec.structs.replace(event, since_utc_ns=self.since_utc_ns)
        self.since_utc_ns, self.reset = timeline.utc_ns(event.taken_ns), event.cause
        self.published = None
        return dated

    def begin_anew(
        self, rule_id: str, cause: ResetCause, bundle: str, taken_ns: int, timeline: Timeline
    ) -> Reset:
        """Let its totals begin at zero, and return what they were; from here on they are of that bundle."""
        reset = Reset(rule_id, taken_ns, cause, self.rule.state(), self.since_utc_ns, self.model or bundle)
        self.rule.reset()
        self.since_utc_ns, self.reset = timeline.utc_ns(taken_ns), cause
        self.model, self.published = bundle, None
        return reset

    def follow(self, was: "Running", rule_id: str, bundle: str, taken_ns: int) -> list[Reset]:
        """Begin at zero in place of a rule of another kind; return what that had counted, if it counts."""
        self.reset, state = "changed", was.rule.state()
        if not isinstance(state, Counted):
            return []
        return [Reset(rule_id, taken_ns, "changed", state, was.since_utc_ns, was.model or bundle)]

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

    def restored(
        self, kept: bytes, try_state: Callable[[RuleState, Since, str], object]
    ) -> tuple[Snapshot | None, str]:
        """Let it go on from a snapshot, as `restore`; return that, or None and why it cannot be used.

        Of one that another kind of rule left there is nothing to say: it was not to be used.
        """
        try:
            return self.restore(kept, try_state), ""
        except (ValueError, RecursionError) as error:  # both libraries' errors are such
            if was_another_kind(kept, self.rule):
                self.reset = "changed"
                return None, ""
            self.reset = "unusable"
            return None, f"began at zero: {one_line(error)}"

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
