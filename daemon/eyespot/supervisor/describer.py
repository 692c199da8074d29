"""How it goes, in one line for people who ask the service manager."""

from collections.abc import Callable

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Rates


class Describer:
    """Says in one line how it goes, with the rate since it was last asked.

    Args:
        rates: how many observations there were.
        tracks: how many tracks are confirmed just now.
        health: the board of troubles.
        clock: for the rate.
    """

    def __init__(
        self, rates: Callable[[], Rates], tracks: Callable[[], int], health: Health, clock: Clock
    ) -> None:
        self._rates = rates
        self._tracks = tracks
        self._health = health
        self._clock = clock
        self._asked_ns = clock.now_ns()
        self._observations = 0

    def describe(self) -> str:
        """Return the line."""
        rates = self._rates()
        now_ns, observations = self._clock.now_ns(), rates.observations
        elapsed_s = max((now_ns - self._asked_ns) / SECOND_NS, 1e-3)
        rate_hz = (observations - self._observations) / elapsed_s
        self._asked_ns, self._observations = now_ns, observations
        pace = f"{rate_hz:.1f} observations/s, {self._tracks()} tracks"
        if not rates.observations:
            pace = "nothing observed yet"
        troubles = [f"{trouble.name}: {trouble.reason}" for trouble in self._health.troubles()]
        doing = rates.readings.doing
        return "; ".join([*([doing] if doing else []), pace, *troubles])
