"""The `[camera]` table: which source is looked at, and how."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.geometry import Mount

Pace = Literal["real", "fast"]

_USERS = {
    "file": ("video", "replay"),
    "loop": ("video", "replay"),
    "seed": ("scene",),
    "rate_hz": ("scene",),
}


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is looked at.

    Attributes:
        source: "scene" is rendered, "video" is any file that PyAV reads, "replay" is a recording.
        mount: which point of a box counts: "oblique" its bottom centre, "overhead" its centre.
        file: the video or the recording.
        pace: "real" keeps time, "fast" goes as quickly as it can.
        loop: begins again where the file ends.
        seed: of the scene; the same seed gives the same scene.
        rate_hz: frames per second of the scene.
    """

    source: Literal["scene", "video", "replay"]
    mount: Mount = "oblique"
    file: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    pace: Pace = "real"
    loop: bool = False
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    rate_hz: Annotated[float, Meta(ge=1, le=60)] = 10.0

    @property
    def path(self) -> Path:
        """The file, for the sources that read one: `problems` sees to it that they have it."""
        return Path(self.file or "")


def problems(settings: CameraSettings) -> list[tuple[str, str]]:
    """Return what does not fit together, as key and message: a missing file, keys of another source."""
    found = []
    if settings.source in _USERS["file"] and settings.file is None:
        found.append(("file", f'the source "{settings.source}" needs a file'))
    for field in msgspec.structs.fields(settings):
        users = _USERS.get(field.name, (settings.source,))
        if settings.source not in users and getattr(settings, field.name) != field.default:
            named = " and ".join(f'"{user}"' for user in users)
            found.append((field.name, f'the source "{settings.source}" has no {field.name}; {named} use it'))
    return found
