"""Gathers where tracks went: in a grid over the picture, for how long and how many; told hour by hour.

Only confirmed tracks count, and only where they were seen: between two such places a track is taken to
have gone straight.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.event import Event, HeatmapState
from eyespot.domain.geometry import Mount, Reals, anchors
from eyespot.domain.instants import LONGEST_LOOK_NS, SECOND_NS
from eyespot.domain.kept import KeptUtc, kept_as
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Indexes, Tells
from eyespot.domain.strip import SIGHTS, Instants, Strip, alone
from eyespot.domain.track import Ids, Scene

_UTC = ZoneInfo("UTC")
_HOUR_NS = 3600 * SECOND_NS
_STEPS = 8  # into which the way between two places is cut
_DIGITS = 1

_Side = Annotated[int, msgspec.Meta(ge=4, le=64)]
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
_Cells = Annotated[tuple[tuple[_Count, _Count, _Seconds, _Count], ...], msgspec.Meta(max_length=64 * 64)]

_PATH = np.dtype(
    [
        ("id", np.int64),
        ("taken_ns", np.int64),  # when it was seen last
        ("point", np.float64, 2),  # and where; not a number before
        ("counted", np.bool_),  # among the tracks of this hour
    ]
)


class HeatmapSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="heatmap"
):
    """A grid over the picture.

    Attributes:
        id: name of the rule in topics.
        grid: columns and rows.
        classes: lower-case names of what is followed. Default: everything.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.
    """

    id: RuleId
    grid: tuple[_Side, _Side] = (32, 24)
    classes: ClassNames | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True


class _Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An hour, or what there is of it; UTC in ns."""

    begin_utc_ns: KeptUtc | None
    end_utc_ns: KeptUtc | None
    observed_s: _Seconds
    grid: tuple[_Side, _Side]
    tracks: _Count
    cells: _Cells

    def __post_init__(self) -> None:
        """Check that all cells lie in the grid."""
        columns, rows = self.grid
        if any(column >= columns or row >= rows for column, row, _, _ in self.cells):
            raise ValueError("a cell outside of the grid")


class HeatmapKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: the last hour, and what there is of this one."""

    told: _Told
    under_way: _Told
    hour_utc_ns: KeptUtc | None


class Heatmap:
    """Gathers where tracks go.

    Args:
        settings: how fine the grid is, and what is followed.
        labels: class names by class index.
        mount: which point of a box counts.
        zone: time zone of the device, by whose clock hours begin.
    """

    place = ""  # it has no totals
    undecided = 0  # it decides nothing

    def __init__(
        self, settings: HeatmapSettings, labels: tuple[str, ...], mount: Mount, zone: ZoneInfo = _UTC
    ) -> None:
        self._settings = settings
        self._grid = settings.grid
        self._mount = mount
        self._zone = zone
        self._know(labels)
        self._paths = np.zeros(0, _PATH)
        self._been = np.zeros((0, self._cells), np.bool_)  # which track was in which cell in this hour
        self._looked_ns: int | None = None
        self._stepped_ns: int | None = None
        self._hour_utc_ns: int | None = None  # when the hour under way began
        self._begin_utc_ns = self._utc_ns = 0  # of what is gathered, and of the last step
        self._state = HeatmapState(None, None, 0.0, self._grid, 0, ())
        self._begin()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Gather; return nothing, as all is in the state."""
        list(self.sweep(alone(scene)))
        return []

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Look at many scenes at once; see `Sweeping`. What it yields is when an hour is over."""
        utc_ns = strip.taken_ns + strip.timeline.utc_at_zero_ns
        begin = 0
        while begin < len(strip):
            if self._come_to(int(strip.taken_ns[begin]), int(utc_ns[begin])):
                yield begin, []
            hour_ns = utc_ns[begin:] - self._hour_of(int(utc_ns[begin]))
            others = np.flatnonzero((hour_ns < 0) | (hour_ns >= _HOUR_NS))
            end = begin + int(others[0]) if len(others) else len(strip)
            self._look(strip, begin, end)
            self._gather(strip, begin, end)
            self._stepped_ns, self._utc_ns = int(strip.taken_ns[end - 1]), int(utc_ns[end - 1])
            begin = end

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:  # noqa: ARG002 - tells no bundle of its own
        """Go on with another model; see `Rule`."""
        self._know(labels)

    def state(self) -> HeatmapState:
        """Return the last hour that is over."""
        return self._state

    def reset(self) -> None:
        """Go on: a heatmap has no totals."""

    def close(self) -> None:
        """End the hour under way, as no more will come."""
        if self._hour_utc_ns is not None:
            self._end(self._utc_ns)

    def snapshot(self) -> dict[str, object]:
        """Return the last hour, and what there is of this one, fit for JSON."""
        under_way = self._gathered(self._utc_ns)
        kept = HeatmapKept(_told(self._state), _told(under_way), self._hour_utc_ns)
        whole: dict[str, object] = msgspec.to_builtins(kept)
        return whole

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot, or of another grid.
        """
        kept = kept_as(HeatmapKept, snapshot, "a heatmap")
        if {kept.told.grid, kept.under_way.grid} != {self._grid}:
            raise ValueError("the grid is another one now")
        self._state = HeatmapState(**msgspec.structs.asdict(kept.told))
        self._hour_utc_ns = kept.hour_utc_ns
        self._begin_utc_ns = kept.under_way.begin_utc_ns or 0
        self._utc_ns = kept.under_way.end_utc_ns or 0
        self._observed_s, self._tracks = kept.under_way.observed_s, kept.under_way.tracks
        for column, row, seconds, visits in kept.under_way.cells:
            place = row * self._grid[0] + column
            self._seconds[place], self._visits[place] = seconds, visits

    @property
    def _cells(self) -> int:
        return self._grid[0] * self._grid[1]

    def _know(self, labels: tuple[str, ...]) -> None:
        classes = self._settings.classes
        self._wanted = np.array([classes is None or label in classes for label in labels], np.bool_)

    def _begin(self) -> None:
        self._seconds = np.zeros(self._cells)
        self._visits: NDArray[np.int64] = np.zeros(self._cells, np.int64)
        self._observed_s, self._tracks = 0.0, 0
        self._been[:] = False
        self._paths["counted"] = False

    def _come_to(self, taken_ns: int, utc_ns: int) -> bool:
        """End an hour when it is over, also because the clock was set; return whether one is."""
        elapsed_ns = 0 if self._stepped_ns is None else max(taken_ns - self._stepped_ns, 0)
        before_ns, self._hour_utc_ns = self._hour_utc_ns, self._hour_of(utc_ns)
        if self._hour_utc_ns == before_ns:
            return False
        if before_ns is not None:
            self._end(min(self._utc_ns + elapsed_ns, before_ns + _HOUR_NS))
        self._begin_utc_ns = max(self._hour_utc_ns, utc_ns - elapsed_ns)
        return before_ns is not None

    def _look(self, strip: Strip, begin: int, end: int) -> None:
        """Take note of how long something could be seen."""
        looks = begin + np.flatnonzero(strip.observed[begin:end])
        if not len(looks):
            return
        taken_ns = strip.taken_ns[looks]
        first_ns = taken_ns[0] if self._looked_ns is None else self._looked_ns
        elapsed_ns = np.clip(taken_ns - np.concatenate([[first_ns], taken_ns[:-1]]), 0, LONGEST_LOOK_NS)
        elapsed_ns[strip.sights[looks] != SIGHTS.index("clear")] = 0
        self._observed_s = float(np.cumsum([self._observed_s, *(elapsed_ns / SECOND_NS)])[-1])
        self._looked_ns = int(taken_ns[-1])

    def _hour_of(self, utc_ns: int) -> int:
        """Return when the hour began by the clock of the device, UTC in ns."""
        if self._hour_utc_ns is not None and 0 <= utc_ns - self._hour_utc_ns < _HOUR_NS:
            return self._hour_utc_ns
        local = datetime.fromtimestamp(utc_ns // SECOND_NS, self._zone)
        return utc_ns - utc_ns % SECOND_NS - (local.minute * 60 + local.second) * SECOND_NS

    def _end(self, end_utc_ns: int) -> None:
        self._state = self._gathered(end_utc_ns)
        self._begin_utc_ns = end_utc_ns
        self._begin()

    def _gathered(self, end_utc_ns: int) -> HeatmapState:
        seconds = self._seconds.round(_DIGITS)
        cells = [
            (place % self._grid[0], place // self._grid[0], float(seconds[place]), int(self._visits[place]))
            for place in np.flatnonzero((self._visits > 0) | (seconds > 0)).tolist()
        ]
        begin, end = self._begin_utc_ns, end_utc_ns
        return HeatmapState(
            begin, end, round(self._observed_s, _DIGITS), self._grid, self._tracks, tuple(cells)
        )

    def _follow(self, ids: Ids) -> None:
        """Have one path for each track, as ids never come back."""
        known = self._paths["id"]
        if np.array_equal(known, ids):
            return
        paths, been = np.zeros(len(ids), _PATH), np.zeros((len(ids), self._cells), np.bool_)
        paths["id"], paths["point"] = ids, np.nan
        stay, stayed = np.isin(ids, known), np.isin(known, ids)
        paths[stay], been[stay] = self._paths[stayed], self._been[stayed]
        self._paths, self._been = paths, been

    def _gather(self, strip: Strip, begin: int, end: int) -> None:
        """Gather where tracks go in some steps of one hour."""
        looks = begin + np.flatnonzero(strip.observed[begin:end])
        if not len(looks):
            return
        tracks, steps = strip.tracks, strip.steps()
        there = strip.observed[steps] & (steps >= begin) & (steps < end)
        self._follow(np.union1d(self._paths["id"], tracks.ids[there]))
        rows = np.flatnonzero(there & tracks.seen & tracks.confirmed & self._wanted[tracks.classes])
        if len(rows):
            places = np.searchsorted(self._paths["id"], tracks.ids[rows])
            points = anchors(tracks.boxes_xyxy_n[rows], self._mount).astype(np.float64)
            self._lead_on(places, points, strip.taken_ns[steps[rows]])
        last = int(looks[-1])
        self._follow(tracks.ids[strip.bounds[last] : strip.bounds[last + 1]])

    def _lead_on(self, rows: Indexes, points: Reals, taken_ns: Instants) -> None:
        """Lead paths on to points, in order of time.

        Args:
            rows: (n,) of the paths.
            points: (n, 2).
            taken_ns: (n,) when.
        """
        before = _before(rows)
        start, start_ns = points[before], taken_ns[before]
        first = before == np.arange(len(rows))
        paths = self._paths[rows[first]]
        fresh = np.isnan(paths["point"][:, 0])
        start[first] = np.where(fresh[:, None], points[first], paths["point"])
        start_ns[first] = np.where(fresh, taken_ns[first], paths["taken_ns"])
        elapsed_ns = np.clip(taken_ns - start_ns, 0, LONGEST_LOOK_NS)
        shares = (np.arange(_STEPS) + 1) / _STEPS
        places = self._places(start[:, None] + shares[:, None] * (points - start)[:, None])
        np.add.at(self._seconds, places.ravel(), np.repeat(elapsed_ns / SECOND_NS / _STEPS, _STEPS))
        self._visit(rows, places)
        self._tracks += int((~paths["counted"]).sum())
        last = np.ones(len(rows), np.bool_)
        last[before[~first]] = False
        paths = self._paths[rows[last]]
        paths["point"], paths["taken_ns"], paths["counted"] = points[last], taken_ns[last], True
        self._paths[rows[last]] = paths

    def _places(self, points: Reals) -> Indexes:
        """Return (n, steps) cells of (n, steps, 2) points."""
        grid = np.array(self._grid)
        cells = np.clip((points * grid).astype(np.intp), 0, grid - 1)
        places: Indexes = cells[..., 1] * self._grid[0] + cells[..., 0]
        return places

    def _visit(self, rows: Indexes, places: Indexes) -> None:
        """Count each track once in each cell where it is."""
        been = self._been.copy()
        been[rows[:, None], places] = True
        self._visits += (been & ~self._been).sum(axis=0)
        self._been = been


def _before(rows: Indexes) -> Indexes:
    """Return (n,), for each of (n,) rows the place where it was before; its own where it was not."""
    order = np.argsort(rows, kind="stable")
    same = rows[order[1:]] == rows[order[:-1]]
    before = np.arange(len(rows))
    before[order[1:][same]] = order[:-1][same]
    return before


def _told(state: HeatmapState) -> _Told:
    return _Told(
        state.begin_utc_ns, state.end_utc_ns, state.observed_s, state.grid, state.tracks, state.cells
    )
