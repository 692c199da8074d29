"""Hysteresis in time: what comes and goes is not told each time."""

from eyespot.domain.instants import SECOND_NS


class Dwell:
    """Turns only once the contrary has been told for a while, without a break.

    Args:
        begins_s: how long it has to be told that it is so.
        ends_s: and that it is not.
        holds: what is so at first.

    Attributes:
        holds: whether it is so.
    """

    def __init__(self, begins_s: float, ends_s: float, *, holds: bool = False) -> None:
        self._begins_ns, self._ends_ns = round(begins_s * SECOND_NS), round(ends_s * SECOND_NS)
        self.holds = holds
        self._turns_ns: int | None = None

    def note(self, taken_ns: int, *, told: bool | None) -> bool:
        """Take note of what is told at an instant; return whether it turns.

        Args:
            taken_ns: the instant.
            told: whether it seems to be so; None: nobody knows.
        """
        if told is None or told == self.holds:
            self._turns_ns = None
            return False
        if self._turns_ns is None:
            self._turns_ns = taken_ns
        if taken_ns - self._turns_ns < (self._ends_ns if self.holds else self._begins_ns):
            return False
        self.holds, self._turns_ns = told, None
        return True
