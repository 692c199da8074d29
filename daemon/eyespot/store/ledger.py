"""How often a camera was powered up since the machine started, and the machine asked to reboot.

The bridge chip of the IMX500 is known to die after some twenty power cycles, until a reboot; so the count
has to outlive the processes that make them. One small file, replaced as a whole.
"""

import logging
from pathlib import Path
from typing import Annotated

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.placing import put, staged
from eyespot.ports import Clock

_log = logging.getLogger(__name__)

_FREELY = 16
_THEN_EVERY_S = 3600
_REBOOT_EVERY_S = 86_400
_MOST_BYTES = 4096
_NAME = "camera.json"

_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the file holds: seconds of CLOCK_BOOTTIME at the last power-up, of UTC at the last reboot."""

    boot: str = ""
    power_ups: _Count = 0
    powered_up: _Count = 0
    rebooted: _Count = 0


class FileLedger:
    """Implements `ports.CameraLedger`. A file that cannot be read or written is told of, and not relied on.

    Args:
        folder: where it is kept.
        boot: the id of this start of the machine.
        clock: its CLOCK_BOOTTIME spaces power-ups, its UTC reboots.
    """

    def __init__(self, folder: Path, boot: str, clock: Clock) -> None:
        self._path = folder / _NAME
        self._boot = boot
        self._clock = clock
        self._kept = self._read()

    @property
    def power_ups(self) -> int:
        """How often a camera was powered up since the machine started."""
        return self._kept.power_ups if self._kept.boot == self._boot else 0

    def power_up(self) -> float:
        """Note a power-up: 16 as they come, then one an hour, until the machine starts anew."""
        now = self._clock.now_ns() // SECOND_NS
        since_s = now - self._kept.powered_up
        if self.power_ups >= _FREELY and since_s < _THEN_EVERY_S:
            return float(_THEN_EVERY_S - since_s)
        self._write(_Kept(self._boot, self.power_ups + 1, now, self._kept.rebooted))
        return 0.0

    def reboot(self) -> float:
        """Note that a reboot is asked for: one a day."""
        now = self._clock.timeline().utc_ns(self._clock.now_ns()) // SECOND_NS
        since_s = now - self._kept.rebooted
        if since_s < _REBOOT_EVERY_S:
            return float(min(_REBOOT_EVERY_S, _REBOOT_EVERY_S - since_s))
        self._write(_Kept(self._boot, self.power_ups, self._kept.powered_up, now))
        return 0.0

    def _read(self) -> _Kept:
        try:
            with self._path.open("rb") as file:
                return msgspec.json.decode(file.read(_MOST_BYTES), type=_Kept)
        except FileNotFoundError:
            pass
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            _log.warning("%s cannot be read, so power-ups are counted anew: %s", self._path, one_line(error))
        return _Kept()

    def _write(self, kept: _Kept) -> None:
        self._kept = kept
        try:
            put(staged(self._path, msgspec.json.encode(kept)), self._path)
        except OSError as error:
            _log.warning("%s cannot be written, power-ups are not kept: %s", self._path, error.strerror)
