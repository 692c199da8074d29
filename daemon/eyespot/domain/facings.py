"""Places on a shelf where a product stands or stood: found by where boxes are again and again.

Products do not move, so they are not followed. Each place has the log-odds that something stands there: a
look in which a box is found there raises them, one without lowers them, by how often that product has been
found so far. What hides a place leaves it as it is. Looks soon after each other tell little more than one, so
what one weighs goes by the time since the one before.
"""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.boxes import areas, cover_matrix, iou_matrix
from eyespot.domain.geometry import Reals, Region
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Floats, Indexes
from eyespot.domain.track import Mask

_LOOKS_TO_SETTLE = 8  # looks that tell of each other are so many in the time in which a change is certain
_FALSE = 0.05  # how often a box is found where nothing stands
_RATE, _RATES = 0.6, (0.3, 0.9)  # how often one is where something stands: at first, and what is believed
_LEARNING = 0.02  # of that rate, of the box and of the class, with each look
_CERTAIN, _MOST = 3.0, 6.0  # log-odds from which on it is told, and beyond which they do not go
_GIVEN_UP = 1.5  # below where a place begins: nothing stood there ever
_NEAR = 0.5  # a box belongs to a place if their centres are within so many of its widths and heights
_ALIKE = 2.5  # and their sides differ by less than this factor
_SAME, _OVERLAP = 0.5, 0.4  # overlap of two boxes of one product; more than two products have
_SEVERAL = 3  # a place itself, and two more that lie in it
_HIDDEN = 0.1  # of a place that is covered
_NEVER_NS = -1
# As long is a place taken for hidden after it was; if nothing is found there, as people are missed, too.
_HELD_NS, _HELD_EMPTY_NS = SECOND_NS, 5 * SECOND_NS
_MOST_PLACES, _MOST_BOXES = 300, 1000
_FORGOTTEN_NS = 24 * 3600 * SECOND_NS  # for so long an empty place is known
# Neighbours (within so many widths and heights) that vanish together with nobody who could have taken them
# are hidden by what is not seen, for so long. Where so many do and nothing at all is found any more, for as
# long as that is so.
_BESIDE, _DOUBTED_NS, _ALL_AT_ONCE = 1.6, 60 * SECOND_NS, 3

_PLACE = np.dtype(
    [
        ("box", np.float64, 4),
        ("odds", np.float64),  # logarithm of them, that something stands there
        ("rate", np.float64),  # how often it is found then
        ("stands", np.bool_),
        ("known", np.bool_),  # something stood there once, or the place was given
        ("given", np.bool_),
        ("label", np.intp),
        ("free_ns", np.int64),  # until when it is taken for hidden
        ("hit", np.bool_),  # a box was found there by the last look
        ("found_ns", np.int64),  # when that was so twice in a row
        ("seen_ns", np.int64),  # when it could be judged last
        ("stood_ns", np.int64),  # when something stood there last
    ]
)

_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class KeptPlace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place as it is kept."""

    box: tuple[_Fraction, _Fraction, _Fraction, _Fraction]
    label: Annotated[str, msgspec.Meta(max_length=64)]
    stands: bool
    given: bool
    odds: Annotated[float, msgspec.Meta(ge=-_MOST, le=_MOST)]
    rate: Annotated[float, msgspec.Meta(ge=0, le=1)]


KeptPlaces = Annotated[tuple[KeptPlace, ...], msgspec.Meta(max_length=_MOST_PLACES)]


class Boxes(NamedTuple):
    """What a look found of products: (n, 4) boxes, (n,) scores, (n,) places of their classes' names."""

    boxes_xyxy_n: Floats
    scores: Floats
    labels: Indexes


class Facings:
    """The places of one shelf.

    Args:
        names: of the classes that may stand there.
        settle_s: in about how many seconds a change is certain.
        given: boxes of places; no others are looked for then. Without any they are found.
    """

    def __init__(self, names: Sequence[str], settle_s: float, given: Sequence[Region]) -> None:
        self._names = list(names)
        self._unit_ns = settle_s * SECOND_NS / _LOOKS_TO_SETTLE
        self._places = np.zeros(len(given), _PLACE)
        self._votes = np.zeros((len(given), len(names)))
        self._finds = not given
        self._now_ns = 0
        self._looked_ns: int | None = None
        self._places["box"] = np.array(given, np.float64).reshape(-1, 4)
        self._places["known"] = self._places["given"] = True
        self._places["odds"], self._places["rate"] = -_CERTAIN, _RATE
        self._places["free_ns"] = _NEVER_NS

    def look(self, taken_ns: int, found: Boxes, hiders: Floats, *, blind: bool, dark: bool) -> None:
        """Learn from one look.

        Args:
            taken_ns: when.
            found: products.
            hiders: (n, 4) boxes of what may hide them.
            blind: whether nothing at all was found, of whatever class.
            dark: whether nothing could be found, as it was too dark, or something lay over the lens.
        """
        weight = self._pass_time(taken_ns)
        found = _without_doubles(found)
        pairs, free = self._pairs(found)
        hit = np.zeros(len(self._places), np.bool_)
        hit[pairs[0]] = True
        hidden = self._hide(hiders, hit) | dark
        self._places["found_ns"][hit & self._places["hit"]] = self._now_ns
        self._places["hit"] = hit
        judged = ~hidden & ~self._doubted(hit, hidden, blind=blind)
        self._weigh(hit, judged, weight)
        rows, columns = pairs
        self._learn(rows[judged[rows]], columns[judged[rows]], found, weight)
        self._settle(judged)
        if self._finds and not blind and not dark:
            self._add(found, free & ~_carried(found.boxes_xyxy_n, hiders))
            self._forget()

    def relabel(self, names: Sequence[str]) -> None:
        """Go on with other names of classes; what had none of them is looked for anew."""
        votes = np.zeros((len(self._places), len(names)))
        for place, name in enumerate(names):
            if name in self._names:
                votes[:, place] = self._votes[:, self._names.index(name)]
        called = [self._names[label] for label in self._places["label"]] if self._names else []
        named = np.array([name in names for name in called], np.bool_)
        self._places["label"] = [names.index(name) if name in names else 0 for name in called]
        self._places["stands"][~named] = False
        self._places["odds"][~named] = -_CERTAIN
        self._names, stays = list(names), named | self._places["given"]
        self._places, self._votes = self._places[stays], votes[stays]

    def counts(self) -> dict[str, int]:
        """Return on how many places something stands, by class name."""
        standing = self._places["label"][self._places["stands"]]
        numbers = np.bincount(standing, minlength=len(self._names)).tolist()
        return {name: number for name, number in zip(self._names, numbers, strict=True) if number}

    def known(self) -> int:
        """Return how many places are known."""
        return int(self._places["known"].sum())

    def unseen(self, longer_than_ns: int) -> int:
        """Return how many of them could not be judged for so long."""
        late = self._now_ns - self._places["seen_ns"] > longer_than_ns
        return int((self._places["known"] & late).sum())

    def keep(self) -> list[dict[str, object]]:
        """Return the places that are known, fit for JSON."""
        return [
            {
                "box": place["box"].clip(0, 1).round(5).tolist(),
                "label": self._names[place["label"]] if self._names else "",
                "stands": bool(place["stands"]),
                "given": bool(place["given"]),
                "odds": round(float(place["odds"]), 3),
                "rate": round(float(place["rate"]), 3),
            }
            for place in self._places[self._places["known"]]
        ]

    def restore(self, kept: Sequence[KeptPlace]) -> None:
        """Go on from what `keep` returned.

        Raises:
            ValueError: other places are given now.
        """
        given = [place.box for place in kept if place.given]
        now = self._places["box"][self._places["given"]]
        if len(given) != len(now) or not np.allclose(np.array(given).reshape(-1, 4), now, atol=1e-4):
            raise ValueError("its slots are others now")
        kept = [place for place in kept if place.label in self._names and (place.given or self._finds)]
        if given and len(kept) != len(given):
            raise ValueError("what stood in its slots is not looked for any more")
        places = np.zeros(len(kept), _PLACE)
        places["box"] = np.array([place.box for place in kept], np.float64).reshape(-1, 4)
        for name in ("odds", "rate", "stands", "given"):
            places[name] = [getattr(place, name) for place in kept]
        places["label"] = [self._names.index(place.label) for place in kept]
        places["known"], places["free_ns"] = True, _NEVER_NS
        self._places, self._votes = places, np.eye(len(self._names))[places["label"]]

    def _pass_time(self, taken_ns: int) -> float:
        """Return what this look weighs."""
        before_ns, self._looked_ns = self._looked_ns, taken_ns
        if before_ns is None:
            self._now_ns = max(self._now_ns, taken_ns)
            for name in ("found_ns", "seen_ns", "stood_ns"):
                self._places[name] = self._now_ns
            return 0.0
        elapsed_ns = max(taken_ns - before_ns, 0)
        self._now_ns += elapsed_ns
        return min(elapsed_ns / self._unit_ns, 1.0)

    def _hide(self, hiders: Floats, hit: Mask) -> Mask:
        """Return which places are hidden, or were a moment ago."""
        places = self._places
        if len(hiders) and len(places):
            covered = cover_matrix(places["box"].astype(np.float32), hiders).max(axis=1) > _HIDDEN
            places["free_ns"][covered] = self._now_ns + _HELD_NS
        held_ns = np.where(hit | ~self._revealed(), 0, _HELD_EMPTY_NS - _HELD_NS)
        hidden: Mask = places["free_ns"] + held_ns > self._now_ns
        return hidden

    def _revealed(self) -> Mask:
        """Return at which places nothing has been found since they were hidden."""
        revealed: Mask = self._places["free_ns"] >= self._places["found_ns"]
        return revealed

    def _pairs(self, found: Boxes) -> tuple[tuple[Indexes, Indexes], Mask]:
        """Return which places have which boxes, the nearest first, and which boxes belong to none."""
        free = np.ones(len(found.scores), np.bool_)
        distances = _distances(self._places["box"], found.boxes_xyxy_n)
        rows, columns = np.nonzero(distances <= _NEAR)
        order = np.lexsort((distances[rows, columns], ~self._places["stands"][rows]))
        free[columns] = False
        taken_rows: set[int] = set()
        taken_columns: set[int] = set()
        chosen = []
        for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
            if row not in taken_rows and column not in taken_columns:
                taken_rows.add(row)
                taken_columns.add(column)
                chosen.append((row, column))
        pairs = np.array(chosen, np.intp).reshape(-1, 2)
        return (pairs[:, 0], pairs[:, 1]), free

    def _doubted(self, hit: Mask, hidden: Mask, *, blind: bool) -> Mask:
        """Return which places seem to be empty because something is in front of them that is not seen."""
        places = self._places
        missing = places["stands"] & ~hidden & ~hit & ~self._revealed() & (places["odds"] < _MOST / 2)
        dark = blind and missing.sum() >= _ALL_AT_ONCE
        places["found_ns"][missing & dark] = self._now_ns
        rows = np.flatnonzero(missing & (self._now_ns - places["found_ns"] < _DOUBTED_NS))
        doubted = np.zeros(len(hit), np.bool_)
        doubted[rows] = _has_neighbours(places["box"][rows]) | dark
        return doubted

    def _weigh(self, hit: Mask, judged: Mask, weight: float) -> None:
        places, rates = self._places, self._places["rate"]
        gain = np.where(hit, np.log(rates / _FALSE), np.log((1 - rates) / (1 - _FALSE)))
        places["odds"][judged] = np.clip(places["odds"] + weight * gain, -_MOST, _MOST)[judged]
        learns = judged & places["stands"]
        learned = rates + weight * _LEARNING * (hit - rates)
        places["rate"][learns] = np.clip(learned, *_RATES)[learns]
        places["seen_ns"][judged] = self._now_ns

    def _learn(self, rows: Indexes, columns: Indexes, found: Boxes, weight: float) -> None:
        """Let places follow where their boxes are, and of which class."""
        share = weight * _LEARNING
        moves = ~self._places["given"][rows]
        boxes = self._places["box"][rows]
        boxes[moves] += share * (found.boxes_xyxy_n[columns] - boxes)[moves]
        self._places["box"][rows] = boxes
        self._votes[rows] *= 1 - share
        self._votes[rows, found.labels[columns]] += share
        best = self._votes[rows].argmax(axis=1)
        held = self._votes[rows, self._places["label"][rows]]
        leads = (self._votes[rows, best] - held > _FALSE) | ~self._places["stands"][rows]
        self._places["label"][rows] = np.where(leads, best, self._places["label"][rows])

    def _settle(self, judged: Mask) -> None:
        """Tell of places as their odds are by now."""
        places = self._places
        gone = judged & places["stands"] & (places["odds"] < -_CERTAIN)
        places["stands"][gone] = False
        places["stood_ns"][places["stands"] | gone] = self._now_ns
        risen = np.flatnonzero(judged & ~places["stands"] & (places["odds"] > _CERTAIN))
        for row in risen.tolist():
            self._rise(row)
        if len(risen):
            self._part()

    def _rise(self, row: int) -> None:
        """Let something stand at a place, unless that is what stands at another one."""
        places = self._places
        boxes = places["box"].astype(np.float32)
        rivals = iou_matrix(boxes[row : row + 1], boxes)[0] > _OVERLAP
        rivals[row] = False
        if (rivals & places["stands"]).any() and not places["given"][row]:
            return
        places["stands"][row] = places["known"][row] = True
        places["stood_ns"][row] = self._now_ns
        places["known"][rivals & ~places["given"]] = False

    def _part(self) -> None:
        """Know no place any more that is a box around several of one class: detectors give such, too."""
        rows = np.flatnonzero(self._places["stands"])
        boxes, labels = self._places["box"][rows].astype(np.float32), self._places["label"][rows]
        inside = (cover_matrix(boxes, boxes) > _OVERLAP) & (labels[:, None] == labels)
        around = (inside.sum(axis=0) >= _SEVERAL) & ~self._places["given"][rows]
        self._places["stands"][rows[around]] = self._places["known"][rows[around]] = False

    def _add(self, found: Boxes, free: Mask) -> None:
        """Begin places at boxes that belong to none."""
        rows = np.flatnonzero(free & (areas(found.boxes_xyxy_n) > 0))[: _MOST_PLACES - len(self._places)]
        fresh = np.zeros(len(rows), _PLACE)
        fresh["box"], fresh["label"] = found.boxes_xyxy_n[rows], found.labels[rows]
        fresh["odds"], fresh["rate"] = -_CERTAIN, _RATE
        fresh["seen_ns"] = fresh["stood_ns"] = self._now_ns
        fresh["free_ns"] = _NEVER_NS
        votes = np.zeros((len(rows), len(self._names)))
        votes[np.arange(len(rows)), found.labels[rows]] = _FALSE
        self._places, self._votes = np.concatenate([self._places, fresh]), np.vstack([self._votes, votes])

    def _forget(self) -> None:
        """Forget places where nothing ever stood, and those that have been empty for very long."""
        places = self._places
        long_ago = self._now_ns - places["stood_ns"] > _FORGOTTEN_NS
        never = ~places["known"] & (places["odds"] < -_CERTAIN - _GIVEN_UP)
        stays = places["given"] | places["stands"] | ~(long_ago | never)
        if not stays.all():
            self._places, self._votes = places[stays], self._votes[stays]


def _without_doubles(found: Boxes) -> Boxes:
    """Return each product once, by the box with the best score, whatever it was taken for besides."""
    order = np.argsort(-found.scores, kind="stable")[:_MOST_BOXES]
    boxes = found.boxes_xyxy_n[order]
    doubles = iou_matrix(boxes, boxes) > _SAME
    kept = np.ones(len(order), np.bool_)
    for rank in np.flatnonzero(np.triu(doubles, 1).any(axis=1)):
        if kept[rank]:
            kept[rank + 1 :] &= ~doubles[rank, rank + 1 :]
    rows = order[kept]
    return Boxes(found.boxes_xyxy_n[rows], found.scores[rows], found.labels[rows])


def _has_neighbours(boxes: Reals) -> Mask:
    """Return which of (n, 4) boxes are beside another one of them."""
    sides, middles = boxes[:, 2:] - boxes[:, :2], (boxes[:, 2:] + boxes[:, :2]) / 2
    apart = np.abs(middles[:, None] - middles[None]) / np.maximum(sides, 1e-6)
    beside: Mask = (apart.max(axis=2) <= _BESIDE).sum(axis=1) > 1
    return beside


def _carried(boxes: Floats, hiders: Floats) -> Mask:
    """Return which boxes lie in front of something that hides."""
    if not len(hiders):
        return np.zeros(len(boxes), np.bool_)
    carried: Mask = cover_matrix(boxes, hiders).max(axis=1) > _HIDDEN
    return carried


def _distances(places: Reals, boxes: Floats) -> Reals:
    """Return (n, m) distances of centres in sides of the places; inf where the sides differ too much."""
    sides = np.maximum(places[:, 2:] - places[:, :2], 1e-6)
    others = np.maximum(boxes[:, 2:] - boxes[:, :2], 1e-6)
    apart = np.abs((places[:, None, :2] + places[:, None, 2:] - boxes[None, :, :2] - boxes[None, :, 2:]) / 2)
    distances: Reals = (apart / sides[:, None]).max(axis=2)
    unlike = np.abs(np.log(others[None] / sides[:, None])).max(axis=2) > np.log(_ALIKE)
    distances[unlike] = np.inf
    return distances
