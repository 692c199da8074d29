"""How much of the time was looked at, and when nothing was seen."""

from typing import NamedTuple

from eyespot.domain.bucket import GapCause, Worth
from eyespot.domain.instants import SECOND_NS

# A look stands for the time until the next one: at most for twice the time that is meant to be between two,
# and for that of 4 looks a second in any case, as that often is enough to follow whoever walks by.
_INTERVALS = 2
_ENOUGH_NS = SECOND_NS // 4
_LONGEST_NS = 86_400 * SECOND_NS
_UNKNOWN_NS = SECOND_NS  # until it is known how often is looked

_BLIND = frozenset(("dark", "covered", "defocused", "moved"))


class Blank(NamedTuple):
    """Nothing was seen from an instant on, until another: `taken_ns`."""

    begin_ns: int
    end_ns: int
    cause: GapCause


class Coverage:
    """Adds up the time that was looked at.

    Args:
        taken_ns: now; nothing was seen yet.
    """

    def __init__(self, taken_ns: int) -> None:
        self._stands_ns = _UNKNOWN_NS
        self._covered_ns = 0  # until the newest look
        self._look_ns = taken_ns
        self._edge_ns = taken_ns  # from here on nothing is seen
        self._cause: GapCause = "restart"

    def expect(self, rate_hz: float) -> None:
        """Take note of how often is meant to be looked."""
        between_ns = round(min(_INTERVALS * SECOND_NS / rate_hz, _LONGEST_NS))
        self._stands_ns = max(between_ns, _ENOUGH_NS)

    def covered_ns(self, taken_ns: int) -> int:
        """Return for how long was looked until an instant, from the newest look on."""
        return self._covered_ns + max(min(taken_ns, self._edge_ns) - self._look_ns, 0)

    def blanks(self, taken_ns: int) -> list[Blank]:
        """Return since when nothing has been seen at an instant, and why; nothing where something is."""
        known_ns = self._look_ns + self._stands_ns  # after that, nobody knows whether it is still dark
        turns_ns = max(known_ns, self._edge_ns) if self._cause in _BLIND else taken_ns
        blanks = (
            Blank(self._edge_ns, min(turns_ns, taken_ns), self._cause),
            Blank(turns_ns, taken_ns, "silent"),
        )
        return [blank for blank in blanks if blank.begin_ns < blank.end_ns]

    @property
    def stands_ns(self) -> int:
        """For how long a look stands."""
        return self._stands_ns

    def look_on(self, taken_ns: int) -> bool:
        """Take note of looks one after the other, up to one; return whether that could be done.

        Each of them sees something, and comes while the one before it still stands, as the newest has to.
        """
        if self._edge_ns != self._look_ns + self._stands_ns:
            return False
        self._covered_ns += taken_ns - self._look_ns
        self._look_ns, self._edge_ns = taken_ns, taken_ns + self._stands_ns
        return True

    def look(self, taken_ns: int, worth: Worth) -> list[Blank]:
        """Take note of a look, and return the blanks that it ends; one that sees nothing may, too."""
        blanks = self.blanks(taken_ns)
        self._covered_ns = self.covered_ns(taken_ns)
        self._look_ns = taken_ns
        if worth == "clear":
            self._edge_ns, self._cause = taken_ns + self._stands_ns, "silent"
        elif blanks and blanks[-1].cause == worth:
            return []  # it goes on
        else:
            self._edge_ns, self._cause = taken_ns, worth
        return blanks
