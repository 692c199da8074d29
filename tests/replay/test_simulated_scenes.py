"""People of eight scenes before two cameras, seen as small networks see: counts are near the truth."""

from collections import Counter

import numpy as np
import pytest

from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene as Looked
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker
from fakes.simulated.detector import LEVELS, Film, film
from fakes.simulated.scenes import SCENES
from fakes.simulated.truth import crossings
from fakes.simulated.views import Oblique, Overhead, View

SECONDS = 30.0
LABELS = ("person", "other")


def counted(seen: Film, ends: np.ndarray, view: View) -> Counter[str]:
    a, b = (tuple(end) for end in ends.tolist())
    line = Line(LineSettings(id="line", a=a, b=b, classes=("person",)), LABELS, view.mount)
    tracker = Tracker(0.35)
    directions: Counter[str] = Counter()
    for taken_ns, found in seen:
        looked = Looked(taken_ns, Observation(taken_ns, "sim", found), tracker.step(taken_ns, found))
        directions.update(event.direction for event in line.step(looked, []))
    return directions


def wrong_and_true(view: View, level: str, rate_hz: float, seed: int) -> tuple[int, int]:
    wrong = true = 0
    for scene in SCENES.values():
        ways = scene.people(np.random.default_rng([seed, 1]), SECONDS)
        seen = film(scene, ways, view, LEVELS[level], rate_hz, max(way.ends_s for way in ways), seed)
        for ends in scene.lines:
            real = Counter(crossing.direction for crossing in crossings(ways, ends))
            said = counted(seen, view.places(np.array(ends)), view)
            wrong += sum(abs(real[way] - said[way]) for way in ("in", "out"))
            true += real.total()
    return wrong, true


@pytest.mark.parametrize(
    ("view", "level", "rate_hz", "most"),
    [
        (Overhead(), "medium", 10, 0.06),
        (Overhead(), "medium", 5, 0.06),
        (Overhead(), "heavy", 10, 0.12),
        (Oblique(), "medium", 10, 0.12),  # of people abreast the camera sees the nearest alone
    ],
    ids=lambda given: getattr(given, "mount", given),
)
def test_simulated_crowds_are_counted(view: View, level: str, rate_hz: float, most: float) -> None:
    wrong, true = wrong_and_true(view, level, rate_hz, seed=50)
    print(f"{view.mount}, {level}, {rate_hz} Hz: {wrong} wrong of {true}")  # noqa: T201 - the figure
    assert wrong <= most * true
