"""Tells when a process stood still: it was stopped, the machine slept, or a call let no thread run."""

from eyespot.domain.instants import SECOND_NS


class Standstill:
    """Asked often by something that runs all the time; who is late stood still.

    Args:
        longest_s: between two questions, when all is well.
        now_ns: when it begins.
    """

    def __init__(self, longest_s: float, now_ns: int) -> None:
        self._longest_ns = round(longest_s * SECOND_NS)
        self._asked_ns = now_ns

    def ended(self, now_ns: int) -> bool:
        """Return whether one has just ended."""
        late = now_ns - self._asked_ns > self._longest_ns
        self._asked_ns = now_ns
        return late
