"""Polygons in fractions of the full frame; x right, y down; concave ones, too."""

from typing import Annotated

import msgspec
import numpy as np

from eyespot.domain.geometry import Point, Reals
from eyespot.domain.track import Mask

_SMALLEST_AREA = 1e-4

_Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]
Corners = Annotated[tuple[tuple[_Fraction, _Fraction], ...], msgspec.Meta(min_length=3, max_length=64)]


def problem_with(corners: tuple[Point, ...]) -> str:
    """Return why corners make no polygon that something can be inside of; empty where they do."""
    if len(set(corners)) < len(corners):
        return "a corner is named twice; name each once, and the first not again at the end"
    for first in range(len(corners)):
        for second in range(first + 2, len(corners)):
            neighbours = first == 0 and second == len(corners) - 1
            if not neighbours and _meet(_side(corners, first), _side(corners, second)):
                return f"its sides {first + 1} and {second + 1} meet; name the corners as you walk around it"
    if abs(area(np.array(corners))) < _SMALLEST_AREA:
        return "it has next to no area; move its corners apart, off one line"
    return ""


def area(corners: Reals) -> float:
    """Return the signed area of (n, 2) corners, by the shoelace formula."""
    x, y = corners.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def inradius(corners: Reals) -> float:
    """Return about how far the middle is from the sides: up to twice that for what is long and thin."""
    sides = np.roll(corners, -1, axis=0) - corners
    return 2 * abs(area(corners)) / float(np.hypot(*sides.T).sum())


def sides_of(corners: Reals) -> Reals:
    """Return (n, 2, 2), from where to where each side goes, of (n, 2) corners."""
    sides: Reals = np.stack([corners, np.roll(corners, -1, axis=0)], axis=1)
    return sides


def inside(points: Reals, sides: Reals) -> Mask:
    """Return which of (n, 2) points lie inside; by the even-odd rule: a side belongs to one of two."""
    x, y = points.T
    found: Mask = np.zeros(len(points), np.bool_)
    for (x0, y0), (x1, y1) in sides:
        if y0 != y1:  # one after the other: columns are several times faster than small rows
            found ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return found


def distances(points: Reals, sides: Reals, units: Reals) -> Reals:
    """Return how far (n, 2) points are from the nearest side, each in units of its own; inf without sides.

    Args:
        points: (n, 2).
        sides: (m, 2, 2), from where to where each goes.
        units: (n, 2), what counts as 1 along x and y for each point.
    """
    wide, high = units.T
    x, y = points[:, 0] / wide, points[:, 1] / high
    nearest: Reals = np.full(len(points), np.inf)
    for (x0, y0), (x1, y1) in sides:  # one after the other, as in `inside`
        start_x, start_y = x0 / wide, y0 / high
        way_x, way_y = x1 / wide - start_x, y1 / high - start_y
        out_x, out_y = x - start_x, y - start_y
        along = (out_x * way_x + out_y * way_y) / np.maximum(way_x**2 + way_y**2, 1e-12)
        along = np.minimum(np.maximum(along, 0), 1)
        far_x, far_y = out_x - along * way_x, out_y - along * way_y
        nearest = np.minimum(nearest, far_x * far_x + far_y * far_y)
    return np.sqrt(nearest)


def _side(corners: tuple[Point, ...], index: int) -> tuple[Point, Point]:
    return corners[index], corners[(index + 1) % len(corners)]


def _meet(one: tuple[Point, Point], other: tuple[Point, Point]) -> bool:
    (a, b), (c, d) = one, other
    if _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
        return True
    touching = ((a, b, c), (a, b, d), (c, d, a), (c, d, b))
    return any(_turn(*three) == 0 and _between(*three) for three in touching)


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _between(a: Point, b: Point, c: Point) -> bool:
    low, high = np.minimum(a, b), np.maximum(a, b)
    return bool((low <= c).all() and (c <= high).all())
