"""Somebody who stays in a part of the picture."""

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from eyespot.domain.geometry import Point
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Floats

MOST_STAYS = 1000


class KeptStay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stay as it is kept over a restart; instants in UTC, ns since 1970."""

    label: Annotated[str, msgspec.Meta(max_length=64)]
    track: int
    since_utc_ns: int
    seen_utc_ns: int
    box: tuple[float, float, float, float]
    found: bool
    marks: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()


KeptStays = Annotated[tuple[KeptStay, ...], msgspec.Meta(max_length=MOST_STAYS)]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Stay:
    """Somebody inside.

    Attributes:
        label: class name when it was told of.
        track: id of its newest track.
        since_ns: when it began.
        seen_ns: when it was seen last; up to date once its track has ended.
        box: where, (4,).
        found: whether it was inside when it was seen first.
        told: whether its beginning has been told.
        is_new: whether that is now.
        lost: whether it has no track.
        waits_ns: until when it waits for another one, in time in which somebody looks.
        ended_ns: when it ended, once it has.
        left_at: where it went out; None where that was not seen.
        marks: what a rule notes of it, kept with it.
    """

    label: str
    track: int
    since_ns: int
    seen_ns: int
    box: Floats
    found: bool
    told: bool = False
    is_new: bool = False
    lost: bool = False
    waits_ns: int = 0
    ended_ns: int | None = None
    left_at: Point | None = None
    marks: set[str] = field(default_factory=set)

    def lasted_s(self, now_ns: int) -> float:
        """Return for how long it lasts, or lasted, in s."""
        return max((now_ns if self.ended_ns is None else self.ended_ns) - self.since_ns, 0) / SECOND_NS
