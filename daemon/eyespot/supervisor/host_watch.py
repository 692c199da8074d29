"""Names what goes wrong with the machine before it ends in something worse."""

from eyespot.host.facts import HOT_C, HostFacts, enough_disk_mb
from eyespot.ports import HealthBoard

_COOL_C = HOT_C - 5
_OVER_AT = 1.5  # times what is enough; so a disk that hovers is not told of again and again


class HostWatch:
    """Raises `disk_low` and `too_hot`, and clears them.

    Args:
        health: the board.
    """

    def __init__(self, health: HealthBoard) -> None:
        self._health = health
        self._is_low = self._is_hot = False

    def look(self, host: HostFacts) -> None:
        """Take note of the figures of now; what nobody knows changes nothing."""
        if host.disk_free_mb is not None and host.disk_mb is not None:
            self._look_at_disk(host.disk_free_mb, enough_disk_mb(host.disk_mb))
        if host.temperature_c is not None:
            self._look_at_heat(host.temperature_c)

    def _look_at_heat(self, warm_c: float) -> None:
        self._is_hot = warm_c >= (_COOL_C if self._is_hot else HOT_C)
        if self._is_hot:
            self._health.raise_state("too_hot", f"{HOT_C} °C and more slow the board down: cool it")
        else:
            self._health.clear_state("too_hot")

    def _look_at_disk(self, free_mb: float, enough_mb: float) -> None:
        self._is_low = free_mb < enough_mb * (_OVER_AT if self._is_low else 1)
        if self._is_low:
            # without the figure of now, which is on `health` beside it: each new reason would be told
            self._health.raise_state(
                "disk_low",
                f"less than {enough_mb:.3g} MiB are free where counts are kept: make room, by"
                " `sudo journalctl --vacuum-size=50M` and `sudo apt-get clean`, say",
            )
        else:
            self._health.clear_state("disk_low")
