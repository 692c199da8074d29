"""Is a new model to stay? Figures in, verdict out.

What a model sees depends on the hour and on chance, so it is compared with what the one before saw at the
same hours. Time is cut into spells of at most a minute: somebody who stays for that long is in hundreds of
frames, but counts once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MOST_LOSSES = 2
LONGEST_S = 86_400.0
_LONGEST_SPELL_S = 60.0
_SPELLS_AT_LEAST = 10  # of a probation
_FEWEST_LOOKS = 30
_LOOKS_FOR_LATENCY = 100

_SLOWER, _SLOWER_MS = 3.0, 20.0
_MORE, _MORE_OBJECTS, _FAR_TOO_MANY = 5.0, 10.0, 50.0
_SHARE_LEFT = 0.1
# busy spells that have to be due before their absence says something: by chance it would be one in a thousand
_DUE = 7.0
_KNOWN_SPELLS, RECENT_SPELLS = 90, 5  # an hour is known from the second day on
_SELDOM = 0.1  # a smaller share of busy spells promises nothing
_RECENT_HOLDS = 6.0  # probations
_GROWTH_MB = 64.0
_MEMORY_SAMPLES = 8

_Count = Annotated[int, Meta(ge=0, le=2**53)]
_MOST_SPELLS = 14 * 60  # of an hour of the day; then all of it counts half


class Level(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """How much a model saw.

    Attributes:
        spells: in which it looked.
        busy: those of them in which it saw anything.
        looks: in all of them.
        objects: seen in these.
    """

    spells: _Count = 0
    busy: _Count = 0
    looks: _Count = 0
    objects: _Count = 0

    def __add__(self, other: "Level") -> "Level":
        """Return both together."""
        return Level(
            self.spells + other.spells,
            self.busy + other.busy,
            self.looks + other.looks,
            self.objects + other.objects,
        )

    @property
    def share(self) -> float:
        """Which share of the spells was busy."""
        return self.busy / self.spells if self.spells else 0.0

    @property
    def objects_a_look(self) -> float:
        """How many objects a look had on average."""
        return self.objects / self.looks if self.looks else 0.0


NOTHING = Level()


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a new model is compared with, as kept on disk.

    Attributes:
        spell_s: how long a spell is.
        classes: whose objects are counted; None for all.
        hours: what was seen in each hour of the day, UTC, over the last weeks.
        recent: what was seen in the last hour or so before the new model.
        latency_us: of an inference, p95, before the new model.
    """

    schema: Literal["eyespot.baseline/1"] = "eyespot.baseline/1"
    spell_s: Annotated[float, Meta(gt=0, le=_LONGEST_SPELL_S)]
    classes: tuple[str, ...] | None = None
    hours: Annotated[tuple[Level, ...], Meta(min_length=24, max_length=24)] = (NOTHING,) * 24
    recent: Level = NOTHING
    latency_us: _Count | None = None

    def with_spell(self, hour: int, level: Level) -> "Baseline":
        """Return it with one more spell in an hour of the day; what is old fades."""
        grown = self.hours[hour] + level
        if grown.spells > _MOST_SPELLS:
            grown = Level(*(value // 2 for value in msgspec.structs.astuple(grown)))
        return msgspec.structs.replace(self, hours=(*self.hours[:hour], grown, *self.hours[hour + 1 :]))


def spell_s(probation_s: float) -> float:
    """Return how long a spell is in a probation of this length."""
    return min(_LONGEST_SPELL_S, probation_s / _SPELLS_AT_LEAST)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new model has to show.

    Attributes:
        probation_s: for how long it is watched, at least.
        patience_s: within which time it has to have looked once.
    """

    probation_s: float
    patience_s: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What there is to say of a model on probation.

    Attributes:
        waited_s: since somebody was told to look with it.
        shown_s: since it looked first; 0 before.
        looks: how often it looked.
        hours: what it saw, by the hour of the day, UTC; None where the clock cannot be trusted.
        latency_ms: of an inference, p95; None where nobody knows.
        memory_mb: of the process that looks, one figure a spell.
        error: of the model, in words; empty where there was none.
        losses: how often the process that looks went of its own accord.
    """

    waited_s: float = 0.0
    shown_s: float = 0.0
    looks: int = 0
    hours: Mapping[int | None, Level] = field(default_factory=dict)
    latency_ms: float | None = None
    memory_mb: Sequence[float] = ()
    error: str = ""
    losses: int = 0

    @property
    def level(self) -> Level:
        """What it saw in all."""
        return sum(self.hours.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it stands with a model on probation, and why."""

    outcome: Literal["goes_on", "passed", "failed"]
    reason: str = ""


_GOES_ON = Verdict("goes_on")


def judge(evidence: Evidence, baseline: Baseline, terms: Terms) -> Verdict:
    """Return whether a model has passed its probation, has failed, or is to be watched further.

    It is watched for a day at most.
    """
    reason = _broken(evidence, terms) or _worse(evidence, baseline, terms)
    if reason:
        return Verdict("failed", reason)
    if evidence.shown_s < terms.probation_s:
        return _GOES_ON
    is_last_word = evidence.shown_s >= max(LONGEST_S, terms.probation_s)
    if evidence.looks < _FEWEST_LOOKS:
        too_few = f"it looked only {evidence.looks} times in {evidence.shown_s:.0f} s"
        return Verdict("failed", too_few) if is_last_word else _GOES_ON
    due, busy = _due(evidence, baseline, terms), evidence.level.busy
    if due >= _DUE and busy <= _SHARE_LEFT * due:
        return Verdict("failed", f"it saw something in {busy} spells, where {due:.0f} were due")
    if busy or is_last_word:
        return Verdict("passed", "" if busy else "there was nothing to compare it by")
    return _GOES_ON


def _broken(evidence: Evidence, terms: Terms) -> str:
    """Return what no model may do; empty where it did nothing of the kind."""
    if evidence.error:
        return evidence.error
    if evidence.losses >= MOST_LOSSES:
        return f"the process that looks died {evidence.losses} times with it"
    if not evidence.looks and evidence.waited_s > terms.patience_s:
        return f"it gave nothing within {terms.patience_s:.0f} s"
    return ""


def _worse(evidence: Evidence, baseline: Baseline, terms: Terms) -> str:
    """Return in what it is far worse than the model of before; empty where it is not."""
    before_ms = None if baseline.latency_us is None else baseline.latency_us / 1000
    after_ms = evidence.latency_ms if evidence.looks >= _LOOKS_FOR_LATENCY else None
    if before_ms and after_ms and after_ms > max(before_ms * _SLOWER, before_ms + _SLOWER_MS):
        return f"an inference takes {after_ms:.0f} ms, with the model of before it took {before_ms:.0f} ms"
    growth_mb = _growth_mb(evidence.memory_mb)
    if growth_mb > _GROWTH_MB:
        return f"memory grew by {growth_mb:.0f} MB"
    if evidence.looks >= _FEWEST_LOOKS and evidence.shown_s >= min(terms.probation_s, _LONGEST_SPELL_S):
        most, has = _most_objects(evidence, baseline), evidence.level.objects_a_look
        if has > most:
            return f"it saw {has:.1f} objects a look, where {most:.0f} would be many"
    return ""


def _growth_mb(memory_mb: Sequence[float]) -> float:
    if len(memory_mb) < _MEMORY_SAMPLES:
        return 0.0
    part = len(memory_mb) // 4
    return median(memory_mb[-part:]) - median(memory_mb[:part])


def _most_objects(evidence: Evidence, baseline: Baseline) -> float:
    known = [level for hour in evidence.hours if (level := _known(baseline, hour))]
    if baseline.recent.spells:
        known.append(baseline.recent)
    if not known:
        return _FAR_TOO_MANY
    return max(_MORE_OBJECTS, _MORE * max(level.objects_a_look for level in known))


def _due(evidence: Evidence, baseline: Baseline, terms: Terms) -> float:
    """Return how many busy spells the model of before would have had.

    By its last hour and by the same hours of other days, whichever were quieter: a busy shop may have just
    closed, and on a holiday it does not open.
    """
    holds = evidence.shown_s <= _RECENT_HOLDS * terms.probation_s
    recent = baseline.recent if holds and baseline.recent.spells >= RECENT_SPELLS else None
    due = 0.0
    for hour, level in evidence.hours.items():
        shares = [known.share for known in (_known(baseline, hour), recent) if known is not None]
        share = min(shares, default=0.0)
        due += level.spells * share if share >= _SELDOM else 0.0
    return due


def _known(baseline: Baseline, hour: int | None) -> Level | None:
    """Return what is usual in an hour of the day; None where it is not known well enough."""
    level = NOTHING if hour is None else baseline.hours[hour]
    return level if level.spells >= _KNOWN_SPELLS else None
