"""What a golden vector takes for the same, and what not."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.observation import Detections, Found, Labels, Poses, Shares, no_detections
from eyespot.trust.golden import Golden, Vector, Wanted, as_wanted, difference

LABELS = ("person", "box")
BOX = (0.1, 0.2, 0.5, 0.6)


def golden(*wanted: list[Wanted], tolerance: float = 0.05, least_iou: float = 0.8) -> Golden:
    vectors = [
        Vector(picture=f"golden/{place}.npy", detections=tuple(one)) for place, one in enumerate(wanted)
    ]
    told = {"score_tolerance": tolerance, "least_iou": least_iou, "vectors": vectors}
    return msgspec.convert(msgspec.to_builtins(told), Golden)


def want(name: str = "person", score: float = 0.7, box: Any = BOX) -> Wanted:
    return Wanted(class_name=name, score=score, box=box)


def found(*things: tuple[str, float, Any]) -> Detections:
    boxes = np.array([box for _, _, box in things], np.float32).reshape(-1, 4)
    scores = np.array([score for _, score, _ in things], np.float32)
    return Detections(boxes, scores, np.array([LABELS.index(name) for name, _, _ in things], np.intp))


GOLDEN = golden([want()], [])


@pytest.mark.parametrize(
    ("seen", "says"),
    [
        (found(("person", 0.7, BOX)), ""),
        (found(("person", 0.75, BOX)), ""),
        (found(("person", 0.66, (0.1, 0.2, 0.5, 0.62))), ""),
        (found(("box", 0.54, (0, 0, 1, 1)), ("person", 0.7, BOX)), ""),  # too close to the threshold to tell
        (found(("person", 0.76, BOX)), "a person of 0.760, where a person of 0.700 should be"),
        (
            found(("person", 0.7, (0.5, 0.2, 0.9, 0.6))),
            "a person elsewhere, where",
        ),
        (found(("box", 0.7, BOX)), "a box of 0.700, where a person of 0.700 should be"),
        (no_detections(), "nothing, where a person of 0.700 should be"),
        (found(("person", 0.7, BOX), ("person", 0.7, BOX)), "a person of 0.700 that should not be there"),
        (
            Labels(np.array([0.7], np.float32), np.array([0])),
            "a person without a box, where",
        ),
    ],
)
def test_what_differs_is_told(seen: Found, says: str) -> None:
    told = difference(seen, LABELS, GOLDEN.vectors[0].detections, GOLDEN, 0.5)
    assert told.startswith(says)
    assert bool(told) == bool(says)


def test_labels_are_compared_by_name_and_score() -> None:
    said = Labels(np.array([0.7, 0.2], np.float32), np.array([1, 0]))
    wanted = [want("box", 0.72, None)]
    assert difference(said, LABELS, wanted, GOLDEN, 0.5) == ""
    assert "a box of 0.700" in difference(said, LABELS, [want("box", 0.6, None)], GOLDEN, 0.5)


def test_every_share_counts_however_small_the_threshold() -> None:
    said = Shares(np.array([0.9, 0.1], np.float32))
    assert difference(said, LABELS, [want("person", 0.9, None), want("box", 0.1, None)], GOLDEN, 0.5) == ""
    assert "a box of 0.100 that should not be" in difference(
        said, LABELS, [want(score=0.9, box=None)], GOLDEN, 0.5
    )


def test_persons_of_poses_have_boxes() -> None:
    keypoints = np.zeros((1, 17, 3), np.float32)
    keypoints[0, :2] = [[0.1, 0.2, 1], [0.5, 0.6, 1]]
    assert difference(Poses(keypoints, np.array([0.7], np.float32)), LABELS, [want()], GOLDEN, 0.5) == ""


THINGS = st.tuples(
    st.sampled_from(LABELS),
    st.floats(0.5, 1, width=32),
    st.tuples(st.floats(0, 0.5), st.floats(0, 0.5), st.floats(0.6, 1), st.floats(0.6, 1)),
)


@given(st.lists(THINGS, max_size=20))
def test_what_is_noted_of_an_outcome_is_what_it_is_compared_with(things: Any) -> None:
    seen = found(*things)
    wanted = as_wanted(seen, LABELS)
    assert difference(seen, LABELS, wanted, GOLDEN, 0.5) == ""
    assert difference(seen, LABELS, wanted[1:], GOLDEN, 0.4) or len(wanted) < 1


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ([[], []], "needs a picture in which something has to be found"),
        ([[want()], [want()]], "needs a picture in which nothing may be found"),
        ([[want()], [want("box")]], "needs a picture in which nothing may be found"),
        ([[want(box=None)], [want(box=None)]], "needs a picture in which nothing may be found"),
        ([[want()]], "length >= 2"),
    ],
)
def test_vectors_that_would_find_nothing_out_are_refused(wanted: list[list[Wanted]], says: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=says):
        golden(*wanted)


def test_what_always_says_something_has_to_say_different_things() -> None:
    assert len(golden([want(box=None)], [want("box", box=None)]).vectors) == 2
