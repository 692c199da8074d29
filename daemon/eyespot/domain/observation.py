"""What one look at the scene gave."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indexes = NDArray[np.intp]

KEYPOINTS = 17
MOST_LABELS = 1024
UNUSED = "-"  # the name of a class index that a model never gives


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
class Labels:
    """What a model says of a frame as a whole: the likeliest classes, best score first.

    Attributes:
        scores: (n,) float32, 0..1.
        classes: (n,) intp; indexes into the labels of the model, each at most once.
    """

    scores: Floats
    classes: Indexes

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        if self.scores.ndim != 1 or self.classes.shape != self.scores.shape:
            message = f"labels of shapes {self.scores.shape}, {self.classes.shape}: want (n,), (n,)"
            raise ValueError(message)
        for array in (self.scores, self.classes):
            freeze(array)


@dataclass(frozen=True, slots=True, eq=False)
class Shares:
    """How much of a frame each class takes.

    Attributes:
        shares: (labels,) float32, 0..1, by class index; their sum is 1, or less where the model says
            nothing of some of the frame.
    """

    shares: Floats

    def __post_init__(self) -> None:
        """Check the shape and make the array read-only."""
        if self.shares.ndim != 1:
            message = f"shares of shape {self.shares.shape}: want (labels,)"
            raise ValueError(message)
        freeze(self.shares)


@dataclass(frozen=True, slots=True, eq=False)
class Poses:
    """Persons that a model found in one frame, best score first.

    The keypoints are COCO's: nose; then eyes, ears, shoulders, elbows, wrists, hips, knees and ankles,
    of each the person's left one before the right one.

    Attributes:
        keypoints: (n, 17, 3) float32; x, y and score of each, all 0..1: fractions as in `Detections`.
            Where the score is 0 the keypoint was not seen, and its place means nothing.
        scores: (n,) float32, 0..1.
    """

    keypoints: Floats
    scores: Floats

    def __post_init__(self) -> None:
        """Check the shapes and make the arrays read-only."""
        count = len(self.scores)
        if self.keypoints.shape != (count, KEYPOINTS, 3) or self.scores.shape != (count,):
            message = (
                f"poses of shapes {self.keypoints.shape}, {self.scores.shape}: want (n, {KEYPOINTS}, 3), (n,)"
            )
            raise ValueError(message)
        for array in (self.keypoints, self.scores):
            freeze(array)

    def __len__(self) -> int:
        """Return how many persons there are."""
        return len(self.scores)


Found = Detections | Labels | Shares | Poses
# What a model tells, in a word each: Detections, Labels, Shares, Poses.
Tells = Literal["objects", "labels", "shares", "poses"]
# Whether something could be seen at all: it was too dark, or something lies over the lens.
Sight = Literal["clear", "dark", "covered"]

_MOST_FIGURE = 1e6


@dataclass(frozen=True, slots=True)
class Optics:
    """How a picture is as a whole, in a few figures of two digits each, so that they are no picture.

    None where nobody says, or says what cannot be: less than 0, more than a million or than all of white.

    Attributes:
        lux: of the scene, as the camera's software thinks.
        exposure_ms: how long it was exposed.
        gain: analogue.
        focus: how much fine detail there is, by the camera's own measure.
        brightness: percent of white, on average.
        sharpness: how much fine detail there is, by ours, where the camera does not say; of another scale.
    """

    lux: float | None = None
    exposure_ms: float | None = None
    gain: float | None = None
    focus: float | None = None
    brightness: float | None = None
    sharpness: float | None = None

    def __post_init__(self) -> None:
        """Leave two digits of each that can be."""
        for name in ("lux", "exposure_ms", "gain", "focus", "brightness", "sharpness"):
            value = getattr(self, name)
            if value is not None:
                fits = 0 <= value <= (100 if name == "brightness" else _MOST_FIGURE)
                object.__setattr__(self, name, float(f"{value:.2g}") if fits else None)


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """One look at the scene.

    Attributes:
        taken_ns: CLOCK_BOOTTIME at capture, in ns (of a recording: ns since it started).
        bundle: id of the model bundle that made it.
        found: what it found; `domain.objects` tells which objects are in it.
        sight: whether there was something to be seen.
        optics: how the picture is as a whole; about once a second, else None.
    """

    taken_ns: int
    bundle: str
    found: Found
    sight: Sight = "clear"
    optics: Optics | None = None
