"""The desired configuration, kept over restarts and power cuts, and whether it has proved itself."""

import logging
from pathlib import Path

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.paths import read_kept
from eyespot.domain.placing import put, staged

_log = logging.getLogger(__name__)

NAME = "config_desired.json"
_MOST_BYTES = 256 * 1024


class DesiredRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was desired, as it came.

    Attributes:
        good: what has proved itself; empty: the file alone counts.
        trial: what has yet to; empty: nothing.
        starts: of the process with `trial`.
        shunned: what failed; it is not tried again until something else is desired.
        reason: of that; without it, why nothing is known of what was desired.
        told: what was said as a whole, where parts were changed since: when the broker repeats it, as with
            each connection, it is no news.
    """

    good: str = ""
    trial: str = ""
    starts: int = 0
    shunned: str = ""
    reason: str = ""
    told: str = ""

    @property
    def in_force(self) -> str:
        """What counts now."""
        return self.trial or self.good


class DesiredStore:
    """Keeps the record in a state folder. Never raises.

    Args:
        folder: the state folder, which may be missing.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def read(self) -> DesiredRecord:
        """Return what is kept; what cannot be read counts as nothing, with a reason."""
        try:
            data = read_kept(self._path, _MOST_BYTES)
            return DesiredRecord() if data is None else msgspec.json.decode(data, type=DesiredRecord)
        except (OSError, ValueError) as error:  # what msgspec raises is a ValueError
            reason = f"what was desired cannot be read: {one_line(error)}"
        _log.warning("%s: %s; the configuration's file alone counts", self._path, reason)
        return DesiredRecord(reason=f"{reason}; the file alone is in force")

    def keep(self, record: DesiredRecord) -> str:
        """Keep a record instead of the one before; return why that was not possible, or nothing."""
        try:
            self._path.parent.mkdir(mode=0o750, parents=True, exist_ok=True)
            put(staged(self._path, msgspec.json.encode(record)), self._path)
        except OSError as error:
            return one_line(error)
        return ""
