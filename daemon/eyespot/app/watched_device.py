"""What is known of a device that is watched."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

Point = tuple[float, float]

_STALE_S = 3.0
_RATE_S = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a rule looks: corners in fractions of the frame; a polygon ends where it begins."""

    rule: str
    kind: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One track: its box in fractions of the frame, and where it was, oldest first."""

    track: int
    label: str
    box: tuple[float, float, float, float]
    trail: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Device:
    """What is known of a device; None and empty until it has said so.

    Attributes:
        state: online, offline or stopping.
        rate_hz: looks per second, by its own word.
        troubles: names of health states, each with its reason.
        rules: id -> what is so now, in words, a line for each class.
        lines: ids of those rules that are lines.
        shows_frames: whether it publishes boxes, by its configuration in force.
        seen: the tracks of the newest frame.
        frame_s: when that came, by our clock.
        frames_s: when the last frames came.
    """

    name: str = ""
    state: str = ""
    model: str = ""
    rate_hz: float | None = None
    temperature_c: float | None = None
    ok: bool | None = None
    troubles: tuple[tuple[str, str], ...] = ()
    rules: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    overhead: bool = False
    shows_frames: bool | None = None
    seen: tuple[Seen, ...] = ()
    frame_s: float | None = None
    frames_s: tuple[float, ...] = ()

    def now(self, at_s: float) -> "Device":
        """Return it without what is too old to be true at that moment."""
        fresh = self.frame_s is not None and at_s - self.frame_s <= _STALE_S
        recent = tuple(one for one in self.frames_s if at_s - one <= _RATE_S)
        return replace(self, seen=self.seen if fresh else (), frames_s=recent)

    @property
    def frames_hz(self) -> float:
        """How many frames a second came of late."""
        return len(self.frames_s) / _RATE_S
