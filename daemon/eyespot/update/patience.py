"""How long to wait for a repository: for its next bytes, and before the next try."""

from collections.abc import Callable
from dataclasses import dataclass

from eyespot.update.wire import WireError


@dataclass(frozen=True, slots=True)
class Patience:
    """When to give up.

    Attributes:
        tries: in a row that bring nothing.
        first_s: longest wait before the second try; it doubles from try to try.
        most_s: no wait is longer, but for one that the server asks for.
        most_asked_s: a server that asks for more is left alone until the next check.
        least_bytes_s: what comes more slowly, over `over_s`, counts as not coming.
    """

    tries: int = 5
    first_s: float = 2.0
    most_s: float = 60.0
    most_asked_s: float = 300.0
    least_bytes_s: float = 1024.0
    over_s: float = 60.0

    def wait_s(self, failed: int, error: WireError, roll: float) -> float:
        """Return how long to wait before the next try: any time, so that not all come at once.

        Args:
            failed: how many tries in a row brought nothing.
            error: how the last one ended.
            roll: of a die, from 0 to 1.

        Raises:
            WireError: that one, where it is of no use to try again.
        """
        if not error.passing or failed >= self.tries or error.wait_s > self.most_asked_s:
            raise error
        longest = min(self.most_s, self.first_s * 2 ** max(0, failed - 1))
        return float(error.wait_s + roll * longest)


class Pace:
    """Notices a sender who holds on by a trickle.

    Args:
        patience: how slow is too slow.
        now_s: a clock that never goes back.
    """

    def __init__(self, patience: Patience, now_s: Callable[[], float]) -> None:
        self._patience = patience
        self._now_s = now_s
        self._begun_s = now_s()
        self._bytes = 0

    def add(self, size_bytes: int) -> None:
        """Count what has come.

        Raises:
            FeedError: it comes too slowly.
        """
        self._bytes += size_bytes
        took_s = self._now_s() - self._begun_s
        if took_s < self._patience.over_s:
            return
        if self._bytes < self._patience.least_bytes_s * took_s:
            rate = self._bytes / took_s
            raise WireError(f"the repository sends only {rate:.0f} bytes a second; try another way", "slow")
        self._begun_s, self._bytes = self._now_s(), 0
