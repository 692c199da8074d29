"""Many scenes at once: rules that sweep say what they would have said step by step."""

import json
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Entered, Event, Intruded, JoinedQueue, Left, LeftQueue, Loitered, RuleState
from eyespot.domain.geometry import Point
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity
from eyespot.rules import Rule
from eyespot.rules.heatmap import Heatmap, HeatmapSettings
from eyespot.rules.line import Line, LineSettings
from eyespot.rules.occupancy import Occupancy, OccupancySettings
from eyespot.rules.queue import Queue, QueueSettings
from eyespot.rules.zone import Zone, ZoneSettings
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.scenes import scenes as made_scenes
from fakes.stayers import ZONE, crowd
from fakes.walkers import Faults, film

LABELS = ("person", "dog")
BERLIN = ZoneInfo("Europe/Berlin")
BEFORE_TEN = Timeline(1_767_301_190 * SECOND_NS, synced=True)  # 21:59:50 there
PLACES = {
    "with a dent": ZONE,
    "along an edge": ((0, 0.4), (1, 0.4), (1, 1), (0, 1)),
    "everywhere": ((0, 0), (1, 0), (1, 1), (0, 1)),
    "small": ((0.45, 0.45), (0.55, 0.45), (0.5, 0.6)),
}


class Sweeps(Rule, Protocol):
    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]: ...


STRAIGHT = ((0.1, 0.5), (0.6, 0.55))
BENT = ((0.1, 0.5), (0.35, 0.62), (0.5, 0.4), (0.85, 0.55))


def a_line(path: tuple[Point, ...] = STRAIGHT, **settings: object) -> Line:
    return Line(LineSettings(id="door", points=path, **settings), LABELS, "oblique")


def a_zone(place: str = "with a dent", **settings: object) -> Zone:
    given = {"loiter_s": 4.0, "armed": ("22:00-06:00",), **settings}
    return Zone(ZoneSettings(id="hall", points=PLACES[place], **given), LABELS, "oblique", BERLIN)


def a_queue(**settings: object) -> Queue:
    given = {"service": (1,), "join_s": 2.0, "pace": 1.0, **settings}
    return Queue(QueueSettings(id="till", points=ZONE, **given), LABELS, "oblique")


def an_occupancy(**settings: object) -> Occupancy:
    given = {"reset_at": ("22:00", "06:00"), "max_dwell_s": 15.0, **settings}
    return Occupancy(OccupancySettings(id="shop", lines=("door",), **given), LABELS, BERLIN)


MAKERS: dict[str, Callable[[], Sweeps]] = {
    "line": a_line,
    "bent line": lambda: a_line(BENT),
    "late line": lambda: a_line(mode="late"),
    "late bent line for persons": lambda: a_line(BENT, mode="late", classes=("person",)),
    **{f"zone {place}": lambda place=place: a_zone(place) for place in PLACES},
    "zone for persons": lambda: a_zone(classes=("person",), loiter_s={"person": 5.5}, armed=()),
    "queue": a_queue,
    "heatmap": lambda: Heatmap(HeatmapSettings(id="heat", grid=(16, 12)), LABELS, "oblique", BERLIN),
}


scenes = cache(made_scenes)
SEEDS = st.integers(0, 200)


@cache  # to make it takes longer than to look at it
def stays(seed: int, seconds: int = 45) -> list[Scene]:
    """Scenes of a crowd that stays and is badly seen; sometimes nobody looks, or all stops for a while."""
    random = np.random.default_rng(seed)
    faults = Faults(missed=0.3, jitter=0.08, flipped=0.1, doubled=0.05, false_per_frame=0.2, score=0.5)
    tracker, made, stop_s = Tracker(0.35), [], random.uniform(15, 60)
    for taken_ns, found in film(crowd(random, 12, seconds), 10, seconds, faults, seed=seed):
        if stop_s <= taken_ns / SECOND_NS <= stop_s + 8:
            continue
        seen = None if random.random() < 0.03 else found
        observation = None if seen is None else Observation(taken_ns, "m@1-abc", seen)
        made.append(Scene(taken_ns, observation, tracker.step(taken_ns, seen), BEFORE_TEN))
    return made


Told = tuple[int, list[Event], int, RuleState]  # when, what, how many were undecided by then, and the state


def stepped(rule: Sweeps, scenes: Sequence[Scene]) -> list[Told]:
    told, before = [], (rule.undecided, rule.state())
    for scene in scenes:
        events = rule.step(scene, [])
        if events or (rule.undecided, rule.state()) != before:
            told.append((scene.taken_ns, events, rule.undecided, rule.state()))
        before = rule.undecided, rule.state()
    return told


def swept(rule: Sweeps, scenes: Sequence[Scene], cuts: Sequence[int]) -> Iterator[Told]:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(scenes)), len(scenes)]
    for begin, end in pairwise(bounds):
        if begin < end:
            strip = Strip.of(scenes[begin:end], "m@1-abc")
            for step, events in rule.sweep(strip):
                yield int(strip.taken_ns[step]), events, rule.undecided, rule.state()


@pytest.mark.parametrize("kind", MAKERS)
@settings(max_examples=8)
@given(seed=SEEDS, cuts=st.lists(st.integers(0, 400), max_size=4, unique=True))
def test_however_scenes_are_cut_into_strips_a_rule_says_what_it_says_step_by_step(
    kind: str, seed: int, cuts: list[int]
) -> None:
    film = scenes(seed) if seed % 2 else stays(seed)
    one, other = MAKERS[kind](), MAKERS[kind]()
    expected = stepped(one, film)
    assert list(swept(other, film, cuts)) == expected
    assert other.state() == one.state()
    assert other.snapshot() == one.snapshot()


@settings(max_examples=8)
@given(seed=SEEDS, at=st.integers(1, 300))
def test_a_rule_that_was_restarted_says_what_it_says_step_by_step(seed: int, at: int) -> None:
    film = stays(seed)
    told, states = [], []
    for look in (stepped, lambda rule, scenes: list(swept(rule, scenes, [at // 2]))):
        before, after = a_zone(), a_zone()
        first = look(before, film[:at])
        after.restore(json.loads(json.dumps(before.snapshot())))
        told.append([first, look(after, film[at:])])
        states.append(after.state())
    assert told[0] == told[1]
    assert states[0] == states[1]
    [state, _] = states
    assert state.occupancy == {label: n - state.left[label] for label, n in state.entered.items()}


def test_the_scenes_on_which_that_is_tried_have_all_that_can_happen() -> None:
    for path in (STRAIGHT, BENT):
        told = [one for seed in range(8) for one in stepped(a_line(path), scenes(seed))]
        assert sum(len(events) for _, events, _, _ in told) > 15
        assert sum(undecided > 0 for _, _, undecided, _ in told) > 4
    events = [
        event for seed in range(5) for _, told, _, _ in stepped(a_zone(), stays(seed)) for event in told
    ]
    events += [
        event for seed in range(5) for _, told, _, _ in stepped(a_queue(), stays(seed)) for event in told
    ]
    for kind in (Entered, Left, Intruded, Loitered, JoinedQueue, LeftQueue):
        assert sum(isinstance(event, kind) for event in events) >= 10, kind
    assert sum(isinstance(event, Left) and event.lost for event in events) >= 5
    entered = {event.track for event in events if isinstance(event, Entered)}
    assert any(isinstance(event, Left) and event.track not in entered for event in events), (
        "nobody found again"
    )


def test_in_some_of_them_somebody_goes_back_or_waits_over_the_end_of_a_strip() -> None:
    at_once = [stepped(a_line(BENT), scenes(seed)) for seed in range(8)]
    late = [stepped(a_line(BENT, mode="late"), scenes(seed)) for seed in range(8)]
    number = lambda told: sum(len(events) for one in told for _, events, _, _ in one)  # noqa: E731
    assert number(late) < number(at_once)
    assert any(state.waiting > 1 for one in late for _, _, _, state in one)


Look = Callable[[Pipeline, Strip], Iterator[object]]


def messages(film: Sequence[Scene], look: Look, **more: object) -> list[object]:
    model = ModelIdentity("m@1-abc", "m", "1.0.0", None, LABELS, 0.35)
    rules = {name: MAKERS[kind]() for name, kind in (("hall", "zone for persons"), ("heat", "heatmap"))}
    rules |= {"till": a_queue(), "door": a_line(), "shop": an_occupancy(**more)}
    native = Native(Gate("eyespot/v1/shop"), "0123456789abcdef", 0)
    spans = {"hall": 10, "door": 15, "shop": 5}
    pipeline = Pipeline(model, Tracker(0.35), rules, native, spans=spans, zone=BERLIN)
    pipeline.expect_rate(10)
    told: list[object] = [*pipeline.begin({}, 0, BEFORE_TEN).messages]
    for begin in range(0, len(film), 150):
        told += look(pipeline, Strip.of(film[begin : begin + 150], "m@1-abc"))
    return [*told, *pipeline.end(film[-1].taken_ns, BEFORE_TEN).messages]


def by_steps(pipeline: Pipeline, strip: Strip) -> Iterator[object]:
    return pipeline._step_through(strip)


@pytest.mark.parametrize("seed", range(4))
def test_several_rules_and_their_buckets_are_told_as_step_by_step(seed: int) -> None:
    film, more = stays(seed, 130), {"empty_s": 10.0} if seed % 2 else {"classes": ("person",)}
    assert messages(film, Pipeline.sweep, **more) == messages(film, by_steps, **more)


def test_the_scenes_on_which_that_is_tried_have_resets_of_several_causes() -> None:
    told = [str(one) for seed in range(0, 4, 2) for one in messages(stays(seed, 130), Pipeline.sweep)]
    for cause in ("schedule", "max_dwell", "negative"):
        assert any(f'"cause":"{cause}"' in one for one in told), cause


def test_a_strip_gives_its_scenes_back() -> None:
    film = scenes(3)
    strip = Strip.of(film)
    for scene, again in zip(film, strip.scenes(), strict=True):
        assert (again.taken_ns, again.observation) == (scene.taken_ns, scene.observation)
        for column in ("ids", "classes", "boxes_xyxy_n", "scores", "seen", "confirmed"):
            np.testing.assert_array_equal(getattr(again.tracks, column), getattr(scene.tracks, column))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("count", [1, 5])
def test_scenes_in_which_nobody_is_make_a_strip_too(kind: str, count: int) -> None:
    empty = Tracker(0.5).step(0, None)
    strip = Strip.of([Scene(n * SECOND_NS, None, empty) for n in range(count)])
    assert list(MAKERS[kind]().sweep(strip)) == []
    assert len(list(strip.scenes())) == count
