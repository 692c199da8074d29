"""A recording of a busy street, where somebody crosses the middle every quarter of a second.

street.py FILE SECONDS [faults]   as a perfect detector sees it, or one with all its faults
"""

import sys
from pathlib import Path

from eyespot.domain.observation import Observation
from eyespot.recording import SCHEMA, Header, RecordingWriter
from fakes.walkers import Faults, Walker, film

RATE_HZ = 10
SPACING_S = 0.25
QUIET_S = 20  # at first: time to subscribe
WALK_S = 5
LANES = 8


def walker(number: int) -> Walker:
    """Return who goes from one side to the other in one of the lanes, every other one back."""
    lane, begin_s = 0.1 + 0.8 * (number % LANES) / LANES, QUIET_S + number * SPACING_S
    left, right = (0.05, lane), (0.95, lane)
    start, end = (left, right) if number % 2 else (right, left)
    return Walker(start, end, begin_s, begin_s + WALK_S, size=(0.04, 0.08))


def main(file: Path, seconds: float, *with_faults: str) -> None:
    """Write the recording."""
    header = Header(
        schema=SCHEMA,
        started="2026-01-01T00:00:00Z",
        labels=("person",),
        width=640,
        height=480,
        rate_hz=RATE_HZ,
    )
    walkers = [walker(number) for number in range(int((seconds - QUIET_S - WALK_S) / SPACING_S))]
    faults = Faults(missed=0.1, doubled=0.2, jitter=0.05, false_per_frame=0.02) if with_faults else Faults()
    with RecordingWriter(file, header) as writer:
        for taken_ns, found in film(walkers, RATE_HZ, seconds, faults):
            writer.write(Observation(taken_ns, "street", found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), *sys.argv[3:])
