"""A model on probation: what it does is gathered here, and judged by `trust.probation`."""

from collections import defaultdict
from statistics import median

from eyespot.app.following import Follower
from eyespot.app.levels import Spells, hour_of_day
from eyespot.domain.instants import SECOND_NS
from eyespot.pipeline import Seen
from eyespot.ports import Clock, Readings
from eyespot.trust.probation import NOTHING, Baseline, Evidence, Level, Terms, Verdict, judge


class Trial:
    """Gathers evidence of one model, from the moment on in which somebody was told to look with it.

    Args:
        model: its id.
        baseline: of the model before.
        terms: what it has to show.
        error_before: of the model before, which stays until the new one looks.
        clock: for all of it.
    """

    def __init__(self, model: str, baseline: Baseline, terms: Terms, error_before: str, clock: Clock) -> None:
        self.model = model
        self._baseline = baseline
        self._terms = terms
        self._error_before = error_before
        self._clock = clock
        self._begun_ns = clock.now_ns()
        self._shown_ns: int | None = None
        self._spells = Spells(baseline.spell_s, clock)
        self._hours: dict[int | None, Level] = defaultdict(lambda: NOTHING)
        self._latencies_ms: list[float] = []
        self._memory_mb: list[float] = []

    def judge(self, seen: Seen, readings: Readings, memory_mb: float | None, follower: Follower) -> Verdict:
        """Return how it stands with it.

        Args:
            seen: how much the model that looks just now has seen.
            readings: of what looks.
            memory_mb: what the process that looks holds in memory.
            follower: was told to look with it.
        """
        looks = seen.looks if seen.bundle == self.model else 0
        if looks:
            self._note(seen, readings, memory_mb)
        evidence = self._evidence(looks, self._error(readings, follower), follower.losses)
        return judge(evidence, self._baseline, self._terms)

    @property
    def has_shown_nothing(self) -> bool:
        """Whether it has not looked once."""
        return self._shown_ns is None

    def _note(self, seen: Seen, readings: Readings, memory_mb: float | None) -> None:
        if self._shown_ns is None:
            self._shown_ns = self._clock.now_ns()
        spell = self._spells.add(seen)
        if spell is None:
            return
        self._hours[hour_of_day(self._clock)] += spell
        latency_ms = latency_of(readings)
        if latency_ms is not None:
            self._latencies_ms.append(latency_ms)
        if memory_mb is not None:
            self._memory_mb.append(memory_mb)

    def _error(self, readings: Readings, follower: Follower) -> str:
        if readings.model_error != self._error_before:
            self._error_before = ""
        return follower.refusal or ("" if self._error_before else readings.model_error)

    def _evidence(self, looks: int, error: str, losses: int) -> Evidence:
        now_ns = self._clock.now_ns()
        return Evidence(
            waited_s=(now_ns - self._begun_ns) / SECOND_NS,
            shown_s=0.0 if self._shown_ns is None else (now_ns - self._shown_ns) / SECOND_NS,
            looks=looks,
            hours=self._hours,
            latency_ms=median(self._latencies_ms) if self._latencies_ms else None,
            memory_mb=self._memory_mb,
            error=error,
            losses=losses,
        )


def latency_of(readings: Readings) -> float | None:
    """Return how long an inference takes, p95 in ms; on the sensor, the newest. None where nobody knows."""
    if readings.inference_ms is not None:
        return readings.inference_ms[1]
    return None if readings.sensor is None else readings.sensor.dnn_ms
