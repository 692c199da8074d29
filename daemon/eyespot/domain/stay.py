"""Somebody who stays in a part of the picture."""

from dataclasses import dataclass, field
from typing import Annotated, NamedTuple, Self

import msgspec
import numpy as np

from eyespot.domain.geometry import Point
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.kept import KeptLabel, KeptPart, KeptTrack, KeptUtc
from eyespot.domain.observation import Floats

MOST_STAYS = 1000
TOO_LONG_NS = 600 * SECOND_NS  # after so long without being seen it is somebody else


class Neighbour(NamedTuple):
    """Somebody inside beside whom another one is found: its class name, and what a rule had noted of it."""

    label: str
    marks: frozenset[str]


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
        real: whether it is more than a reflection may be: it came in, has moved, or was there for a while;
            one that was restored is.
        beside: who was near when it was found inside.
        told: whether its beginning has been told.
        is_new: whether that is now.
        lost: whether it has no track.
        waits_ns: until when it waits for another one, in time in which somebody looks.
        ended_ns: when it ended, once it has.
        due_ns: from when on there may be something to tell of it though nothing happens to it; 0: at once;
            None: never.
        left_at: where it went out; None where that was not seen.
        marks: what a rule notes of it, kept with it.
    """

    label: str
    track: int
    since_ns: int
    seen_ns: int
    box: Floats
    found: bool
    real: bool = True
    beside: tuple[Neighbour, ...] = ()
    told: bool = False
    is_new: bool = False
    lost: bool = False
    waits_ns: int = 0
    ended_ns: int | None = None
    due_ns: int | None = 0
    left_at: Point | None = None
    marks: set[str] = field(default_factory=set)

    def lasted_s(self, now_ns: int) -> float:
        """Return for how long it lasts, or lasted, in s."""
        return max((now_ns if self.ended_ns is None else self.ended_ns) - self.since_ns, 0) / SECOND_NS


class KeptStay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stay as it is kept over a restart; instants in UTC, ns since 1970."""

    label: KeptLabel
    track: KeptTrack
    since_utc_ns: KeptUtc
    seen_utc_ns: KeptUtc
    box: tuple[KeptPart, KeptPart, KeptPart, KeptPart]
    found: bool
    marks: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()

    @classmethod
    def of(cls, stay: Stay, seen_ns: int, box: Floats, timeline: Timeline) -> Self:
        """Return a stay as it is kept: seen last then, there, by that clock."""
        x0, y0, x1, y1 = box.tolist()
        return cls(
            label=stay.label,
            track=stay.track,
            since_utc_ns=timeline.utc_ns(stay.since_ns),
            seen_utc_ns=timeline.utc_ns(seen_ns),
            box=(x0, y0, x1, y1),
            found=stay.found,
            marks=tuple(sorted(stay.marks)),
        )

    def taken_up(self, now_ns: int, timeline: Timeline) -> Stay:
        """Return it as a stay that has no track, now, by that clock."""
        newest_ns = now_ns - 1  # another track begins later than that, whatever became of the clock
        seen_ns = min(self.seen_utc_ns - timeline.utc_at_zero_ns, newest_ns)
        since_ns = min(self.since_utc_ns - timeline.utc_at_zero_ns, seen_ns)
        box, marks = np.array(self.box, np.float32), set(self.marks)
        stay = Stay(self.label, self.track, since_ns, seen_ns, box, self.found, marks=marks)
        stay.told = stay.lost = True
        return stay


KeptStays = Annotated[tuple[KeptStay, ...], msgspec.Meta(max_length=MOST_STAYS)]


class Undated(NamedTuple):
    """A stay of before a restart, of which it is not certain when that was."""

    stay: Stay
    kept: KeptStay
    taken_up_ns: int

    def date(self, timeline: Timeline) -> None:
        """Say when it began by a clock that has been set, unless it was seen long before it was taken up."""
        since_ns = self.kept.since_utc_ns - timeline.utc_at_zero_ns
        seen_ns = self.kept.seen_utc_ns - timeline.utc_at_zero_ns
        if 0 <= self.taken_up_ns - seen_ns <= TOO_LONG_NS:
            self.stay.since_ns = min(since_ns, self.stay.since_ns)


class Found(NamedTuple):
    """A stay went on with another track: when, with which before, and with which then."""

    taken_ns: int
    before: int
    track: int
