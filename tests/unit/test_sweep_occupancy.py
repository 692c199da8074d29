"""An occupancy that passes over scenes says what it says scene by scene, whoever is in view, or nobody."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Crossed, Event, LineState, Reset, RuleState
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, Sight, no_detections
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene, Tracks
from eyespot.pipeline.sweeping import told_of
from eyespot.rules.occupancy import Occupancy, OccupancySettings

LABELS = ("person", "dog", "person")  # two indexes of one name
BERLIN = ZoneInfo("Europe/Berlin")
NOON = Timeline(1_782_900_000 * SECOND_NS, synced=True)


class Look(NamedTuple):
    """What is seen, so many tenths of a second after the look before; less than none: instants go back."""

    gap: int
    sight: Sight | None
    in_view: tuple[int, ...]
    ways: tuple[str, ...]


LOOKS = st.lists(
    st.builds(
        Look,
        st.integers(-3, 40),
        st.sampled_from(["clear", "clear", "clear", "dark", None]),
        st.one_of(st.just(()), st.lists(st.integers(0, 2), max_size=3).map(tuple)),
        st.one_of(st.just(()), st.lists(st.sampled_from(["in", "out", "dog"]), max_size=2).map(tuple)),
    ),
    min_size=1,
    max_size=120,
)


class Doors:
    """A rule that says what it is told to."""

    undecided = 0
    place = ""

    def __init__(self, events: Sequence[Sequence[Event]]) -> None:
        self._events = iter(events)

    def state(self) -> RuleState:
        return LineState({})

    def sweep(self, strip: Strip) -> Iterator[tuple[int, list[Event]]]:
        for step, events in zip(range(len(strip)), self._events, strict=False):
            if events:
                yield step, list(events)


def film(looks: Sequence[Look]) -> tuple[list[Scene], list[list[Event]]]:
    scenes, events, taken_ns = [], [], 10 * SECOND_NS
    for look in looks:
        taken_ns += look.gap * SECOND_NS // 10
        count = len(look.in_view)
        tracks = Tracks(
            ids=np.arange(count),
            classes=np.array(look.in_view, np.intp),
            boxes_xyxy_n=np.zeros((count, 4), np.float32),
            scores=np.ones(count, np.float32),
            seen=np.ones(count, np.bool_),
            confirmed=np.ones(count, np.bool_),
        )
        seen = None if look.sight is None else Observation(taken_ns, "m", no_detections(), look.sight)
        scenes.append(Scene(taken_ns, seen, tracks, NOON))
        ways = [("in", "dog") if way == "dog" else (way, "person") for way in look.ways]
        events.append([Crossed("door", taken_ns, way, label, 1, "m") for way, label in ways])
    return scenes, events


def an_occupancy(**more: object) -> Occupancy:
    given = {"id": "shop", "lines": ("door",), "empty_s": 10.0, **more}
    return Occupancy(OccupancySettings(**given), LABELS, BERLIN)


def by_steps(rule: Occupancy, scenes: Sequence[Scene], events: Sequence[list[Event]]) -> list[Event]:
    return [event for scene, before in zip(scenes, events, strict=True) for event in rule.step(scene, before)]


def by_strips(
    rule: Occupancy, scenes: Sequence[Scene], events: Sequence[list[Event]], cuts: Sequence[int]
) -> Iterator[Event]:
    bounds = [0, *sorted(cut for cut in cuts if cut < len(scenes)), len(scenes)]
    doors = Doors(events)
    for begin, end in pairwise(bounds):
        for _, told in told_of(Strip.of(scenes[begin:end], "m"), [doors, rule]):
            yield from (event for one in told if one.order == 1 for event in one.events)


@settings(max_examples=200)
@given(
    looks=LOOKS,
    cuts=st.lists(st.integers(1, 100), max_size=3, unique=True),
    stay_s=st.sampled_from([None, 60]),
)
def test_it_says_what_it_says_step_by_step(looks: list[Look], cuts: list[int], stay_s: int | None) -> None:
    scenes, events = film(looks)
    one, other = an_occupancy(max_dwell_s=stay_s), an_occupancy(max_dwell_s=stay_s)
    assert list(by_strips(other, scenes, events, cuts)) == by_steps(one, scenes, events)
    assert (other.state(), other.snapshot()) == (one.state(), one.snapshot())


def test_with_nobody_in_view_it_looks_at_hardly_any_scene_and_begins_anew_in_time() -> None:
    alone = [Look(1, "clear", (), ()) for _ in range(300)]
    scenes, events = film([Look(0, "clear", (), ("in",)), *alone])
    rule = an_occupancy()
    strip = Strip.of(scenes, "m")
    steps = [(step, one.events) for step, told in told_of(strip, [Doors(events), rule]) for one in told[-1:]]
    assert [step for step, _ in steps] == [0, 100]
    [reset] = steps[1][1]
    assert isinstance(reset, Reset)
    assert reset.cause == "empty"
