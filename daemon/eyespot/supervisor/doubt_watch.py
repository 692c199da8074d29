"""Brings what is in doubt of the scene to the board of troubles."""

from collections.abc import Callable, Mapping

from eyespot.domain.doubt import DOUBTS, Doubt
from eyespot.ports import HealthBoard


class DoubtWatch:
    """Knows the states `too_dark`, `covered`, `defocused`, `moved` and `flow_changed`.

    Args:
        health: the board.
        doubts: what is in doubt now, in words.
    """

    def __init__(self, health: HealthBoard, doubts: Callable[[], Mapping[Doubt, str]]) -> None:
        self._health = health
        self._doubts = doubts

    def tick(self) -> None:
        """Name what is in doubt, and take back what is so no more; cheap when nothing is new."""
        doubts = self._doubts()
        for name in DOUBTS:
            if name in doubts:
                self._health.raise_state(name, doubts[name])
            else:
                self._health.clear_state(name)
