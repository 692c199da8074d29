"""Tells how long a queue is, how long each waits in it, and who gives up.

Who merely walks through does not queue: one joins by staying, no faster than a queue moves. Who then goes
out over a side where people are served has been; who leaves elsewhere has given up.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import dist
from typing import Annotated, ClassVar
from weakref import WeakKeyDictionary

import msgspec
import numpy as np

from eyespot.domain.account import Account, Fate, Remark
from eyespot.domain.area import Area
from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Event, JoinedQueue, LeftQueue, Outcome, QueueState
from eyespot.domain.geometry import Mount, Point, units_of
from eyespot.domain.instants import NO_TIMELINE, SECOND_NS
from eyespot.domain.kept import KeptLabel, kept_as
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Tells
from eyespot.domain.polygon import Corners, problem_with
from eyespot.domain.stay import KeptStays, Stay
from eyespot.domain.stays import Stays
from eyespot.domain.strip import Strip, alone
from eyespot.domain.track import Scene
from eyespot.domain.visits import Visit, accounts, found_again, shortfall, staying

_JOINED = "joined"
_OVER_NS = SECOND_NS  # a pace is measured over so long: from look to look it is mostly jitter
_NEAR = 1.0  # who vanishes so near to a side, in boxes, has left by it

_Total = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Totals = dict[KeptLabel, _Total]


class QueueSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="queue"
):
    """Where people queue, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        points: corners of the place, in the order in which one walks around it.
        service: over which of its sides those leave who have been served; side 1 is from the first to the
            second corner.
        classes: lower-case names of who queues. Default: everything.
        join_s: for how long one has to be there, no faster than `pace`, to queue.
        pace: how fast a queue may move, in boxes (their longer side) a second.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.

    Raises:
        ValueError: the points make no polygon, there is no such side, a day has no whole number of buckets.
    """

    id: RuleId
    points: Corners
    service: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1, le=64)], ...], msgspec.Meta(min_length=1, max_length=64)
    ]
    classes: ClassNames | None = None
    join_s: Annotated[float, msgspec.Meta(ge=1, le=600)] = 3.0
    pace: Annotated[float, msgspec.Meta(ge=0.05, le=5)] = 0.4
    bucket_s: BucketLength | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check that something can be inside, that there are such sides, and the length of buckets."""
        check_length(self.bucket_s)
        if text := problem_with(self.points):
            raise ValueError(f"points: {text}")
        if max(self.service) > len(self.points):
            raise ValueError(f"service: there is no side {max(self.service)}; the last is {len(self.points)}")


class QueueKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: totals, who is there, and the last wait."""

    joined: _Totals
    served: _Totals
    abandoned: _Totals
    lost: _Totals
    stays: KeptStays
    wait_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    def __post_init__(self) -> None:
        """Check that those who queue are those that joined and have not left."""
        waiting = Counter(stay.label for stay in self.stays if _JOINED in stay.marks)
        gone = Counter(self.served) + Counter(self.abandoned) + Counter(self.lost)
        if +Counter(self.joined) != gone + waiting:
            raise ValueError("the totals and the stays do not agree")


@dataclass(slots=True)
class _Pace:
    """How somebody moves: where it was measured last, when, and for how long it has been slow."""

    point: Point
    at_ns: int
    slow_ns: int = 0


class Queue:
    """Follows who queues.

    Args:
        settings: where, and who.
        labels: class names by class index.
        mount: which point of a box counts.

    Attributes:
        place: see `Rule`.
        undecided: see `Rule`: who queued already when it was seen first, or vanished.
    """

    def __init__(self, settings: QueueSettings, labels: tuple[str, ...], mount: Mount) -> None:
        self._settings = settings
        self._labels = labels
        self._area = Area(settings.points, mount)
        self._stays = Stays(self._area, settings.classes)
        self._paces: WeakKeyDictionary[Stay, _Pace] = WeakKeyDictionary()
        self._bundle = ""
        self._timeline = NO_TIMELINE
        self._totals = {name: Counter[str]() for name in ("joined", "served", "abandoned", "lost")}
        self._wait_s: float | None = None
        self.undecided = 0
        self.place = f"{settings.points} {sorted(settings.service)} {mount}"
        self._renew()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return who joined the queue, and who left it."""
        return [event for _, told in self.sweep(alone(scene)) for event in told]

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Look at many scenes at once; see `Sweeping`."""
        self._timeline = strip.timeline
        if strip.observed.any():
            self._bundle = strip.bundle
        for step, stays in self._stays.sweep(strip, self._labels, self._due):
            told = [event for stay in stays for event in self._tell(stay)]
            if told:
                self._renew()
                yield step, told

    def explain(self, strip: Strip) -> list[Account]:
        """Return what becomes of the tracks in a strip; see `Explaining`."""
        totals = {name: total.copy() for name, total in self._totals.items()}, self._wait_s, self.undecided
        remarks = [*self._waiting(int(strip.taken_ns[0]))]
        remarks += [
            _remark(event) for _, told in self.sweep(strip) for event in told if isinstance(event, _Told)
        ]
        self._totals, self._wait_s, self.undecided = totals
        self._renew()
        remarks += [*found_again(self._stays.found), *self._waiting(self._stays.now_ns)]
        return accounts(strip, self._area, self._labels, remarks, self._why_not)

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._labels, self._bundle = labels, bundle

    def state(self) -> QueueState:
        """Return length and totals: classes that settings name from the start, others once they queue."""
        return self._state

    def reset(self) -> None:
        """Begin at zero; see `Rule`. Those who queue have joined, as far as the new totals go."""
        self._totals = {name: Counter() for name in self._totals} | {"joined": Counter(self._state.length)}
        self._renew()

    def snapshot(self) -> dict[str, object]:
        """Return totals, and who is there since when, fit for JSON."""
        totals = {name: dict(total) for name, total in self._totals.items()}
        return {**totals, "stays": self._stays.keep(self._timeline), "wait_s": self._wait_s}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned; who is not found again is lost.

        Raises:
            ValueError: it is not such a snapshot.
        """
        kept = kept_as(QueueKept, snapshot, "a queue")
        self._totals = {name: Counter(getattr(kept, name)) for name in self._totals}
        self._wait_s = kept.wait_s
        self._stays.restore(kept.stays)
        self._renew()

    def _waiting(self, now_ns: int) -> Iterator[tuple[int, Remark]]:
        there = [stay for stay in self._stays.told if _JOINED in stay.marks]
        return staying(there, now_ns, "queues")

    def _why_not(self, visit: Visit, label: str) -> Remark:
        """Return why somebody does not queue."""
        classes = self._settings.classes
        counts = classes is None or label in classes
        if visit.was_inside and visit.confirmed and counts:
            slow = f"for {self._settings.join_s:g} s at {self._settings.pace:g} boxes a second at most"
            text = f"was there, but never {slow}: does not queue"
            return Remark(int(visit.taken_ns[-1]), "passed", text)
        return shortfall(visit, label, "queue", counts=counts)

    def _due(self, stay: Stay) -> int | None:
        """Return when the pace of somebody is to be measured who does not queue yet."""
        if stay.lost or stay not in self._paces or _JOINED in stay.marks:
            return None
        return self._paces[stay].at_ns + _OVER_NS

    def _tell(self, stay: Stay) -> Iterator[Event]:
        """Yield what is new of a stay."""
        rule, label, track = self._settings.id, stay.label, stay.track
        if _JOINED not in stay.marks and self._joins(stay):
            stay.marks.add(_JOINED)
            self._totals["joined"][label] += 1
            self.undecided += stay.found
            yield JoinedQueue(rule, stay.since_ns, label, track, stay.found, self._bundle)
        if stay.ended_ns is not None and _JOINED in stay.marks:
            outcome, dwell_s = self._outcome(stay), stay.lasted_s(stay.ended_ns)
            self._totals[outcome][label] += 1
            self.undecided += outcome == "lost" and not stay.found
            if outcome == "served":
                self._wait_s = round(dwell_s, 3)
            yield LeftQueue(rule, stay.ended_ns, label, track, dwell_s, outcome, stay.found, self._bundle)

    def _joins(self, stay: Stay) -> bool:
        """Take note of how somebody moves, and return whether that was slow for long enough."""
        if stay.lost or stay.ended_ns is not None:
            return False
        spot, size = self._stays.last_seen(stay)
        pace = self._paces.setdefault(stay, _Pace(spot.point, spot.seen_ns))
        passed_ns = spot.seen_ns - pace.at_ns
        if passed_ns < _OVER_NS:
            return False
        slow = dist(spot.point, pace.point) / size * SECOND_NS <= self._settings.pace * passed_ns
        pace.slow_ns = pace.slow_ns + passed_ns if slow else 0
        pace.point, pace.at_ns = spot.point, spot.seen_ns
        return pace.slow_ns >= self._settings.join_s * SECOND_NS

    def _outcome(self, stay: Stay) -> Outcome:
        """Return how a wait ended, by the side where that was."""
        units = units_of(stay.box[None])
        point = self._area.points(stay.box[None]) if stay.left_at is None else np.array([stay.left_at])
        side, distance = self._area.nearest_side(point, units)
        if stay.left_at is None and distance > _NEAR:
            return "lost"
        return "served" if side + 1 in self._settings.service else "abandoned"

    def _renew(self) -> None:
        labels = dict.fromkeys((*(self._settings.classes or ()), *self._totals["joined"]))
        totals = {name: {label: total[label] for label in labels} for name, total in self._totals.items()}
        gone = Counter(totals["served"]) + Counter(totals["abandoned"]) + Counter(totals["lost"])
        length = {label: number - gone[label] for label, number in totals["joined"].items()}
        self._state = QueueState(length=length, wait_s=self._wait_s, **totals)


_Told = JoinedQueue | LeftQueue


def _remark(event: _Told) -> tuple[int, Remark]:
    """Return of which track an event is, and what it says."""
    fate: Fate
    match event:
        case JoinedQueue(found=True):
            fate, text = "found", "was there when seen first: joined the queue"
        case JoinedQueue():
            fate, text = "entered", "came and stayed: joined the queue"
        case LeftQueue(outcome="served"):
            fate, text = "left", f"left by a side of the service: served after {event.dwell_s:.1f} s"
        case LeftQueue(outcome="abandoned"):
            fate, text = "left", f"left by another side: gave up after {event.dwell_s:.1f} s"
        case _:
            fate, text = "lost", f"was lost inside, and not found again: lost after {event.dwell_s:.1f} s"
    return event.track, Remark(event.taken_ns, fate, text)
