"""Why a track did not cross a line: what its way says, in words."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from eyespot.domain.account import Account, Fate, Remark
from eyespot.domain.geometry import Reals
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.legs import Legs
from eyespot.domain.polyline import Polyline
from eyespot.domain.strip import Instants

_LATELY_NS = 7 * SECOND_NS // 10  # what tells how fast somebody goes
_LONGEST_S = 2.0  # further ahead nobody can say where somebody would have gone
_NEAR = 1.0  # box sizes
_BESIDE = 2.5  # box sizes beyond the ends; what is further away has nothing to do with the line
_ASIDE = 0.1  # of the line's length, beyond its ends
_WHOLE = np.ones((1, 2))  # units of the frame


class Way(NamedTuple):
    """Where a track was seen, and how that lies to a line.

    Attributes:
        points: (n, 2), at least one.
        taken_ns: (n,) int64.
        legs: (n,) to these points.
        begins: whether it had not been seen before.
        ends: whether it ended after the last of them.
    """

    points: Reals
    taken_ns: Instants
    legs: Legs
    begins: bool
    ends: bool

    def account(
        self, track: int, label: str, size: tuple[float, float], remarks: tuple[Remark, ...]
    ) -> Account:
        """Return it with what became of the track; see `Account`."""
        return Account(track, label, self.points, self.taken_ns, self.legs.distances, size, remarks)


def shortfalls(way: Way, line: Polyline, band: float, tolerance: float) -> tuple[Remark, ...]:
    """Return why a way is no crossing, at least one reason.

    Args:
        way: of a track that has not crossed.
        line: that it has not crossed.
        band: how far from the line, in box sizes, a side is certain.
        tolerance: how far beyond its ends it may be met.
    """
    met = np.flatnonzero(way.legs.met)
    if len(met):
        return (_at_the_line(way, int(met[-1]), band, tolerance),)
    found = (*_before_it(way, line), *_behind_it(way, line))
    return found or (_aside(way),)


def _at_the_line(way: Way, last: int, band: float, tolerance: float) -> Remark:
    """Return what became of a track that met the line, or its continuation."""
    at_ns, beyond = int(way.legs.met_ns[last]), float(way.legs.beyond[last])
    if beyond > tolerance:
        fate: Fate = "past" if beyond <= _BESIDE else "far"
        return Remark(at_ns, fate, f"went past the end of the line, {beyond:.1f} boxes beyond it")
    clear = np.flatnonzero(np.abs(way.legs.distances) > band)
    if way.begins and (not len(clear) or clear[0] >= last):
        text = "was seen first on the line, so that it is not certain where it came from"
        return Remark(at_ns, "first_on_it", text)
    got = float(np.abs(way.legs.distances[last:]).max())
    if got > band:
        text = "met the line and came back, before it was certain that it had crossed"
        return Remark(at_ns, "came_back", text)
    what = "was lost on the line" if way.ends else "was on the line and not beyond it"
    text = f"{what}: {got:.2f} boxes from it, where {band:g} are certain"
    return Remark(int(way.taken_ns[-1]), "on_it", text)


def _before_it(way: Way, line: Polyline) -> Iterator[Remark]:
    """Yield that it was lost on the way to the line."""
    if way.ends and (left_s := _time_to(way, line, ahead=True)) is not None:
        yield Remark(int(way.taken_ns[-1]), "lost_before", f"was lost {left_s:.1f} s before the line")


def _behind_it(way: Way, line: Polyline) -> Iterator[Remark]:
    """Yield that it was not seen before it had passed the line."""
    if way.begins and (since_s := _time_to(way, line, ahead=False)) is not None:
        yield Remark(int(way.taken_ns[0]), "first_behind", f"was seen first {since_s:.1f} s behind the line")


def _time_to(way: Way, line: Polyline, *, ahead: bool) -> float | None:
    """Return in which time it would meet the line, or has; None where it would not, or not soon."""
    at = -1 if ahead else 0
    near = np.abs(way.taken_ns - way.taken_ns[at]) <= _LATELY_NS
    other = int(np.flatnonzero(near)[0 if ahead else -1])
    elapsed_s = float(way.taken_ns[at] - way.taken_ns[other]) / SECOND_NS
    if elapsed_s == 0:
        return None
    distance = float(way.legs.distances[at])
    speed = (distance - float(way.legs.distances[other])) / elapsed_s
    left_s = -distance / speed if speed else np.inf
    seconds = left_s if ahead else -left_s
    if not 0 <= seconds <= _LONGEST_S:
        return None
    point = way.points[at] + (way.points[at] - way.points[other]) / elapsed_s * left_s
    beyond = float(line.places(point[None], _WHOLE).beyond[0])
    return seconds if beyond <= _ASIDE * line.length else None


def _aside(way: Way) -> Remark:
    nearest = int(np.abs(way.legs.distances).argmin())
    distance = abs(float(way.legs.distances[nearest]))
    at_ns = int(way.taken_ns[nearest])
    if 0 < nearest < len(way.points) - 1 and distance < _NEAR:
        return Remark(at_ns, "turned", f"came within {distance:.1f} boxes of the line, and turned")
    return Remark(at_ns, "far", f"came no nearer to the line than {distance:.1f} boxes")
