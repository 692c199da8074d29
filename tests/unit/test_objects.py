"""Which objects are in what a model found."""

import numpy as np
import pytest

from eyespot.domain.objects import objects_of
from eyespot.domain.observation import KEYPOINTS, Detections, Found, Labels, Poses, Shares
from fakes.walkers import detections


def poses(*persons: dict[int, tuple[float, float, float]]) -> Poses:
    """One pose a dict of keypoint -> x, y, score; the others were not seen, wherever they lie."""
    keypoints = np.zeros((len(persons), KEYPOINTS, 3), np.float32)
    for person, seen in zip(keypoints, persons, strict=True):
        for index, point in seen.items():
            person[index] = point
    return Poses(keypoints, np.linspace(0.9, 0.5, len(persons), dtype=np.float32))


def test_detections_are_objects_as_they_are() -> None:
    found = detections((0.5, 0.5, 0.1, 0.2, 0.9, 1))
    assert objects_of(found, ("person", "dog")) is found


@pytest.mark.parametrize(
    "found",
    [Labels(np.ones(1, np.float32), np.zeros(1, np.intp)), Shares(np.array([0.25, 0.75], np.float32))],
)
def test_what_is_said_of_the_frame_as_a_whole_is_no_object(found: Found) -> None:
    assert len(objects_of(found, ("floor", "crate"))) == 0


def test_a_pose_is_a_person_around_the_keypoints_that_were_seen() -> None:
    found = objects_of(poses({0: (0.5, 0.25, 0.9), 5: (0.25, 0.5, 0.4), 16: (0.75, 1.0, 0.1)}), ("person",))
    assert isinstance(found, Detections)
    assert found.boxes_xyxy_n.tolist() == [[0.25, 0.25, 0.75, 1.0]]
    assert found.scores.tolist() == [pytest.approx(0.9)]


def test_keypoints_that_were_not_seen_do_not_widen_the_box() -> None:
    found = objects_of(poses({0: (0.5, 0.5, 0.9), 1: (0.75, 0.75, 0.9), 2: (1.0, 1.0, 0.0)}), ("person",))
    assert found.boxes_xyxy_n.tolist() == [[0.5, 0.5, 0.75, 0.75]]


def test_a_pose_that_spans_no_area_is_left_out_and_the_others_keep_their_scores() -> None:
    found = objects_of(
        poses({}, {3: (0.5, 0.5, 0.9)}, {0: (0.25, 0.25, 0.9), 1: (0.5, 0.5, 0.9)}), ("person",)
    )
    assert found.boxes_xyxy_n.tolist() == [[0.25, 0.25, 0.5, 0.5]]
    assert found.scores.tolist() == [0.5]


@pytest.mark.parametrize(("labels", "index"), [(("dog", "person"), 1), (("human",), 0)])
def test_the_class_of_a_pose_is_the_label_person_or_else_the_first(
    labels: tuple[str, ...], index: int
) -> None:
    found = objects_of(poses({0: (0.25, 0.25, 0.9), 1: (0.5, 0.5, 0.9)}), labels)
    assert found.classes.tolist() == [index]


def test_where_nobody_is_there_are_no_objects() -> None:
    assert len(objects_of(poses(), ("person",))) == 0
