"""The `[camera]` table: which source is looked at, and how."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from eyespot.domain.geometry import Mount
from eyespot.domain.recovery import Step
from eyespot.ports import SensorMode

Pace = Literal["real", "fast"]

_Fraction = Annotated[float, Meta(ge=0, le=1)]
_SCENE_RATE_HZ = 10.0
_SMALLEST_ROI = 0.05

_CAMERAS = ("imx500", "picamera")
_STEPS: Mapping[str, tuple[Step, ...]] = {
    "imx500": (Step.RESTART, Step.RELOAD, Step.RENEW),
    "picamera": (Step.RESTART, Step.RENEW),
}
_USERS = {
    "file": ("video", "replay"),
    "loop": ("video", "replay"),
    "pace": ("scene", "video", "replay"),
    "seed": ("scene",),
    "rate_hz": ("scene", *_CAMERAS),
    "mode": ("imx500",),
    "roi": _CAMERAS,
    "exposure_ms": _CAMERAS,
    "gain": _CAMERAS,
    "stall_s": _CAMERAS,
    "reboot": _CAMERAS,
}


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is looked at.

    Attributes:
        source: "imx500" is the AI camera, whose sensor runs the model; "picamera" is any other camera that
            picamera2 knows; "scene" is rendered, "video" is any file that PyAV reads, "replay" a recording.
        mount: which point of a box counts: "oblique" its bottom centre, "overhead" its centre.
        file: the video or the recording.
        pace: "real" keeps time, "fast" goes as quickly as it can.
        loop: begins again where the file ends.
        seed: of the scene; the same seed gives the same scene.
        rate_hz: frames per second. Default: what the model wants for "imx500", 10 for the others.
        mode: how the sensor is read: "binned" 2028x1520, "full" 4056x3040 at 10 frames a second.
        roi: the part of the frame to look at: left, top, right, bottom in fractions. Default: what the
            bundle asks for.
        exposure_ms: a fixed exposure. Default: automatic.
        gain: a fixed analogue gain. Default: automatic.
        stall_s: for how long a camera may give nothing before something is done.
        reboot: ask for a reboot of the machine when nothing else helps, once a day at most.
    """

    source: Literal["imx500", "picamera", "scene", "video", "replay"]
    mount: Mount = "oblique"
    file: Annotated[str, Meta(min_length=1, max_length=4096)] | None = None
    pace: Pace = "real"
    loop: bool = False
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0
    rate_hz: Annotated[float, Meta(ge=1, le=60)] | None = None
    mode: SensorMode = "binned"
    roi: tuple[_Fraction, _Fraction, _Fraction, _Fraction] | None = None
    exposure_ms: Annotated[float, Meta(ge=0.01, le=1000)] | None = None
    gain: Annotated[float, Meta(ge=1, le=64)] | None = None
    stall_s: Annotated[float, Meta(ge=5, le=600)] = 20.0
    reboot: bool = False

    @property
    def path(self) -> Path:
        """The file, for the sources that read one: `problems` sees to it that they have it."""
        return Path(self.file or "")

    @property
    def scene_rate_hz(self) -> float:
        """Frames per second of the scene."""
        return self.rate_hz or _SCENE_RATE_HZ

    @property
    def is_camera(self) -> bool:
        """Whether it is a camera, which may stall, and not a file or a rendered scene."""
        return self.source in _CAMERAS

    @property
    def steps(self) -> tuple[Step, ...]:
        """What can be tried when nothing is seen, the gentlest first."""
        return (*_STEPS.get(self.source, ()), *((Step.REBOOT,) if self.reboot else ()))

    @property
    def wears(self) -> bool:
        """Whether power-ups are counted: the sensor that runs networks does not stand many of them."""
        return self.source == "imx500"

    @property
    def is_endless(self) -> bool:
        """Whether it never comes to an end by itself."""
        return self.is_camera or self.source == "scene"

    @property
    def paced(self) -> bool:
        """Whether time does not wait."""
        return self.pace == "real"


def problems(settings: CameraSettings) -> list[tuple[str, str]]:
    """Return what does not fit together, as key and message: a missing file, keys of another source."""
    found = []
    if settings.source in _USERS["file"] and settings.file is None:
        found.append(("file", f'the source "{settings.source}" needs a file'))
    for field in msgspec.structs.fields(settings):
        users = _USERS.get(field.name, (settings.source,))
        if settings.source not in users and getattr(settings, field.name) != field.default:
            named = " and ".join(f'"{user}"' for user in users)
            use = f"{named} use{'s' if len(users) == 1 else ''} it"
            found.append((field.name, f'the source "{settings.source}" has no {field.name}; {use}'))
    if settings.roi is not None and not _is_area(*settings.roi):
        found.append(("roi", f"want left, top, right, bottom, each side {_SMALLEST_ROI} or longer"))
    return found


def _is_area(left: float, top: float, right: float, bottom: float) -> bool:
    return min(right - left, bottom - top) >= _SMALLEST_ROI
