"""After crashes: how long to wait before the next try, and when they are over."""

from collections.abc import Callable

from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, HealthBoard

_FIRST_S = 5.0
_MOST_DOUBLINGS = 30
_JITTER = 0.2  # so that a fleet which was felled by one cause does not return all at once
_GOOD_S = 600.0


def wait_s(crashes: int, most_s: float, random: float) -> float:
    """Return how long to wait after so many crashes in a row: nothing, 5 s, 15 s, 35 s and so on.

    The service manager has waited 5 s before, so that together it is twice as long each time.

    Args:
        crashes: in a row.
        most_s: never longer than this.
        random: 0..1; up to a fifth is taken off.
    """
    doublings = min(max(crashes - 1, 0), _MOST_DOUBLINGS)
    return min(_FIRST_S * ((1 << doublings) - 1), most_s) * (1 - _JITTER * random)


def in_words(crashes: int, last: str) -> str:
    """Return what happened, as the beginning of a sentence."""
    often = "crashed once" if crashes == 1 else f"crashed {crashes} times in a row, last"
    return f"{often}: {last}"


class Comeback:
    """The time after crashes: `crash_loop` stays on health until all has been well for ten minutes.

    So whoever looks at the device from afar sees that it crashes now and then, and why.

    Args:
        reason: what happened; empty where nothing did.
        forget: called once, when it is over.
        clock: for the ten minutes.
    """

    def __init__(self, reason: str, forget: Callable[[], None], clock: Clock) -> None:
        self._reason = reason
        self._forget = forget
        self._clock = clock
        self._until_ns = clock.now_ns() + round(_GOOD_S * SECOND_NS)

    def tick(self, health: HealthBoard) -> None:
        """Look whether it is over; call it as often as you like."""
        if not self._reason:
            return
        if self._clock.now_ns() < self._until_ns:
            health.raise_state(
                "crash_loop", f"it counts again, but {self._reason}; see journalctl -u eyespot"
            )
            return
        self._reason = ""
        self._forget()
        health.clear_state("crash_loop")
