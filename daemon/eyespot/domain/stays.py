"""Who stays in a part of the picture, from when to when: what rules about places have in common.

A track is inside once it was seen deeper inside than a band that is as wide as boxes jitter, and outside
once it was seen as far outside; between, nothing changes. A stay outlives its track: whoever is hidden for
a while has not left, so it waits for another track of that class that begins where the last was seen.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec
import numpy as np

from eyespot.domain.area import Area
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Floats
from eyespot.domain.passing import Elapsed, Item, Passing
from eyespot.domain.reach import BOTH_SEEN_NS, waits_ns, which_beside, within_reach
from eyespot.domain.stay import MOST_STAYS, TOO_LONG_NS, Found, KeptStay, Neighbour, Stay, Undated
from eyespot.domain.strip import Strip
from eyespot.domain.trails import NOBODY, Change, Sightings, Spot, Trail

_WAITS_AFTER_START_NS = 60 * SECOND_NS
# Nobody appears from nothing: who is found inside, and soon gone, may be somebody who is followed already.
_FOUND_NS = SECOND_NS
_BESIDE_NS = SECOND_NS // 2  # who is not seen for longer hides nobody

Due = Callable[[Stay], int | None]

# What may be on the agenda of a step, in the order in which it is done: a track is gone; has changed; is seen
# where that matters; may be compared; or stays are to be looked at, or even told of, as time has passed.
_GONE, _CHANGED, _SEEN, _DUE, _NUDGE, _WAKE = range(6)


class Stays:
    """Follows who is inside of an area.

    Args:
        area: of which.
        classes: names of what is followed; None for everything.

    Attributes:
        now_ns: instant of the newest scene; it stands still where instants go back.
        found: which stays went on with other tracks in the newest strip.
    """

    def __init__(self, area: Area, classes: Collection[str] | None) -> None:
        self._area = area
        self._classes = classes
        self._trails: dict[int, Trail] = {}
        self._stays: list[Stay] = []
        self._kept: tuple[KeptStay, ...] = ()
        self._undated: list[Undated] = []
        self._elapsed = Elapsed()
        self._last = NOBODY
        self._strangers: dict[int, Trail] = {}  # those that have not been compared
        self._forgotten: set[int] = set()  # in the strip that passes
        self._due: set[int] = set()  # tracks to be compared at this step
        self.now_ns = 0
        self.found: list[Found] = []

    @property
    def told(self) -> list[Stay]:
        """Those that have been told of and go on."""
        return [stay for stay in self._stays if stay.told]

    def sweep(self, strip: Strip, labels: Sequence[str], due: Due | None) -> Iterator[tuple[int, list[Stay]]]:
        """Yield steps, and the stays that may be told of then, about in the order in which they began.

        These are new, have ended, went on with another track, or are due. Those of tracks that are not
        confirmed wait for that; those that are restored, for the first look. At all other steps nothing
        happens to stays but that they last.

        Args:
            strip: scenes.
            labels: class names by class index.
            due: says from when on a stay is to be told of though nothing happens to it; None: never is one.
        """
        self.found = []
        self._passing = passing = Passing(strip, self._elapsed)
        staying = {trail.id for trail in self._trails.values() if trail.stays}
        self._sightings = Sightings(strip, self._area, passing.instants, self._last, staying)
        self._timeline = strip.timeline
        if strip.timeline.synced:
            for undated in self._undated:
                undated.date(strip.timeline)
            self._undated = []
        self._plan(due)
        for agenda in passing:
            self.now_ns = passing.now_ns[passing.step]
            if self._attend(agenda, labels):
                told = self._told(labels)
                yield passing.step, told
                self._remind(due, told)
        self._elapsed, self.now_ns = passing.after, passing.after.now_ns
        self._hand_on()

    def is_present(self, stay: Stay, within_ns: int) -> bool:
        """Return whether somebody was seen within a time, counted back from now."""
        return not stay.lost and self.now_ns - self._seen_ns(stay) <= within_ns

    def last_seen(self, stay: Stay) -> tuple[Spot, float]:
        """Return where somebody who is not lost was seen last, and the longer side of the box."""
        return self._sightings.last_spot_and_size(stay.track, self._passing.step)

    def keep(self, timeline: Timeline) -> list[dict[str, object]]:
        """Return the stays that have been told of and go on, fit for JSON."""
        kept = [KeptStay.of(stay, self._seen_ns(stay), self._box(stay), timeline) for stay in self.told]
        return [msgspec.to_builtins(stay) for stay in (*self._kept, *kept)]

    def restore(self, kept: tuple[KeptStay, ...]) -> None:
        """Go on with stays that were kept, if they are found again."""
        self._kept = kept

    def _plan(self, due: Due | None) -> None:
        """Say at which steps something is known to happen."""
        seen, ends = self._sightings, dict.fromkeys(self._trails, 0) | self._sightings.ends
        self._passing.plan((end, _GONE, track) for track, end in ends.items())
        self._passing.plan((change.step, _CHANGED, nth) for nth, change in enumerate(seen.changes))
        self._passing.plan((step, _SEEN, place) for step, place in seen.notable)
        if self._kept:
            self._passing.add(self._passing.look_from(0), _WAKE)
        for trail in self._strangers.values():
            self._plan_comparing(trail)
        for stay in self._stays:
            (self._await if stay.lost else self._watch)(stay)
        if not all(stay.told for stay in self._stays):
            self._passing.add(0, _WAKE)  # names of classes may be others
        self._remind(due, self.told)

    def _remind(self, due: Due | None, told: Sequence[Stay]) -> None:
        """Come back to the stays when the next one is due; those that were told of are so at another time."""
        for stay in told:
            stay.due_ns = None if due is None else due(stay)
        instants = [stay.due_ns for stay in self._stays if stay.told and stay.due_ns is not None]
        if instants:
            self._passing.remind(min(instants), _WAKE)

    def _attend(self, agenda: Sequence[Item], labels: Sequence[str]) -> bool:
        """Do what is to be done at a step, and return whether it may have to be told."""
        stirred = False
        inside: list[Trail] = []
        outside: list[Trail] = []
        for kind, what in agenda:
            if kind == _GONE:
                self._part(what)
            elif kind == _CHANGED:
                stirred |= self._learn(self._sightings.changes[what])
            elif kind == _SEEN:
                self._see(what, inside, outside)
            elif kind == _DUE:
                self._due.add(what)
            else:
                stirred |= kind == _WAKE
        if not self._passing.looks:
            return stirred
        if self._kept:
            self._take_up(self._timeline)
        for trail in inside:
            self._begin(trail)
        for trail in outside:
            self._end(trail)
        ended, changed = self._give_up(), bool(self._due) and self._find_again(labels)
        return stirred or ended or changed or bool(inside or outside)

    def _take_up(self, timeline: Timeline) -> None:
        """Let the stays that were kept wait for tracks."""
        for kept in self._kept:
            stay = kept.taken_up(self.now_ns, timeline)
            stay.waits_ns = self._passing.looked_ns + _WAITS_AFTER_START_NS
            self._stays.append(stay)
            self._await(stay)
            if not timeline.synced:
                self._undated.append(Undated(stay, kept, self.now_ns))
        self._kept = ()

    def _part(self, track: int) -> None:
        """Let the stays of a track that is no more wait, or forget them."""
        for stay in self._of(track):
            self._lose(stay)
        self._stays = [stay for stay in self._stays if stay.told or not stay.lost]
        del self._trails[track]
        self._strangers.pop(track, None)

    def _lose(self, stay: Stay) -> None:
        stay.seen_ns, stay.box = self._seen_ns(stay), self._box(stay)
        stay.waits_ns = self._passing.had_looked_ns + waits_ns(stay.box)
        stay.lost, stay.due_ns = True, None
        self._await(stay)

    def _await(self, stay: Stay) -> None:
        """Come back when a stay that is lost has waited for too long; and when there may be too many."""
        passing = self._passing
        later = (passing.step_after(stay.waits_ns), passing.step_at(stay.seen_ns + TOO_LONG_NS + 1))
        passing.add(passing.look_from(min(later)), _NUDGE)
        passing.add(passing.look_from(passing.step + 1), _NUDGE)

    def _learn(self, change: Change) -> bool:
        """Note what has changed of a track; return whether somebody may be told of now."""
        _, track, kind, confirmed = change
        trail = self._trails.get(track)
        if trail is None:
            trail = self._trails[track] = self._strangers[track] = Trail(track)
        trail.kind, trail.confirmed = kind, confirmed
        self._plan_comparing(trail)
        return any(not stay.told for stay in self._stays)

    def _hand_on(self) -> None:
        """Remember where tracks are at the end of the strip."""
        for track, place in self._sightings.turns.items():
            trail = self._trails.get(track)
            if trail is not None and trail.seen:
                self._turn(trail, place)
        self._last = self._sightings.hand_on(self._forgotten)
        self._forgotten.clear()

    def _see(self, place: int, inside: list[Trail], outside: list[Trail]) -> None:
        """Note where a track is, and who has come in and gone out."""
        seen = self._sightings
        trail = self._trails[seen.track(place)]
        if not trail.seen:
            trail.begin(seen.spot(place), self.now_ns + _FOUND_NS)
            seen.begin(place)
            self._forgotten.discard(trail.id)
            self._plan_comparing(trail)
        side = seen.side(place)
        if side > 0 and not trail.stays:
            self._turn(trail, place)
            inside.append(trail)
        elif side < 0 and trail.stays:
            self._turn(trail, place)
            outside.append(trail)
        for stay in self._of(trail.id):
            self._watch(stay)

    def _turn(self, trail: Trail, place: int | None) -> None:
        """Note where a track has turned last, up to a sighting."""
        if place is not None and (spots := self._sightings.turn(place)) is not None:
            trail.turn(*spots)

    def _plan_comparing(self, trail: Trail) -> None:
        if not trail.is_comparable:
            return
        passing, seen = self._passing, self._sightings
        if trail.due_ns <= self.now_ns and seen.is_seen(trail.id, passing.step):
            self._due.add(trail.id)
        elif (place := seen.next(trail.id, passing.step_at(trail.due_ns) - 1)) is not None:
            passing.add(int(seen.steps[place]), _DUE, trail.id)  # who is only thought to be there may not be

    def _begin(self, trail: Trail) -> None:
        box, found = self._sightings.last_box(trail.id, self._passing.step), not trail.turned
        beside = self._beside(trail, box) if found else ()
        stay = Stay("", trail.id, trail.turned_ns, self.now_ns, box, found, not found, beside)
        self._stays.append(stay)
        self._watch(stay)
        trail.stays = True

    def _beside(self, trail: Trail, box: Floats) -> tuple[Neighbour, ...]:
        """Return who of those that are told of are beside somebody who is found inside."""
        there = [stay for stay in self._stays if stay.told and self.is_present(stay, _BESIDE_NS)]
        spots = (self._sightings.last_spot(stay.track, self._passing.step) for stay in there)
        near = [there[place] for place in which_beside(trail.born_at, box, [spot.point for spot in spots])]
        return tuple(Neighbour(stay.label, frozenset(stay.marks)) for stay in near)

    def _watch(self, stay: Stay) -> None:
        """Note that somebody found inside is no reflection, or come back when that turns out."""
        trail, seen = self._trails.get(stay.track), self._sightings
        if stay.real or trail is None:
            return
        place = seen.next_real(trail, self._passing.step - 1, stay.since_ns)
        if place is not None and (step := int(seen.steps[place])) > self._passing.step:
            self._look_out_for(place)
            self._passing.add(step, _WAKE)
        elif place is not None:
            stay.real, stay.due_ns = True, 0

    def _end(self, trail: Trail) -> None:
        stay = next(one for one in self._of(trail.id) if one.ended_ns is None)
        self._leave(stay, trail)
        trail.stays, trail.due_ns = False, self.now_ns
        self._plan_comparing(trail)

    def _leave(self, stay: Stay, trail: Trail) -> None:
        stay.ended_ns = stay.seen_ns = max(trail.turned_ns, stay.since_ns)
        stay.left_at = trail.turned_at

    def _find_again(self, labels: Sequence[str]) -> bool:
        """Let stays whose track is not seen go on with tracks that are new; return whether any track was."""
        known = (self._trails.get(track) for track in sorted(self._due))
        self._due.clear()
        fresh = [trail for trail in known if trail and trail.is_comparable and trail.due_ns <= self.now_ns]
        if not fresh:
            return False
        for trail in fresh:
            trail.known = True
            del self._strangers[trail.id]
        told = {stay.track for stay in self._stays if stay.told and not stay.lost}
        changed = any(not stay.told for stay in self._stays)
        fresh = [trail for trail in fresh if trail.id not in told]  # who was seen to come in is nobody else
        waiting = [stay for stay in self._stays if self._waits(stay)] if fresh else []
        if not waiting:
            return changed
        found: set[Trail | Stay] = set()
        boxes = np.array([self._box(stay) for stay in waiting])
        last_ns = np.array([self._seen_ns(stay) for stay in waiting])
        for row, place in within_reach(fresh, self._area.points(boxes), boxes, last_ns):
            trail, stay = fresh[row], waiting[place]
            if labels[trail.kind] == stay.label and trail not in found and stay not in found:
                self._go_on(stay, trail)
                found |= {trail, stay}
        return changed or bool(found)

    def _waits(self, stay: Stay) -> bool:
        """Return whether a stay could do with another track."""
        if not stay.told or stay.ended_ns is not None:
            return False
        return stay.lost or self.now_ns - self._seen_ns(stay) > BOTH_SEEN_NS

    def _go_on(self, stay: Stay, trail: Trail) -> None:
        """Let a stay go on with a track, whose own stay is none then."""
        step, seen = self._passing.step, self._sightings
        if not stay.lost:
            self._trails[stay.track].forget()
            self._forgotten.add(stay.track)
            self._strangers[stay.track] = self._trails[stay.track]
            self._look_out_for(seen.next(stay.track, step), seen.next(stay.track, step, side=1))
        self.found.append(Found(self.now_ns, stay.track, trail.id))
        own = next(self._of(trail.id), None)
        stay.track, stay.lost, stay.due_ns = trail.id, False, 0
        if own is not None:
            self._stays.remove(own)
            stay.real |= own.real
            stay.ended_ns, stay.left_at = own.ended_ns, own.left_at
        elif seen.last_spot(trail.id, step).depth < 0:
            self._turn(trail, seen.last(trail.id, step))
            self._leave(stay, trail)
        else:
            trail.stays = True
            self._look_out_for(seen.next(trail.id, step, side=-1))
        self._watch(stay)

    def _look_out_for(self, *places: int | None) -> None:
        """Have sightings looked at."""
        for place in places:
            if place is not None:
                self._passing.add(int(self._sightings.steps[place]), _SEEN, place)

    def _of(self, track: int) -> Iterator[Stay]:
        """Yield the stays of a track; ids of lost ones may come again, after a restart."""
        return (stay for stay in self._stays if stay.track == track and not stay.lost)

    def _give_up(self) -> bool:
        """End stays that have waited for too long, when they were seen last; return whether there are any."""
        lost = [stay for stay in self._stays if stay.lost]
        if not lost:
            return False
        newest_ns, looked_ns = self.now_ns - TOO_LONG_NS, self._passing.looked_ns
        ended = [stay for stay in lost if stay.seen_ns < newest_ns or looked_ns >= stay.waits_ns]
        ended += [stay for stay in lost if stay not in ended][: max(len(self._stays) - MOST_STAYS, 0)]
        for stay in ended:
            stay.ended_ns = stay.seen_ns
        return bool(ended)

    def _told(self, labels: Sequence[str]) -> list[Stay]:
        told: list[Stay] = []
        going_on: list[Stay] = []
        for stay in self._stays:
            stay.is_new = False
            confirmed = stay.told or self._name(stay, labels)
            due = stay.due_ns is not None and stay.due_ns <= self.now_ns
            if stay.told and (due or stay.is_new or stay.ended_ns is not None):
                told.append(stay)
            if stay.ended_ns is None or not confirmed:
                going_on.append(stay)
        self._stays = going_on
        return told

    def _name(self, stay: Stay, labels: Sequence[str]) -> bool:
        """Let a stay be told of if its track is confirmed, and of a class that counts; return the former."""
        trail = self._trails.get(stay.track)
        if trail is None or not trail.confirmed:
            return False
        stay.label = labels[trail.kind]
        certain = not stay.found or trail.known
        stay.told = certain and (self._classes is None or stay.label in self._classes)
        stay.is_new = stay.told
        return True

    def _seen_ns(self, stay: Stay) -> int:
        if not self._is_followed(stay):
            return stay.seen_ns
        return self._sightings.last_seen_ns(stay.track, self._passing.step)

    def _box(self, stay: Stay) -> Floats:
        if not self._is_followed(stay):
            return stay.box
        return self._sightings.last_box(stay.track, self._passing.step)

    def _is_followed(self, stay: Stay) -> bool:
        return not stay.lost and stay.track in self._trails
