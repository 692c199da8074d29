"""Tracker and line together, in the cases in which counters are known to go wrong."""

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.track import Scene
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Faults, Walker, detections, film

LABELS = ("person", "dog")
SIZE = (0.06, 0.2)
Looks = Iterator[tuple[int, Detections]]
Row = tuple[float, float, float, float, float, int]


def count(
    looks: Looks, a: tuple[float, float] = (0.5, 1), b: tuple[float, float] = (0.5, 0)
) -> tuple[int, int]:
    """From the bottom up, so that to the right is in."""
    tracker = Tracker(0.35)
    line = Line(LineSettings(id="line", a=a, b=b, classes=("person",)), LABELS, "overhead")
    for taken_ns, found in looks:
        line.step(Scene(taken_ns, Observation(taken_ns, "m", found), tracker.step(taken_ns, found)), [])
    totals = line.state().counts["person"]
    return totals["in"], totals["out"]


def one(
    x_at: Callable[[float], float], seconds: float, rate_hz: float = 10, missed: Sequence[int] = ()
) -> Looks:
    """Somebody whose x goes by the time; in looks of these numbers he is missed."""
    for number in range(int(seconds * rate_hz)):
        rows: list[Row] = [(x_at(number / rate_hz), 0.5, *SIZE, 0.6, 0)] if number not in missed else []
        yield int(number * SECOND_NS / rate_hz), detections(*rows)


def across(seconds: float) -> float:
    return 0.2 + 0.1 * seconds  # at the line after three seconds


@pytest.mark.parametrize("misses", [2, 5, 10])
def test_so_many_looks_in_a_row_that_miss_him_at_the_line(misses: int) -> None:
    first = 30 - misses // 2
    assert count(one(across, 6, missed=range(first, first + misses))) == (1, 0)


@pytest.mark.parametrize("rate_hz", [5, 10, 30, 60])
def test_who_stands_on_the_line_for_ten_minutes_adds_nothing(rate_hz: float) -> None:
    random = np.random.default_rng(1)
    seconds = 600 if rate_hz <= 10 else 60
    assert count(one(lambda _: 0.5 + random.normal(0, 0.05) * SIZE[0], seconds, rate_hz)) == (0, 0)


def test_first_seen_on_the_line_and_gone_to_one_side_adds_nothing() -> None:
    assert count(one(lambda seconds: 0.5 + 0.1 * seconds, 4)) == (0, 0)


def test_a_turn_within_the_band_adds_nothing_and_one_beyond_it_once_each_way() -> None:
    def turn(reach: float) -> tuple[int, int]:
        return count(one(lambda seconds: reach - abs(0.1 * (seconds - 3)), 6))

    assert turn(0.5 + 0.1 * SIZE[0]) == (0, 0)
    assert turn(0.5 + 1.0 * SIZE[0]) == (1, 1)


def test_at_five_looks_a_second_somebody_may_jump_over_the_band() -> None:
    assert count(one(lambda seconds: 0.05 + 0.23 * seconds, 4, rate_hz=5)) == (1, 0)


@pytest.mark.parametrize("rate_hz", [5, 10, 30])
def test_two_who_meet_at_the_line_are_one_each_way(rate_hz: float) -> None:
    ways = [Walker((0.1, 0.45), (0.9, 0.45), 0, 8), Walker((0.9, 0.6), (0.1, 0.6), 0, 8)]
    assert count(film(ways, rate_hz, 8, Faults(jitter=0.04))) == (1, 1)


def test_boxes_that_come_twice_count_once() -> None:
    assert count(film([Walker((0.1, 0.5), (0.9, 0.5), 0, 8)], 10, 8, Faults(doubled=0.6, jitter=0.04))) == (
        1,
        0,
    )


def test_boxes_whose_size_flickers_by_a_fifth_count_once() -> None:
    random = np.random.default_rng(4)

    def looks() -> Looks:
        for number in range(60):
            width, height = random.uniform(0.8, 1.2, 2) * SIZE
            yield number * SECOND_NS // 10, detections((across(number / 10), 0.5, width, height, 0.6, 0))

    assert count(looks()) == (1, 0)


def test_a_class_that_flips_at_the_line_changes_nothing() -> None:
    def looks() -> Looks:
        for number in range(60):
            kind = int(27 <= number <= 32)
            yield number * SECOND_NS // 10, detections((across(number / 10), 0.5, *SIZE, 0.6, kind))

    assert count(looks()) == (1, 0)


def test_confirmed_just_after_the_line_counts() -> None:
    assert count(one(lambda seconds: 0.46 + 0.2 * seconds, 2)) == (1, 0)


def test_a_gap_of_ten_seconds_ends_everything_and_nobody_is_made_up() -> None:
    looks = [look for look in one(across, 6) if not 2 * SECOND_NS < look[0] < 4 * SECOND_NS]
    later = [(at + (10 * SECOND_NS if at >= 4 * SECOND_NS else 0), found) for at, found in looks]
    assert count(iter(later)) == (0, 0)


def test_instants_that_are_named_twice_or_go_back_for_once_change_nothing() -> None:
    looks = [
        (at - (STEP if number % 7 == 3 else 0), found) for number, (at, found) in enumerate(one(across, 6))
    ]
    assert count(iter(looks)) == (1, 0)


STEP = SECOND_NS // 5


@pytest.mark.parametrize("eighth", range(8))
def test_in_all_directions_and_with_ends_changed_over(eighth: int) -> None:
    angle = eighth * math.pi / 4
    way = np.array([math.cos(angle), math.sin(angle)]) * 0.35
    side = np.array([way[1], -way[0]])  # to the left of the way, as y points down
    walker = Walker(tuple(0.5 - way), tuple(0.5 + way), 0, 6, (0.1, 0.1))
    near, far = tuple((0.5 - side).tolist()), tuple((0.5 + side).tolist())
    assert count(film([walker], 10, 6), a=near, b=far) == (1, 0)
    assert count(film([walker], 10, 6), a=far, b=near) == (0, 1)


def test_a_line_near_the_edge_counts_who_is_seen_on_both_sides() -> None:
    assert count(film([Walker((0.5, 0.5), (0.99, 0.5), 0, 5)], 10, 5), a=(0.94, 1), b=(0.94, 0)) == (1, 0)


def test_after_another_id_at_the_line_nobody_is_counted_twice() -> None:
    looks = [
        *one(across, 2.9),
        *((at + 5 * SECOND_NS, found) for at, found in one(lambda s: 0.51 + 0.1 * s, 3)),
    ]
    assert count(iter(looks)) in {(0, 0), (1, 0)}
