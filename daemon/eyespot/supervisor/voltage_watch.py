"""Names a weak power supply."""

from collections.abc import Callable

from eyespot.domain.instants import SECOND_NS
from eyespot.host.facts import WEAK_POWER
from eyespot.ports import Clock, HealthBoard
from eyespot.topics.payloads import UnderVoltage

_EVERY_NS = SECOND_NS  # an alarm lasts two seconds at least
_QUIET_NS = 60 * SECOND_NS


class VoltageWatch:
    """Raises `power_low`, and clears it a minute after the last dip: they are short, and come in rows.

    Args:
        health: the board of troubles.
        is_low: whether the voltage is, or was a moment ago; None where nobody knows.
        clock: for when to look.
    """

    def __init__(self, health: HealthBoard, is_low: Callable[[], bool | None], clock: Clock) -> None:
        self._health = health
        self._is_low = is_low
        self._clock = clock
        self._looked_ns = clock.now_ns() - _EVERY_NS
        self._low_ns: int | None = None
        self.told: UnderVoltage | None = None

    def look(self) -> None:
        """Look, where that is due; what nobody knows changes nothing."""
        now_ns = self._clock.now_ns()
        if now_ns - self._looked_ns < _EVERY_NS:
            return
        self._looked_ns = now_ns
        is_low = self._is_low()
        if is_low is not None:
            self._tell(now_ns, is_low=is_low)

    def _tell(self, now_ns: int, *, is_low: bool) -> None:
        if is_low:
            self._low_ns = now_ns
            self.told = "now"
            self._health.raise_state("power_low", WEAK_POWER)
        elif self._low_ns is None:
            self.told = "never"
        elif now_ns - self._low_ns >= _QUIET_NS:
            self.told = "before"
            self._health.clear_state("power_low")
