"""How the device was during the last day, in memory: a row for each five minutes, however much happens."""

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from eyespot.domain.instants import SECOND_NS, Timeline, rfc3339
from eyespot.ports import Clock
from eyespot.topics.diagnosis import MOST_SPELLS, Spell
from eyespot.topics.native import Trouble, Vitals

_SPELL_NS = 300 * SECOND_NS
_DAY_NS = MOST_SPELLS * _SPELL_NS


@dataclass(slots=True)
class _Row:
    begun_ns: int
    vitals: Vitals
    states: set[str] = field(default_factory=set)


class HealthDay:
    """Takes what `health` says, and keeps a day of it. Thread-safe; outlives a reload.

    Args:
        clock: for the rows.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rows: deque[_Row] = deque(maxlen=MOST_SPELLS)

    def note(self, vitals: Vitals, troubles: Sequence[Trouble]) -> None:
        """Take note of how it is now."""
        now_ns = self._clock.now_ns()
        with self._lock:
            if not self._rows or now_ns - self._rows[-1].begun_ns >= _SPELL_NS:
                self._rows.append(_Row(now_ns, vitals))
            row = self._rows[-1]
            row.vitals = _worst(row.vitals, vitals)
            row.states.update(trouble.name for trouble in troubles)

    def spells(self) -> list[Spell]:
        """Return the rows of the last day, oldest first. Instants become UTC only here."""
        oldest_ns, timeline = self._clock.now_ns() - _DAY_NS, self._clock.timeline()
        with self._lock:
            return [_spell(row, timeline) for row in self._rows if row.begun_ns >= oldest_ns]


def _worst(before: Vitals, now: Vitals) -> Vitals:
    """Return the worst of each figure that is told; the rest is of no matter."""
    return Vitals(
        uptime_s=now.uptime_s,
        observations=now.observations,
        observations_hz=min(before.observations_hz, now.observations_hz),
        dropped=max(before.dropped, now.dropped),
        backlog=max(before.backlog, now.backlog),
        readings=now.readings,
        recoveries=now.recoveries,
        memory_mb=max(_known(before.memory_mb, now.memory_mb), default=None),
        disk_free_mb=min(_known(before.disk_free_mb, now.disk_free_mb), default=None),
        temperature_c=max(_known(before.temperature_c, now.temperature_c), default=None),
    )


def _known(*figures: float | None) -> list[float]:
    return [figure for figure in figures if figure is not None]


def _spell(row: _Row, timeline: Timeline) -> Spell:
    vitals = row.vitals
    return Spell(
        t=rfc3339(timeline.utc_ns(row.begun_ns)),
        states=tuple(sorted(row.states))[:64],
        observations_hz=round(vitals.observations_hz, 2),
        dropped=vitals.dropped,
        backlog=vitals.backlog,
        memory_mb=vitals.memory_mb,
        disk_free_mb=vitals.disk_free_mb,
        temperature_c=vitals.temperature_c,
    )
