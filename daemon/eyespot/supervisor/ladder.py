"""Decides what is tried for a camera that gives nothing: gentle steps first, never in a hurry."""

from collections import Counter

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.recovery import Step

_LONGEST_S = 900.0
_HEALED_S = 60.0


class Ladder:
    """Climbs one step each time that patience ends; from the top it begins again, twice as patient.

    Args:
        steps: what can be tried, the gentlest first.
        patience_s: how long nothing may come.
        now_ns: when looking begins.

    Attributes:
        taken: how often each step was taken.
    """

    def __init__(self, steps: tuple[Step, ...], patience_s: float, now_ns: int) -> None:
        self.taken: Counter[Step] = Counter()
        self._steps = steps
        self._patience_s = patience_s
        self._quiet_since_ns = now_ns
        self._well_since_ns: int | None = None
        self._next = 0
        self._rounds = 0

    def seen(self, now_ns: int) -> None:
        """Note that something came. A minute without a step, and the ladder begins at its foot."""
        self._quiet_since_ns = now_ns
        if self._well_since_ns is None:
            self._well_since_ns = now_ns
        elif now_ns - self._well_since_ns >= _HEALED_S * SECOND_NS:
            self._next = self._rounds = 0

    def busy(self, now_ns: int) -> None:
        """Note that something is under way that takes its time: patience begins anew."""
        self._quiet_since_ns = now_ns

    def due(self, now_ns: int) -> Step | None:
        """Return the step to take now, which counts as taken; None while patience lasts."""
        patience_s = min(self._patience_s * 2**self._rounds, _LONGEST_S)
        if not self._steps or now_ns - self._quiet_since_ns < patience_s * SECOND_NS:
            return None
        step = self._steps[self._next]
        self._next += 1
        if self._next == len(self._steps):
            self._next, self._rounds = 0, min(self._rounds + 1, 16)
        self._quiet_since_ns, self._well_since_ns = now_ns, None
        self.taken[step] += 1
        return step
