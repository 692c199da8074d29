"""Scenes one after the other as one table, so that rules can look at many of them at once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate
from typing import Self, get_args

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.doubt import Doubt
from eyespot.domain.instants import NO_TIMELINE, Timeline
from eyespot.domain.observation import Indexes, Observation, Optics, Sight, no_detections
from eyespot.domain.track import Ids, Mask, Scene, Tracks

Instants = NDArray[np.int64]
SIGHTS: tuple[Sight, ...] = get_args(Sight)


@dataclass(frozen=True, slots=True, eq=False)
class Strip:
    """Consecutive scenes of one model.

    Attributes:
        taken_ns: (steps,) int64; instants, as a rule would see them.
        observed: (steps,) bool; whether something was observed, or the source was silent.
        sights: (steps,) uint8; whether there was something to be seen, as indexes of `SIGHTS`.
        bounds: (steps + 1,) intp; the tracks of step i are the rows from bounds[i] to bounds[i + 1].
        tracks: all rows of all steps; ids ascend within a step.
        bundle: id of the model bundle that made the observations.
        observations: of each step, where they are known; else empty: rules that go by tracks do without.
        optics: of each step, how the picture is as a whole; empty where that is never said.
        doubts: what is in doubt in all of it, in words.
        timeline: for hours of the day.
    """

    taken_ns: Instants
    observed: Mask
    sights: NDArray[np.uint8]
    bounds: Indexes
    tracks: Tracks
    bundle: str
    observations: tuple[Observation | None, ...] = ()
    optics: tuple[Optics | None, ...] = ()
    doubts: Mapping[Doubt, str] = field(default_factory=dict)
    timeline: Timeline = NO_TIMELINE

    @classmethod
    def of(cls, scenes: Sequence[Scene], bundle: str = "") -> Self:
        """Return scenes, at least one, as a strip.

        Args:
            scenes: of one model, in order.
            bundle: its id, where none of them was observed.
        """
        observations = tuple(scene.observation for scene in scenes)
        counts = [len(scene.tracks) for scene in scenes]
        return cls(
            taken_ns=np.array([scene.taken_ns for scene in scenes], np.int64),
            observed=np.array([one is not None for one in observations], np.bool_),
            sights=np.array([_code(one) for one in observations], np.uint8),
            bounds=np.array([0, *accumulate(counts)], np.intp),
            tracks=joined([scene.tracks for scene in scenes]),
            bundle=next((one.bundle for one in observations if one is not None), bundle),
            observations=observations,
            optics=_optics(observations),
            timeline=scenes[-1].timeline,
        )

    def __len__(self) -> int:
        """Return how many scenes there are."""
        return len(self.taken_ns)

    def ids(self) -> Ids:
        """Return the ids of all tracks that are there in any step, ascending."""
        return self.tracks.ids if len(self) == 1 else np.unique(self.tracks.ids)

    def steps(self) -> Indexes:
        """Return (rows,), the step of each row of `tracks`."""
        if len(self) == 1:
            return np.zeros(len(self.tracks), np.intp)
        steps: Indexes = np.repeat(np.arange(len(self)), np.diff(self.bounds))
        return steps

    def step_of(self, row: int) -> int:
        """Return the step of a row of `tracks`."""
        return int(np.searchsorted(self.bounds, row, side="right")) - 1

    def end_of(self, track: int) -> int:
        """Return the first step in which a track is not there any more; one after the last where it stays."""
        rows = np.flatnonzero(self.tracks.ids == track)
        return self.step_of(int(rows[-1])) + 1 if len(rows) else 0

    def confirmed_from(self, row: int, track: int) -> int | None:
        """Return the first row from `row` on in which a track is confirmed; None where it never is."""
        ids, confirmed = self.tracks.ids, self.tracks.confirmed
        if len(ids) > row and confirmed[row] and ids[row] == track:
            return row
        rows = np.flatnonzero(confirmed[row:] & (ids[row:] == track))
        return row + int(rows[0]) if len(rows) else None

    def sight(self, step: int) -> Sight:
        """Return whether there was something to be seen; "clear" where nobody looked."""
        return SIGHTS[int(self.sights[step])]

    def between(self, begin: int, end: int) -> "Strip":
        """Return the steps from one up to another, which is not included; at least one."""
        bounds = self.bounds[begin : end + 1]
        return replace(
            self,
            taken_ns=self.taken_ns[begin:end],
            observed=self.observed[begin:end],
            sights=self.sights[begin:end],
            bounds=bounds - bounds[0],
            tracks=part(self.tracks, slice(int(bounds[0]), int(bounds[-1]))),
            observations=self.observations[begin:end],
            optics=self.optics[begin:end],
        )

    def scenes(self) -> Iterator[Scene]:
        """Return the scenes again; what was observed is empty where it is not known."""
        return (self.scene(step) for step in range(len(self)))

    def scene(self, step: int) -> Scene:
        """Return the scene of a step; see `scenes`."""
        taken_ns, rows = int(self.taken_ns[step]), slice(self.bounds[step], self.bounds[step + 1])
        return Scene(taken_ns, self._observation(step, taken_ns), part(self.tracks, rows), self.timeline)

    def _observation(self, step: int, taken_ns: int) -> Observation | None:
        if self.observations:
            return self.observations[step]
        if not self.observed[step]:
            return None
        optics = self.optics[step] if self.optics else None
        return Observation(taken_ns, self.bundle, no_detections(), self.sight(step), optics)


@lru_cache(maxsize=1)  # rules look at the same one, one after the other
def alone(scene: Scene) -> Strip:
    """Return a strip of one scene; whoever looks at it changes nothing."""
    return Strip.of([scene])


def _code(observation: Observation | None) -> int:
    return SIGHTS.index("clear" if observation is None else observation.sight)


def _optics(observations: Sequence[Observation | None]) -> tuple[Optics | None, ...]:
    optics = tuple(None if one is None else one.optics for one in observations)
    return optics if any(optics) else ()


def part(tracks: Tracks, rows: slice | Indexes | Mask) -> Tracks:
    """Return some rows of tracks."""
    return Tracks(
        ids=tracks.ids[rows],
        classes=tracks.classes[rows],
        boxes_xyxy_n=tracks.boxes_xyxy_n[rows],
        scores=tracks.scores[rows],
        seen=tracks.seen[rows],
        confirmed=tracks.confirmed[rows],
    )


def joined(parts: Sequence[Tracks]) -> Tracks:
    """Return the rows of several tracks, at least of one, below each other."""
    if len(parts) == 1:
        return parts[0]
    return Tracks(
        ids=np.concatenate([one.ids for one in parts]),
        classes=np.concatenate([one.classes for one in parts]),
        boxes_xyxy_n=np.concatenate([one.boxes_xyxy_n for one in parts]),
        scores=np.concatenate([one.scores for one in parts]),
        seen=np.concatenate([one.seen for one in parts]),
        confirmed=np.concatenate([one.confirmed for one in parts]),
    )
