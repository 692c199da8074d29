"""Where tracks are, seen from an area: inside or outside, since when, and where they came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from eyespot.domain.area import Area, units_of
from eyespot.domain.geometry import Point
from eyespot.domain.observation import Floats
from eyespot.domain.strip import Strip
from eyespot.domain.track import Ids, Mask


class Spot(NamedTuple):
    """When a track was seen, where, and how deep inside, in boxes; negative outside."""

    seen_ns: int
    point: Point
    depth: float


_NOWHERE = Spot(0, (0.0, 0.0), np.nan)


@dataclass(slots=True, eq=False)
class Trail:
    """What is remembered of a track.

    Attributes:
        id: its id.
        kind: index of its class.
        confirmed: whether it was seen often enough to count.
        seen: whether it was seen at all; else there is nothing more to tell.
        stays: whether it has a stay.
        known: whether it has been compared with stays that wait.
        turned: whether it was seen inside and outside.
        turned_ns: when it came to the side where it is now, or was seen first.
        turned_at: and where.
        born_ns: when it was seen first.
        born_at: and where.
        due_ns: from when on it may be compared.
        spot: where it was seen last, before the strip that passes.
        box: in which, (4,).
    """

    id: int
    kind: int = 0
    confirmed: bool = False
    seen: bool = False
    stays: bool = False
    known: bool = False
    turned: bool = False
    turned_ns: int = 0
    turned_at: Point = (0.0, 0.0)
    born_ns: int = 0
    born_at: Point = (0.0, 0.0)
    due_ns: int = 0
    spot: Spot = _NOWHERE
    box: Floats = field(default_factory=lambda: np.zeros(4, np.float32))

    @property
    def is_comparable(self) -> bool:
        """Whether it is to be compared with stays that wait, once that is due."""
        return self.confirmed and self.seen and not self.known

    def begin(self, spot: Spot, due_ns: int) -> None:
        """Be seen first."""
        self.seen, self.due_ns = True, due_ns
        self.born_ns = self.turned_ns = spot.seen_ns
        self.born_at = self.turned_at = spot.point

    def move(self, before: Spot, spot: Spot) -> None:
        """Note when and where it came to another side on its way between two spots, interpolated."""
        if (before.depth < 0) == (spot.depth < 0):
            return
        share = before.depth / (before.depth - spot.depth)
        self.turned, self.turned_ns = True, before.seen_ns + int(share * (spot.seen_ns - before.seen_ns))
        (x, y), (to_x, to_y) = before.point, spot.point
        self.turned_at = (x + share * (to_x - x), y + share * (to_y - y))

    def forget(self) -> None:
        """Be as if it had never been seen."""
        self.seen = self.stays = self.known = self.turned = False


class Sightings:
    """Where tracks are seen in a strip: track by track, those of each in order.

    Args:
        strip: the strip.
        area: from where they are seen.
        now_ns: of each step.

    Attributes:
        ends: id -> the step after the last one in which a track is there.
        changes: steps and rows in which a track is new, of another class than before, or confirmed.
        steps: (n,) intp; of the sightings.
        sides: (n,) int8; 1 where it is certain that they are inside, -1 outside, else 0.
        notable: steps and places of sightings in which something may change: a track is seen first in the
            strip, turns, or is certainly on another side than before.
    """

    def __init__(self, strip: Strip, area: Area, now_ns: list[int]) -> None:
        tracks, steps = strip.tracks, strip.steps()
        order = np.argsort(tracks.ids, kind="stable")
        first = _first(tracks.ids[order])
        kinds = 2 * tracks.classes[order] + tracks.confirmed[order]
        rows = order[first | (kinds != np.roll(kinds, 1))]
        self.changes = list(zip(steps[rows].tolist(), rows.tolist(), strict=True))
        rows = order[np.roll(first, -1)]
        self.ends = dict(zip(tracks.ids[rows].tolist(), (steps[rows] + 1).tolist(), strict=True))
        seen = tracks.seen & strip.observed[steps] & np.isfinite(tracks.boxes_xyxy_n).all(axis=1)
        rows = order[seen[order]]
        self._now_ns, self.steps, self._boxes = now_ns, steps[rows], tracks.boxes_xyxy_n[rows]
        self._points, units = area.points(self._boxes), units_of(self._boxes)
        self._depths, bands = area.depths(self._points, units), area.bands(units)
        self.sides = (self._depths > bands).astype(np.int8) - (self._depths < -bands).astype(np.int8)
        self._ids = tracks.ids[rows]
        self._divide(_first(self._ids))

    def _divide(self, first: Mask) -> None:
        """Find out where the sightings of each track begin, and what is notable in them."""
        begins, places = np.flatnonzero(first), np.arange(len(first))
        bounds = [*begins.tolist(), len(first)]
        self._bounds = dict(zip(self._ids[begins].tolist(), pairwise(bounds), strict=True))
        inside = self._depths >= 0
        certain = np.maximum.accumulate(np.where(first | (self.sides != 0), places, 0))
        other = (self.sides != 0) & (self.sides != self.sides[np.roll(certain, 1)])
        notable = np.flatnonzero(first | other | (inside != np.roll(inside, 1)))
        self.notable = list(zip(self.steps[notable].tolist(), notable.tolist(), strict=True))

    def track(self, place: int) -> int:
        """Return the id of a sighting's track."""
        return int(self._ids[place])

    def spot(self, place: int) -> Spot:
        """Return where a sighting was."""
        x, y = self._points[place].tolist()
        return Spot(self._now_ns[self.steps[place]], (x, y), float(self._depths[place]))

    def before(self, place: int) -> Spot | None:
        """Return where a track was seen before a sighting; None where that was not in this strip."""
        begin, _ = self._bounds[self.track(place)]
        return self.spot(place - 1) if place > begin else None

    def next(self, track: int, step: int, side: int | None = None) -> int | None:
        """Return the next sighting of a track after a step, certainly on a side; None where there is none."""
        begin, end = self._bounds.get(track, (0, 0))
        begin += int(self.steps[begin:end].searchsorted(step, side="right"))
        if side is None:
            return begin if begin < end else None
        found = np.flatnonzero(self.sides[begin:end] == side)
        return begin + int(found[0]) if len(found) else None

    def last_spot(self, trail: Trail, step: int) -> Spot:
        """Return where a track was seen last up to a step."""
        place = self._last(trail.id, step)
        return trail.spot if place is None else self.spot(place)

    def last_box(self, trail: Trail, step: int) -> Floats:
        """Return the box, (4,), in which a track was seen last up to a step."""
        place = self._last(trail.id, step)
        box: Floats = trail.box if place is None else self._boxes[place].copy()
        return box

    def hand_on(self, trails: Mapping[int, Trail]) -> None:
        """Leave in trails where they were seen last, as the strip has passed."""
        for track, (_, end) in self._bounds.items():
            if track in trails:
                trails[track].spot, trails[track].box = self.spot(end - 1), self._boxes[end - 1].copy()
        self._bounds = {}

    def _last(self, track: int, step: int) -> int | None:
        begin, end = self._bounds.get(track, (0, 0))
        place = begin + int(self.steps[begin:end].searchsorted(step, side="right")) - 1
        return place if place >= begin else None


def _first(ids: Ids) -> Mask:
    """Return which of ids that stand together come first."""
    first = np.ones(len(ids), np.bool_)
    first[1:] = ids[1:] != ids[:-1]
    return first
