"""A queue over the real tracker, in simulated scenes: those who wait are told from those who pass."""

import numpy as np
import pytest

from eyespot.domain.event import LeftQueue
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.rules.queue import Queue, QueueSettings
from eyespot.tracking.tracker import Tracker
from fakes.stayers import Stayer
from fakes.walkers import Faults, film

PLACE = ((0.1, 0.35), (0.9, 0.35), (0.9, 0.65), (0.1, 0.65))  # the till is at the right: side 2
SETTINGS = QueueSettings(id="till", points=PLACE, service=(2,), classes=("person",))
MEDIUM = Faults(missed=0.2, doubled=0.05, jitter=0.04, false_per_frame=0.05)
_STEP = 0.1  # from one who waits to the next
_SERVED_EVERY_S = 12.0
_FIRST = 0.82
_SPEED = 0.15
_SIZE = (0.05, 0.2)


def line_of(number: int, random: np.random.Generator) -> tuple[list[Stayer], list[float]]:
    """Return some who come, move up whenever the first is served, and go; and how long each waits."""
    people, waits = [], []
    for index in range(number):
        served_s = 20 + _SERVED_EVERY_S * (index + 1)
        before = min(index, 4)
        comes_s = served_s - _SERVED_EVERY_S * (before + 1) + random.uniform(0, 5)
        place = _FIRST - _STEP * before
        stops = [(comes_s, 0.02, 0.5), (comes_s + (place - 0.02) / _SPEED, place, 0.5)]
        for left in range(before, 0, -1):
            at_s, place = max(served_s - _SERVED_EVERY_S * left + 1, stops[-1][0]), _FIRST - _STEP * left
            stops += [(at_s, place, 0.5), (at_s + 1, place + _STEP, 0.5)]
        stops += [(served_s, _FIRST, 0.5), (served_s + 1, 0.98, 0.5)]
        people.append(Stayer(tuple(stops), size=_SIZE))
        waits.append(served_s + 0.5 - (comes_s + 0.08 / _SPEED))
    return people, waits


def passers(number: int, random: np.random.Generator) -> list[Stayer]:
    """Some who walk through, at the pace of people."""
    starts = random.uniform(0, 120, number)
    return [Stayer(((float(s), 0.3, 0.98), (float(s) + 5, 0.4, 0.05)), size=_SIZE) for s in starts]


@pytest.mark.parametrize("rate_hz", [5, 10])
def test_of_a_moving_queue_as_many_are_served_as_were_after_as_long_as_they_waited(rate_hz: float) -> None:
    served, true_waits, waits = 0, [], []
    for seed in range(4):
        random = np.random.default_rng(seed)
        people, expected = line_of(8, random)
        true_waits += expected
        queue, tracker = Queue(SETTINGS, ("person", "dog"), "overhead"), Tracker(0.35)
        for taken_ns, found in film([*people, *passers(3, random)], rate_hz, 130, MEDIUM, seed):
            tracks = tracker.step(taken_ns, found)
            events = queue.step(Scene(taken_ns, Observation(taken_ns, "m", found), tracks), [])
            waits += [e.dwell_s for e in events if isinstance(e, LeftQueue) and e.outcome == "served"]
        served += queue.state().served["person"]
        assert sum(queue.state().length.values()) == 0
    assert served == pytest.approx(len(true_waits), rel=0.1)
    assert np.mean(waits) == pytest.approx(np.mean(true_waits), rel=0.1)
