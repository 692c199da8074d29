"""Many scenes at once: rules that sweep say what they would have said step by step."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.event import Event, LineState
from eyespot.domain.geometry import Point
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker
from fakes.scenes import scenes

LABELS = ("person", "dog")


STRAIGHT = ((0.1, 0.5), (0.6, 0.55))
BENT = ((0.1, 0.5), (0.35, 0.62), (0.5, 0.4), (0.85, 0.55))


def a_line(path: tuple[Point, ...] = STRAIGHT, **settings: object) -> Line:
    return Line(LineSettings(id="door", points=path, **settings), LABELS, "oblique")


# When, what, how many were undecided by then, and what held then.
Told = tuple[int, list[Event], int, LineState]


def stepped(line: Line, scenes: Sequence[Scene]) -> list[Told]:
    told = []
    for scene in scenes:
        before = (line.undecided, line.state())
        events = line.step(scene, [])
        if events or (line.undecided, line.state()) != before:
            told.append((scene.taken_ns, events, line.undecided, line.state()))
    return told


def swept(line: Line, scenes: Sequence[Scene], cuts: Sequence[int]) -> Iterator[Told]:
    bounds = [0, *sorted(cuts), len(scenes)]
    for begin, end in pairwise(bounds):
        if begin < end:
            strip = Strip.of(scenes[begin:end], "m@1-abc")
            for step, events in line.sweep(strip):
                yield int(strip.taken_ns[step]), events, line.undecided, line.state()


@pytest.mark.parametrize("mode", ["immediate", "late"])
@pytest.mark.parametrize("path", [STRAIGHT, BENT], ids=["straight", "bent"])
@settings(max_examples=30)
@given(st.integers(0, 2000), st.lists(st.integers(0, 300), max_size=4, unique=True), st.booleans())
def test_however_scenes_are_cut_into_strips_a_line_counts_what_it_counts_step_by_step(
    path: tuple[Point, ...], mode: str, seed: int, cuts: list[int], chooses: bool
) -> None:
    film = scenes(seed)
    classes = ("person",) if chooses else None
    one, other = (a_line(path, classes=classes, mode=mode) for _ in range(2))
    expected = stepped(one, film)
    assert list(swept(other, film, cuts)) == expected
    assert other.state() == one.state()


@pytest.mark.parametrize("path", [STRAIGHT, BENT], ids=["straight", "bent"])
def test_the_scenes_on_which_that_is_tried_have_crossings(path: tuple[Point, ...]) -> None:
    told = [one for seed in range(20) for one in stepped(a_line(path), scenes(seed))]
    assert sum(len(events) for _, events, _, _ in told) > 50
    assert sum(undecided > 0 for _, _, undecided, _ in told) > 10


def test_in_some_of_them_somebody_goes_back_or_waits_over_the_end_of_a_strip() -> None:
    at_once = [stepped(a_line(BENT), scenes(seed)) for seed in range(20)]
    late = [stepped(a_line(BENT, mode="late"), scenes(seed)) for seed in range(20)]
    number = lambda told: sum(len(events) for one in told for _, events, _, _ in one)  # noqa: E731
    assert number(late) < number(at_once)
    assert any(state.waiting > 1 for one in late for _, _, _, state in one)


def test_a_strip_gives_its_scenes_back() -> None:
    film = scenes(3)
    strip = Strip.of(film)
    for scene, again in zip(film, strip.scenes(), strict=True):
        assert (again.taken_ns, again.observation) == (scene.taken_ns, scene.observation)
        for column in ("ids", "classes", "boxes_xyxy_n", "scores", "seen", "confirmed"):
            np.testing.assert_array_equal(getattr(again.tracks, column), getattr(scene.tracks, column))


@pytest.mark.parametrize("count", [1, 5])
def test_scenes_in_which_nobody_is_make_a_strip_too(count: int) -> None:
    empty = Tracker(0.5).step(0, None)
    strip = Strip.of([Scene(n * SECOND_NS, None, empty) for n in range(count)])
    assert list(a_line().sweep(strip)) == []
    assert len(list(strip.scenes())) == count
