"""People who come and go, one setting out each second."""

from pathlib import Path

from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.daemon import LABELS
from fakes.walkers import Walker, film

RATE_HZ = 10
MINUTE_S = 60
A_MINUTE = 57  # who sets out later would not arrive


def crowd(*, crosses: bool = True) -> list[Walker]:
    """Return those of a minute: each takes three seconds, in one of four lanes, from left to right."""
    end = 0.9 if crosses else 0.4  # the line is at 0.5
    lanes = [0.2 * (1 + number % 4) for number in range(A_MINUTE)]
    return [Walker((0.1, lane), (end, lane), second, second + 3) for second, lane in enumerate(lanes)]


def write_crowd(file: Path, *, crosses: bool = True) -> Path:
    """Write a recording of a minute, ten observations a second."""
    header = Header(
        schema=SCHEMA, started="2026-01-01T00:00:00Z", labels=LABELS, width=768, height=576, rate_hz=RATE_HZ
    )
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(crowd(crosses=crosses), RATE_HZ, MINUTE_S):
            writer.write(Observation(taken_ns, "recording", found))
    return file
