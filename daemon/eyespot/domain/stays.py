"""Who stays in a part of the picture, from when to when: what rules about places have in common.

A track is inside once it was seen deeper inside than a band that is as wide as boxes jitter, and outside
once it was seen as far outside; between, nothing changes. A stay outlives its track: whoever is hidden for
a while has not left, so it waits for another track of that class that begins where the last was seen.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.area import Area, units_of
from eyespot.domain.geometry import Point
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.kept import KeptLabel, KeptPart, KeptTrack, KeptUtc
from eyespot.domain.observation import Floats, Indexes
from eyespot.domain.track import Ids, Scene, Tracks
from eyespot.domain.trails import Trails

# How long a stay waits, once its track has ended: a while after that was seen last. What counts is time in
# which somebody looks. Where its box reached an edge of the frame, it has most likely left the picture.
_WAITS_NS = 7 * SECOND_NS // 2
_WAITS_AT_THE_EDGE_NS = SECOND_NS // 2
_WAITS_AFTER_START_NS = 60 * SECOND_NS
_LONGEST_GAP_NS = 2 * SECOND_NS  # between two looks: what is longer was time in which nobody looked
_TOO_LONG_NS = 600 * SECOND_NS  # after so long it is somebody else
_REACH = 1.5  # how far from where the last was seen another track may begin, in boxes
_PACE = 1.0  # and how much further for each second, in longer sides of the box: people walk on unseen
_WALKING_S = 3.0
_EDGE = 0.01
_MOST_STAYS = 1000
# Nobody appears from nothing: whoever is found inside is told of after so long only, if still there. Until
# then it may turn out to be somebody who is followed already.
_FOUND_NS = SECOND_NS
_BOTH_SEEN_NS = 3 * SECOND_NS // 10  # for so long two tracks of one person may be seen at once


class KeptStay(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stay as it is kept over a restart; instants in UTC, ns since 1970."""

    label: KeptLabel
    track: KeptTrack
    since_utc_ns: KeptUtc
    seen_utc_ns: KeptUtc
    box: tuple[KeptPart, KeptPart, KeptPart, KeptPart]
    found: bool
    marks: Annotated[tuple[str, ...], msgspec.Meta(max_length=8)] = ()


KeptStays = Annotated[tuple[KeptStay, ...], msgspec.Meta(max_length=_MOST_STAYS)]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Stay:
    """Somebody inside.

    Attributes:
        label: class name when it was told of.
        track: id of its newest track.
        since_ns: when it began.
        seen_ns: when it was seen last; up to date once its track has ended.
        box: where, (4,).
        found: whether it was inside when it was seen first.
        told: whether its beginning has been told.
        is_new: whether that is now.
        lost: whether it has no track.
        waits_ns: until when it waits for another one, in time in which somebody looks.
        ended_ns: when it ended, once it has.
        left_at: where it went out; None where that was not seen.
        marks: what a rule notes of it, kept with it.
    """

    label: str
    track: int
    since_ns: int
    seen_ns: int
    box: Floats
    found: bool
    told: bool = False
    is_new: bool = False
    lost: bool = False
    waits_ns: int = 0
    ended_ns: int | None = None
    left_at: Point | None = None
    marks: set[str] = field(default_factory=set)

    def lasted_s(self, now_ns: int) -> float:
        """Return for how long it lasts, or lasted, in s."""
        return max((now_ns if self.ended_ns is None else self.ended_ns) - self.since_ns, 0) / SECOND_NS


class _Undated(NamedTuple):
    """A stay of before a restart, of which it is not certain when that was."""

    stay: Stay
    kept: KeptStay
    taken_up_ns: int


class Stays:
    """Follows who is inside of an area.

    Args:
        area: of which.
        classes: names of what is followed; None for everything.

    Attributes:
        now_ns: instant of the newest scene; it stands still where instants go back.
    """

    def __init__(self, area: Area, classes: Collection[str] | None) -> None:
        self._area = area
        self._classes = classes
        self._trails = Trails(area)
        self._stays: list[Stay] = []
        self._kept: tuple[KeptStay, ...] = ()
        self._undated: list[_Undated] = []
        self.now_ns = 0
        self._looked_ns = 0  # time in which somebody looked
        self._look_ns: int | None = None  # when somebody did last

    def follow(self, scene: Scene, labels: Sequence[str]) -> list[Stay]:
        """Return the stays that may be told of, about in the order in which they began; ended ones this once.

        Those of tracks that are not confirmed wait for that; those that are restored, for the first look.

        Args:
            scene: as it is now.
            labels: class names by class index.
        """
        self.now_ns = max(self.now_ns, scene.taken_ns)
        self._end_tracks(scene.tracks.ids)
        if scene.timeline.synced:
            self._date(scene.timeline)
        if scene.observation is not None:
            self._pass_time()
            self._take_up(scene.timeline)
            self._look(scene.tracks)
            self._give_up()
            self._find_again(scene.tracks, labels)
        return self._told(scene.tracks, labels)

    def is_present(self, stay: Stay, within_ns: int) -> bool:
        """Return whether somebody was seen within a time, counted back from now."""
        return not stay.lost and self.now_ns - self._seen_ns(stay) <= within_ns

    def last_seen(self, stay: Stay) -> tuple[Floats, int]:
        """Return where somebody was seen last, (4,), and when."""
        return self._box(stay), self._seen_ns(stay)

    def keep(self, timeline: Timeline) -> list[dict[str, object]]:
        """Return the stays that have been told of and go on, fit for JSON."""
        kept = [self._keep(stay, timeline) for stay in self._stays if stay.told]
        return [msgspec.to_builtins(stay) for stay in (*self._kept, *kept)]

    def restore(self, kept: tuple[KeptStay, ...]) -> None:
        """Go on with stays that were kept, if they are found again."""
        self._kept = kept

    def _pass_time(self) -> None:
        if self._look_ns is not None:
            self._looked_ns += min(self.now_ns - self._look_ns, _LONGEST_GAP_NS)
        self._look_ns = self.now_ns

    def _take_up(self, timeline: Timeline) -> None:
        """Let the stays that were kept wait for tracks."""
        newest_ns = self.now_ns - 1  # another track begins later than that, whatever became of the clock
        for kept in self._kept:
            seen_ns = min(kept.seen_utc_ns - timeline.utc_at_zero_ns, newest_ns)
            since_ns = min(kept.since_utc_ns - timeline.utc_at_zero_ns, seen_ns)
            stay = Stay(kept.label, kept.track, since_ns, seen_ns, np.array(kept.box, np.float32), kept.found)
            stay.told = stay.lost = True
            stay.waits_ns = self._looked_ns + _WAITS_AFTER_START_NS
            stay.marks = set(kept.marks)
            self._stays.append(stay)
            if not timeline.synced:
                self._undated.append(_Undated(stay, kept, self.now_ns))
        self._kept = ()

    def _date(self, timeline: Timeline) -> None:
        """Say when stays began that were taken up by a clock that had not been set, now that it is."""
        for stay, kept, taken_up_ns in self._undated:
            since_ns, seen_ns = (
                utc_ns - timeline.utc_at_zero_ns for utc_ns in (kept.since_utc_ns, kept.seen_utc_ns)
            )
            if 0 <= taken_up_ns - seen_ns <= _TOO_LONG_NS:
                stay.since_ns = min(since_ns, stay.since_ns)
        self._undated = []

    def _end_tracks(self, ids: Ids) -> None:
        """Have one row for each track; let the stays of those that are no more wait, or forget them."""
        gone = self._trails.gone(ids)
        for stay in self._stays:
            if stay.track in gone and not stay.lost:
                self._lose(stay)
        self._stays = [stay for stay in self._stays if stay.told or not stay.lost]
        self._trails.follow(ids)

    def _look(self, tracks: Tracks) -> None:
        """Begin and end stays."""
        inside, outside = self._trails.look(tracks, self.now_ns, self.now_ns + _FOUND_NS)
        for row in inside:
            self._begin(self._trails.table[row])
        for row in outside:
            self._end(self._trails.table[row])

    def _lose(self, stay: Stay) -> None:
        stay.seen_ns, stay.box = self._seen_ns(stay), self._box(stay)
        at_the_edge = bool((stay.box <= _EDGE).any() or (stay.box >= 1 - _EDGE).any())
        stay.waits_ns = self._looked_ns + (_WAITS_AT_THE_EDGE_NS if at_the_edge else _WAITS_NS)
        stay.lost = True

    def _begin(self, track: np.void) -> None:
        since_ns, found = int(track["turned_ns"]), not track["turned"]
        self._stays.append(Stay("", int(track["id"]), since_ns, self.now_ns, track["box"].copy(), found))
        track["stays"] = True

    def _end(self, track: np.void) -> None:
        stay = next(one for one in self._of(int(track["id"])) if one.ended_ns is None)
        self._leave(stay, track)
        track["stays"], track["due_ns"] = False, self.now_ns

    def _leave(self, stay: Stay, track: np.void) -> None:
        stay.ended_ns = stay.seen_ns = max(int(track["turned_ns"]), stay.since_ns)
        stay.left_at = (float(track["turned_at"][0]), float(track["turned_at"][1]))

    def _find_again(self, tracks: Tracks, labels: Sequence[str]) -> None:
        """Let stays whose track is not seen go on with tracks that are new."""
        own = self._trails.table
        due = ~np.isnan(own["depth"]) & (own["due_ns"] <= self.now_ns)
        fresh = np.flatnonzero(tracks.confirmed & ~own["known"] & due)
        if not len(fresh):
            return
        own["known"][fresh] = True
        told = [stay.track for stay in self._stays if stay.told and not stay.lost]
        fresh = fresh[~np.isin(own["id"][fresh], told)]  # who was seen to come in is nobody else
        waiting = [stay for stay in self._stays if self._waits(stay)] if len(fresh) else []
        if not waiting:
            return
        rows, places = self._within_reach(fresh, waiting)
        found_rows: set[int] = set()
        found: set[int] = set()
        for row, place in zip(rows.tolist(), places.tolist(), strict=True):
            alike = labels[tracks.classes[row]] == waiting[place].label
            if alike and row not in found_rows and place not in found:
                self._go_on(waiting[place], row)
                found_rows.add(row)
                found.add(place)

    def _within_reach(self, fresh: Indexes, waiting: Sequence[Stay]) -> tuple[Indexes, Indexes]:
        """Return rows and places among the waiting of which the one may be the other, the nearest first."""
        boxes = np.array([self._box(stay) for stay in waiting])
        last_ns = np.array([self._seen_ns(stay) for stay in waiting])
        hidden_ns = self._trails.table["born_ns"][fresh][:, None] - last_ns
        walked = _PACE * np.clip(hidden_ns / SECOND_NS, 0, _WALKING_S)
        units = units_of(boxes)
        reach = _REACH * units + walked[:, :, None] * units.max(axis=1)[:, None]
        out = self._trails.table["born_at"][fresh][:, None] - self._area.points(boxes)
        distances = np.linalg.norm(out / reach, axis=2)
        rows, places = np.nonzero((hidden_ns >= -_BOTH_SEEN_NS) & (distances <= 1))
        order = np.argsort(distances[rows, places], kind="stable")
        return fresh[rows[order]], places[order]

    def _waits(self, stay: Stay) -> bool:
        """Return whether a stay could do with another track."""
        hidden = stay.lost or self.now_ns - self._seen_ns(stay) > _BOTH_SEEN_NS
        return stay.told and stay.ended_ns is None and hidden

    def _go_on(self, stay: Stay, row: int) -> None:
        """Let a stay go on with the track of a row, whose own stay is none then."""
        if not stay.lost:
            self._trails.forget(stay.track)
        track = self._trails.table[row]
        own = next(self._of(int(track["id"])), None)
        stay.track, stay.lost = int(track["id"]), False
        if own is not None:
            self._stays.remove(own)
            stay.ended_ns, stay.left_at = own.ended_ns, own.left_at
        elif track["depth"] < 0:
            self._leave(stay, track)
        else:
            track["stays"] = True

    def _of(self, track: int) -> Iterator[Stay]:
        """Yield the stays of a track; ids of lost ones may come again, after a restart."""
        return (stay for stay in self._stays if stay.track == track and not stay.lost)

    def _give_up(self) -> None:
        """End stays that have waited for too long, when they were seen last."""
        for stay in self._stays:
            long_ago = self.now_ns - stay.seen_ns > _TOO_LONG_NS
            if stay.lost and (long_ago or self._looked_ns >= stay.waits_ns):
                stay.ended_ns = stay.seen_ns
        lost = [stay for stay in self._stays if stay.lost and stay.ended_ns is None]
        for stay in lost[: max(len(self._stays) - _MOST_STAYS, 0)]:
            stay.ended_ns = stay.seen_ns

    def _told(self, tracks: Tracks, labels: Sequence[str]) -> list[Stay]:
        told: list[Stay] = []
        going_on: list[Stay] = []
        for stay in self._stays:
            stay.is_new = False
            confirmed = stay.told or self._name(stay, tracks, labels)
            if stay.told:
                told.append(stay)
            if stay.ended_ns is None or not confirmed:
                going_on.append(stay)
        self._stays = going_on
        return told

    def _name(self, stay: Stay, tracks: Tracks, labels: Sequence[str]) -> bool:
        """Let a stay be told of if its track is confirmed, and of a class that counts; return the former."""
        row = self._trails.row(stay.track)
        if row is None or not tracks.confirmed[row]:
            return False
        stay.label = labels[tracks.classes[row]]
        certain = not stay.found or bool(self._trails.table["known"][row])
        stay.told = certain and (self._classes is None or stay.label in self._classes)
        stay.is_new = stay.told
        return True

    def _seen_ns(self, stay: Stay) -> int:
        row = None if stay.lost else self._trails.row(stay.track)
        return stay.seen_ns if row is None else int(self._trails.table["seen_ns"][row])

    def _box(self, stay: Stay) -> Floats:
        row = None if stay.lost else self._trails.row(stay.track)
        box: Floats = stay.box if row is None else self._trails.table["box"][row].copy()
        return box

    def _keep(self, stay: Stay, timeline: Timeline) -> KeptStay:
        x0, y0, x1, y1 = self._box(stay).tolist()
        return KeptStay(
            label=stay.label,
            track=stay.track,
            since_utc_ns=timeline.utc_ns(stay.since_ns),
            seen_utc_ns=timeline.utc_ns(self._seen_ns(stay)),
            box=(x0, y0, x1, y1),
            found=stay.found,
            marks=tuple(sorted(stay.marks)),
        )
