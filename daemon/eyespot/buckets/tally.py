"""One bucket while it is open, or may still be corrected."""

from dataclasses import dataclass
from math import sqrt
from typing import Annotated

import msgspec
from msgspec import Meta

from eyespot.buckets.sums import Sums
from eyespot.domain.bucket import Bucket, Cut, Gap, GapCause, Level, Spread
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.kept import KeptBundle

_SHORTEST_GAP_NS = SECOND_NS  # shorter ones are in the coverage alone
_MOST_GAPS = 16
_DEVIATIONS = 2
_DIGITS = 4
MOST_BYTES = 60_000  # of what is told of classes: a message is not longer than 64 KiB

EVER = -(2**63)  # before anything that can have happened
Utc = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**53)]


class Tally(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What is kept of a bucket; see `Bucket`.

    Attributes:
        end_utc_ns: where it is to end, or has ended.
        opened_utc_ns: from when on it was counted into.
        lead: why nothing was seen before that.
        covered_ns: for how long something could be seen, as of when this was kept.
    """

    begin_utc_ns: Utc
    end_utc_ns: Utc
    opened_utc_ns: Utc
    bundle: KeptBundle
    lead: GapCause
    synced: bool = False
    sums: Sums = msgspec.field(default_factory=Sums)
    covered_ns: Count = 0
    ambiguous: Count = 0
    gaps: Annotated[list[Gap], Meta(max_length=_MOST_GAPS)] = []
    cut: Cut | None = None

    def add_gap(self, begin_utc_ns: int, end_utc_ns: int, cause: GapCause) -> None:
        """Take note of a while in which nothing was seen, as far as it lies in here."""
        gap = Gap(max(begin_utc_ns, self.begin_utc_ns), min(end_utc_ns, self.end_utc_ns), cause)
        if _length(gap) >= _SHORTEST_GAP_NS:
            self.gaps.append(gap)
        if len(self.gaps) > _MOST_GAPS:
            self.gaps.remove(min(self.gaps, key=_length))

    def join_gaps(self) -> None:
        """Put the gaps in order, make one of those that meet, and have none go on behind the end."""
        joined: list[Gap] = []
        for one in sorted(self.gaps):
            gap = one._replace(end_utc_ns=min(one.end_utc_ns, self.end_utc_ns))
            if joined and joined[-1].cause == gap.cause and gap.begin_utc_ns <= joined[-1].end_utc_ns:
                joined[-1] = joined[-1]._replace(end_utc_ns=max(gap.end_utc_ns, joined[-1].end_utc_ns))
            else:
                joined.append(gap)
        self.gaps = joined

    def bucket(self, rule: str, bucket_s: int, rev: int) -> Bucket:
        """Return the value of it."""
        share = min(self.covered_ns / (self.end_utc_ns - self.begin_utc_ns), 1.0)
        coverage = round(share, _DIGITS)
        seen, sums = coverage > 0, self.told
        return Bucket(
            rule=rule,
            begin_utc_ns=self.begin_utc_ns,
            end_utc_ns=self.end_utc_ns,
            bucket_s=bucket_s,
            rev=rev,
            cut=self.cut,
            counts={label: dict(of) for label, of in sums.counts.items()} if seen or sums.number else None,
            gauges=_levels(sums) if seen else None,
            durations=_spreads(sums),
            coverage=coverage,
            gaps=tuple(self.gaps),
            ambiguous=self.ambiguous,
            uncertainty=uncertainty(self.sums.number, self.ambiguous, coverage) if seen else None,
            bundle=self.bundle,
            synced=self.synced,
        )

    @property
    def told(self) -> Sums:
        """What adds up, as far as a message has room for it."""
        return self.sums.within(MOST_BYTES)


def _levels(sums: Sums) -> dict[str, dict[str, Level]]:
    levels = {
        what: {label: level for label, held in of.items() if (level := held.level()) is not None}
        for what, of in sums.gauges.items()
    }
    return {what: of for what, of in levels.items() if of}


def _spreads(sums: Sums) -> dict[str, dict[str, Spread]]:
    return {
        what: {label: lasted.spread() for label, lasted in of.items() if lasted.number}
        for what, of in sums.durations.items()
    }


def _length(gap: Gap) -> int:
    return gap.end_utc_ns - gap.begin_utc_ns


def uncertainty(number: int, ambiguous: int, coverage: float) -> float:
    """Return by how much a count may be wrong: each track that was not decided, and what nobody saw.

    Whoever comes by chance came `number` times in the share of the time that was seen. How many came in the
    rest is then distributed negatively binomial (Gamma-Poisson, with Jeffreys' prior, which has half of one
    come where none was seen): its mean and two standard deviations are what may be missing.

    Args:
        number: of what was counted.
        ambiguous: tracks of which nobody knows whether they should have been.
        coverage: share of the time that was seen, above 0.
    """
    odds = (1 - coverage) / coverage
    mean = (number + 0.5) * odds
    return ambiguous + mean + _DEVIATIONS * sqrt(mean * (1 + odds))


@dataclass(slots=True, eq=False)
class Open:
    """A bucket of this process.

    Attributes:
        tally: what adds up.
        opened_ns: from when on it was counted into; None where another process began it.
        from_ns: what happened from here on is its own.
        covered_at_ns: what the coverage said when this had none.
        to_ns: what happened from here on is the next one's; None while it is the newest.
        rev: how often it was published, less one.
    """

    tally: Tally
    opened_ns: int | None
    from_ns: int
    covered_at_ns: int
    to_ns: int | None = None
    rev: int = -1

    def covers(self, taken_ns: int) -> bool:
        """Whether what happened then is its own."""
        return self.from_ns <= taken_ns and (self.to_ns is None or taken_ns < self.to_ns)
