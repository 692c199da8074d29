"""The simulator: what really happened is known, and what goes wrong is what was asked for."""

import numpy as np
import pytest

from fakes.simulated.detector import LEVELS, OTHER, Noise, film
from fakes.simulated.scenes import SCENES, Scene
from fakes.simulated.truth import crossings, inside
from fakes.simulated.views import Oblique, Overhead, View
from fakes.simulated.ways import Stop, Way, walk

MIDDLE = ((4.0, 6.0), (4.0, 0.0))  # from the bottom up: to the right is in
EMPTY = SCENES["corridor"]
VIEWS = (Overhead(), Oblique())


def way(*stops: tuple[float, float]) -> Way:
    return walk([Stop(*stop) for stop in stops], 0, 1.0, np.random.default_rng(1))


@pytest.mark.parametrize(
    ("stops", "expected"),
    [
        ([(2, 3), (6, 3)], [(2.0, "in")]),
        ([(6, 3), (2, 3)], [(2.0, "out")]),
        ([(2, 3), (5, 3), (2, 3)], [(2.0, "in"), (4.0, "out")]),
        ([(2, 3), (4.1, 3), (2, 3)], []),  # not over with all of the body
        ([(4.1, 1), (4, 5)], []),  # along the line
        ([(2, 7), (6, 7)], []),  # past its end
    ],
)
def test_who_went_over_a_line_when_and_which_way(
    stops: list[tuple[float, float]], expected: list[tuple[float, str]]
) -> None:
    found = crossings([way(*stops)], MIDDLE)
    assert [crossing.direction for crossing in found] == [direction for _, direction in expected]
    assert [c.seconds for c in found] == pytest.approx([seconds for seconds, _ in expected], abs=0.15)


def test_who_is_in_a_zone() -> None:
    zone = ((3.0, 2.0), (5.0, 2.0), (5.0, 4.0), (3.0, 4.0))
    ways = [way((2, 3), (6, 3)), way((2, 5), (6, 5))]
    assert inside(ways, zone, np.array([0.5, 2.0, 3.5, 99.0])).tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.mount)
def test_the_point_that_counts_is_where_somebody_stands(view: View) -> None:
    points = np.array([[2.0, 1.0], [5.0, 5.0]])
    boxes = view.boxes(points, np.ones(2))
    low = boxes[:, 3] if view.mount == "oblique" else (boxes[:, 1] + boxes[:, 3]) / 2
    assert np.stack([(boxes[:, 0] + boxes[:, 2]) / 2, low], axis=1) == pytest.approx(view.places(points))


def looks(noise: Noise, rate_hz: float = 10, seed: int = 1) -> list[int]:
    """How many detections there are in each frame of people who stand apart."""
    ways = [Way(0, np.full((20_000, 2), (x, 3.0))) for x in (2.0, 4.0, 6.0)]
    return [len(found.scores) for _, found in film(EMPTY, ways, Overhead(), noise, rate_hz, 400, seed)]


def test_without_noise_everybody_is_found_in_each_frame() -> None:
    assert looks(Noise()) == [3] * 4000


@pytest.mark.parametrize("rate_hz", [5, 30])
def test_of_those_who_are_missed_half_are_still_there_with_a_low_score(rate_hz: float) -> None:
    found = np.mean(looks(Noise(missed=0.4, missed_run_s=0.3), rate_hz))
    assert found == pytest.approx(3 * 0.8, abs=0.15)


def test_misses_come_in_runs() -> None:
    missed = np.array(looks(Noise(missed=0.4, missed_run_s=0.5))) < 3
    together = (missed[1:] & missed[:-1]).mean() / missed.mean() ** 2
    assert together > 1.1


def test_ghosts_and_doubles_come_on_top() -> None:
    assert np.mean(looks(Noise(doubled=0.1))) == pytest.approx(3.3, abs=0.1)
    assert np.mean(looks(Noise(ghosts=1.0))) > 3.1


def test_classes_flip_as_often_as_asked_for() -> None:
    ways = [Way(0, np.full((20_000, 2), (4.0, 3.0)))]
    frames = film(EMPTY, ways, Overhead(), Noise(flipped=0.1), 10, 400, 1)
    assert np.mean([(found.classes == OTHER).mean() for _, found in frames]) == pytest.approx(0.1, abs=0.04)


def test_behind_a_pillar_nearly_nobody_is_found() -> None:
    scene = Scene("pillar", (), lambda random, seconds: [], pillar=(3.5, 2.5, 4.5, 3.5))
    frames = film(scene, [Way(0, np.full((5000, 2), (4.0, 3.0)))], Overhead(), Noise(), 10, 100, 1)
    assert np.mean([len(found.scores) for _, found in frames]) < 0.2


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.mount)
@pytest.mark.parametrize("name", SCENES)
def test_the_same_seed_makes_the_same_film_and_another_one_another(name: str, view: View) -> None:
    scene = SCENES[name]
    ways = [scene.people(np.random.default_rng(seed), 20.0) for seed in (1, 1, 2)]
    first, second, third = (film(scene, each, view, LEVELS["medium"], 10, 20, 1) for each in ways)
    assert all(
        np.array_equal(a.boxes_xyxy_n, b.boxes_xyxy_n) for (_, a), (_, b) in zip(first, second, strict=True)
    )
    assert [len(found.scores) for _, found in first] != [len(found.scores) for _, found in third]
    assert all(np.diff([taken_ns for taken_ns, _ in first]) > 0)
