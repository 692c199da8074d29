"""Zones over the real tracker, in simulated scenes: alarms come where they should, and nowhere else."""

import json
from collections import Counter

import numpy as np
import pytest

from eyespot.domain.event import Intruded, Loitered
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity
from eyespot.rules.zone import Zone, ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.stayers import ZONE, Stayer, crowd, inside, matches
from fakes.walkers import Faults, film

_SECONDS = 180
_LOITER_S = 10.0
_ARMED_S = 60.0
MIDNIGHT = Timeline(1_767_225_600 * SECOND_NS, synced=True)
SETTINGS = ZoneSettings(id="yard", points=ZONE, loiter_s=_LOITER_S, armed=("00:01-02:00",))
LIGHT = Faults(missed=0.05, jitter=0.02)
MEDIUM = Faults(missed=0.2, doubled=0.05, flipped=0.01, jitter=0.04, false_per_frame=0.05)


def judged(seed: int, rate_hz: float, faults: Faults) -> Counter[str]:
    """Return right, said and true alarms of one scene."""
    people = crowd(np.random.default_rng(seed), 6, _SECONDS - 70)
    stays = [stay for one in people for stay in inside(one, np.array(ZONE))]
    zone, tracker = Zone(SETTINGS, ("person", "dog"), "overhead"), Tracker(0.35)
    said: dict[type, list[float]] = {Intruded: [], Loitered: []}
    for taken_ns, found in film(people, rate_hz, _SECONDS, faults, seed):
        tracks = tracker.step(taken_ns, found)
        for event in zone.step(Scene(taken_ns, Observation(taken_ns, "m", found), tracks, MIDNIGHT), []):
            said.get(type(event), []).append(event.taken_ns / SECOND_NS)
    true = {
        Loitered: [begin + _LOITER_S for begin, end in stays if end - begin >= _LOITER_S],
        Intruded: [max(begin, _ARMED_S) for begin, end in stays if end >= _ARMED_S],
    }
    result = Counter[str]()
    for kind, times in said.items():
        result[f"{kind.__name__} right"] += matches(times, true[kind])
        result[f"{kind.__name__} said or true"] += len(times) + len(true[kind])
    return result


@pytest.mark.parametrize("rate_hz", [5, 10])
def test_who_intrudes_and_who_loiters_is_told_of_and_hardly_anybody_else(rate_hz: float) -> None:
    total = sum((judged(seed, rate_hz, MEDIUM) for seed in range(100, 106)), Counter[str]())
    for name in ("Intruded", "Loitered"):
        f1 = 2 * total[f"{name} right"] / total[f"{name} said or true"]
        assert f1 >= 0.95, (name, f1, total)


MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person", "dog"), 0.35)
COMES_AND_STAYS = Stayer(((1.0, 0.05, 0.5), (5.0, 0.5, 0.5), (20.0, 0.52, 0.5), (24.0, 0.95, 0.5)))


def a_life(seq: int) -> Pipeline:
    native = Native(Gate("eyespot/v1/yard"), "0123456789abcdef", seq)
    return Pipeline(MODEL, Tracker(0.35), {"yard": Zone(SETTINGS, MODEL.labels, "overhead")}, native)


@pytest.mark.parametrize("dies_at_s", np.arange(0.5, 26, 2.5).tolist())
@pytest.mark.parametrize("away_s", [0.5, 4.0])
def test_whenever_the_process_dies_one_who_comes_and_goes_has_entered_and_left_once(
    dies_at_s: float, away_s: float
) -> None:
    kept: dict[str, bytes] = {}
    life, told = a_life(0), []
    life.begin({}, 0, MIDNIGHT)
    for taken_ns, found in film([COMES_AND_STAYS], 10, 100, LIGHT, seed=5):
        if dies_at_s <= taken_ns / SECOND_NS < dies_at_s + away_s:
            life = None
            continue
        if life is None:
            life = a_life(len(told))
            life.begin(kept, taken_ns, MIDNIGHT)
        handover = life.step(taken_ns, Observation(taken_ns, MODEL.bundle, found), MIDNIGHT)
        kept |= handover.snapshots
        told += [json.loads(message.payload) for message in handover.messages]
    kinds = [one["kind"] for one in told if one["kind"] in {"entered", "left"}]
    assert kinds == ["entered", "left"]
    assert told[-1]["occupancy"] == {"person": 0}
