"""What rules of places cannot do, though nothing is wrong with their settings."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import dist

import numpy as np

from eyespot.domain.geometry import Mount, Point
from eyespot.domain.polygon import inradius, inside, sides_of
from eyespot.rules import RuleSettings
from eyespot.rules.line import LineSettings
from eyespot.rules.occupancy import OccupancySettings
from eyespot.rules.queue import QueueSettings
from eyespot.rules.shelf import ShelfSettings
from eyespot.rules.zone import ZoneSettings

_SHORTEST = 0.05
# A detector sees little of what is nearer to an edge of the frame than this: boxes are cut off there.
_MARGIN = 0.05
# Seen obliquely, the bottom of a box counts, and above it there must be room for the box.
_TOP_MARGIN = 0.1
_NARROWEST = 0.02  # from the middle of a zone to its sides: boxes jitter by as much


def doubts_of_line(line: LineSettings, mount: Mount) -> Iterator[str]:
    """Yield why a line cannot count, or counts badly, in words that go on after its name."""
    length = sum(dist(one, other) for one, other in pairwise(line.path))
    if length < _SHORTEST:
        yield f"is only {length:.2f} of the frame long; hardly anything will cross it"
    for edge, margin in _beyond(line.path, mount).items():
        yield (
            f"lies within {margin:g} of the {edge} edge of the frame, where nothing can be seen on both"
            " sides of it; move it inwards"
        )


def doubts_of_zone(zone: ZoneSettings | QueueSettings, mount: Mount) -> Iterator[str]:
    """Yield why nobody can be seen in a zone, or come and go, in words that go on after its name."""
    corners = np.array(zone.points)
    if inradius(corners) < _NARROWEST:
        yield "is so narrow that hardly anybody will be seen inside; make it wider"
    outside = _beyond(zone.points, mount)
    for edge, margin in outside.items():
        yield (
            f"lies within {margin:g} of the {edge} edge of the frame, where hardly anything is seen; move it"
            " inwards"
        )
    sides = zip(zone.points, (*zone.points[1:], zone.points[0]), strict=True)
    for number, side in enumerate(sides, 1):
        near = [edge for edge in _beyond(side, mount) if edge not in outside]
        if near and not _lies_on_an_edge(side):
            yield (
                f"has its side {number} so near to the {near[0]} edge of the frame that hardly anybody is"
                " seen beyond it; draw it along the edge, or further inwards"
            )
    if isinstance(zone, ZoneSettings) and isinstance(zone.loiter_s, dict) and zone.classes is not None:
        for label in zone.loiter_s.keys() - set(zone.classes):
            yield f"has a loiter_s for {label}, which is not among its classes: it will never be told"


def doubts_of_occupancy(rule: OccupancySettings, others: Sequence[RuleSettings]) -> Iterator[str]:
    """Yield why the number of those behind lines cannot be right, in words that go on after its name.

    Args:
        rule: whose number it is.
        others: all rules.
    """
    if not rule.reset_at and rule.max_dwell_s is None and rule.empty_s is None:
        yield "drifts, as lines miss somebody now and then, and nothing puts it right; set reset_at"
    lines = [other for other in others if isinstance(other, LineSettings) and other.id in rule.lines]
    for label in rule.classes or ():
        if all(line.classes is not None and label not in line.classes for line in lines):
            yield f"counts {label}, which none of its lines counts: there will never be any"


def doubts_of_shelf(shelf: ShelfSettings) -> Iterator[str]:
    """Yield what of a shelf will never be told, in words that go on after its name."""
    limits = shelf.low if isinstance(shelf.low, dict) else {}
    if shelf.classes is not None:
        for label in limits.keys() - set(shelf.classes):
            yield f"has a low for {label}, which is not among its classes: it will never be told"
    most = max(limits.values(), default=0) if isinstance(shelf.low, dict) else shelf.low or 0
    if shelf.slots and most > len(shelf.slots):
        yield f"has {len(shelf.slots)} slots, and too few always where {most} shall be there"
    if shelf.slots and shelf.points is not None:
        middles = np.array([((left + right) / 2, (top + low) / 2) for left, top, right, low in shelf.slots])
        for number in np.flatnonzero(~inside(middles, sides_of(np.array(shelf.points)))).tolist():
            yield f"has its slot {number + 1} outside of its points, where nothing is looked at"


def _beyond(points: Sequence[Point], mount: Mount) -> Mapping[str, float]:
    """Return to which edges of the frame all points are so near that nothing is seen beyond them."""
    x, y = zip(*points, strict=True)
    top = _TOP_MARGIN if mount == "oblique" else _MARGIN
    furthest = {
        "left": (_MARGIN, max(x)),
        "right": (_MARGIN, 1 - min(x)),
        "top": (top, max(y)),
        "bottom": (_MARGIN, 1 - min(y)),
    }
    return {edge: margin for edge, (margin, distance) in furthest.items() if distance < margin}


def _lies_on_an_edge(side: tuple[Point, Point]) -> bool:
    (x0, y0), (x1, y1) = side
    return x0 == x1 in {0, 1} or y0 == y1 in {0, 1}
