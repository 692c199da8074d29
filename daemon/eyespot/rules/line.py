"""Counts tracks that go over a line.

A track has settled on a side once it was seen further from the line than a band that is as wide as
boxes jitter. It has crossed when it settles on the other side, if its path met the line between the
ends. The side stays with the track while it is not seen, and only positions that were seen count: so a
track may be missed right at the line, and one that stands on it adds nothing. Of who lingers there it
is the smoothed way that tells when he crossed: his boxes jitter across the line many times.

In late mode crossings wait for the track to end; those there and back of one track cancel each other.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.account import Account, Fate, Remark, typical_size
from eyespot.domain.approach import Way, shortfalls
from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Crossed, Direction, Event, LineState
from eyespot.domain.geometry import Mount, Point
from eyespot.domain.instants import NO_TIMELINE, SECOND_NS
from eyespot.domain.kept import KeptLabel, kept_as
from eyespot.domain.lingering import Kept, Lingering
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Tells
from eyespot.domain.polyline import Polyline, problem_with
from eyespot.domain.strip import Strip, alone
from eyespot.domain.track import Ids, Mask, Scene, Tracks
from eyespot.domain.walk import MEMORY_NS, PATH, Paths, Walk, drift, follow, shifted, walk_of

# In box sizes: see `domain.legs`.
_BAND = 0.25
_END_TOLERANCE = 0.25
_LINGERS_NS = SECOND_NS  # off its side for longer, and not on the other
_MOST_WAITING = 10_000

_SAID: Mapping[Fate, str] = {
    "counted": ": counted",
    "lingers": ": counts when it has gone, as in late mode",
    "went_back": ", and went back or had come back, which is not counted in late mode",
}

_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Point = tuple[_Fraction, _Fraction]
_Total = Annotated[int, msgspec.Meta(ge=0, le=2**53)]

_NOTHING: Mapping[Direction, int] = {"in": 0, "out": 0}


class LineSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="line"
):
    """A line from `a` to `b`, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        a: where the line begins.
        b: where it ends.
        points: in place of a and b: two or more, through which it goes.
        classes: lower-case names of what is counted. Default: everything.
        swap: turns "in" and "out" round.
        mode: "immediate" counts who has crossed; "late" when he is gone, and not who has gone back.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.

    Raises:
        ValueError: there is neither a and b nor points, or both, or they make no line; a day has no whole
            number of buckets.
    """

    id: RuleId
    a: _Point | None = None
    b: _Point | None = None
    points: Annotated[tuple[_Point, ...], msgspec.Meta(min_length=2, max_length=16)] | None = None
    classes: ClassNames | None = None
    swap: bool = False
    mode: Literal["immediate", "late"] = "immediate"
    bucket_s: BucketLength | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check that the line leads somewhere, and that a day has a whole number of buckets."""
        if self.points is None:
            if self.a is None or self.b is None:
                raise ValueError("a line needs a and b, or points")
            if problem_with((self.a, self.b)):
                raise ValueError("a and b are the same point; a line needs two")
        elif self.a is not None or self.b is not None:
            raise ValueError("name either a and b, or points")
        elif problem := problem_with(self.points):
            raise ValueError(f"points: {problem}")
        check_length(self.bucket_s)

    @property
    def path(self) -> tuple[Point, ...]:
        """The points through which it goes, two or more."""
        if self.points is not None:
            return self.points
        return tuple(point for point in (self.a, self.b) if point is not None)


class LineKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: totals, and in late mode what waits."""

    counts: dict[KeptLabel, dict[Direction, _Total]]
    waiting: Annotated[tuple[Kept, ...], msgspec.Meta(max_length=_MOST_WAITING)] = ()


class _Crossing(NamedTuple):
    track: int
    taken_ns: int
    direction: Direction
    bundle: str


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
        self.place = f"{settings.path} {settings.swap} {mount}"
        self._line = Polyline(settings.path)
        self._paths = np.zeros(0, PATH)
        self._unconfirmed: list[_Crossing] = []
        self._lingering = Lingering()
        self._timeline = NO_TIMELINE
        self.undecided = 0
        self._state = LineState({label: dict(_NOTHING) for label in settings.classes or ()})

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return the crossings of confirmed tracks; those of others wait for their confirmation."""
        return [event for _, told in self.sweep(alone(scene)) for event in told]

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Look at many scenes at once; see `Sweeping`."""
        gone = self._follow(strip.ids())
        counted, dead = self._confirm(strip, self._settle(strip, self._walk(strip)))
        if len(strip) > 1:
            gone = np.concatenate([gone, self._follow(strip.tracks.ids[strip.bounds[-2] :])])
        self._timeline = strip.timeline
        doubts = self._doubts(strip, gone, dead)
        told = defaultdict[int, list[Crossed]](list)
        for step, crossing, label in counted:
            told[step].append(self._crossed(crossing, label))
        before = self._lingering.take_before(self._settings.id, strip.timeline)
        ends = self._ends(strip, told.values())
        for step in sorted({*doubts, *told, *ends, *([0] if before else [])}):
            state, events = self._state, self._due(told[step], ends[step])
            if step == 0:
                events = [*before, *events]
            self._count(events)
            self.undecided += doubts[step]
            if events or doubts[step] or self._state != state:
                yield step, list(events)

    def explain(self, strip: Strip) -> list[Account]:
        """Return what becomes of the tracks in a strip; see `Explaining`."""
        self._follow(strip.ids())
        is_new = np.isnan(self._paths["point"][:, 0])
        walk = self._walk(strip)
        waiting, settled = self._unconfirmed, self._settle(strip, walk)
        crossings = [*waiting, *(crossing for _, crossing in settled)]
        confirmed = [
            self._crossed(crossing, label) for _, crossing, label in self._confirm(strip, settled)[0]
        ]
        self._follow(strip.tracks.ids[strip.bounds[-2] :])
        fates = self._fates(strip, confirmed)
        accounts = []
        for place in np.unique(walk.places):
            legs = walk.places == place
            way, rows = self._way(strip, walk, legs, begins=bool(is_new[place])), walk.rows[legs]
            track = int(strip.tracks.ids[rows[0]])
            label = self._labels[strip.tracks.classes[rows[-1]]]
            own = [self._remark(one, label, fates) for one in crossings if one.track == track]
            remarks = tuple(own) or shortfalls(way, self._line, _BAND, _END_TOLERANCE)
            accounts.append(way.account(track, label, typical_size(strip.tracks.boxes_xyxy_n[rows]), remarks))
        return accounts

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._know(labels)
        self._unconfirmed = [crossing._replace(bundle=bundle) for crossing in self._unconfirmed]
        self._lingering.relabel(bundle)

    def state(self) -> LineState:
        """Return the totals: classes named in the settings from the start, others once counted."""
        return self._state

    def reset(self) -> None:
        """Begin at zero, also with classes that were counted; see `Rule`."""
        counts = {label: dict(_NOTHING) for label in self._state.counts}
        self._state = LineState(counts, self._lingering.number)
        self._lingering.restore(())  # these had crossed before

    def snapshot(self) -> dict[str, object]:
        """Return the totals, and what waits in late mode, fit for JSON."""
        counts = {label: dict(totals) for label, totals in self._state.counts.items()}
        waiting = self._lingering.keep(self._timeline)
        return {"counts": counts, **({"waiting": msgspec.to_builtins(waiting)} if waiting else {})}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from totals that `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot.
        """
        kept = kept_as(LineKept, snapshot, "a line")
        counts = {label: {**_NOTHING, **totals} for label, totals in kept.counts.items()}
        self._state = LineState({label: dict(_NOTHING) for label in self._settings.classes or ()} | counts)
        self._lingering.restore(kept.waiting)

    def _follow(self, ids: Ids) -> Paths:
        """Have one path for each track, and return those that have vanished."""
        self._paths, gone = follow(self._paths, ids)
        return gone

    def _walk(self, strip: Strip) -> Walk:
        """Return the legs of the tracks that were seen, and lead their paths on to the ends of these."""
        walk = walk_of(strip, self._paths, self._line, self._mount)
        self._note(walk, strip.tracks)
        return walk

    def _note(self, walk: Walk, tracks: Tracks) -> None:
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
        if not len(gone):
            return Counter()
        on_it = gone["confirmed"] & (gone["born_on_it"] | gone["on_it"])
        doubtful = gone["id"][gone["counts"] & (np.isin(gone["id"], list(dead)) | on_it)]
        steps = Counter[int]()
        for track in doubtful.tolist():
            steps[strip.end_of(track)] += 1
        return steps

    def _settle(self, strip: Strip, walk: Walk) -> list[tuple[int, _Crossing]]:
        """Put tracks on their sides, and return the crossings that this makes, each with its row.

        Only legs are looked at one by one that meet the line, end in its band, or get to another side.
        """
        distances, last = walk.legs.distances, walk.last
        sides = np.sign(distances) * (np.abs(distances) > _BAND)
        before = shifted(distances, walk.first, self._paths["distance"][walk.places[walk.first]])
        self._paths["distance"][walk.places[last]] = distances[last]
        comes = (np.abs(before) <= _BAND) | (sides * before < 0)
        stirring = np.flatnonzero(walk.legs.met | (sides == 0) | comes)
        crossings = []
        for leg in stirring[np.argsort(walk.rows[stirring])].tolist():
            path, here, now_ns = self._paths[walk.places[leg]], int(sides[leg]), int(walk.taken_ns[leg])
            if walk.legs.met[leg]:
                path["met_ns"] = walk.legs.met_ns[leg]
                path["met_inside"] = walk.legs.beyond[leg] <= _END_TOLERANCE
            side = int(path["side"])
            if side not in {0, here}:
                span_ns = int(walk.since_ns[leg]), now_ns
                drift(path, span_ns, (float(before[leg]), float(distances[leg])), _BAND)
            if here not in {0, side}:
                if side and path["met_inside"]:
                    crossings.append((int(walk.rows[leg]), self._crossing(path, here, now_ns, strip.bundle)))
                path["side"] = here
        return crossings

    def _crossing(self, path: np.void, side: int, now_ns: int, bundle: str) -> _Crossing:
        direction: Direction = "in" if (side > 0) != self._settings.swap else "out"
        at_ns = int(path["met_ns"])
        if path["smooth_ns"] and now_ns - path["left_ns"] > _LINGERS_NS:
            at_ns = int(max(path["smooth_ns"] - MEMORY_NS, path["left_ns"]))  # what is smoothed comes later
        return _Crossing(int(path["id"]), at_ns, direction, bundle)

    def _confirm(
        self, strip: Strip, crossings: list[tuple[int, _Crossing]]
    ) -> tuple[list[tuple[int, _Crossing, str]], set[int]]:
        """Return step and class of the crossings that count: once their track is confirmed, if it ever is.

        And the tracks of which it has not been.
        """
        tracks, alive = strip.tracks, strip.tracks.ids[strip.bounds[-2] :]
        counted, waiting, dead = [], [], set()
        for row, crossing in [*((0, one) for one in self._unconfirmed), *crossings]:
            confirmed = strip.confirmed_from(row, crossing.track)
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

    def _way(self, strip: Strip, walk: Walk, legs: Mask, *, begins: bool) -> Way:
        """Return the way of one track."""
        ends = strip.tracks.ids[walk.rows[legs][0]] not in self._paths["id"]
        return Way(walk.points[legs], walk.taken_ns[legs], walk.legs.some(legs), begins, ends)

    def _fates(self, strip: Strip, confirmed: Sequence[Crossed]) -> dict[tuple[int, int], Fate]:
        """Return what becomes of crossings of confirmed tracks: track and instant -> that."""
        fates: dict[tuple[int, int], Fate] = {(one.track, one.taken_ns): "counted" for one in confirmed}
        if self._settings.mode == "late":
            for one in confirmed:
                self._lingering.add(one)
            for track in {one.track for one in confirmed}:
                there = {one.taken_ns for one in self._lingering.of(track)}
                ended = strip.end_of(track) < len(strip)
                for own, taken_ns in fates:
                    if own == track and (taken_ns not in there or not ended):
                        fates[own, taken_ns] = "lingers" if taken_ns in there else "went_back"
            self._lingering.leave(np.setdiff1d(list(self._lingering.tracks), self._paths["id"]).tolist())
        return fates

    def _remark(self, crossing: _Crossing, label: str, fates: Mapping[tuple[int, int], Fate]) -> Remark:
        """Return what became of a crossing."""
        at_ns, text = crossing.taken_ns, f"crossed {crossing.direction}"
        fate = fates.get((crossing.track, at_ns))
        if fate is not None:
            return Remark(at_ns, fate, f"{text}{_SAID[fate]}")
        if self._settings.classes is not None and label not in self._settings.classes:
            return Remark(at_ns, "class", f"{text}, but is a {label}, which is not counted here")
        if crossing in self._unconfirmed:
            return Remark(at_ns, "waits", f"{text}, but waits to be seen more often")
        return Remark(at_ns, "doubted", f"{text}, but was seen too seldom to be believed")

    def _know(self, labels: tuple[str, ...]) -> None:
        classes = self._settings.classes
        self._labels = labels
        self._wanted = np.array([classes is None or label in classes for label in labels], np.bool_)

    def _ends(self, strip: Strip, told: Iterable[Sequence[Crossed]]) -> defaultdict[int, list[int]]:
        """Return step -> tracks that are not there any more, of those whose crossings wait for that."""
        ends = defaultdict[int, list[int]](list)
        if self._settings.mode == "late":
            for track in {*self._lingering.tracks, *(one.track for each in told for one in each)}:
                end = strip.end_of(track)
                if end < len(strip):
                    ends[end].append(track)
        return ends

    def _due(self, crossed: list[Crossed], ended: Iterable[int]) -> list[Crossed]:
        """Return which crossings count now: those of just now, or in late mode of tracks that have ended."""
        if self._settings.mode == "immediate":
            return crossed
        for one in crossed:
            self._lingering.add(one)
        return self._lingering.leave(ended)

    def _count(self, crossed: Iterable[Crossed]) -> None:
        counts = dict(self._state.counts)
        for one in crossed:
            totals = counts.get(one.label, _NOTHING)
            counts[one.label] = {**totals, one.direction: totals[one.direction] + 1}
        self._state = LineState(counts, self._lingering.number)

    def _crossed(self, crossing: _Crossing, label: str) -> Crossed:
        return Crossed(
            rule=self._settings.id,
            taken_ns=crossing.taken_ns,
            direction=crossing.direction,
            label=label,
            track=crossing.track,
            bundle=crossing.bundle,
        )
