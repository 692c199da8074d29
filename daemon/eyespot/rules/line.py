"""Counts tracks that go over a line.

A track has settled on a side once it was seen further from the line than a band that is as wide as
boxes jitter. It has crossed when it settles on the other side, if its path met the line between the
ends. The side stays with the track while it is not seen, and only positions that were seen count: so a
track may be missed right at the line, and one that stands on it adds nothing.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.account import Account, Remark, typical_size
from eyespot.domain.approach import Way, shortfalls
from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Crossed, Direction, Event, LineState
from eyespot.domain.geometry import Mount, Reals, anchors
from eyespot.domain.legs import Legs, legs_to
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Indexes, Tells
from eyespot.domain.strip import Instants, Strip
from eyespot.domain.track import Ids, Mask, Scene, Tracks

# In box sizes: see `domain.legs`.
_BAND = 0.2
_END_TOLERANCE = 0.25

_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Total = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

_NOTHING: Mapping[Direction, int] = {"in": 0, "out": 0}

_PATH = np.dtype(
    [
        ("id", np.int64),
        ("side", np.int8),  # settled on: -1 left, 1 right, 0 neither yet
        ("point", np.float64, 2),  # seen last; not a number before
        ("taken_ns", np.int64),  # then
        ("met_ns", np.int64),  # when the path met the line last
        ("met_inside", np.bool_),  # and whether that was between its ends
        ("seen", np.bool_),
        ("counts", np.bool_),  # as its class was last
        ("confirmed", np.bool_),
        ("born_on_it", np.bool_),  # seen first where it could not be told which side that was
        ("on_it", np.bool_),  # seen there last
    ]
)

Paths = NDArray[np.void]


class LineSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="line"
):
    """A line from `a` to `b`, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        a: where the line begins.
        b: where it ends.
        classes: lower-case names of what is counted. Default: everything.
        swap: turns "in" and "out" round.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.

    Raises:
        ValueError: a and b are the same point; a day has no whole number of buckets.
    """

    id: RuleId
    a: tuple[_Fraction, _Fraction]
    b: tuple[_Fraction, _Fraction]
    classes: ClassNames | None = None
    swap: bool = False
    bucket_s: BucketLength | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check that the line leads somewhere, and that a day has a whole number of buckets."""
        if self.a == self.b:
            raise ValueError("a and b are the same point; a line needs two")
        check_length(self.bucket_s)


class _Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counts: dict[str, dict[Direction, _Total]]


class _Crossing(NamedTuple):
    track: int
    taken_ns: int
    direction: Direction
    bundle: str


class _Walk(NamedTuple):
    """The legs in a strip, track by track.

    Attributes:
        rows: (n,) rows of the strip's tracks that were seen; each track's in order.
        places: (n,) where in `Line._paths` their tracks are.
        points: (n, 2), where the legs end.
        taken_ns: (n,) int64, when.
        legs: (n,) of the tracks.
        first: (n,) bool; whether a leg is the first one of its track in the strip.
        last: (n,) bool; whether it is the last one.
    """

    rows: Indexes
    places: Indexes
    points: Reals
    taken_ns: Instants
    legs: Legs
    first: Mask
    last: Mask


class Line:
    """Counts what crosses a line, per class and direction.

    Args:
        settings: where the line is and what it counts.
        labels: class names by class index.
        mount: which point of a box counts.

    Attributes:
        place: see `Rule`.
        undecided: see `Rule`: who was born or lost on the line, or crossed it and was never confirmed.
    """

    def __init__(self, settings: LineSettings, labels: tuple[str, ...], mount: Mount) -> None:
        self._settings = settings
        self._know(labels)
        self._mount = mount
        self.place = f"{settings.a} {settings.b} {settings.swap} {mount}"
        self._ends = np.array([settings.a, settings.b])
        self._paths = np.zeros(0, _PATH)
        self._unconfirmed: list[_Crossing] = []
        self.undecided = 0
        self._state = LineState({label: dict(_NOTHING) for label in settings.classes or ()})

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return the crossings of confirmed tracks; those of others wait for their confirmation."""
        return [event for _, told in self.sweep(Strip.of([scene])) for event in told]

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Look at many scenes at once; see `Sweeping`."""
        gone = self._follow(np.unique(strip.tracks.ids))
        counted, dead = self._confirm(strip, self._settle(strip, self._walk(strip)))
        gone = np.concatenate([gone, self._follow(strip.tracks.ids[strip.bounds[-2] :])])
        doubts = self._doubts(strip, gone, dead)
        told = {step: list(one) for step, one in groupby(counted, key=lambda one: one[0])}
        for step in sorted({*doubts, *told}):
            self.undecided += doubts[step]
            yield step, [self._count(crossing, label) for _, crossing, label in told.get(step, ())]

    def explain(self, strip: Strip) -> list[Account]:
        """Return what becomes of the tracks in a strip; see `Explaining`."""
        self._follow(np.unique(strip.tracks.ids))
        is_new = np.isnan(self._paths["point"][:, 0])
        walk = self._walk(strip)
        waiting, settled = self._unconfirmed, self._settle(strip, walk)
        crossings = [*waiting, *(crossing for _, crossing in settled)]
        counted = [crossing for _, crossing, _ in self._confirm(strip, settled)[0]]
        self._follow(strip.tracks.ids[strip.bounds[-2] :])
        accounts = []
        for place in np.unique(walk.places):
            legs = walk.places == place
            way = self._way(strip, walk, legs, begins=bool(is_new[place]))
            rows = walk.rows[legs]
            track = int(strip.tracks.ids[rows[0]])
            label = self._labels[strip.tracks.classes[rows[-1]]]
            own = [self._remark(one, label, one in counted) for one in crossings if one.track == track]
            remarks = tuple(own) or shortfalls(way, self._ends, _BAND, _END_TOLERANCE)
            accounts.append(
                Account(
                    track=track,
                    label=label,
                    points=way.points,
                    taken_ns=way.taken_ns,
                    distances=way.legs.distances,
                    size=typical_size(strip.tracks.boxes_xyxy_n[rows]),
                    remarks=remarks,
                )
            )
        return accounts

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._know(labels)
        self._unconfirmed = [crossing._replace(bundle=bundle) for crossing in self._unconfirmed]

    def state(self) -> LineState:
        """Return the totals: classes named in the settings from the start, others once counted."""
        return self._state

    def reset(self) -> None:
        """Begin at zero, also with classes that were counted; see `Rule`."""
        self._state = LineState({label: dict(_NOTHING) for label in self._state.counts})

    def snapshot(self) -> dict[str, object]:
        """Return the totals, fit for JSON."""
        return {"counts": {label: dict(totals) for label, totals in self._state.counts.items()}}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from totals that `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot.
        """
        try:
            totals = msgspec.convert(snapshot, _Totals)
        except msgspec.ValidationError as error:
            raise ValueError(f"not a snapshot of a line: {error}") from error
        counts = {label: {**_NOTHING, **kept} for label, kept in totals.counts.items()}
        self._state = LineState({**self._state.counts, **counts})

    def _follow(self, ids: Ids) -> Paths:
        """Have one path for each track, and return those that have vanished: ids never come back."""
        known = self._paths["id"]
        if np.array_equal(known, ids):
            return self._paths[:0]
        gone = self._paths[~np.isin(known, ids)]
        paths = np.zeros(len(ids), _PATH)
        paths["id"], paths["point"] = ids, np.nan
        paths[np.isin(ids, known)] = self._paths[np.isin(known, ids)]
        self._paths = paths
        return gone

    def _walk(self, strip: Strip) -> _Walk:
        """Return the legs of the tracks that were seen, and lead their paths on to the ends of these."""
        steps, tracks = strip.steps(), strip.tracks
        rows = np.flatnonzero(tracks.seen & strip.observed[steps])
        places = np.searchsorted(self._paths["id"], tracks.ids[rows])
        order = np.argsort(places, kind="stable")
        rows, places = rows[order], places[order]
        boxes, taken_ns = tracks.boxes_xyxy_n[rows], strip.taken_ns[steps[rows]]
        points = anchors(boxes, self._mount).astype(np.float64)
        turns = places[1:] != places[:-1]
        first, last = np.ones(len(rows), np.bool_), np.ones(len(rows), np.bool_)
        first[1:], last[:-1] = turns, turns
        start, start_ns = np.roll(points, 1, axis=0), np.roll(taken_ns, 1)
        start[first] = self._paths["point"][places[first]]
        start_ns[first] = self._paths["taken_ns"][places[first]]
        legs = legs_to(points, taken_ns, boxes, (start, start_ns), self._ends)
        walk = _Walk(rows, places, points, taken_ns, legs, first, last)
        self._note(walk, tracks)
        return walk

    def _note(self, walk: _Walk, tracks: Tracks) -> None:
        """Note where paths have come to, and what it takes to doubt them when they end."""
        paths, first, last = self._paths, walk.first, walk.last
        on_it = (np.abs(walk.legs.distances) <= _BAND) & (walk.legs.aside <= _END_TOLERANCE)
        begun, ended, rows = walk.places[first], walk.places[last], walk.rows[last]
        paths["born_on_it"][begun] |= on_it[first] & ~paths["seen"][begun]
        paths["on_it"][ended], paths["seen"][ended] = on_it[last], True
        paths["point"][ended], paths["taken_ns"][ended] = walk.points[last], walk.taken_ns[last]
        paths["confirmed"][ended] = tracks.confirmed[rows]
        paths["counts"][ended] = self._wanted[tracks.classes[rows]]

    def _doubts(self, strip: Strip, gone: Paths, dead: Collection[int]) -> Counter[int]:
        """Return how many have gone of whom nobody knows whether they should have counted, by step.

        Args:
            strip: in which they were last, if they were in it at all.
            gone: their paths.
            dead: tracks that had crossed, and were never confirmed.
        """
        on_it = gone["confirmed"] & (gone["born_on_it"] | gone["on_it"])
        doubtful = gone["id"][gone["counts"] & (np.isin(gone["id"], list(dead)) | on_it)]
        steps = Counter[int]()
        for track in doubtful:
            rows = np.flatnonzero(strip.tracks.ids == track)
            steps[strip.step_of(int(rows[-1])) + 1 if len(rows) else 0] += 1
        return steps

    def _settle(self, strip: Strip, walk: _Walk) -> list[tuple[int, _Crossing]]:
        """Put tracks on their sides, and return the crossings that this makes, each with its row.

        Only legs are looked at one by one that meet the line, or may come to another side than the track's.
        """
        sides = np.sign(walk.legs.distances) * (np.abs(walk.legs.distances) > _BAND)
        before = np.roll(sides, 1)
        before[walk.first] = self._paths["side"][walk.places[walk.first]]
        stirring = np.flatnonzero(walk.legs.met | ((sides != 0) & (sides != before)))
        crossings = []
        for leg in stirring[np.argsort(walk.rows[stirring])]:
            path, side = self._paths[walk.places[leg]], sides[leg]
            if walk.legs.met[leg]:
                path["met_ns"] = walk.legs.met_ns[leg]
                path["met_inside"] = walk.legs.beyond[leg] <= _END_TOLERANCE
            if side and path["side"] != side:
                if path["side"] == -side and path["met_inside"]:
                    crossings.append((int(walk.rows[leg]), self._crossing(path, side, strip.bundle)))
                path["side"] = side
        return crossings

    def _crossing(self, path: np.void, side: float, bundle: str) -> _Crossing:
        direction: Direction = "in" if (side > 0) != self._settings.swap else "out"
        return _Crossing(int(path["id"]), int(path["met_ns"]), direction, bundle)

    def _confirm(
        self, strip: Strip, crossings: list[tuple[int, _Crossing]]
    ) -> tuple[list[tuple[int, _Crossing, str]], set[int]]:
        """Return step and class of the crossings that count: once their track is confirmed, if it ever is.

        And the tracks of which it has not been.
        """
        tracks, alive = strip.tracks, strip.tracks.ids[strip.bounds[-2] :]
        counted, waiting, dead = [], [], set()
        for row, crossing in [*((0, one) for one in self._unconfirmed), *crossings]:
            confirmed = _confirmed_from(tracks, row, crossing.track)
            if confirmed is not None:
                if self._wanted[tracks.classes[confirmed]]:
                    label = self._labels[tracks.classes[confirmed]]
                    counted.append((strip.step_of(confirmed), crossing, label))
            elif crossing.track in alive:
                waiting.append(crossing)
            else:
                dead.add(crossing.track)
        self._unconfirmed = waiting
        return sorted(counted, key=lambda one: one[0]), dead

    def _way(self, strip: Strip, walk: _Walk, legs: Mask, *, begins: bool) -> Way:
        """Return the way of one track."""
        ends = strip.tracks.ids[walk.rows[legs][0]] not in self._paths["id"]
        return Way(walk.points[legs], walk.taken_ns[legs], walk.legs.some(legs), begins, ends)

    def _remark(self, crossing: _Crossing, label: str, counted: bool) -> Remark:  # noqa: FBT001 - tells itself
        """Return what became of a crossing."""
        at_ns, text = crossing.taken_ns, f"crossed {crossing.direction}"
        if counted:
            return Remark(at_ns, "counted", f"{text}: counted")
        if self._settings.classes is not None and label not in self._settings.classes:
            return Remark(at_ns, "class", f"{text}, but is a {label}, which is not counted here")
        if crossing in self._unconfirmed:
            return Remark(at_ns, "waits", f"{text}, but waits to be seen more often")
        return Remark(at_ns, "doubted", f"{text}, but was seen too seldom to be believed")

    def _know(self, labels: tuple[str, ...]) -> None:
        classes = self._settings.classes
        self._labels = labels
        self._wanted = np.array([classes is None or label in classes for label in labels], np.bool_)

    def _count(self, crossing: _Crossing, label: str) -> Crossed:
        totals = dict(self._state.counts.get(label, _NOTHING))
        totals[crossing.direction] += 1
        self._state = LineState({**self._state.counts, label: totals})
        return Crossed(
            rule=self._settings.id,
            taken_ns=crossing.taken_ns,
            direction=crossing.direction,
            label=label,
            track=crossing.track,
            bundle=crossing.bundle,
        )


def _confirmed_from(tracks: Tracks, row: int, track: int) -> int | None:
    """Return the first row from `row` on in which a track is confirmed."""
    if len(tracks) > row and tracks.confirmed[row] and tracks.ids[row] == track:
        return row
    rows = np.flatnonzero(tracks.confirmed[row:] & (tracks.ids[row:] == track))
    return row + int(rows[0]) if len(rows) else None
