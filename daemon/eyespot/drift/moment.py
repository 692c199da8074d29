"""When something is seen, by the clock on the wall as far as that can be relied upon."""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.track import Scene

_LATEST_S = 253_000_000_000  # before the year 9999 ends, in any zone


class Moment(NamedTuple):
    """An instant.

    Attributes:
        taken_ns: as in `Scene`.
        utc_s: since 1970; None where the clock is not synchronised.
        hour: of the week in the device's zone, 0..167 from Monday 00:00 on; None as `utc_s`.
    """

    taken_ns: int
    utc_s: int | None = None
    hour: int | None = None

    @property
    def since(self) -> str:
        """Return words for that it is so since then; none where it is not known when that is."""
        if self.utc_s is None:
            return ""
        return f" since {datetime.fromtimestamp(self.utc_s, UTC):%Y-%m-%d %H:%M} UTC"


def moment(scene: Scene, zone: ZoneInfo) -> Moment:
    """Return when a scene was."""
    utc_s = scene.timeline.utc_ns(scene.taken_ns) // SECOND_NS
    if not scene.timeline.synced or not 0 <= utc_s <= _LATEST_S:
        return Moment(scene.taken_ns)
    local = datetime.fromtimestamp(utc_s, UTC).astimezone(zone)
    return Moment(scene.taken_ns, utc_s, local.weekday() * 24 + local.hour)
