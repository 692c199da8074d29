"""Lines of several pieces: which side a point is on, how far away, and where a path meets them."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eyespot.domain.geometry import along, rightward
from eyespot.domain.polyline import Polyline, problem_with

CORNER = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8))  # to the right, then down: the lower left is to its right
PLACES = st.tuples(st.floats(0, 1), st.floats(0, 1))
UNIT = np.array([[1.0, 1.0]])


def distance(line: Polyline, point: tuple[float, float], unit: tuple[float, float] = (1, 1)) -> float:
    return float(line.places(np.array([point]), np.array([unit], np.float64)).distances[0])


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        ((0.5, 0.3), 0.1),
        ((0.5, 0.1), -0.1),
        ((0.7, 0.5), 0.1),
        ((0.9, 0.5), -0.1),
        ((0.86, 0.12), -0.1),  # beyond the corner
        ((0.75, 0.22), 0.02),  # within it
        ((0.0, 0.3), 0.1),  # beside what the first piece would be if it went on
        ((0.9, 1.0), -0.1),
    ],
)
def test_the_nearest_piece_tells_side_and_distance(point: tuple[float, float], expected: float) -> None:
    assert distance(Polyline(CORNER), point) == pytest.approx(expected)


def test_distances_are_in_the_units_of_each_point() -> None:
    assert distance(Polyline(((0.1, 0.5), (0.9, 0.5))), (0.5, 0.6), (0.02, 0.2)) == pytest.approx(0.5)


def test_a_path_that_cuts_a_corner_off_meets_the_line_twice_and_the_last_time_counts() -> None:
    meetings = Polyline(CORNER).meetings(np.array([[0.6, 0.1]]), np.array([[0.9, 0.5]]), UNIT)
    assert meetings.met.tolist() == [True]
    assert meetings.shares[0] == pytest.approx(2 / 3)
    assert meetings.beyond[0] == 0


def test_beyond_the_ends_a_path_meets_the_line_as_far_away_as_it_is() -> None:
    meetings = Polyline(CORNER).meetings(np.array([[0.1, 0.1]]), np.array([[0.1, 0.3]]), UNIT / 10)
    assert meetings.met.tolist() == [True]
    assert meetings.beyond[0] == pytest.approx(1.0)


def test_from_nowhere_nothing_is_met() -> None:
    meetings = Polyline(CORNER).meetings(np.full((1, 2), np.nan), np.array([[0.9, 0.5]]), UNIT)
    assert not meetings.met.any()


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (((0.1, 0.1), (0.1, 0.1)), "two points in a row are the same"),
        (((0.1, 0.1), (0.5, 0.5), (0.5, 0.5)), "two points in a row are the same"),
        (((0.1, 0.1), (0.9, 0.9), (0.9, 0.1), (0.1, 0.9)), "pieces 1 and 3 meet"),
        (((0.1, 0.1), (0.9, 0.1), (0.5, 0.1)), "pieces 1 and 2 meet"),
        (((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.1)), "pieces 1 and 3 meet"),
    ],
)
def test_what_makes_no_line_is_told(points: tuple[tuple[float, float], ...], words: str) -> None:
    assert words in problem_with(points)


def test_zigzags_and_open_rings_are_lines() -> None:
    assert not problem_with(((0.1, 0.1), (0.3, 0.9), (0.5, 0.1), (0.7, 0.9)))
    assert not problem_with(((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.2)))


@given(PLACES, PLACES, PLACES, PLACES)
def test_a_line_of_one_piece_is_a_straight_line(
    a: tuple[float, float], b: tuple[float, float], start: tuple[float, float], end: tuple[float, float]
) -> None:
    assume(math.dist(a, b) > 0.01)
    ends, points = np.array([a, b]), np.array([start, end])
    offsets = rightward(points, ends) / math.dist(a, b)
    line = Polyline((a, b))
    assert line.places(points, np.ones((2, 2))).distances == pytest.approx(offsets, abs=1e-9)
    meetings = line.meetings(points[:1], points[1:], UNIT)
    assert meetings.met[0] == ((offsets[0] < 0) != (offsets[1] < 0))
    if meetings.met[0]:
        met = points[0] + meetings.shares[0] * (points[1] - points[0])
        beyond = max(abs(along(met[None], ends)[0] - 0.5) - 0.5, 0) * math.dist(a, b)
        assert meetings.beyond[0] == pytest.approx(beyond, abs=1e-9)


GRID = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda cell: (cell[0] / 20, cell[1] / 20))


@given(st.lists(GRID, min_size=3, max_size=6, unique=True).map(tuple), PLACES, PLACES)
def test_who_is_on_another_side_than_before_has_met_the_line(
    points: tuple[tuple[float, float], ...], start: tuple[float, float], end: tuple[float, float]
) -> None:
    assume(not problem_with(points) and _opens(points))
    line = Polyline(points)
    both = np.array([start, end])
    distances = line.places(both, np.ones((2, 2))).distances
    assume((np.abs(distances) > 1e-3).all())
    if distances[0] * distances[1] < 0:
        assert line.meetings(both[:1], both[1:], UNIT).met[0]


def _opens(points: tuple[tuple[float, float], ...]) -> bool:
    """Whether neither end, if it went on, would come back to the line: only then are there two sides."""
    first, second, last_but_one, last = (np.array(points[place]) for place in (0, 1, -2, -1))
    far = first + 10 * (first - second), last + 10 * (last - last_but_one)
    longer = (tuple(far[0].tolist()), *points[1:-1], tuple(far[1].tolist()))
    return not problem_with(longer)
