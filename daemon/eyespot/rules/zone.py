"""Tells who is in a zone, who comes and leaves, for how long each stays, and who should not be there.

Who is inside is what `domain.stays` makes of tracks: stays that begin and end. Everything here is about
what of that is told.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import msgspec

from eyespot.domain.account import Account, Fate, Remark
from eyespot.domain.area import Area
from eyespot.domain.bucket import BucketLength, check_length
from eyespot.domain.event import Entered, Event, Intruded, Left, Loitered, ZoneState
from eyespot.domain.geometry import Mount
from eyespot.domain.instants import NO_TIMELINE, SECOND_NS
from eyespot.domain.kept import KeptLabel, kept_as
from eyespot.domain.names import ClassName, ClassNames, RuleId
from eyespot.domain.observation import Tells
from eyespot.domain.polygon import Corners, problem_with
from eyespot.domain.stay import KeptStays, Stay
from eyespot.domain.stays import Stays
from eyespot.domain.strip import Strip, alone
from eyespot.domain.track import Scene
from eyespot.domain.visits import Visit, accounts, found_again, shortfall, staying
from eyespot.domain.windows import Window, closes_s, opens_s

_ROUNDING_NS = 1000
_PRESENT_NS = SECOND_NS  # who is hidden for longer is not said to loiter
_LOITERED, _INTRUDED = "loitered", "intruded"
_UTC = ZoneInfo("UTC")

_Seconds = Annotated[float, msgspec.Meta(ge=1, le=86400)]
_SecondsByClass = Annotated[dict[ClassName, _Seconds], msgspec.Meta(min_length=1, max_length=100)]
_Total = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class ZoneSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="zone"
):
    """A part of the picture, in fractions of the full sensor frame, x right, y down.

    Attributes:
        id: name of the rule in topics.
        points: its corners, in the order in which one walks around it.
        classes: lower-case names of what is counted. Default: everything.
        loiter_s: how long a stay may last before it is told of; for all classes, or by class.
        bucket_s: length of the buckets that are published, in s. Default: none are.
        armed: hours of the device's day in which nobody may be there, as "22:00-06:00".
        works_with: what a model has to tell.
        by_tracks: whether tracks are all that it looks at.

    Raises:
        ValueError: the points make no polygon; a day has no whole number of buckets.
    """

    id: RuleId
    points: Corners
    classes: ClassNames | None = None
    loiter_s: _Seconds | _SecondsByClass | None = None
    bucket_s: BucketLength | None = None
    armed: Annotated[tuple[Window, ...], msgspec.Meta(max_length=16)] = ()
    works_with: ClassVar[tuple[Tells, ...]] = ("objects", "poses")
    by_tracks: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check that something can be inside, and that a day has a whole number of buckets."""
        check_length(self.bucket_s)
        if text := problem_with(self.points):
            raise ValueError(f"points: {text}")


class ZoneKept(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is kept: totals, and who is inside."""

    entered: dict[KeptLabel, _Total]
    left: dict[KeptLabel, _Total]
    stays: KeptStays

    def __post_init__(self) -> None:
        """Check that those who are inside are those that entered and have not left."""
        gone = Counter(self.left) + Counter(stay.label for stay in self.stays)
        if +Counter(self.entered) != gone:
            raise ValueError("entered, left and the stays do not agree")


class Zone:
    """Follows who is in a zone.

    Args:
        settings: where the zone is, and what is told of it.
        labels: class names by class index.
        mount: which point of a box counts.
        zone: time zone of the device, for `armed`.

    Attributes:
        place: see `Rule`.
        undecided: see `Rule`: who was inside when it was seen first, or vanished inside.
    """

    def __init__(
        self, settings: ZoneSettings, labels: tuple[str, ...], mount: Mount, zone: ZoneInfo = _UTC
    ) -> None:
        self._settings = settings
        self._labels = labels
        self._hours = _Hours(settings.armed, zone)
        self._area = Area(settings.points, mount)
        self._stays = Stays(self._area, settings.classes)
        self._watches = bool(settings.armed) or settings.loiter_s is not None
        self._intrudes_from = WeakKeyDictionary[Stay, int]()  # when; told once he is no reflection
        self._quiet: list[tuple[int, Remark]] = []  # why there was no alarm, in the newest strip
        self._bundle = ""
        self._timeline = NO_TIMELINE
        self._entered: Counter[str] = Counter()
        self._left: Counter[str] = Counter()
        self.undecided = 0
        self.place = f"{settings.points} {mount}"
        self._renew()

    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]:  # noqa: ARG002 - builds on no rule
        """Return who came, left, stays for long, or is where nobody may be."""
        return [event for _, told in self.sweep(alone(scene)) for event in told]

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        """Look at many scenes at once; see `Sweeping`."""
        self._timeline = strip.timeline
        self._quiet = []
        if strip.observed.any():
            self._bundle = strip.bundle
        for step, stays in self._stays.sweep(strip, self._labels, self._due if self._watches else None):
            told = [event for stay in stays for event in self._tell(stay)]
            if told:
                self._renew()
                yield step, told

    def explain(self, strip: Strip) -> list[Account]:
        """Return what becomes of the tracks in a strip; see `Explaining`."""
        totals = self._entered.copy(), self._left.copy(), self.undecided
        remarks = [*staying(self._stays.told, int(strip.taken_ns[0]), "is inside")]
        remarks += [
            _remark(event) for _, told in self.sweep(strip) for event in told if isinstance(event, _Told)
        ]
        self._entered, self._left, self.undecided = totals
        self._renew()
        remarks += self._quiet
        remarks += found_again(self._stays.found)
        remarks += staying(self._stays.told, self._stays.now_ns, "is inside")
        return accounts(strip, self._area, self._labels, remarks, self._why_not)

    def relabel(self, labels: tuple[str, ...], bundle: str) -> None:
        """Go on with another model; see `Rule`."""
        self._labels, self._bundle = labels, bundle

    def state(self) -> ZoneState:
        """Return who is inside, and totals: classes that settings name from the start, others once seen."""
        return self._state

    def reset(self) -> None:
        """Begin at zero; see `Rule`. Those who are inside have entered, as far as the new totals go."""
        self._entered, self._left = Counter(self._state.occupancy), Counter()
        self._renew()

    def snapshot(self) -> dict[str, object]:
        """Return totals, and who is inside since when, fit for JSON."""
        stays = self._stays.keep(self._timeline)
        return {"entered": dict(self._state.entered), "left": dict(self._state.left), "stays": stays}

    def restore(self, snapshot: dict[str, object]) -> None:
        """Go on from what `snapshot` returned; who is not found again has left.

        Raises:
            ValueError: it is not such a snapshot.
        """
        kept = kept_as(ZoneKept, snapshot, "a zone")
        self._entered, self._left = Counter(kept.entered), Counter(kept.left)
        self._stays.restore(kept.stays)
        self._renew()

    def _why_not(self, visit: Visit, label: str) -> Remark:
        classes = self._settings.classes
        return shortfall(visit, label, "zone", counts=classes is None or label in classes)

    def _due(self, stay: Stay) -> int | None:
        """Return from when on there may be something to tell of a stay to which nothing happens."""
        if stay.lost:
            return None
        due_ns: list[int] = []
        if self._settings.armed and _INTRUDED not in stay.marks and stay not in self._intrudes_from:
            begin_ns = self._hours.begin_ns(self._timeline.utc_ns(self._stays.now_ns))
            due_ns.append(begin_ns - self._timeline.utc_at_zero_ns)
        allowed_s = self._allowed_s(stay.label)
        if allowed_s is not None and _LOITERED not in stay.marks:
            due_ns.append(stay.since_ns + int(allowed_s * SECOND_NS) - _ROUNDING_NS)
        return min(due_ns, default=None)

    def _tell(self, stay: Stay) -> Iterator[Event]:
        """Yield what is new of a stay."""
        rule, label, track = self._settings.id, stay.label, stay.track
        if stay.is_new:
            self._entered[label] += 1
            self.undecided += stay.found
            self._compare(stay)
            yield Entered(rule, stay.since_ns, label, track, stay.found, self._bundle)
        if (at_ns := self._intruded_ns(stay)) is not None:
            stay.marks.add(_INTRUDED)
            yield Intruded(rule, at_ns, label, track, self._bundle)
        if self._loiters(stay):
            stay.marks.add(_LOITERED)
            allowed_s = self._allowed_s(label) or 0
            at_ns = stay.since_ns + round(allowed_s * SECOND_NS)
            yield Loitered(rule, at_ns, label, track, allowed_s, self._bundle)
        if stay.ended_ns is not None:
            self._left[label] += 1
            self.undecided += stay.lost and not stay.found
            dwell_s = stay.lasted_s(stay.ended_ns)
            if stay in self._intrudes_from and not stay.real:
                text = "did not move, and was not there for long: perhaps a reflection, no intrusion"
                self._quiet.append((track, Remark(stay.ended_ns, "doubted", text)))
            yield Left(rule, stay.ended_ns, label, track, dwell_s, stay.found, stay.lost, self._bundle)

    def _intruded_ns(self, stay: Stay) -> int | None:
        """Return since when somebody is there while nobody may be, of whom nobody was told; None: nobody is.

        Who may be a reflection is told of once he is none, even if the hours are over by then.
        """
        if stay.lost or _INTRUDED in stay.marks:
            return None
        if self._is_armed(self._stays.now_ns):
            begins = stay.is_new and self._is_armed(stay.since_ns)
            self._intrudes_from.setdefault(stay, stay.since_ns if begins else self._stays.now_ns)
        return self._intrudes_from.get(stay) if stay.real else None

    def _is_armed(self, taken_ns: int) -> bool:
        return self._hours.include(self._timeline.utc_ns(taken_ns))

    def _compare(self, stay: Stay) -> None:
        """Let an intrusion be told of once, if somebody is found inside beside one who was told of."""
        if self._is_armed(self._stays.now_ns) and any(
            one.label == stay.label and _INTRUDED in one.marks for one in stay.beside
        ):
            stay.marks.add(_INTRUDED)
            text = f"was seen first beside another {stay.label} who intruded: no intrusion of its own"
            self._quiet.append((stay.track, Remark(stay.since_ns, "found_again", text)))

    def _loiters(self, stay: Stay) -> bool:
        """Return whether a stay has become too long, and nobody was told."""
        allowed_s = self._allowed_s(stay.label)
        if allowed_s is None or _LOITERED in stay.marks:
            return False
        if stay.lasted_s(self._stays.now_ns) < allowed_s:
            return False
        return stay.ended_ns is not None or self._stays.is_present(stay, _PRESENT_NS)

    def _allowed_s(self, label: str) -> float | None:
        allowed = self._settings.loiter_s
        return allowed.get(label) if isinstance(allowed, dict) else allowed

    def _renew(self) -> None:
        labels = (*(self._settings.classes or ()), *self._entered)
        entered = {label: self._entered[label] for label in labels}
        left = {label: self._left[label] for label in labels}
        inside = {label: entered[label] - left[label] for label in labels}
        self._state = ZoneState(inside, entered, left)


_Told = Entered | Left | Loitered | Intruded


def _remark(event: _Told) -> tuple[int, Remark]:
    """Return of which track an event is, and what it says."""
    fate: Fate = "counted"
    match event:
        case Entered(found=True):
            fate, text = "found", "was inside when seen first: entered"
        case Entered():
            fate, text = "entered", "came in: entered"
        case Left(lost=True):
            fate, text = "lost", f"was lost inside, and not found again: left after {event.dwell_s:.1f} s"
        case Left():
            fate, text = "left", f"went out: left after {event.dwell_s:.1f} s"
        case Loitered():
            text = f"stayed for more than {event.dwell_s:g} s: loitered"
        case _:
            text = "was there when nobody may be: intruded"
    return event.track, Remark(event.taken_ns, fate, text)


class _Hours:
    """The hours in which nobody may be there; looked up where one of them begins or ends."""

    def __init__(self, windows: Sequence[str], zone: ZoneInfo) -> None:
        self._windows = windows
        self._zone = zone
        self._begin_s = self._end_s = 0  # between which nothing changes
        self._included = False

    def include(self, utc_ns: int) -> bool:
        """Return whether an instant lies in one of them."""
        now_s = utc_ns // SECOND_NS
        if self._windows and not self._begin_s <= now_s < self._end_s:
            closes = [closes_s(window, now_s, self._zone) for window in self._windows]
            open_until = [one for one in closes if one is not None]
            self._included = bool(open_until)
            self._begin_s = now_s
            self._end_s = max(open_until) if open_until else self._opens_s(now_s)
        return self._included

    def _opens_s(self, now_s: int) -> int:
        opens = (opens_s(window, now_s, self._zone) for window in self._windows)
        return min(one for one in opens if one is not None)

    def begin_ns(self, utc_ns: int) -> int:
        """Return when the next one begins, of at least one; an instant itself if it lies in one."""
        return utc_ns if self.include(utc_ns) else self._end_s * SECOND_NS
