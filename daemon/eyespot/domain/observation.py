"""What one look at the scene gave."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indexes = NDArray[np.intp]


def freeze(array: NDArray[np.generic]) -> None:
    """Make an array read-only, so that a value that holds it is one."""
    array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """Objects that a model found in one frame.

    Attributes:
        boxes_xyxy_n: (n, 4) float32; fractions 0..1 of the full sensor frame, x right, y down.
        scores: (n,) float32, 0..1.
        classes: (n,) intp; indexes into the labels of the model.
    """

    boxes_xyxy_n: Floats
    scores: Floats
    classes: Indexes

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        count = len(self.scores)
        if self.boxes_xyxy_n.shape != (count, 4) or self.classes.shape != (count,):
            message = (
                f"detections of shapes {self.boxes_xyxy_n.shape}, {self.scores.shape}, "
                f"{self.classes.shape}: want (n, 4), (n,), (n,)"
            )
            raise ValueError(message)
        for array in (self.boxes_xyxy_n, self.scores, self.classes):
            freeze(array)

    def __len__(self) -> int:
        """Return how many objects there are."""
        return len(self.scores)


def no_detections() -> Detections:
    """Return detections of nothing."""
    return Detections(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One look at the scene.

    Attributes:
        taken_ns: CLOCK_BOOTTIME at capture, in ns (of a recording: ns since it started).
        bundle: id of the model bundle that made it.
        detections: what it found.
    """

    taken_ns: int
    bundle: str
    detections: Detections
