"""What a rule made of one track, for whoever wonders why it counted or did not."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from eyespot.domain.geometry import Reals
from eyespot.domain.observation import Floats
from eyespot.domain.strip import Instants

Fate = Literal[
    # of who crossed a line; the first four in a place, too
    "counted",  # or loitered, or intruded
    "class",  # is of a class that does not count
    "doubted",  # was seen too seldom to be believed; or, in a place, may be a reflection
    "waits",  # to be seen more often
    "lingers",  # is there still, in late mode
    "went_back",  # or had come back, in late mode
    # of who did not
    "past",  # went past the end of the line
    "first_on_it",  # was seen first right on it
    "on_it",  # was seen last right on it; or is on a side of a place
    "came_back",  # met it and came back
    "lost_before",  # was lost before it, or before a place
    "first_behind",  # was seen first behind it, or beside a place
    "turned",  # near it, or near a place
    "far",  # stayed far from it, or from a place
    # of who was in a place
    "short",  # too short a while
    "found_again",  # as another track, or perhaps so
    "hidden",  # and waited for
    "stays",  # is there still
    "passed",  # was there on its way through
    # and of those who are told of
    "entered",
    "found",  # inside, when seen first
    "left",
    "lost",  # inside
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
