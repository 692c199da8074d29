"""How long to wait between attempts."""

from collections.abc import Callable

SETTLED_S = 10.0  # who was connected for longer begins with short waits again
_FIRST_S = 1.0
_LONGEST_S = 60.0
# Who asks where nobody is burdens nobody, and is back soon after the link is. Of a thousand devices some 420
# come back within the first second, which a small broker bears: see tests/system/fleet/check_thousand.py.
_LONGEST_ALONE_S = 4.0


class Backoff:
    """Exponential back-off with full jitter, so that a fleet does not return all at once.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        random: gives a number in 0..1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._ceiling_s = _FIRST_S

    def next_s(self, *, alone: bool = False) -> float:
        """Return for how long to wait now; the next time it may be twice as long.

        Args:
            alone: nobody was there: then up to 4 s, else up to a minute.
        """
        longest_s = _LONGEST_ALONE_S if alone else _LONGEST_S
        ceiling_s = min(self._ceiling_s, longest_s)
        self._ceiling_s = min(2 * ceiling_s, longest_s)
        return self._random() * ceiling_s

    def long_s(self) -> float:
        """Return half a minute to a minute, for when somebody has to mend something first."""
        return _LONGEST_S * (1 + self._random()) / 2

    def reset(self) -> None:
        """Begin with short waits again."""
        self._ceiling_s = _FIRST_S
