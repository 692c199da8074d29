"""The rendered scene: what is drawn is where it is said to be, and what is said to cross crosses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eyespot.domain.boxes import iou_matrix
from eyespot.domain.geometry import Mount, Point, along, anchors, rightward
from eyespot.host.clock import ManualClock
from eyespot.sources.scene import SceneSource
from eyespot.sources.scene_art import Stage, resampled
from eyespot.sources.scene_world import World

MIDDLE: tuple[Point, Point] = ((0.5, 0.0), (0.5, 1.0))


def test_the_same_seed_gives_the_same_pictures() -> None:
    one, same, other = (Stage(World(seed), 160, 120).draw(12.3) for seed in (4, 4, 5))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_the_background_changes_with_time() -> None:
    stage = Stage(World(1), 80, 60)
    assert not np.array_equal(stage._backdrop(0), stage._backdrop(1))


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_what_is_drawn_fills_the_true_boxes_from_edge_to_edge_and_nothing_else(seed: int) -> None:
    world = World(seed)
    stage = Stage(world, 320, 240)
    compared = 0
    for time_s in np.arange(1, 29, 1.7):
        changed = np.abs(stage.draw(time_s).astype(int) - stage._backdrop(0)).max(axis=2)
        walkers = world.boxes(time_s)
        boxes = np.array([box for _, box in walkers]) * [320, 240, 320, 240]
        overlaps = (iou_matrix(boxes, boxes) > 0).sum(axis=1)
        for (walker, box), (x0, y0, x1, y1), others in zip(walkers, boxes, overlaps, strict=True):
            window = np.s_[max(int(y0) - 2, 0) : int(y1) + 3, max(int(x0) - 2, 0) : int(x1) + 3]
            if others == 1 and np.allclose(box[2:] - box[:2], walker.size_n, atol=1e-5):
                rows, columns = np.nonzero(changed[window] > 12)
                size = (np.ptp(columns) + 1, np.ptp(rows) + 1)
                assert size == pytest.approx((x1 - x0, y1 - y0), abs=3)
                compared += 1
        for x0, y0, x1, y1 in boxes:
            changed[max(int(y0) - 1, 0) : int(y1) + 2, max(int(x0) - 1, 0) : int(x1) + 2] = 0
        assert not changed.any()
    assert compared > 5


@pytest.mark.parametrize("seed", range(20))
def test_somebody_crosses_the_middle_soon_and_in_both_directions(seed: int) -> None:
    crossings = [one for one in World(seed).crossings(*MIDDLE, "oblique", 60) if one.label == "person"]
    assert crossings[0].time_s < 11
    assert {one.direction for one in crossings} == {"in", "out"}


def test_people_cross_the_horizontal_middle_both_ways() -> None:
    crossings = World(0).crossings((0.0, 0.5), (1.0, 0.5), "oblique", 120)
    assert {one.direction for one in crossings if one.label == "person"} == {"in", "out"}


points = st.tuples(st.floats(0.1, 0.9), st.floats(0.1, 0.9))


@settings(max_examples=15)
@given(seed=st.integers(0, 99), a=points, b=points, mount=st.sampled_from(["oblique", "overhead"]))
def test_crossings_are_those_that_looking_closely_finds(seed: int, a: Point, b: Point, mount: Mount) -> None:
    if np.hypot(b[0] - a[0], b[1] - a[1]) < 0.05:
        return
    world = World(seed)
    told = [(one.walker, one.direction) for one in world.crossings(a, b, mount, 20)]
    seen, unsure = _looked_at_closely(world, np.array([a, b]), mount, 20)
    assert [one for one in sorted(told) if one[0] not in unsure] == [
        one for one in sorted(seen) if one[0] not in unsure
    ]


def _looked_at_closely(
    world: World, ends: np.ndarray, mount: Mount, until_s: float
) -> tuple[list[tuple[int, str]], set[int]]:
    """Return walker and direction of each change of side, and walkers that pass an end too closely to say."""
    seen, unsure, sides = [], set(), {}
    for time_s in np.arange(0, until_s, 0.01):
        for walker, box in world.boxes(time_s):
            point = anchors(box[None], mount).astype(float)
            right = rightward(point, ends)[0] >= 0
            if sides.get(walker.number, right) != right:
                place = along(point, ends)[0]
                if min(abs(place), abs(place - 1)) < 0.05:
                    unsure.add(walker.number)
                elif 0 < place < 1:
                    seen.append((walker.number, "in" if right else "out"))
            sides[walker.number] = right
    return seen, unsure


def test_resampling_keeps_a_flat_picture_flat() -> None:
    flat = np.full((7, 5, 3), 42.0)
    for size in ((3, 2), (20, 31), (7, 5)):
        assert np.allclose(resampled(flat, *size), 42)


def test_a_late_caller_gets_the_newest_frame_that_is_due() -> None:
    clock = ManualClock(5)
    source = SceneSource(0, 10, "real", clock)
    source.open(40, 30, "stretch")
    first = source.take(1)
    clock.sleep(0.95)
    late = source.take(1)
    assert first is not None
    assert late is not None
    assert (first.taken_ns, late.taken_ns) == (5, 5 + 9 * 10**8)


@pytest.mark.parametrize(
    ("resize", "shape"), [("stretch", (300, 300)), ("letterbox", (225, 300)), ("crop", (300, 400))]
)
def test_frames_are_rendered_for_the_model(resize: str, shape: tuple[int, int]) -> None:
    source = SceneSource(0, 10, "fast", ManualClock())
    view = source.open(300, 300, resize)
    frame = source.take(0)
    assert frame is not None
    assert frame.pixels.shape == (*shape, 3)
    assert (view.width, view.height) == (640, 480)
