"""What a rule made of one track, for whoever wonders why it counted or did not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Floats
from eyespot.domain.strip import Instants

# counted; or crossed, but: of a class that does not count, seen too seldom, waiting to be seen more often, in
# late mode there still, or there and back;
# or not: past the end of the line, seen first or last right on it, came back, lost before it, seen first
# behind it, turned near it, far from it. In a place: there too short a while, found again as another track,
# hidden, there still, there on its way through; and, as counted: came in, was found inside, went out, was
# lost inside.
Fate = Literal[
    "counted",
    "class",
    "doubted",
    "waits",
    "lingers",
    "went_back",
    "past",
    "first_on_it",
    "on_it",
    "came_back",
    "lost_before",
    "first_behind",
    "turned",
    "far",
    "short",
    "found_again",
    "hidden",
    "stays",
    "passed",
    "entered",
    "found",
    "left",
    "lost",
]
_COUNTED: frozenset[Fate] = frozenset(("counted", "entered", "found", "left", "lost"))


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that became of a track.

    Attributes:
        taken_ns: when.
        fate: what, in a word.
        text: what, in words that follow "track 17: ".
    """

    taken_ns: int
    fate: Fate
    text: str

    @property
    def counted(self) -> bool:
        """Whether the rule counted it."""
        return self.fate in _COUNTED


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """A track as a rule saw it.

    Attributes:
        track: its id.
        label: class name, as it was voted last.
        points: (n, 2) what of its boxes counted, where it was seen.
        taken_ns: (n,) int64, when.
        distances: (n,) from what it could have crossed, in box sizes.
        size: typical width and height of its boxes.
        remarks: what became of it, at least one, in order.
    """

    track: int
    label: str
    points: Reals
    taken_ns: Instants
    distances: Reals
    size: tuple[float, float]
    remarks: tuple[Remark, ...]

    @property
    def counted(self) -> bool:
        """Whether the rule counted it at all."""
        return any(remark.counted for remark in self.remarks)


def typical_size(boxes_xyxy_n: Floats) -> tuple[float, float]:
    """Return the median width and height of (n, 4) boxes, at least one."""
    width, height = np.median(boxes_xyxy_n[:, 2:] - boxes_xyxy_n[:, :2], axis=0).tolist()
    return width, height
