"""How often the daemon crashed in a row, kept over restarts, power cuts and full disks."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec

from eyespot.domain.errors import one_line
from eyespot.domain.paths import read_small
from eyespot.domain.placing import put, staged

_log = logging.getLogger(__name__)

_NAME = "crashes.json"
_MOST_BYTES = 1024


class Crashes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Crashes in a row.

    Attributes:
        count: how many.
        last: how the last one ended, in words.
    """

    count: Annotated[int, msgspec.Meta(ge=0, le=1_000_000)] = 0
    last: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{0,100}\Z")] = ""


class CrashCount:
    """Keeps the count in the first of some folders that takes it. Never raises.

    Args:
        folders: the state folder, then one that is there even when the disk is full or read-only.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self._paths = [folder / _NAME for folder in folders]

    def read(self) -> Crashes:
        """Return what is kept. What cannot be read counts as none."""
        # a later folder has one only while those before it take none
        for path in reversed(self._paths):
            data = read_small(path, _MOST_BYTES)
            if data is not None:
                with suppress(msgspec.DecodeError, UnicodeDecodeError):
                    return msgspec.json.decode(data, type=Crashes)
        return Crashes()

    def keep(self, crashes: Crashes) -> None:
        """Keep a count instead of the one before."""
        for place, path in enumerate(self._paths):
            try:
                put(staged(path, msgspec.json.encode(crashes)), path)
            except OSError as error:
                _log.warning("crashes in a row are not kept in %s: %s", path, one_line(error))
                continue
            for later in self._paths[place + 1 :]:
                with suppress(OSError):
                    later.unlink()
            return
