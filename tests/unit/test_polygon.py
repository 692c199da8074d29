"""Polygons: which are any, and what is inside of them, however they are written down."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.area import Area
from eyespot.domain.geometry import units_of
from eyespot.domain.polygon import area, inside, problem_with, sides_of

SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
DENTED = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.5, 0.4), (0.2, 0.8))  # a dent from below
Corners = tuple[tuple[float, float], ...]


@st.composite
def stars(draw: st.DrawFn) -> Corners:
    """Corners around the middle of the frame, each as far away as it likes."""
    count = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(0.1, 0.45), min_size=count, max_size=count))
    angles = [math.tau * (index + 0.45 * draw(st.floats(0, 1))) / count for index in range(count)]
    return tuple(
        (0.5 + r * math.cos(angle), 0.5 + r * math.sin(angle)) for r, angle in zip(radii, angles, strict=True)
    )


points = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=20).map(np.array)


def within_star(points: np.ndarray, corners: Corners) -> list[bool | None]:
    """Say it by the triangles between middle and sides; None where it is too near to a side to say."""
    told: list[bool | None] = []
    for point in points - 0.5:
        margins = []
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            frame = np.array([a, b]).T - 0.5
            shares = np.linalg.solve(frame, point)
            margins.append(min(shares[0], shares[1], 1 - shares.sum()))
        sure = all(abs(margin) > 1e-9 for margin in margins)
        told.append(max(margins) > 0 if sure else None)
    return told


@given(stars(), points)
def test_who_is_inside_agrees_with_the_triangles_that_make_up_a_polygon(
    corners: Corners, points: np.ndarray
) -> None:
    expected = within_star(points, corners)
    for found, wanted in zip(inside(points, sides_of(np.array(corners))), expected, strict=True):
        assert wanted is None or found == wanted


@given(stars(), points, st.integers(0, 11), st.booleans())
def test_with_which_corner_a_polygon_begins_and_which_way_round_it_goes_changes_nothing(
    corners: Corners, points: np.ndarray, first: int, turned: bool
) -> None:
    other = np.roll(np.array(corners), first, axis=0)[:: -1 if turned else 1]
    boxes = np.concatenate([points - 0.03, points + 0.03], axis=1).astype(np.float32)
    depths = [
        Area(tuple(map(tuple, one.tolist())), "overhead").depths(points, units_of(boxes))
        for one in (np.array(corners), other)
    ]
    np.testing.assert_allclose(depths[0], depths[1], rtol=1e-9, atol=1e-9)
    assert abs(area(np.array(corners))) == pytest.approx(abs(area(other)))


@given(stars(), points, st.floats(-0.4, 0.4), st.floats(-0.4, 0.4), st.floats(0, math.tau))
def test_shifted_and_turned_together_points_stay_where_they_were(
    corners: Corners, points: np.ndarray, right: float, down: float, angle: float
) -> None:
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    moved, other = ((one - 0.5) @ turn.T + 0.5 + (right, down) for one in (points, np.array(corners)))
    certain = np.array([one is not None for one in within_star(points, corners)])
    assert (inside(moved, sides_of(other)) == inside(points, sides_of(np.array(corners))))[certain].all()


@given(stars())
def test_corners_that_go_round_the_middle_make_a_polygon(corners: Corners) -> None:
    assert not problem_with(corners) or "next to no area" in problem_with(corners)


@pytest.mark.parametrize(
    ("corners", "problem"),
    [
        (((0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)), "its sides 1 and 3 meet"),
        (((0.2, 0.2), (0.8, 0.2), (0.5, 0.2)), "next to no area"),
        (((0.2, 0.2), (0.8, 0.2), (0.8, 0.200001)), "next to no area"),
        ((*SQUARE, (0.2, 0.2)), "named twice"),
        (((0.2, 0.2), (0.8, 0.2), (0.5, 0.2), (0.5, 0.8)), "its sides 1 and 3 meet"),
        (((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.5, 0.1), (0.1, 0.9)), "meet"),
    ],
)
def test_what_is_no_polygon_is_told(corners: Corners, problem: str) -> None:
    assert problem in problem_with(corners)


@pytest.mark.parametrize("corners", [SQUARE, DENTED, SQUARE[::-1]])
def test_what_is_one_is_not(corners: Corners) -> None:
    assert problem_with(corners) == ""


def depth(corners: Corners, x: float, y: float, size: tuple[float, float] = (0.1, 0.1)) -> float:
    [found] = Area(corners, "overhead").depths(np.array([[x, y]]), np.array([size]))
    return float(found)


def test_depth_is_counted_in_widths_along_x_and_in_heights_along_y() -> None:
    assert depth(SQUARE, 0.3, 0.5) == pytest.approx(1)
    assert depth(SQUARE, 0.1, 0.5) == pytest.approx(-1)
    assert depth(SQUARE, 0.5, 0.3, (0.1, 0.2)) == pytest.approx(0.5)


def test_a_dent_is_outside() -> None:
    assert depth(DENTED, 0.5, 0.7) < 0 < depth(DENTED, 0.3, 0.4)


def test_what_lies_along_an_edge_of_the_frame_is_no_side() -> None:
    floor = ((0.1, 0.6), (0.9, 0.6), (0.9, 1.0), (0.1, 1.0))
    assert depth(floor, 0.5, 1.0) == pytest.approx(4)
    assert depth(((0, 0), (1, 0), (1, 1), (0, 1)), 0.0, 1.0) == math.inf


def test_a_small_area_has_a_narrow_band() -> None:
    units = np.array([[0.1, 0.2], [0.01, 0.02]])
    wide, small = (
        Area(corners, "overhead").bands(units)
        for corners in (SQUARE, ((0.5, 0.5), (0.52, 0.5), (0.52, 0.52), (0.5, 0.52)))
    )
    assert wide.tolist() == [0.2, 0.2]
    assert small[0] == pytest.approx(0.4 * 2 * 0.02 * 0.02 / 0.02 / (2 * 0.2 + 2 * 0.1))
    assert small[1] == 0.2
