"""What a rule made of one track, for whoever wonders why it counted or did not."""

from dataclasses import dataclass

from eyespot.domain.geometry import Reals
from eyespot.domain.strip import Instants


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing that became of a track.

    Attributes:
        taken_ns: when.
        text: what, in words that follow "track 17: ".
        counted: whether the rule counted it.
    """

    taken_ns: int
    text: str
    counted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Account:
    """A track as a rule saw it.

    Attributes:
        track: its id.
        label: class name, as it was voted last.
        points: (n, 2) what of its boxes counted, where it was seen.
        taken_ns: (n,) int64, when.
        remarks: what became of it, at least one, in order.
    """

    track: int
    label: str
    points: Reals
    taken_ns: Instants
    remarks: tuple[Remark, ...]

    @property
    def counted(self) -> bool:
        """Whether the rule counted it at all."""
        return any(remark.counted for remark in self.remarks)
