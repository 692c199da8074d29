"""Names a disk that fills up, before it is full."""

from eyespot.host.facts import HostFacts, enough_disk_mb
from eyespot.ports import HealthBoard

_OVER_AT = 1.5  # times what is enough; so a disk that hovers is not told of again and again


class DiskWatch:
    """Raises `disk_low`, and clears it when there is room again.

    Args:
        health: the board.
    """

    def __init__(self, health: HealthBoard) -> None:
        self._health = health
        self._is_low = False

    def look(self, host: HostFacts) -> None:
        """Take note of the figures of now; a disk that nobody knows changes nothing."""
        if host.disk_free_mb is None or host.disk_mb is None:
            return
        enough_mb = enough_disk_mb(host.disk_mb)
        self._is_low = host.disk_free_mb < enough_mb * (_OVER_AT if self._is_low else 1)
        if self._is_low:
            # without the figure of now, which is on `health` beside it: each new reason would be told
            self._health.raise_state(
                "disk_low",
                f"less than {enough_mb:.3g} MiB are free where counts are kept: make room, by"
                " `sudo journalctl --vacuum-size=50M` and `sudo apt-get clean`, say",
            )
        else:
            self._health.clear_state("disk_low")
