"""What rules have counted, bucket by bucket. Beside the rules, which know nothing of it; no clock, no file.

A bucket's counts are the differences of a rule's totals, so that all of them add up to these.
"""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

import msgspec

from eyespot.buckets.coverage import Coverage
from eyespot.buckets.kept import read
from eyespot.buckets.now import SLEW_NS, Now, Span
from eyespot.buckets.row import Row
from eyespot.domain.bucket import Bucket, Cut, Worth
from eyespot.domain.errors import one_line
from eyespot.domain.event import Event
from eyespot.domain.instants import Timeline
from eyespot.domain.measures import Measures


class Buckets:
    """The buckets of all rules that have some.

    Args:
        spans: rule id -> length of its buckets, in s.
        zone: time zone of the device, by whose clock they begin and end.
    """

    def __init__(self, spans: Mapping[str, int], zone: ZoneInfo) -> None:
        self.spans = spans
        self._zone = zone
        self._rows: dict[str, Row] = {}
        self._closed: list[Bucket] = []
        self._told_utc_ns: dict[str, int | None] = {}
        self._coverage: Coverage | None = None
        self._now: Now | None = None
        self._rate_hz: float | None = None

    @property
    def rules(self) -> tuple[str, ...]:
        """Those that have buckets now."""
        return tuple(self._rows)

    def begin(self, bundle: str, taken_ns: int, timeline: Timeline) -> None:
        """Begin to add up: nothing was seen yet.

        Args:
            bundle: id of the model bundle that looks.
            taken_ns: now.
            timeline: for UTC.
        """
        self._coverage = Coverage(taken_ns)
        if self._rate_hz is not None:
            self._coverage.expect(self._rate_hz)
        self._now = Now(taken_ns, timeline, self._coverage, bundle)

    def expect(self, rate_hz: float) -> None:
        """Take note of how often is meant to be looked; from any thread."""
        if rate_hz != self._rate_hz and rate_hz > 0:
            self._rate_hz = rate_hz
            if self._coverage is not None:
                self._coverage.expect(rate_hz)

    def open(self, rule: str, state: Measures, kept: object = None) -> str:
        """Begin with a rule, if it is to have buckets; return why what was kept could not be used, if so.

        Args:
            rule: its id.
            state: what it holds.
            kept: what `keep` returned, perhaps to another process; None: nothing. What is no such thing is
                passed over.
        """
        if self._now is None or rule not in self.spans:
            return ""
        span, told_utc_ns = Span(rule, self.spans[rule], self._zone), self._told_utc_ns.pop(rule, None)
        usable, problem = None, ""
        try:
            usable = None if kept is None else read(kept)
        except ValueError as error:
            problem = one_line(error)
        self._rows[rule] = Row(span, state, usable, told_utc_ns, self._now)
        return problem

    def pass_time(self, taken_ns: int, timeline: Timeline) -> None:
        """Go on to an instant; what is behind the newest one is that."""
        before = self._now
        if before is None:
            return
        if abs(timeline.utc_at_zero_ns - before.timeline.utc_at_zero_ns) >= SLEW_NS:
            for row in self._rows.values():
                row.set_clock(before, timeline)
        taken_ns = max(taken_ns, before.taken_ns)
        now = self._now = Now(taken_ns, timeline, before.coverage, before.bundle)
        for row in self._rows.values():
            row.pass_time(now)

    def look(self, worth: Worth) -> None:
        """Take note that there was a look, and whether it is worth something."""
        if self._now is None:
            return
        blanks = self._now.coverage.look(self._now.taken_ns, worth)
        if blanks:
            for row in self._rows.values():
                row.look(blanks, self._now)

    @property
    def stands_ns(self) -> int:
        """For how long a look stands for the time after it."""
        return 0 if self._now is None else self._now.coverage.stands_ns

    def look_on(self, taken_ns: int, timeline: Timeline) -> bool:
        """Go on over looks up to one, as `Coverage.look_on`; return whether that could be done.

        It cannot where a bucket ends meanwhile, or is to be published.
        """
        now = self._now
        if now is None or now.timeline != timeline:
            return False
        utc_ns = timeline.utc_ns(taken_ns)
        if not all(row.rests_until(utc_ns) for row in self._rows.values()):
            return False
        if not now.coverage.look_on(taken_ns):
            return False
        self._now = Now(taken_ns, timeline, now.coverage, now.bundle)
        return True

    def change_model(self, bundle: str) -> None:
        """Split: another model looks from here on."""
        if self._now is not None and bundle != self._now.bundle:
            self._now = self._now._replace(bundle=bundle)
            for row in self._rows.values():
                row.cut("model", self._now)

    def count(self, rule: str, state: Measures, events: Sequence[Event], undecided: int) -> None:
        """Count what a rule has counted since it was asked last; see `Row.count`."""
        if self._now is not None and rule in self._rows:
            self._rows[rule].count(state, events, undecided, self._now)

    def reset(self, rule: str, state: Measures) -> None:
        """Let a rule begin at zero: from here on it holds that."""
        if self._now is not None and rule in self._rows:
            self._rows[rule].reset(state, self._now)

    def close(self, rule: str, cut: Cut) -> None:
        """Have done with a rule."""
        if self._now is not None and rule in self._rows:
            closed, self._told_utc_ns[rule] = self._rows.pop(rule).close(cut, self._now)
            self._closed += closed

    def due(self) -> list[Bucket]:
        """Return what is to be published now; once only."""
        due, self._closed = self._closed, []
        if self._now is not None:
            for row in self._rows.values():
                due += row.due(self._now)
        return due

    def wants_to_be_kept(self, rule: str) -> bool:
        """Whether there is something new of a rule, or it was kept long ago."""
        return self._now is not None and rule in self._rows and self._rows[rule].wants_to_be_kept(self._now)

    def keep(self, rule: str) -> dict[str, object] | None:
        """Return what of a rule is to outlive the process, fit for JSON; None where it has no buckets."""
        if self._now is None or rule not in self._rows:
            return None
        kept: dict[str, object] = msgspec.to_builtins(self._rows[rule].keep(self._now))
        return kept
