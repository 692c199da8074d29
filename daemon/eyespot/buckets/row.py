"""The buckets of one rule, one after the other."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from eyespot.buckets.alignment import bounds
from eyespot.buckets.coverage import Blank
from eyespot.buckets.ended import Ended
from eyespot.buckets.kept import Kept, cut_after
from eyespot.buckets.now import SLEW_NS, Now, Span
from eyespot.buckets.tally import EVER, Open, Tally
from eyespot.domain.bucket import Bucket, Cut, GapCause
from eyespot.domain.event import Event, Reset
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.measures import Key, Measures, counted, lasted, measures

_KEEP_NS = 60 * SECOND_NS  # where nothing happens
_MS = 1_000_000  # what is published has no finer times


class Row:
    """Counts into the bucket of the hour, and closes it when its time is over.

    Args:
        span: whose buckets they are.
        state: what the rule holds already.
        kept: what another process left; None: nothing.
        told_utc_ns: where the bucket ended that this process told of last; None where there was none.
        now: when this one begins.
    """

    def __init__(
        self, span: Span, state: Measures, kept: Kept | None, told_utc_ns: int | None, now: Now
    ) -> None:
        self._span = span
        self._state = state
        self._ended = Ended()
        self._told_utc_ns = told_utc_ns
        self._kept_ns: int | None = None
        if kept is None or not self._goes_on(kept, now):
            self._open = self._fresh(now, "restart")

    def pass_time(self, now: Now) -> None:
        """Close the bucket if its time is over, and open the one of now."""
        tally = self._open.tally
        tally.synced |= now.timeline.synced
        if now.utc_ns < tally.end_utc_ns:
            return
        at_ns = max(tally.end_utc_ns - now.timeline.utc_at_zero_ns, self._open.from_ns)
        self._end(now._replace(taken_ns=min(at_ns, now.taken_ns)), tally.end_utc_ns, None)
        blanks = now.coverage.blanks(now.taken_ns)
        self._open = self._fresh(now, blanks[-1].cause if blanks else "silent", at_ns)

    def rests_until(self, utc_ns: int) -> bool:
        """Return whether no bucket ends or is to be published until an instant."""
        return utc_ns < self._open.tally.end_utc_ns and self._ended.are_told

    def set_clock(self, before: Now, timeline: Timeline) -> None:
        """Go on by a clock that was set.

        What was counted by a clock that nobody trusted goes to where it belongs by this one. Else the bucket
        ends where the clock was set.

        Args:
            before: the newest instant, by the clock as it was.
            timeline: as the clock goes now.
        """
        now = before._replace(timeline=timeline)
        opened = self._open
        if opened.tally.synced or opened.opened_ns is None:
            self._end(before, before.utc_ns, "clock")
            self._open = self._fresh(now, "clock")
            return
        shift_ns = timeline.utc_at_zero_ns - before.timeline.utc_at_zero_ns
        opened.tally.gaps = [
            gap._replace(begin_utc_ns=gap.begin_utc_ns + shift_ns, end_utc_ns=gap.end_utc_ns + shift_ns)
            for gap in opened.tally.gaps
        ]
        self._place(opened.tally, timeline.utc_ns(opened.opened_ns))
        if opened.tally.lead != "restart":
            opened.tally.lead = "clock"
        opened.tally.synced = timeline.synced
        if now.utc_ns >= opened.tally.end_utc_ns:
            self._end(now, now.utc_ns, "clock")
            self._open = self._fresh(now, "clock")

    def look(self, blanks: Sequence[Blank], now: Now) -> None:
        """Take note of whiles in which nothing was seen."""
        _leave_blank(self._open.tally, blanks, now)

    def count(self, state: Measures, events: Sequence[Event], undecided: int, now: Now) -> None:
        """Count what the rule has counted since it was asked last.

        Args:
            state: what it holds now.
            events: what it said of that.
            undecided: how many tracks it could not decide on.
            now: when.
        """
        if not events and not undecided and state == self._state:
            return
        resets = [(place, event.state) for place, event in enumerate(events) if isinstance(event, Reset)]
        if resets:
            place, before = resets[-1]
            self._add(measures(before), events[:place], now)
            events = events[place:]
            self.reset(_without(state, events), now)
        self._open.tally.ambiguous += undecided
        self._add(state, events, now)

    def cut(self, cut: Cut, now: Now) -> None:
        """End the bucket before its time, and begin another one."""
        self._end(now, now.utc_ns, cut)
        self._open = self._fresh(now, "silent")

    def reset(self, state: Measures, now: Now) -> None:
        """Begin at zero; whatever comes late counts from there."""
        self.cut("reset", now)
        self._ended.hasten()
        self._open.from_ns = EVER
        self._state = state

    def close(self, cut: Cut, now: Now) -> tuple[list[Bucket], int | None]:
        """End the bucket for good; return all that is not published, and where the last one ended."""
        self._end(now, now.utc_ns, cut)
        self._ended.hasten()
        return self.due(now), self._told_utc_ns

    def due(self, now: Now) -> list[Bucket]:
        """Return what is to be published now."""
        due = self._ended.due(now.taken_ns)
        if due:
            self._kept_ns = None
        return [one.tally.bucket(self._span.rule, self._span.bucket_s, one.rev) for one in due]

    def wants_to_be_kept(self, now: Now) -> bool:
        """Whether there is something new, or it was long ago."""
        return self._kept_ns is None or now.taken_ns - self._kept_ns >= _KEEP_NS

    def keep(self, now: Now) -> Kept:
        """Return what is to outlive the process; the next one does not know why nothing is seen now."""
        self._kept_ns = now.taken_ns
        self._measure(self._open, now)
        tally = msgspec.structs.replace(self._open.tally, gaps=list(self._open.tally.gaps))
        _leave_blank(tally, now.coverage.blanks(now.taken_ns), now)
        until_ns = max(now.utc_ns, self._open.tally.begin_utc_ns)
        zero_ns = now.timeline.utc_at_zero_ns
        return Kept(
            self._span.bucket_s,
            tally,
            until_ns,
            zero_ns,
            self._told_utc_ns,
            self._ended.waiting,
        )

    def _goes_on(self, kept: Kept, now: Now) -> bool:
        """Go on with what another process left; return whether its bucket is still open."""
        self._told_utc_ns = kept.told_utc_ns
        self._ended = Ended(kept.waiting)
        self._ended.hasten()
        tally, until_ns = kept.tally, kept.until_utc_ns
        covered_at_ns = now.coverage.covered_ns(now.taken_ns) - tally.covered_ns
        self._open = Open(tally, None, EVER, covered_at_ns)
        cut = cut_after(kept, self._span, now)
        if cut is None:
            tally.add_gap(until_ns, now.utc_ns, "restart")
        if cut is None and now.utc_ns < tally.end_utc_ns:
            self._show(now)
            return True
        end_ns = tally.end_utc_ns if cut is None else min(until_ns, tally.end_utc_ns)
        self._end(now, end_ns, cut)
        return False

    def _fresh(self, now: Now, lead: GapCause, ended_ns: int | None = None) -> Open:
        """Return a bucket that begins where the last one ended, as far as that lies in the same stretch.

        Args:
            now: what lies in it.
            lead: why nothing was seen of it before.
            ended_ns: when the last one ended; None: now.
        """
        tally = Tally(0, 0, 0, now.bundle, lead, now.timeline.synced)
        self._place(tally, now.utc_ns)
        opened_ns = now.taken_ns
        if ended_ns is not None:
            opened_ns = min(max(tally.begin_utc_ns - now.timeline.utc_at_zero_ns, ended_ns), opened_ns)
        tally.opened_utc_ns = now.timeline.utc_ns(opened_ns)
        tally.sums.name(self._state.totals)
        tally.sums.show(self._state.gauges, 0)
        self._kept_ns = None
        return Open(tally, opened_ns, opened_ns, now.coverage.covered_ns(opened_ns))

    def _place(self, tally: Tally, utc_ns: int) -> None:
        """Let a bucket begin and end where the one does in which an instant lies.

        What was told of already is not told of again, unless the clock has gone back behind it.
        """
        told_ns = self._told_utc_ns
        if told_ns is not None and told_ns - SLEW_NS < utc_ns:
            utc_ns = max(utc_ns, told_ns)
        begin_ns, tally.end_utc_ns = bounds(utc_ns, self._span.bucket_s, self._span.zone)
        if told_ns is not None and told_ns > begin_ns:
            begin_ns = min(told_ns, utc_ns // _MS * _MS)
        tally.begin_utc_ns, tally.opened_utc_ns = begin_ns, utc_ns

    def _end(self, at: Now, end_utc_ns: int, cut: Cut | None) -> None:
        """End the bucket, and have one of which nothing is known where none lies before it."""
        opened, tally = self._open, self._open.tally
        end_utc_ns = end_utc_ns // _MS * _MS
        if end_utc_ns <= tally.begin_utc_ns:
            if not (tally.sums.number or tally.ambiguous):
                return
            end_utc_ns = tally.begin_utc_ns + _MS
        self._measure(opened, at)
        tally.end_utc_ns, tally.cut = end_utc_ns, cut
        tally.add_gap(tally.begin_utc_ns, tally.opened_utc_ns, tally.lead)
        self.look(at.coverage.blanks(at.taken_ns), at)
        tally.join_gaps()
        if self._told_utc_ns is not None and self._told_utc_ns < tally.begin_utc_ns:
            self._ended.add(self._nothing_known(self._told_utc_ns, opened))
        opened.to_ns = at.taken_ns
        self._ended.add(opened)
        self._told_utc_ns = end_utc_ns

    def _nothing_known(self, from_utc_ns: int, opened: Open) -> Open:
        """Return a bucket for the time before another one."""
        tally, until_ns = opened.tally, opened.tally.begin_utc_ns
        blank = Tally(from_utc_ns, until_ns, until_ns, tally.bundle, tally.lead, tally.synced)
        blank.add_gap(from_utc_ns, until_ns, tally.lead)
        return Open(blank, None, opened.from_ns, 0, to_ns=opened.from_ns)

    def _measure(self, opened: Open, at: Now) -> None:
        """Bring what goes by the time that was seen up to an instant."""
        covered_ns = at.coverage.covered_ns(at.taken_ns) - opened.covered_at_ns
        opened.tally.covered_ns = max(covered_ns, 0)
        opened.tally.sums.show(self._state.gauges, opened.tally.covered_ns)

    def _show(self, now: Now) -> None:
        self._measure(self._open, now)
        self._open.tally.sums.name(self._state.totals)

    def _add(self, state: Measures, events: Sequence[Event], now: Now) -> None:
        new = {key: total - self._state.totals.get(key, 0) for key, total in state.totals.items()}
        self._state = state
        for event in events:
            if (key := counted(event)) is not None and new.get(key, 0) > 0:
                new[key] -= 1
                self._count(key, event.taken_ns)
            if (ended := lasted(event)) is not None:
                self._bucket_of(event.taken_ns).tally.sums.end(*ended)
        self._show(now)
        for key, number in new.items():
            if number > 0:
                self._open.tally.sums.count(key, number)

    def _count(self, key: Key, taken_ns: int) -> None:
        bucket = self._bucket_of(taken_ns)
        bucket.tally.sums.count(key, 1)
        self._ended.correct(bucket)

    def _bucket_of(self, taken_ns: int) -> Open:
        if self._open.covers(taken_ns):
            return self._open
        return self._ended.at(taken_ns) or self._open


def _leave_blank(tally: Tally, blanks: Sequence[Blank], now: Now) -> None:
    """Take note in a bucket of whiles in which nothing was seen, as far as they lie in it."""
    for blank in blanks:
        tally.add_gap(now.timeline.utc_ns(blank.begin_ns), now.timeline.utc_ns(blank.end_ns), blank.cause)


def _without(state: Measures, events: Sequence[Event]) -> Measures:
    """Return what a state was before events."""
    totals = Counter(counted(event) for event in events)
    return Measures({key: total - totals[key] for key, total in state.totals.items()}, state.gauges)
