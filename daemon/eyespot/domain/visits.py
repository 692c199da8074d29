"""Why a track was in a place, or was not: what its way says, in words."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from eyespot.domain.account import Account, Fate, Remark, typical_size
from eyespot.domain.area import Area
from eyespot.domain.geometry import Reals, units_of
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.stay import Found, Stay
from eyespot.domain.strip import Instants, Strip

_NEAR = 1.0  # box sizes


class Visit(NamedTuple):
    """Where a track was seen, at least once, and how that lies to a place.

    Attributes:
        track: its id.
        kind: index of its class, as it was voted last.
        confirmed: whether it was seen often enough to count, in the end.
        best_score: the best of its detections.
        points: (n, 2).
        taken_ns: (n,) int64.
        depths: (n,) how deep inside, in boxes; negative outside.
        bands: (n,) how deep it has to be for that to be certain.
        size: typical width and height of its boxes.
        ends: whether it ended after that.
    """

    track: int
    kind: int
    confirmed: bool
    best_score: float
    points: Reals
    taken_ns: Instants
    depths: Reals
    bands: Reals
    size: tuple[float, float]
    ends: bool

    @property
    def was_inside(self) -> bool:
        """Whether it was certainly inside at all."""
        return bool((self.depths > self.bands).any())

    @property
    def seen_s(self) -> float:
        """For how long it was seen."""
        return float(self.taken_ns[-1] - self.taken_ns[0]) / SECOND_NS

    def account(self, label: str, remarks: Sequence[Remark]) -> Account:
        """Return it with what became of it."""
        return Account(self.track, label, self.points, self.taken_ns, self.depths, self.size, tuple(remarks))


def visits(strip: Strip, area: Area) -> Iterator[Visit]:
    """Yield the tracks that are seen in a strip, by id."""
    tracks, steps = strip.tracks, strip.steps()
    seen = tracks.seen & strip.observed[steps] & np.isfinite(tracks.boxes_xyxy_n).all(axis=1)
    alive = set(tracks.ids[strip.bounds[-2] :].tolist())
    for track in np.unique(tracks.ids[seen]).tolist():
        own = tracks.ids == track
        rows, last = np.flatnonzero(own & seen), int(np.flatnonzero(own)[-1])
        boxes = tracks.boxes_xyxy_n[rows]
        points, units = area.points(boxes), units_of(boxes)
        yield Visit(
            track=track,
            kind=int(tracks.classes[last]),
            confirmed=bool(tracks.confirmed[last]),
            best_score=float(tracks.scores[rows].max()),
            points=points,
            taken_ns=strip.taken_ns[steps[rows]],
            depths=area.depths(points, units),
            bands=area.bands(units),
            size=typical_size(boxes),
            ends=track not in alive,
        )


def found_again(found: Sequence[Found]) -> Iterator[tuple[int, Remark]]:
    """Yield tracks with what became of them whose stays went on with others, and of those others."""
    for taken_ns, before, track in found:
        hidden = f"was hidden inside, and found again as track {track}: has not left"
        anew = f"is track {before}, which was hidden: has not come anew"
        yield before, Remark(taken_ns, "found_again", hidden)
        yield track, Remark(taken_ns, "found_again", anew)


def staying(there: Iterable[Stay], now_ns: int, what: str) -> Iterator[tuple[int, Remark]]:
    """Yield tracks with how long they have been there.

    Args:
        there: stays that go on.
        now_ns: when.
        what: they do, as "is inside".
    """
    for stay in there:
        if stay.lost:
            text = "was lost inside, and is waited for: has not left yet"
            yield stay.track, Remark(stay.seen_ns, "hidden", text)
        else:
            yield stay.track, Remark(now_ns, "stays", f"{what}, for {stay.lasted_s(now_ns):.0f} s so far")


def accounts(
    strip: Strip,
    area: Area,
    labels: Sequence[str],
    remarks: Iterable[tuple[int, Remark]],
    why_not: Callable[[Visit, str], Remark],
) -> list[Account]:
    """Return what became of the tracks that are seen in a strip.

    Args:
        strip: the strip.
        area: where the place is.
        labels: class names by class index.
        remarks: tracks with what is known to have become of them.
        why_not: says of a track and its class why nothing is.
    """
    told: dict[int, list[Remark]] = {}
    for track, remark in sorted(remarks, key=lambda one: one[1].taken_ns):
        told.setdefault(track, []).append(remark)
    found = []
    for visit in visits(strip, area):
        label = labels[visit.kind]
        found.append(visit.account(label, told.get(visit.track) or [why_not(visit, label)]))
    return found


def shortfall(visit: Visit, label: str, place: str, *, counts: bool) -> Remark:
    """Return why somebody has not been counted as one who is in a place.

    Args:
        visit: of whom.
        label: its class.
        place: what to call it, as "zone".
        counts: whether that class does.
    """
    if not visit.was_inside:
        return _outside(visit, place)
    at_ns = int(visit.taken_ns[np.flatnonzero(visit.depths > visit.bands)[0]])
    if not visit.confirmed:
        often = f"{len(visit.points)} times, with a score of {visit.best_score:.2f} at best"
        if visit.ends:
            return Remark(at_ns, "doubted", f"was inside, but was seen too seldom to be believed: {often}")
        return Remark(at_ns, "waits", f"is inside, but waits to be seen more often: so far {often}")
    if not counts:
        return Remark(at_ns, "class", f"was inside, but is a {label}, which is not counted here")
    text = f"was inside when seen first, and gone after {visit.seen_s:.1f} s: that is told of after 1 s only"
    return Remark(at_ns, "short", text)


def _outside(visit: Visit, place: str) -> Remark:
    """Return how near somebody came who was never certainly inside."""
    deepest = int((visit.depths - visit.bands).argmax())
    depth, band = float(visit.depths[deepest]), float(visit.bands[deepest])
    far = f"{-depth:.1f} boxes"
    fate: Fate = "turned"
    if depth >= 0:
        fate = "on_it"
        text = f"was on a side of the {place}, {depth:.2f} boxes inside, where {band:.2g} are certain"
    elif -depth >= _NEAR:
        fate, text = "far", f"came no nearer to the {place} than {far}"
    elif visit.ends and deepest == len(visit.points) - 1:
        fate, text = "lost_before", f"was lost {far} before the {place}"
    elif deepest == 0:
        fate, text = "first_behind", f"was seen first {far} beside the {place}, and went away"
    else:
        text = f"came within {far} of the {place}, and not in"
    return Remark(int(visit.taken_ns[deepest]), fate, text)
