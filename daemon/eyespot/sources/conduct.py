"""How an eye behaves over time: whether it is there, and for how long it is not let in again."""

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.standstill import Standstill
from eyespot.ports import Clock, HealthBoard

_ABSENT_AFTER_S = 5.0
_MUTE_AFTER_S = 10.0
_BEHAVES_AFTER_S = 60.0
_MANY_COMINGS = 4
_STANDSTILL_S = 3.0
_PAUSE_S = 0.2  # whoever comes and goes does so five times a second at most
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 60.0


class Conduct:
    """Keeps what an eye did of late, and names it on `health`.

    Args:
        clock: for all of it.
        health: knows `eye_absent` and `eye_refused`.
    """

    def __init__(self, clock: Clock, health: HealthBoard) -> None:
        self._clock = clock
        self._health = health
        self._comings = 0  # since anything was seen
        self._delay_s = _FIRST_DELAY_S
        self._closed_until_ns = self._cut_off_until_ns = 0
        self._heard_ns = self._behaves_since_ns = clock.now_ns()
        self._standstill = Standstill(_STANDSTILL_S, clock.now_ns())

    @property
    def shut_s(self) -> float:
        """For how many seconds nobody is let in."""
        return (self._closed_until_ns - self._clock.now_ns()) / SECOND_NS

    @property
    def is_mute(self) -> bool:
        """Whether nothing was heard for so long that it hangs."""
        return self._silent_s() > _MUTE_AFTER_S

    def looked(self) -> None:
        """Note that we look after it. Where we did not for long, its silence was our own."""
        now_ns = self._clock.now_ns()
        if self._standstill.ended(now_ns):
            self._heard_ns = now_ns

    def heard(self) -> None:
        """Note that it is there."""
        self._heard_ns = self._clock.now_ns()
        if self._comings < _MANY_COMINGS:
            self._health.clear_state("eye_absent")
        if self._heard_ns - self._behaves_since_ns > _BEHAVES_AFTER_S * SECOND_NS:
            self._forgive()

    def connected(self) -> None:
        """Note that somebody has come, who may be it."""
        self._heard_ns = self._behaves_since_ns = self._clock.now_ns()

    def greeted(self) -> None:
        """Note that an eye has come. One after the other that sees nothing is as good as none."""
        self._comings += 1
        if self._comings >= _MANY_COMINGS:
            self._health.raise_state("eye_absent", "it comes and goes: journalctl --unit eyespot-eye")

    def expected(self) -> None:
        """Note that the next one comes as we wish."""
        self._comings = 0

    def saw(self) -> None:
        """Note that it does what it is there for."""
        self._comings = 0
        self._health.clear_state("eye_absent")
        self._forgive()

    def gone(self) -> None:
        """Note that it has gone, or that we hung up."""
        self._closed_until_ns = self._clock.now_ns() + round(_PAUSE_S * SECOND_NS)

    def overstepped(self, reason: str) -> None:
        """Note that it did what it must not: the more often, the longer it is not let in."""
        self._health.raise_state("eye_refused", f"the eye was cut off: {reason}")
        self._cut_off_until_ns = self._clock.now_ns() + round(self._delay_s * SECOND_NS)
        self._closed_until_ns = self._cut_off_until_ns
        self._delay_s = min(self._delay_s * 2, _LONGEST_DELAY_S)

    def missed(self) -> None:
        """Name an absence that lasts, and is none of our making."""
        if self._silent_s() > _ABSENT_AFTER_S and self._clock.now_ns() >= self._cut_off_until_ns:
            self._health.raise_state("eye_absent", "nothing is heard of it: systemctl status eyespot-eye")

    def _silent_s(self) -> float:
        return (self._clock.now_ns() - self._heard_ns) / SECOND_NS

    def _forgive(self) -> None:
        self._delay_s = _FIRST_DELAY_S
        self._health.clear_state("eye_refused")
