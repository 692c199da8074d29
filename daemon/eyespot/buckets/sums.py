"""What adds up in a bucket, in a form that can be kept: counts, levels over time, how long things lasted."""

from collections.abc import Mapping, Sequence
from math import floor, isfinite, log
from typing import Annotated

import msgspec
from msgspec import Meta

from eyespot.domain.bucket import Level, Spread
from eyespot.domain.kept import KeptLabel
from eyespot.domain.measures import OTHERS, Key

# Durations are kept by their size, each class a twentieth wider than the one before: so what is said of them
# is right to half of that, and there is a bound to what is kept of a busy day.
_CLASS = 1.05
_SHORTEST_S = 0.05
_MOST_CLASSES = 400  # a year
_MOST_KINDS = 8  # of gauges, and of durations
_LONGEST_NUMBERS = 160  # bytes of a level or a spread

_Count = Annotated[int, Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, Meta(ge=0, le=1e12)]


class Held(msgspec.Struct, forbid_unknown_fields=True):
    """A gauge, over the time in which it could be seen.

    Attributes:
        now: what it shows.
        since_ns: how much of that time had passed when it began to.
        seen_ns: how much of it was before that, in all; 0: there is no least and most yet.
        sum: of what it showed times ns of that time.
    """

    now: float
    since_ns: int
    seen_ns: int = 0
    least: float = 0.0
    most: float = 0.0
    sum: float = 0.0

    def set(self, value: float, covered_ns: int) -> None:
        """Show another value, when so much of the time has passed."""
        passed_ns = covered_ns - self.since_ns
        if passed_ns > 0:
            self.least = min(self.now, self.least) if self.seen_ns else self.now
            self.most = max(self.now, self.most) if self.seen_ns else self.now
            self.sum += self.now * passed_ns
            self.seen_ns += passed_ns
        self.now, self.since_ns = value, covered_ns

    def level(self) -> Level | None:
        """Return what it showed; None where it was never seen."""
        if not self.seen_ns:
            return None
        return Level(self.now, self.least, self.most, self.sum / self.seen_ns)


class Lasted(msgspec.Struct, forbid_unknown_fields=True):
    """How long things lasted: how many, their sum, the longest, and how many of each size."""

    number: _Count = 0
    sum_s: _Seconds = 0.0
    longest_s: _Seconds = 0.0
    sizes: dict[str, _Count] = {}  # JSON's keys are text

    def add(self, seconds: float) -> None:
        """Take note of one more."""
        if not (isfinite(seconds) and seconds >= 0):
            return
        self.number += 1
        self.sum_s += seconds
        self.longest_s = max(self.longest_s, seconds)
        size = floor(log(max(seconds, _SHORTEST_S) / _SHORTEST_S, _CLASS))
        place = str(min(size, _MOST_CLASSES))
        self.sizes[place] = self.sizes.get(place, 0) + 1

    def merge(self, other: "Lasted") -> None:
        """Take note of all of another one's."""
        self.number += other.number
        self.sum_s += other.sum_s
        self.longest_s = max(self.longest_s, other.longest_s)
        for place, number in other.sizes.items():
            self.sizes[place] = self.sizes.get(place, 0) + number

    def spread(self) -> Spread:
        """Return what can be said of all of them."""
        mean = self.sum_s / self.number
        return Spread(self.number, mean, self._quantile(0.5), self._quantile(0.9), self.longest_s)

    def _quantile(self, share: float) -> float:
        below, wanted = 0, share * self.number
        for size in sorted(map(int, self.sizes)):
            below += self.sizes[str(size)]
            if below >= wanted:
                return min(_SHORTEST_S * float(_CLASS ** (size + 0.5)), self.longest_s)
        return self.longest_s


class Sums(msgspec.Struct, forbid_unknown_fields=True):
    """What adds up: class name -> of what -> count; of what -> class name -> level, and durations."""

    counts: dict[KeptLabel, dict[KeptLabel, _Count]] = {}
    gauges: Annotated[dict[KeptLabel, dict[KeptLabel, Held]], Meta(max_length=_MOST_KINDS)] = {}
    durations: Annotated[dict[KeptLabel, dict[KeptLabel, Lasted]], Meta(max_length=_MOST_KINDS)] = {}

    def name(self, totals: Mapping[Key, int]) -> None:
        """Have a count, if of zero, of all that has a total."""
        for label, what in totals:
            self.counts.setdefault(label, {}).setdefault(what, 0)

    def count(self, key: Key, number: int) -> None:
        """Count so many."""
        of = self.counts.setdefault(key.label, {})
        of[key.what] = of.get(key.what, 0) + number

    def show(self, gauges: Mapping[Key, float], covered_ns: int) -> None:
        """Take note of what gauges show, when so much of the time has passed; of others, zero."""
        for key in gauges:
            levels = self.gauges.setdefault(key.what, {})
            if key.label not in levels:
                levels[key.label] = Held(0.0, 0)
        for what, levels in self.gauges.items():
            for label, held in levels.items():
                held.set(gauges.get(Key(label, what), 0.0), covered_ns)

    def end(self, key: Key, seconds: float) -> None:
        """Take note of how long something lasted."""
        self.durations.setdefault(key.what, {}).setdefault(key.label, Lasted()).add(seconds)

    def within(self, most_bytes: int) -> "Sums":
        """Return what can be told in so many bytes: classes of which least was counted are `OTHERS` then.

        These have counts and durations, but no gauges: their levels do not add up.
        """
        if self.most_bytes <= most_bytes:
            return self
        labels = self._by_number()
        low, high = 0, len(labels)
        while high - low > 1:  # how many may keep their names
            middle = (low + high) // 2
            low, high = (
                (middle, high) if self._naming(labels[:middle]).most_bytes <= most_bytes else (low, middle)
            )
        return self._naming(labels[:low])

    def _by_number(self) -> list[str]:
        """Return all classes, those first of which most was counted."""
        labels = {
            *self.counts,
            *(label for kind in (self.gauges, self.durations) for of in kind.values() for label in of),
        }
        return sorted(labels, key=lambda label: (-sum(self.counts.get(label, {}).values()), label))

    def _naming(self, labels: Sequence[str]) -> "Sums":
        named = {*labels} - {OTHERS}
        sums = Sums({label: dict(of) for label, of in self.counts.items() if label in named})
        for label in self.counts.keys() - named:
            for what, number in self.counts[label].items():
                sums.count(Key(OTHERS, what), number)
        for what, levels in self.gauges.items():
            sums.gauges[what] = {label: held for label, held in levels.items() if label in named}
        for what, durations in self.durations.items():
            sums.durations[what] = {label: lasted for label, lasted in durations.items() if label in named}
            for label in durations.keys() - named:
                sums.durations[what].setdefault(OTHERS, Lasted()).merge(durations[label])
        return sums

    @property
    def most_bytes(self) -> int:
        """How long what is said of them may become, in bytes."""
        labels = [label for of in self.gauges.values() for label in of]
        labels += [label for of in self.durations.values() for label in of]
        numbers = sum(len(msgspec.json.encode(label)) + _LONGEST_NUMBERS for label in labels)
        return len(msgspec.json.encode(self.counts)) + numbers

    @property
    def number(self) -> int:
        """How many were counted in all."""
        return sum(number for of in self.counts.values() for number in of.values())
