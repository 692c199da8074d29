"""Tells how many products of each class stand on a shelf, and when there are too few.

Where they stand, and whether they still do, is what `domain.facings` makes of boxes over time. Everything
here is about which boxes it gets, and what of it is told.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Event, ShelfState, Threshold
from eyespot.domain.facings import Boxes, Facings, KeptPlaces
from eyespot.domain.geometry import Region
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.kept import kept_as
from eyespot.domain.names import ClassName, ClassNames, RuleId
from eyespot.domain.objects import PERSON
from eyespot.domain.observation import Detections, Floats, Tells
from eyespot.domain.polygon import Corners, inside, problem_with, sides_of
from eyespot.domain.track import Mask, Scene, Tracks

_UNSEEN_NS = 60 * SECOND_NS
# At the start places are found first: only then can there be too few. So many times `settle_s`.
_FIRST = 3

_Limit = Annotated[int, msgspec.Meta(ge=1, le=1000)]
_LimitByClass = Annotated[dict[ClassName, _Limit], msgspec.Meta(min_length=1, max_length=100)]
_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Slot = tuple[_Fraction, _Fraction, _Fraction, _Fraction]
_Labels = Annotated[tuple[Annotated[str, msgspec.Meta(max_length=64)], ...], msgspec.Meta(max_length=1024)]


class ShelfSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="shelf"
):
    """A shelf, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        points: corners of the part of the picture where it is. Default: all of it.
        classes: lower-case names of what stands there. Default: everything but what hides it.
        slots: boxes of the places for one product each; left, top, right, bottom. Default: they are found.
        low: of how many there are too few below that; for all classes, or by class.
        hidden_by: lower-case names of what may stand in front of it. Default: persons.
        settle_s: in about how many seconds a change is certain.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.

    Raises:
        ValueError: the points make no polygon, or a slot has no area.
    """

    id: RuleId
    points: Corners | None = None
    classes: ClassNames | None = None
    slots: Annotated[tuple[_Slot, ...], msgspec.Meta(max_length=200)] = ()
    low: _Limit | _LimitByClass | None = None
    hidden_by: ClassNames | None = None
    settle_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 10.0
    bucket_s: BucketLength | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects",)
    by_tracks: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Check that something can be inside, and the length of buckets."""
        check_length(self.bucket_s)
        if self.points is not None and (text := problem_with(self.points)):
            raise ValueError(f"points: {text}")
        for number, (left, top, right, bottom) in enumerate(self.slots, 1):
            if left >= right or top >= bottom:
                raise ValueError(f"slots: number {number} has no area; it is left, top, right, bottom")


class ShelfKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: what stands where, and for how long it was watched."""

    places: KeptPlaces
    low: _Labels
    known: _Labels
    watched_s: Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class Shelf:
    """Counts what stands on a shelf.

    Args:
        settings: where the shelf is, and what is told of it.
        labels: class names by class index.
    """

    place = ""  # it has no totals
    undecided = 0  # it follows nobody

    def __init__(self, settings: ShelfSettings, labels: tuple[str, ...]) -> None:
        self._settings = settings
        self._sides = None if settings.points is None else sides_of(np.array(settings.points))
        self._bundle = ""
        self._low: set[str] = set()
        self._known = set(settings.classes or ())  # classes of which something stood there once
        self._watched_s = 0.0
        self._looked_ns: int | None = None
        self._know(labels)
        slots: Sequence[Region] = settings.slots
        self._facings = Facings(self._names, settings.settle_s, slots)
        self._renew()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return of which class there are too few now, or are not any more."""
        observation = scene.observation
        if observation is None or not isinstance(observation.found, Detections):
            return []
        self._bundle = observation.bundle
        self._watch(scene.taken_ns)
        found = observation.found
        products = self._products(found)
        hiders = self._in_front(found, scene.tracks)
        dark = observation.sight != "clear"
        self._facings.look(scene.taken_ns, products, hiders, blind=not len(found), dark=dark)
        self._renew()
        return list(self._tell(scene.taken_ns))

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`. What stands there stays, by name."""
        self._bundle = bundle
        self._know(labels)
        self._facings.relabel(self._names)

    def state(self) -> ShelfState:
        """Return what stands there: classes that settings name from the start, others once seen."""
        return self._state

    def reset(self) -> None:
        """Go on: a shelf has no totals."""

    def snapshot(self) -> dict[str, object]:
        """Return what stands where, fit for JSON."""
        return {
            "places": self._facings.keep(),
            "low": sorted(self._low),
            "known": sorted(self._known),
            "watched_s": round(self._watched_s, 1),
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot, or of other slots.
        """
        kept = kept_as(ShelfKept, snapshot, "a shelf")
        self._facings.restore([place for place in kept.places if place.given or self._contains(place.box)])
        self._low = {label for label in kept.low if self._limit(label) is not None}
        self._known |= {label for label in kept.known if label in self._names}
        self._watched_s = kept.watched_s
        self._renew()

    def _know(self, labels: tuple[str, ...]) -> None:
        settings = self._settings
        hiders = settings.hidden_by or (PERSON,)
        wanted = settings.classes or tuple(label for label in labels if label not in hiders)
        self._names = tuple(dict.fromkeys(wanted))
        at = {name: place for place, name in enumerate(self._names)}
        self._at = np.array([at.get(label, -1) for label in labels], np.intp)
        self._hides = np.array([label in hiders for label in labels], np.bool_)

    def _watch(self, taken_ns: int) -> None:
        if self._looked_ns is not None:
            elapsed_s = max(taken_ns - self._looked_ns, 0) / SECOND_NS
            self._watched_s += min(elapsed_s, self._settings.settle_s)
        self._looked_ns = taken_ns

    def _products(self, found: Detections) -> Boxes:
        rows = np.flatnonzero((self._at[found.classes] >= 0) & self._is_there(found.boxes_xyxy_n))
        return Boxes(found.boxes_xyxy_n[rows], found.scores[rows], self._at[found.classes[rows]])

    def _is_there(self, boxes: Floats) -> Mask:
        if self._sides is None:
            return np.ones(len(boxes), np.bool_)
        return inside(((boxes[:, :2] + boxes[:, 2:]) / 2).astype(np.float64), self._sides)

    def _contains(self, box: Region) -> bool:
        return bool(self._is_there(np.array([box], np.float32))[0])

    def _in_front(self, found: Detections, tracks: Tracks) -> Floats:
        """Return (n, 4) boxes of what may hide products: as found, and as tracks go on while it is missed."""
        seen = found.boxes_xyxy_n[self._hides[found.classes]]
        followed = tracks.boxes_xyxy_n[self._hides[tracks.classes]]
        return np.concatenate([seen, followed])

    def _limit(self, label: str) -> int | None:
        low = self._settings.low
        return low.get(label) if isinstance(low, dict) else low

    def _tell(self, taken_ns: int) -> Iterator[Threshold]:
        if self._watched_s < _FIRST * self._settings.settle_s:
            return
        for label in sorted(self._known | self._state.counts.keys()):
            limit, count = self._limit(label), self._state.counts.get(label, 0)
            if limit is not None and (count < limit) != (label in self._low):
                self._low ^= {label}
                yield Threshold(self._settings.id, taken_ns, label, count, limit, count < limit, self._bundle)
        self._renew()

    def _renew(self) -> None:
        counts = self._facings.counts()
        self._known |= counts.keys()
        self._state = ShelfState(
            {label: counts.get(label, 0) for label in sorted(self._known)},
            tuple(sorted(self._low)),
            self._facings.known(),
            self._facings.unseen(_UNSEEN_NS),
        )
