"""Objects followed over time."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.instants import NO_TIMELINE, Timeline
from eyespot.domain.observation import Floats, Indexes, Observation, freeze

Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """Every track alive after one observation, as columns, ordered by id.

    Attributes:
        ids: (n,) int64, ascending; never used again.
        classes: (n,) intp; the class voted over the track's life.
        boxes_xyxy_n: (n, 4) float32; where it is thought to be, from all that was seen of it.
        scores: (n,) float32; of the newest detection.
        seen: (n,) bool; a detection of this observation belongs to it.
        confirmed: (n,) bool; seen often enough to count.
    """

    ids: Ids
    classes: Indexes
    boxes_xyxy_n: Floats
    scores: Floats
    seen: Mask
    confirmed: Mask

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        columns = (self.ids, self.classes, self.scores, self.seen, self.confirmed)
        shapes = {column.shape for column in columns}
        if shapes != {(len(self.ids),)} or self.boxes_xyxy_n.shape != (len(self.ids), 4):
            message = f"track columns differ in length: {sorted(shapes)}"
            raise ValueError(message)
        for array in (*columns, self.boxes_xyxy_n):
            freeze(array)

    def __len__(self) -> int:
        """Return how many tracks there are."""
        return len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What rules look at.

    Attributes:
        taken_ns: the instant; it orders everything, and durations go by it.
        observation: what was observed; None while the source is silent.
        tracks: all that are alive.
        timeline: for hours of the day; UTC may jump.
    """

    taken_ns: int
    observation: Observation | None
    tracks: Tracks
    timeline: Timeline = NO_TIMELINE
