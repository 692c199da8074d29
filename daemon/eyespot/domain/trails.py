"""Where tracks are, seen from an area: inside or outside, since when, and where they came from."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.area import Area
from eyespot.domain.geometry import Point, Reals, units_of
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Floats, Indexes
from eyespot.domain.strip import Instants, Strip
from eyespot.domain.track import Ids, Mask, Tracks


class Spot(NamedTuple):
    """When a track was seen, where, and how deep inside, in boxes; negative outside."""

    seen_ns: int
    point: Point
    depth: float


_LEANS = 0.35  # of the band: who is seen so far inside each time, for a while, is there, jitter or not
_LEANS_NS = SECOND_NS
_LEANS_LOOKS = 4
# A reflection stays where it appears, and seldom for long; people move so far, in boxes, or stay for longer.
_MOVES = 0.3
_STILL_NS = 3 * SECOND_NS
_LASTS_NS = 10 * SECOND_NS  # by several tracks, one after the other


class Last(NamedTuple):
    """Where tracks were seen last, before the strip that passes.

    Attributes:
        ids: (n,) int64, ascending.
        kinds: (n,) intp; see `_kinds`.
        seen_ns: (n,) int64.
        points: (n, 2).
        depths: (n,), as of `Spot`; not a number where a track was not seen.
        boxes: (n, 4) float32.
        leans: (n,) int64; how often each has leant to one side in a row: inside above, outside below zero.
        leans_ns: (n,) int64; since when.
    """

    ids: Ids
    kinds: Indexes
    seen_ns: Instants
    points: Reals
    depths: Reals
    boxes: Floats
    leans: Instants
    leans_ns: Instants

    @classmethod
    def of(cls, ids: Ids, kinds: Indexes) -> Self:
        """Return tracks that were not seen."""
        count = len(ids)
        nowhere, boxes = np.full(count, np.nan), np.zeros((count, 4), np.float32)
        seen_ns, leans, leans_ns = np.zeros((3, count), np.int64)
        return cls(ids, kinds, seen_ns, np.zeros((count, 2)), nowhere, boxes, leans, leans_ns)

    def spot(self, track: int) -> Spot:
        """Return where one of the tracks was."""
        row = int(self.ids.searchsorted(track))
        x, y = self.points[row].tolist()
        return Spot(int(self.seen_ns[row]), (x, y), float(self.depths[row]))

    def box(self, track: int) -> Floats:
        """Return in which box, (4,), one of the tracks was."""
        box: Floats = self.boxes[self.ids.searchsorted(track)].copy()
        return box

    def note(self, ids: Ids, *columns: NDArray[Any]) -> None:
        """Note where tracks were seen, and how they lean; others than these are passed over."""
        rows, known = self.find(ids)
        own: tuple[NDArray[Any], ...] = (
            self.seen_ns,
            self.points,
            self.depths,
            self.boxes,
            self.leans,
            self.leans_ns,
        )
        for column, values in zip(own, columns, strict=True):
            column[rows] = values[known]

    def find(self, ids: Ids) -> tuple[Indexes, Mask]:
        """Return the rows of tracks that are known, and which of `ids` are."""
        rows = self.ids.searchsorted(ids)
        known = rows < len(self.ids)
        known[known] = self.ids[rows[known]] == ids[known]
        return rows[known], known


NOBODY = Last.of(np.zeros(0, np.int64), np.zeros(0, np.intp))


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

    @property
    def is_comparable(self) -> bool:
        """Whether it is to be compared with stays that wait, once that is due."""
        return self.confirmed and self.seen and not self.known

    def begin(self, spot: Spot, due_ns: int) -> None:
        """Be seen first."""
        self.seen, self.due_ns = True, due_ns
        self.born_ns = self.turned_ns = spot.seen_ns
        self.born_at = self.turned_at = spot.point

    def turn(self, before: Spot, spot: Spot) -> None:
        """Note when and where it came to another side on its way between two spots, interpolated."""
        share = before.depth / (before.depth - spot.depth)
        self.turned, self.turned_ns = True, before.seen_ns + int(share * (spot.seen_ns - before.seen_ns))
        (x, y), (to_x, to_y) = before.point, spot.point
        self.turned_at = (x + share * (to_x - x), y + share * (to_y - y))

    def forget(self) -> None:
        """Be as if it had never been seen."""
        self.seen = self.stays = self.known = self.turned = False


class Change(NamedTuple):
    """A track is new at a step, or of another class than before, or confirmed."""

    step: int
    track: int
    kind: int
    confirmed: bool


class Sightings:
    """Where tracks are seen in a strip: track by track, those of each in order.

    Args:
        strip: the strip.
        area: from where they are seen.
        now_ns: (steps,) int64.
        last: where tracks were seen before.
        staying: ids of those that have a stay then.

    Attributes:
        ends: id -> the step after the last one in which a track is there.
        changes: in which a track is new, of another class than before, or confirmed.
        steps: (n,) intp; of the sightings.
        notable: steps and places of sightings in which something may change: a track is seen first, or is
            certainly on another side than before.
        turns: id -> place of the last sighting in which a track is on another side than in the one before,
            certain or not.
    """

    def __init__(
        self, strip: Strip, area: Area, now_ns: Instants, last: Last, staying: Collection[int]
    ) -> None:
        tracks, steps = strip.tracks, strip.steps()
        order = np.argsort(tracks.ids, kind="stable")
        self._last, self._begun = last, dict[int, int]()
        self._alive = Last.of(tracks.ids[strip.bounds[-2] :], _kinds(tracks)[strip.bounds[-2] :])
        self._list_tracks(tracks, steps, order, last)
        left, top, right, bottom = np.isfinite(tracks.boxes_xyxy_n).T  # columns are faster than small rows
        seen = tracks.seen & strip.observed[steps] & left & top & right & bottom
        rows = order[seen[order]]
        self._ids, self.steps, self._boxes = tracks.ids[rows], steps[rows], tracks.boxes_xyxy_n[rows]
        self._seen_ns, self._points = now_ns[self.steps], area.points(self._boxes)
        self._units = units = units_of(self._boxes)
        self._depths, bands = area.depths(self._points, units), area.bands(units)
        self._sides = (self._depths > bands).astype(np.int8) - (self._depths < -bands).astype(np.int8)
        self._lean(bands, last)
        self._list_sightings(last, staying)

    def _lean(self, bands: Reals, last: Last) -> None:
        """Be certain, too, of who is near a side, but on one side of it in each look for a while."""
        far = _LEANS * bands
        leans = (self._depths > far).astype(np.int64) - (self._depths < -far)
        cuts = _cuts(self._ids)
        begins = cuts[:-1]
        rows, known = last.find(self._ids[begins])
        goes_on = np.zeros(len(begins), np.bool_)
        goes_on[known] = np.sign(last.leans[rows]) == leans[begins[known]]
        before, since_ns = np.zeros((2, len(begins)), np.int64)
        before[known], since_ns[known] = np.abs(last.leans[rows]), last.leans_ns[rows]
        runs = _differs(leans)
        runs[begins] = True
        first = np.maximum.accumulate(np.where(runs, np.arange(len(leans)), 0))
        looks, from_ns = np.arange(len(leans)) - first + 1, self._seen_ns[first]
        track = np.repeat(np.arange(len(begins)), np.diff(cuts))
        carried = (first == begins[track]) & goes_on[track]
        looks[carried] += before[track[carried]]
        from_ns[carried] = since_ns[track[carried]]
        self._leans, self._leans_ns = leans * looks, from_ns
        lasting = (looks >= _LEANS_LOOKS) & (self._seen_ns - from_ns >= _LEANS_NS)
        self._sides = np.where((self._sides == 0) & lasting, leans, self._sides).astype(np.int8)

    def _list_tracks(self, tracks: Tracks, steps: Indexes, order: Indexes, last: Last) -> None:
        """Find out where tracks change and end."""
        ids, kinds = tracks.ids[order], _kinds(tracks)[order]
        cuts = _cuts(ids)
        begins, final = cuts[:-1], order[cuts[1:] - 1]
        rows, known = last.find(ids[begins])
        changes = _differs(kinds)
        changes[begins] = True
        changes[begins[known]] = kinds[begins[known]] != last.kinds[rows]
        changed = order[changes]
        columns = (steps, tracks.ids, tracks.classes, tracks.confirmed)
        self.changes = list(map(Change, *(column[changed].tolist() for column in columns)))
        self.ends = dict(zip(tracks.ids[final].tolist(), (steps[final] + 1).tolist(), strict=True))

    def _list_sightings(self, last: Last, staying: Collection[int]) -> None:
        """Find out where the sightings of each track begin, and what is notable in them."""
        cuts, sides = _cuts(self._ids), self._sides
        begins, bounds = cuts[:-1], cuts.tolist()
        self._bounds = dict(zip(self._ids[begins].tolist(), pairwise(bounds), strict=True))
        certain = np.where(sides != 0, np.arange(len(sides)), 0)
        certain[begins] = begins
        certain = np.maximum.accumulate(certain)
        notable = np.zeros(len(sides), np.bool_)
        notable[1:] = (sides[1:] != 0) & (sides[1:] != sides[certain[:-1]])
        rows, known = last.find(self._ids[begins])
        before = np.full(len(begins), np.nan)
        before[known] = last.depths[rows]
        news = [-1 if track in staying else 1 for track in self._bounds]
        notable[begins] = np.isnan(before) | (sides[begins] == np.array(news, np.int8))
        places = np.flatnonzero(notable)
        self.notable = list(zip(self.steps[places].tolist(), places.tolist(), strict=True))
        inside = self._depths >= 0
        turns = _differs(inside)
        turns[begins] = ~np.isnan(before) & ((before >= 0) != inside[begins])
        self._turned = np.maximum.accumulate(np.where(turns, np.arange(len(turns)), -1))
        places = np.flatnonzero(turns)
        self.turns = dict(zip(self._ids[places].tolist(), places.tolist(), strict=True))

    def spot(self, place: int) -> Spot:
        """Return where a sighting was."""
        x, y = self._points[place].tolist()
        return Spot(self.seen_ns(place), (x, y), self._depths.item(place))

    def track(self, place: int) -> int:
        """Return of which track a sighting is."""
        return int(self._ids.item(place))

    def side(self, place: int) -> int:
        """Return 1 where a sighting is certainly inside, -1 outside, else 0."""
        return int(self._sides.item(place))

    def seen_ns(self, place: int) -> int:
        """Return when a sighting was."""
        return int(self._seen_ns.item(place))

    def begin(self, place: int) -> None:
        """Note that a track is seen first in a sighting: it has not turned before."""
        self._begun[self.track(place)] = place

    def turn(self, place: int) -> tuple[Spot, Spot] | None:
        """Return between which spots a track turned last, up to a sighting; None where it has not."""
        track, turned = self.track(place), int(self._turned.item(place))
        if turned < self._bounds[track][0] or turned <= self._begun.get(track, -1):
            return None
        before = self.before(turned)
        return self._last.spot(track) if before is None else self.spot(before), self.spot(turned)

    def box(self, place: int) -> Floats:
        """Return the box of a sighting, (4,)."""
        box: Floats = self._boxes[place].copy()
        return box

    def before(self, place: int) -> int | None:
        """Return the sighting of a track before another one; None where there is none in this strip."""
        return place - 1 if place and self.track(place - 1) == self.track(place) else None

    def last(self, track: int, step: int) -> int | None:
        """Return the last sighting of a track up to a step; None where there is none in this strip."""
        begin, end = self._bounds.get(track, (0, 0))
        place = begin + int(self.steps[begin:end].searchsorted(step, side="right")) - 1
        return place if place >= begin else None

    def last_spot(self, track: int, step: int) -> Spot:
        """Return where a track was seen last, up to a step."""
        place = self.last(track, step)
        return self._last.spot(track) if place is None else self.spot(place)

    def last_seen_ns(self, track: int, step: int) -> int:
        """Return when a track was seen last, up to a step."""
        place = self.last(track, step)
        return self._last.spot(track).seen_ns if place is None else self.seen_ns(place)

    def last_box(self, track: int, step: int) -> Floats:
        """Return in which box, (4,), a track was seen last, up to a step."""
        place = self.last(track, step)
        return self._last.box(track) if place is None else self.box(place)

    def last_spot_and_size(self, track: int, step: int) -> tuple[Spot, float]:
        """Return where a track was seen last, up to a step, and the longer side of its box there."""
        place = self.last(track, step)
        if place is None:
            return self._last.spot(track), float(units_of(self._last.box(track)[None]).max())
        return self.spot(place), float(self._units[place].max())

    def is_seen(self, track: int, step: int) -> bool:
        """Return whether a track is seen at a step."""
        place = self.last(track, step)
        return place is not None and self.steps[place] == step

    def next(self, track: int, step: int, side: int | None = None) -> int | None:
        """Return the next sighting of a track after a step, certainly on a side; None where there is none."""
        begin, end = self._bounds.get(track, (0, 0))
        begin += int(self.steps[begin:end].searchsorted(step, side="right"))
        if side is None:
            return begin if begin < end else None
        found = np.flatnonzero(self._sides[begin:end] == side)
        return begin + int(found[0]) if len(found) else None

    def next_real(self, trail: Trail, step: int, since_ns: int) -> int | None:
        """Return the next sighting of a track after a step that is of no reflection; None: there is none.

        By then it has moved from where it began, or was there for long, or what it goes on with was.

        Args:
            trail: of the track.
            step: after which.
            since_ns: since when it, or the tracks before it, are there.
        """
        begin, end = self._bounds.get(trail.id, (0, 0))
        begin += int(self.steps[begin:end].searchsorted(step, side="right"))
        out = (self._points[begin:end] - trail.born_at) / self._units[begin:end]
        moved = (out * out).sum(axis=1) >= _MOVES**2
        lasting_ns = min(trail.born_ns + _STILL_NS, since_ns + _LASTS_NS)
        found = np.flatnonzero(moved | (self._seen_ns[begin:end] >= lasting_ns))
        return begin + int(found[0]) if len(found) else None

    def hand_on(self, forgotten: Collection[int]) -> Last:
        """Return where tracks were seen last, now that the strip has passed.

        Args:
            forgotten: ids of those that are as if they had not been seen.
        """
        after, last = self._alive, self._last
        after.note(last.ids, last.seen_ns, last.points, last.depths, last.boxes, last.leans, last.leans_ns)
        ends = _cuts(self._ids)[1:] - 1
        columns = (self._seen_ns, self._points, self._depths, self._boxes, self._leans, self._leans_ns)
        after.note(self._ids[ends], *(column[ends] for column in columns))
        if forgotten:
            after.depths[np.isin(after.ids, list(forgotten))] = np.nan
        self._bounds, self._last = {}, after
        return after


def _kinds(tracks: Tracks) -> Indexes:
    """Return (n,), class and whether it is confirmed in one number."""
    kinds: Indexes = 2 * tracks.classes + tracks.confirmed
    return kinds


def _cuts(ids: Ids) -> Indexes:
    """Return (tracks + 1,), where ids that stand together begin, and where the last of them end."""
    marks = np.ones(len(ids) + 1, np.bool_)
    marks[1:-1] = ids[1:] != ids[:-1]
    return np.flatnonzero(marks)


def _differs(values: Indexes | Mask) -> Mask:
    """Return which of (n,) values differ from the one before; the first does."""
    marks = np.ones(len(values), np.bool_)
    marks[1:] = values[1:] != values[:-1]
    return marks
