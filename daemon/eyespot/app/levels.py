"""How much the model that looks sees, hour by hour: what the next one is compared with."""

import logging
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.paths import read_small
from eyespot.domain.placing import put, staged
from eyespot.pipeline import Seen
from eyespot.ports import Clock
from eyespot.trust.probation import NOTHING, Baseline, Level

_log = logging.getLogger(__name__)

NAME = "baseline.json"
_MOST_BYTES = 16 * 1024
_HOUR_NS = 3600 * SECOND_NS
_RECENT = 60  # spells


class Spells:
    """Cuts what a model sees into spells.

    Args:
        spell_s: how long each is.
        clock: says when one is over.
    """

    def __init__(self, spell_s: float, clock: Clock) -> None:
        self._spell_ns = round(spell_s * SECOND_NS)
        self._clock = clock
        self._before: Seen | None = None
        self._due_ns = 0

    def add(self, seen: Seen) -> Level | None:
        """Take in how much has been seen by now; return the spell that is over, if it had any looks."""
        now_ns = self._clock.now_ns()
        before = self._before
        if before is None or before.bundle != seen.bundle:
            self._before, self._due_ns = seen, now_ns + self._spell_ns
            return None
        if now_ns < self._due_ns:
            return None
        self._before, self._due_ns = seen, now_ns + self._spell_ns
        looks, objects = seen.looks - before.looks, seen.objects - before.objects
        return Level(1, int(objects > 0), looks, objects) if looks else None


def hour_of_day(clock: Clock) -> int | None:
    """Return the hour of now, UTC, 0..23; None where the clock cannot be trusted."""
    timeline = clock.timeline()
    return timeline.utc_ns(clock.now_ns()) // _HOUR_NS % 24 if timeline.synced else None


class Levels:
    """Keeps what the model that is good sees, in a small file beside the model slots. Never raises.

    Args:
        folder: of the model slots.
        spell_s: how long a spell is.
        classes: whose objects are counted; None for all. What was kept of others is forgotten.
        clock: for the hours.
    """

    def __init__(self, folder: Path, spell_s: float, classes: Iterable[str] | None, clock: Clock) -> None:
        self._path = folder / NAME
        self._clock = clock
        empty = Baseline(spell_s=spell_s, classes=None if classes is None else tuple(sorted(classes)))
        kept = _read(self._path)
        same = kept is not None and (kept.spell_s, kept.classes) == (empty.spell_s, empty.classes)
        self._baseline = kept if kept is not None and same else empty
        self._spells = Spells(spell_s, clock)
        self._recent: deque[Level] = deque(maxlen=_RECENT)
        self._latencies_ms: deque[float] = deque(maxlen=_RECENT)
        self._kept_ns = clock.now_ns()

    @property
    def baseline(self) -> Baseline:
        """What there is to compare with: of now, or, where nothing was seen since the start, as kept."""
        recent, latencies_ms = sum(self._recent, NOTHING), self._latencies_ms
        baseline = self._baseline
        return msgspec.structs.replace(
            baseline,
            recent=recent if recent.spells else baseline.recent,
            latency_us=round(median(latencies_ms) * 1000) if latencies_ms else baseline.latency_us,
        )

    def add(self, seen: Seen, latency_ms: float | None) -> None:
        """Take in how much the good model has seen by now, and how long its inferences take."""
        spell = self._spells.add(seen)
        if spell is None:
            return
        self._recent.append(spell)
        if latency_ms is not None:
            self._latencies_ms.append(latency_ms)
        hour = hour_of_day(self._clock)
        if hour is not None:
            self._baseline = self._baseline.with_spell(hour, spell)
        if self._clock.now_ns() - self._kept_ns >= _HOUR_NS:
            self.keep()

    def keep(self) -> None:
        """Write it down, so that a trial can go on after a restart."""
        self._baseline, self._kept_ns = self.baseline, self._clock.now_ns()
        try:
            put(staged(self._path, msgspec.json.encode(self._baseline)), self._path)
        except OSError as error:
            _log.info("what the model sees is not kept in %s: %s", self._path, one_line(error))

    def begin_anew(self) -> None:
        """Begin with another model that is good; what was usual in each hour stays, and fades."""
        self._recent.clear()
        self._latencies_ms.clear()
        self._baseline = msgspec.structs.replace(self._baseline, recent=NOTHING, latency_us=None)


def _read(path: Path) -> Baseline | None:
    data = read_small(path, _MOST_BYTES)
    try:
        return None if data is None else msgspec.json.decode(data, type=Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
