"""Tells how many are behind lines: those that came in over any of them, less those that went out.

Lines miss somebody now and then, and what they missed stays in the difference for ever. So the count heals
itself, and says so each time: with a `Reset` and its cause.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Annotated, ClassVar, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Crossed, Event, OccupancyState, Reset, ResetCause
from eyespot.domain.instants import LONGEST_LOOK_NS, NO_TIMELINE, SECOND_NS
from eyespot.domain.kept import KeptLabel, kept_as
from eyespot.domain.lookout import Alone, Lookout
from eyespot.domain.names import ClassNames, RuleId
from eyespot.domain.observation import Tells
from eyespot.domain.strip import Instants, Strip
from eyespot.domain.track import Scene
from eyespot.domain.windows import Hour, latest_s

_UTC = ZoneInfo("UTC")
# Those that came within so small a part of the longest stay are one entry, so that crowds take no memory.
_PARTS = 100
_MINUTE_NS = 60 * SECOND_NS

_Total = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
_Entries = Annotated[list[tuple[int, _Total]], msgspec.Meta(max_length=_PARTS + 2)]


class OccupancySettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="occupancy"
):
    """Who is behind lines.

    Attributes:
        id: name of the rule in topics.
        lines: ids of the rules of kind "line" around the place; "in" leads into it.
        classes: lower-case names of what is counted. Default: all that the lines count.
        reset_at: hours of the device's day at which nobody is there, as "04:00".
        max_dwell_s: nobody stays for longer.
        empty_s: when the camera, which sees all of the place, has seen nobody for so long, nobody is there.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.
    """

    id: RuleId
    lines: Annotated[tuple[RuleId, ...], msgspec.Meta(min_length=1, max_length=16)] = msgspec.field(
        name="from"
    )
    classes: ClassNames | None = None
    reset_at: Annotated[tuple[Hour, ...], msgspec.Meta(max_length=24)] = ()
    max_dwell_s: Annotated[float, msgspec.Meta(ge=60, le=604_800)] | None = None
    empty_s: Annotated[float, msgspec.Meta(ge=10, le=86_400)] | None = None
    bucket_s: BucketLength | None = None
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the length of buckets."""
        check_length(self.bucket_s)


class OccupancyKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: totals, since when who is inside (UTC in s, how many), the last hour of a reset.

    Whole seconds: UTC wavers against the clock of instants, and what wavers would be written for ever.
    """

    entered: dict[KeptLabel, _Total]
    left: dict[KeptLabel, _Total]
    inside: dict[KeptLabel, _Entries]
    reset_s: int | None

    def __post_init__(self) -> None:
        """Check that those who are inside are those that entered and have not left."""
        inside = {label: sum(number for _, number in entries) for label, entries in self.inside.items()}
        if +Counter(self.entered) != Counter(self.left) + Counter(inside):
            raise ValueError("entered, left and those inside do not agree")


class _Entry(NamedTuple):
    """Those who came at about one time: when, how many, and whether a clock said so that is not set yet."""

    since_ns: int
    number: int
    undated: bool = False


_Inside = deque[_Entry]


class _Passing(NamedTuple):
    """A strip that passes, when its steps are, and its looks, where these matter."""

    strip: Strip
    now_ns: Instants
    lookout: Lookout | None


class Occupancy:
    """Counts who is behind lines.

    Args:
        settings: which lines, and when the count heals itself.
        labels: class names by class index.
        zone: time zone of the device, for `reset_at`.
    """

    place = ""  # other lines may lead to the same place
    undecided = 0  # it follows nobody

    def __init__(self, settings: OccupancySettings, labels: tuple[str, ...], zone: ZoneInfo = _UTC) -> None:
        self._settings = settings
        self._labels = labels
        self._zone = zone
        self._bundle = ""
        self._timeline = NO_TIMELINE
        self._now_ns = 0
        self._looked_ns: int | None = None
        self._alone_ns = 0  # for how long nobody has been in view
        self._passing: _Passing | None = None
        self._reset_s: int | None = None  # the last of the hours that is over
        self._inside: dict[str, _Inside] = {}
        self._restored: Mapping[str, _Entries] = {}
        self._restored_ns = 0
        self._state = OccupancyState({}, {}, {})
        self.reset()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:
        """Return when and why the count began anew; `events` are those of the lines, too."""
        self._pass_time(scene)
        told: list[Event] = [*self._at_the_hour(), *self._after_too_long(), *self._with_nobody_in_view(scene)]
        for event in events:
            if isinstance(event, Crossed) and event.rule in self._settings.lines:
                told += self._count(event)
        self._renew()
        return told

    def due(self, strip: Strip, step: int) -> int:
        """Return when an hour, or the longest stay of somebody, or of nobody, may be over; see `Heeding`."""
        _, now_ns, lookout = self._pass(strip)
        due_ns = self._due_ns()
        due = len(strip) if due_ns is None else int(now_ns.searchsorted(due_ns))
        if lookout and any(self._inside.values()):
            alone = Alone(lookout.looks(step), self._alone_ns)
            due = min(due, lookout.due(alone, self._classes_inside()))
        return max(due, step + 1)

    def pass_over(self, strip: Strip, begin: int, end: int) -> None:
        """Go on over steps in which only time passes; see `Heeding`."""
        _, now_ns, lookout = self._pass(strip)
        self._now_ns = max(self._now_ns, int(now_ns[end - 1]))
        if strip.observed[begin:end].any():
            self._bundle = strip.bundle
        if lookout is None or (looks := lookout.looks(end - 1)) == lookout.looks(begin - 1):
            return
        before = Alone(lookout.looks(begin - 1), self._alone_ns)
        later = lookout.later(before, looks, self._classes_inside())
        self._alone_ns = later.alone_ns if any(self._inside.values()) else 0
        self._looked_ns = lookout.looked_ns(looks)

    def _pass(self, strip: Strip) -> _Passing:
        """Return what is known of a strip, of which the first step was looked at."""
        if self._passing is None or self._passing.strip is not strip:
            now_ns = np.maximum.accumulate(np.maximum(strip.taken_ns, self._now_ns))
            empty_s, lookout = self._settings.empty_s, None
            if empty_s is not None:
                lookout = Lookout(strip, now_ns, self._looked_ns, ceil(empty_s * SECOND_NS))
            self._passing = _Passing(strip, now_ns, lookout)
        return self._passing

    def _classes_inside(self) -> set[int]:
        """Return the class indexes of those inside."""
        inside = {label for label, entries in self._inside.items() if entries}
        return {index for index, label in enumerate(self._labels) if label in inside}

    def _due_ns(self) -> int | None:
        due_ns = []
        if self._settings.reset_at:
            utc_ns = self._timeline.utc_ns(self._now_ns)
            due_ns.append(self._now_ns + _MINUTE_NS - utc_ns % _MINUTE_NS)
        if self._settings.max_dwell_s is not None:
            came_ns = [self._came_ns(entry) for entries in self._inside.values() for entry in entries]
            due_ns += [one + round(self._settings.max_dwell_s * SECOND_NS) for one in came_ns]
        return min(due_ns, default=None)

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._labels, self._bundle = labels, bundle

    def state(self) -> OccupancyState:
        """Return who is inside, and totals: classes that settings name from the start, others once seen."""
        return self._state

    def reset(self) -> None:
        """Begin at zero: nobody is there."""
        self._restored = {}
        self._stay({})
        self._renew()

    def snapshot(self) -> dict[str, object]:
        """Return totals, and since when who is inside, fit for JSON."""
        inside = {
            label: [
                (round(self._timeline.utc_ns(entry.since_ns) / SECOND_NS), entry.number) for entry in entries
            ]
            for label, entries in self._inside.items()
        }
        return {
            "entered": dict(self._state.entered),
            "left": dict(self._state.left),
            "inside": self._restored or inside,
            "reset_s": self._reset_s,
        }

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned.

        Raises:
            ValueError: it is not such a snapshot.
        """
        kept = kept_as(OccupancyKept, snapshot, "an occupancy")
        self._entered, self._left = Counter(kept.entered), Counter(kept.left)
        self._restored, self._reset_s = kept.inside, kept.reset_s
        self._renew()

    def _pass_time(self, scene: Scene) -> None:
        self._now_ns = max(self._now_ns, scene.taken_ns)
        before, self._timeline = self._timeline, scene.timeline
        if scene.observation is not None:
            self._bundle = scene.observation.bundle
        if self._restored:
            self._inside = {label: self._by_now(entries) for label, entries in self._restored.items()}
            self._restored, self._restored_ns = {}, self._now_ns
        elif scene.timeline.synced and not before.synced:
            set_by_ns = scene.timeline.utc_at_zero_ns - before.utc_at_zero_ns
            self._inside = {label: _dated(entries, set_by_ns) for label, entries in self._inside.items()}

    def _by_now(self, entries: _Entries) -> _Inside:
        """Return entries by the instants of now."""
        zero_ns, undated = self._timeline.utc_at_zero_ns, not self._timeline.synced
        return deque(_Entry(utc_s * SECOND_NS - zero_ns, number, undated) for utc_s, number in entries)

    def _at_the_hour(self) -> Iterator[Reset]:
        """Begin anew when one of the hours has come since the last one, also while nothing ran."""
        if not self._settings.reset_at:
            return
        now_s = self._timeline.utc_ns(self._now_ns) // SECOND_NS
        latest = max(latest_s(hour, now_s, self._zone) for hour in self._settings.reset_at)
        before = latest if self._reset_s is None else self._reset_s
        if latest > before:
            yield self._begin_anew("schedule", {})
        if latest > before or self._timeline.synced:  # a clock that is not set yet may be far behind
            before = latest
        self._reset_s = before

    def _after_too_long(self) -> Iterator[Reset]:
        """Begin anew without those that nobody saw leave: the first to come are the first to go."""
        if self._settings.max_dwell_s is None:
            return
        latest_ns = self._now_ns - round(self._settings.max_dwell_s * SECOND_NS)
        remaining = {
            label: deque(entry for entry in entries if self._came_ns(entry) > latest_ns)
            for label, entries in self._inside.items()
        }
        if remaining == self._inside:
            return
        yield self._begin_anew("max_dwell", remaining)

    def _came_ns(self, entry: _Entry) -> int:
        """Return since when somebody has been there at least, as long as no clock can say."""
        return self._restored_ns if entry.undated else entry.since_ns

    def _with_nobody_in_view(self, scene: Scene) -> Iterator[Reset]:
        """Begin anew when nobody of those inside has been in view for long, as far as anything was seen."""
        if self._settings.empty_s is None or scene.observation is None or scene.observation.sight != "clear":
            return
        before_ns, self._looked_ns = self._looked_ns, self._now_ns
        inside = {label for label, entries in self._inside.items() if entries}
        in_view = {self._labels[index] for index in scene.tracks.classes}
        if before_ns is None or not inside or inside & in_view:
            self._alone_ns = 0
            return
        self._alone_ns += min(self._now_ns - before_ns, LONGEST_LOOK_NS)
        if self._alone_ns >= self._settings.empty_s * SECOND_NS:
            yield self._begin_anew("empty", {})

    def _count(self, crossed: Crossed) -> Iterator[Reset]:
        label = crossed.label
        if self._settings.classes is not None and label not in self._settings.classes:
            return
        self._bundle = crossed.bundle
        if crossed.direction == "in":
            self._entered[label] += 1
            self._let_in(label)
            return
        self._left[label] += 1
        if self._inside.get(label):
            self._let_out(label)
            return
        remaining = {other: entries for other, entries in self._inside.items() if other != label}
        yield self._begin_anew("negative", remaining)

    def _let_in(self, label: str) -> None:
        entries = self._inside.setdefault(label, deque())
        longest_s = self._settings.max_dwell_s
        part_ns = None if longest_s is None else longest_s * SECOND_NS / _PARTS
        last = entries[-1] if entries else None
        if last and not last.undated and (part_ns is None or self._now_ns - last.since_ns < part_ns):
            entries[-1] = last._replace(number=last.number + 1)
        else:
            entries.append(_Entry(self._now_ns, 1))

    def _let_out(self, label: str) -> None:
        first = self._inside[label].popleft()
        if first.number > 1:
            self._inside[label].appendleft(first._replace(number=first.number - 1))

    def _begin_anew(self, cause: ResetCause, remaining: Mapping[str, _Inside]) -> Reset:
        """Begin with those that remain: they have entered, as far as the new totals go."""
        self._renew()
        reset = Reset(self._settings.id, self._now_ns, cause, self._state, 0, self._bundle)
        self._stay(remaining)
        return reset

    def _stay(self, remaining: Mapping[str, _Inside]) -> None:
        self._inside = dict(remaining)
        numbers = {label: sum(entry.number for entry in entries) for label, entries in remaining.items()}
        known = self._state.entered
        self._entered, self._left = Counter({label: numbers.get(label, 0) for label in known}), Counter()
        self._alone_ns = 0

    def _renew(self) -> None:
        labels = sorted({*(self._settings.classes or ()), *self._entered, *self._left})
        entered = {label: self._entered[label] for label in labels}
        left = {label: self._left[label] for label in labels}
        occupancy = {label: entered[label] - left[label] for label in labels}
        self._state = OccupancyState(occupancy, entered, left)


def _dated(entries: _Inside, set_by_ns: int) -> _Inside:
    """Return entries by a clock that was set by so much."""
    return deque(
        _Entry(entry.since_ns - set_by_ns, entry.number) if entry.undated else entry for entry in entries
    )
