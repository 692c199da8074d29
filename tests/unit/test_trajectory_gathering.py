"""Ten looks a second are kept where somebody is, and one where nobody is; never without bound."""

import numpy as np
import pytest

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation, no_detections
from eyespot.domain.track import Scene, Tracks
from eyespot.store.trajectories import gathering as of
from eyespot.store.trajectories.gathering import Gathering


def scene(second: float, somebody: int = 0, *, seen: bool = True) -> Scene:
    taken_ns = round(second * SECOND_NS)
    there = Tracks(
        ids=np.arange(somebody, dtype=np.int64),
        classes=np.zeros(somebody, np.intp),
        boxes_xyxy_n=np.zeros((somebody, 4), np.float32),
        scores=np.ones(somebody, np.float32),
        seen=np.ones(somebody, np.bool_),
        confirmed=np.ones(somebody, np.bool_),
    )
    return Scene(taken_ns, Observation(taken_ns, "m", no_detections()) if seen else None, there)


def gathered(*scenes: Scene, gathering: Gathering | None = None) -> list[float]:
    gathering = gathering or Gathering()
    gathering.open(wanted=True)
    for one in scenes:
        gathering.note(one, ("person",))
    return [look.taken_ns / SECOND_NS for look in gathering.take()[0]]


def test_thirty_looks_a_second_become_ten() -> None:
    kept = gathered(*(scene(number / 30, somebody=1) for number in range(90)))
    assert len(kept) == 30


def test_where_nobody_is_one_a_second_is_enough_and_the_first_without_anybody_is_there() -> None:
    kept = gathered(*(scene(number / 10, somebody=int(10 <= number < 13)) for number in range(40)))
    assert kept == [0.0, 1.0, 1.1, 1.2, 1.3, 2.3, 3.3]


def test_what_could_not_be_seen_is_blind() -> None:
    gathering = Gathering()
    gathering.open(wanted=True)
    gathering.note(scene(0), ("person",))
    gathering.note(scene(1, seen=False), ("person",))
    assert [(look.blind, look.model) for look in gathering.take()[0]] == [(False, "m"), (True, "m")]


def test_where_nobody_takes_them_the_oldest_give_way_and_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of, "MOST_WAITING", 10)
    gathering = Gathering()
    gathering.open(wanted=True)
    for number in range(15):
        gathering.note(scene(number), ("person",))
    looks, lost = gathering.take()
    assert ([look.taken_ns // SECOND_NS for look in looks], lost) == (list(range(5, 15)), 5)
    assert gathering.take() == ([], 0)


def test_what_is_not_wanted_any_more_is_forgotten() -> None:
    gathering = Gathering()
    gathering.note(scene(0), ("person",))
    gathering.open(wanted=True)
    gathering.note(scene(1), ("person",))
    gathering.open(wanted=False)
    gathering.note(scene(2), ("person",))
    assert gathering.take() == ([], 0)
