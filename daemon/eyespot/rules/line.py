"""Counts tracks that go over a line.

A track has settled on a side once it was seen further from the line than a band that is as wide as
boxes jitter. It has crossed when it settles on the other side, if its path met the line between the
ends. The side stays with the track while it is not seen, and only positions that were seen count: so a
track may be missed right at the line, and one that stands on it adds nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.event import Crossed, Direction, Event, LineState
from eyespot.domain.geometry import Mount, Reals, along, anchors, rightward
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Indexes, Tells
from eyespot.domain.track import Ids, Scene, Tracks

# Distances are counted in widths of the track's own box along x and in its heights along y: the jitter
# of a detector grows with the box along each side, perspective is allowed for, and the shape of the
# picture need not be known.
_BAND = 0.2
_END_TOLERANCE = 0.25
_SMALLEST_SIDE = 0.02  # of the frame: what is smaller jitters like a box of this size

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
    ]
)


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
        works_with: what a model has to tell.

    Raises:
        ValueError: a and b are the same point.
    """

    id: RuleId
    a: tuple[_Fraction, _Fraction]
    b: tuple[_Fraction, _Fraction]
    classes: ClassNames | None = None
    swap: bool = False
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")

    def __post_init__(self) -> None:
        """Check that the line leads somewhere."""
        if self.a == self.b:
            raise ValueError("a and b are the same point; a line needs two")


class _Totals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    counts: dict[str, dict[Direction, _Total]]


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
        self._ends = np.array([settings.a, settings.b])
        self._paths = np.zeros(0, _PATH)
        self._unconfirmed: list[_Crossing] = []
        self._state = LineState({label: dict(_NOTHING) for label in settings.classes or ()})

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return the crossings of confirmed tracks; those of others wait for their confirmation."""
        self._follow(scene.tracks.ids)
        crossings = self._unconfirmed
        if scene.observation is not None:
            crossings = crossings + self._crossings(scene.taken_ns, scene.tracks, scene.observation.bundle)
        return self._judge(crossings, scene.tracks) if crossings else []

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._labels = labels
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
        offsets = rightward(points, self._ends)
        lengths = np.hypot(*((self._ends[1] - self._ends[0]) / units).T)
        self._lead_on(rows, points, offsets, lengths, taken_ns)
        distances = offsets / units.prod(axis=1) / lengths
        clear = np.abs(distances) > _BAND
        return self._settle(rows[clear], np.sign(distances[clear]), bundle)

    def _lead_on(self, rows: Indexes, points: Reals, offsets: Reals, lengths: Reals, taken_ns: int) -> None:
        """Lead the paths of `rows` on to the points, and note where and when they meet the line."""
        start, start_ns = self._paths["point"][rows], self._paths["taken_ns"][rows]
        before = rightward(start, self._ends)
        met = ((before < 0) & (offsets >= 0)) | ((before >= 0) & (offsets < 0))
        if met.any():
            share = before[met] / (before[met] - offsets[met])
            place = along(start[met] + share[:, None] * (points - start)[met], self._ends)
            beyond = np.abs(place - 0.5) - 0.5
            self._paths["met_inside"][rows[met]] = beyond * lengths[met] <= _END_TOLERANCE
            since = (share * (taken_ns - start_ns[met])).astype(np.int64)
            self._paths["met_ns"][rows[met]] = start_ns[met] + since
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

    def _judge(self, crossings: list[_Crossing], tracks: Tracks) -> list[Event]:
        """Count crossings of confirmed tracks, keep those of unconfirmed ones, drop those of the dead."""
        row_of = {int(track): row for row, track in enumerate(tracks.ids)}
        alive = [crossing for crossing in crossings if crossing.track in row_of]
        self._unconfirmed = [c for c in alive if not tracks.confirmed[row_of[c.track]]]
        events: list[Event] = []
        for crossing in alive:
            row = row_of[crossing.track]
            label = self._labels[tracks.classes[row]]
            if tracks.confirmed[row] and self._counts(label):
                events.append(self._count(crossing, label))
        return events

    def _counts(self, label: str) -> bool:
        return self._settings.classes is None or label in self._settings.classes

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
