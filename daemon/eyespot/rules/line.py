"""Counts tracks that go over a line.

A track has settled on a side once it was seen further from the line than a band that is as wide as
boxes jitter. It has crossed when it settles on the other side, if its path met the line between the
ends. The side stays with the track while it is not seen, and only positions that were seen count: so a
track may be missed right at the line, and one that stands on it adds nothing.

In late mode crossings wait for the track to end; those there and back of one track cancel each other.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.event import Crossed, Direction, Event, LineState
from eyespot.domain.geometry import Mount, Point, Reals, anchors
from eyespot.domain.instants import Timeline
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Indexes, Tells
from eyespot.domain.polyline import Polyline, problem_with
from eyespot.domain.track import Ids, Scene, Tracks

# Distances are counted in widths of the track's own box along x and in its heights along y: the jitter
# of a detector grows with the box along each side, perspective is allowed for, and the shape of the
# picture need not be known.
_BAND = 0.25
_END_TOLERANCE = 0.25
_SMALLEST_SIDE = 0.02  # of the frame: what is smaller jitters like a box of this size

_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Point = tuple[_Fraction, _Fraction]
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
    ]
)


class LineSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="line"
):
    """A line from `a` to `b`, or through `points`, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        a: where the line begins.
        b: where it ends.
        points: in place of a and b: two or more, through which it goes.
        classes: lower-case names of what is counted. Default: everything.
        swap: turns "in" and "out" round.
        mode: "immediate" counts who has crossed; "late" when he is gone, and not who has gone back.
        works_with: what a model has to tell.

    Raises:
        ValueError: there is neither a and b nor points, or both, or they make no line.
    """

    id: RuleId
    a: _Point | None = None
    b: _Point | None = None
    points: Annotated[tuple[_Point, ...], msgspec.Meta(min_length=2, max_length=16)] | None = None
    classes: ClassNames | None = None
    swap: bool = False
    mode: Literal["immediate", "late"] = "immediate"
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")

    def __post_init__(self) -> None:
        """Check that the line leads somewhere."""
        if self.points is None:
            if self.a is None or self.b is None:
                raise ValueError("a line needs a and b, or points")
            if problem_with((self.a, self.b)):
                raise ValueError("a and b are the same point; a line needs two")
        elif self.a is not None or self.b is not None:
            raise ValueError("name either a and b, or points")
        elif problem := problem_with(self.points):
            raise ValueError(f"points: {problem}")

    @property
    def path(self) -> tuple[Point, ...]:
        """The points through which it goes, two or more."""
        if self.points is not None:
            return self.points
        return tuple(point for point in (self.a, self.b) if point is not None)


class _Waiting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A crossing of somebody who was there still, as it is kept: its instant in UTC."""

    track: int
    utc_ns: int
    direction: Direction
    bundle: str
    label: str


class _Kept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counts: dict[str, dict[Direction, _Total]]
    waiting: tuple[_Waiting, ...] = ()


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
    """

    def __init__(self, settings: LineSettings, labels: tuple[str, ...], mount: Mount) -> None:
        self._settings = settings
        self._labels = labels
        self._mount = mount
        self._line = Polyline(settings.path)
        self._paths = np.zeros(0, _PATH)
        self._unconfirmed: list[_Crossing] = []
        self._waiting: dict[int, list[_Waiting]] = {}
        self._gone: list[_Waiting] = []
        self.reset()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return the crossings of confirmed tracks; those of others wait for their confirmation."""
        self._follow(scene.tracks.ids)
        crossings = self._unconfirmed
        if scene.observation is not None:
            crossings = crossings + self._crossings(scene.taken_ns, scene.tracks, scene.observation.bundle)
        judged = self._judge(crossings, scene.tracks) if crossings else []
        if self._settings.mode == "immediate":
            return [self._count(crossing, label) for crossing, label in judged]
        for crossing, label in judged:
            self._let_wait(crossing, label, scene.timeline)
        return self._count_gone(scene)

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._labels = labels
        self._unconfirmed = [crossing._replace(bundle=bundle) for crossing in self._unconfirmed]
        for track, waiting in self._waiting.items():
            self._waiting[track] = [msgspec.structs.replace(one, bundle=bundle) for one in waiting]

    def state(self) -> LineState:
        """Return the totals: classes named in the settings from the start, others once counted."""
        return self._state

    def reset(self) -> None:
        """Begin at zero; see `Rule`."""
        self._state = LineState({label: dict(_NOTHING) for label in self._settings.classes or ()})
        self._show_waiting()

    def snapshot(self) -> dict[str, object]:
        """Return the totals, and what waits in late mode, fit for JSON."""
        counts = {label: dict(totals) for label, totals in self._state.counts.items()}
        waiting = [*self._gone, *(one for each in self._waiting.values() for one in each)]
        return {"counts": counts, **({"waiting": msgspec.to_builtins(waiting)} if waiting else {})}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from totals that `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot.
        """
        try:
            kept = msgspec.convert(snapshot, _Kept)
        except msgspec.ValidationError as error:
            raise ValueError(f"not a snapshot of a line: {error}") from error
        counts = {label: {**_NOTHING, **totals} for label, totals in kept.counts.items()}
        self._state = LineState({**self._state.counts, **counts})
        self._gone = list(kept.waiting)

    def _follow(self, ids: Ids) -> None:
        """Have one path for each track; what a vanished one did is forgotten, as ids never come back."""
        known = self._paths["id"]
        if np.array_equal(known, ids):
            return
        paths = np.zeros(len(ids), _PATH)
        paths["id"], paths["point"] = ids, np.nan
        paths[np.isin(ids, known)] = self._paths[np.isin(known, ids)]
        self._paths = paths

    def _crossings(self, taken_ns: int, tracks: Tracks, bundle: str) -> list[_Crossing]:
        rows = np.flatnonzero(tracks.seen)
        boxes = tracks.boxes_xyxy_n[rows]
        points = anchors(boxes, self._mount).astype(np.float64)
        units = np.maximum(boxes[:, 2:] - boxes[:, :2], _SMALLEST_SIDE).astype(np.float64)
        self._lead_on(rows, points, units, taken_ns)
        distances = self._line.distances(points, units)
        clear = np.abs(distances) > _BAND
        return self._settle(rows[clear], np.sign(distances[clear]), bundle)

    def _lead_on(self, rows: Indexes, points: Reals, units: Reals, taken_ns: int) -> None:
        """Lead the paths of `rows` on to the points, and note where and when they meet the line."""
        start, start_ns = self._paths["point"][rows], self._paths["taken_ns"][rows]
        met, shares, beyond = self._line.meetings(start, points, units)
        if met.any():
            since = (shares * (taken_ns - start_ns)).astype(np.int64)
            self._paths["met_inside"][rows[met]] = beyond[met] <= _END_TOLERANCE
            self._paths["met_ns"][rows[met]] = (start_ns + since)[met]
        self._paths["point"][rows] = points
        self._paths["taken_ns"][rows] = taken_ns

    def _settle(self, rows: Indexes, sides: Reals, bundle: str) -> list[_Crossing]:
        """Put the tracks of `rows` on their sides, and return the crossings that this makes."""
        before = self._paths["side"][rows]
        self._paths["side"][rows] = sides
        crossed = (before == -sides) & self._paths["met_inside"][rows]
        return [
            _Crossing(int(path["id"]), int(path["met_ns"]), self._direction(path["side"]), bundle)
            for path in self._paths[rows[crossed]]
        ]

    def _direction(self, side: int) -> Direction:
        return "in" if (side > 0) != self._settings.swap else "out"

    def _judge(self, crossings: list[_Crossing], tracks: Tracks) -> list[tuple[_Crossing, str]]:
        """Return crossings of confirmed tracks and their classes; those of others wait, or died with them."""
        row_of = {int(track): row for row, track in enumerate(tracks.ids)}
        alive = [crossing for crossing in crossings if crossing.track in row_of]
        self._unconfirmed = [c for c in alive if not tracks.confirmed[row_of[c.track]]]
        rows = [(crossing, row_of[crossing.track]) for crossing in alive]
        judged = [(c, self._labels[tracks.classes[row]]) for c, row in rows if tracks.confirmed[row]]
        return [(crossing, label) for crossing, label in judged if self._counts(label)]

    def _let_wait(self, crossing: _Crossing, label: str, timeline: Timeline) -> None:
        """Let a crossing wait for the end of its track; one there and one back cancel each other."""
        waiting = self._waiting.setdefault(crossing.track, [])
        if waiting and waiting[-1].direction != crossing.direction:
            waiting.pop()
        else:
            utc_ns = timeline.utc_ns(crossing.taken_ns)
            waiting.append(_Waiting(crossing.track, utc_ns, crossing.direction, crossing.bundle, label))
        self._show_waiting()

    def _count_gone(self, scene: Scene) -> list[Event]:
        """Count what waited for tracks that have ended, and, after a restart, for those of before."""
        ended = self._waiting.keys() - set(scene.tracks.ids.tolist()) if self._waiting else ()
        gone = self._gone + [one for track in sorted(ended) for one in self._waiting.pop(track)]
        self._gone = []
        if ended or gone:
            self._show_waiting()
        zero_ns = scene.timeline.utc_at_zero_ns
        return [
            self._count(_Crossing(one.track, one.utc_ns - zero_ns, one.direction, one.bundle), one.label)
            for one in gone
        ]

    def _show_waiting(self) -> None:
        """Make it part of the state, so that it is kept."""
        waiting = sum(len(each) for each in self._waiting.values())
        self._state = LineState(self._state.counts, waiting)

    def _counts(self, label: str) -> bool:
        return self._settings.classes is None or label in self._settings.classes

    def _count(self, crossing: _Crossing, label: str) -> Crossed:
        totals = dict(self._state.counts.get(label, _NOTHING))
        totals[crossing.direction] += 1
        self._state = LineState({**self._state.counts, label: totals}, self._state.waiting)
        return Crossed(
            rule=self._settings.id,
            taken_ns=crossing.taken_ns,
            direction=crossing.direction,
            label=label,
            track=crossing.track,
            bundle=crossing.bundle,
        )
