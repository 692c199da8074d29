"""Compares two recordings of the same rendered scene, made by two kinds of processors.

alike.py CONFIG OURS THEIRS: what is counted in them has to be the same; boxes may differ in their last digits
"""

import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from eyespot import app
from eyespot.domain.observation import Observation
from eyespot.recording import RecordingReader


def counted(config: Path, recording: Path) -> list[tuple[str, Any]]:
    """Return what a replay tells, but for times and numbers that each recording has of its own."""
    told = []
    for message in app.replay(config, recording):
        payload = msgspec.json.decode(message.payload)
        is_state = "counts" in payload
        told.append(
            (message.topic, payload["counts"] if is_state else (payload["class"], payload["direction"]))
        )
    return told


def apart(ours: Observation, theirs: Observation) -> float | None:
    """Return by how much boxes and scores of one frame differ at most; None where the objects are others."""
    if ours.found.classes.tolist() != theirs.found.classes.tolist():
        return None
    pairs = (ours.found.boxes_xyxy_n, theirs.found.boxes_xyxy_n), (ours.found.scores, theirs.found.scores)
    return max((float(np.abs(a - b).max()) for a, b in pairs if len(a)), default=0.0)


def main(config: Path, ours: Path, theirs: Path) -> None:
    """Compare, and tell how alike they are."""
    own, other = counted(config, ours), counted(config, theirs)
    assert own == other, f"counted here: {own[-1]}, counted there: {other[-1]}"
    frames = [apart(*pair) for pair in zip(RecordingReader(ours), RecordingReader(theirs), strict=True)]
    most = max(difference for difference in frames if difference is not None)
    sys.stdout.write(
        f"{own[-1][1]}; of {len(frames)} frames {frames.count(0.0)} are equal, {frames.count(None)} have "
        f"other objects; boxes and scores of the rest differ by {most:.7f} at most\n"
    )


main(*map(Path, sys.argv[1:]))
