"""Recordings in which nobody walks by, and something happens to the camera."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation, Optics, Sight
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.daemon import LABELS
from fakes.walkers import detections


class Stretch(NamedTuple):
    """So many minutes of pictures like this."""

    minutes: int
    optics: Optics | None
    sight: Sight = "clear"


def recorded(file: Path, stretches: Iterable[Stretch]) -> Path:
    """Write a recording, two looks a second, in which nobody walks by."""
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=640, height=480, rate_hz=2
    )
    half_s = 0
    with RecordingWriter(file, header) as writer:
        for stretch in stretches:
            for _ in range(stretch.minutes * 120):
                optics = None if half_s % 2 else stretch.optics
                seen = Observation(half_s * SECOND_NS // 2, "recording", detections(), stretch.sight, optics)
                writer.write(seen)
                half_s += 1
    return file
