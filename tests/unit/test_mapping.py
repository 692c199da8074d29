"""Where things are that were found in a part of the frame."""

import numpy as np
import pytest

from eyespot.domain.geometry import WHOLE, Region, Resize, content_span, full_frame_span
from eyespot.domain.observation import Detections, Labels, Poses, Shares
from eyespot.sources.mapping import full_frame

QUARTER: Region = (0.5, 0.0, 1.0, 0.5)


def detections(*boxes: list[float]) -> Detections:
    count = len(boxes)
    return Detections(np.array(boxes, np.float32), np.full(count, 0.5, np.float32), np.zeros(count, np.intp))


def poses(*points: list[float]) -> Poses:
    """Return one person each, all of whose keypoints are at one place."""
    keypoints = np.zeros((len(points), 17, 3), np.float32)
    keypoints[:] = np.array([[*point, 0.5] for point in points], np.float32)[:, None]
    return Poses(keypoints, np.full(len(points), 0.5, np.float32))


def test_the_whole_frame_changes_nothing() -> None:
    box = [0.1, 0.25, 0.5, 1.0]
    found = full_frame(detections(box), full_frame_span(WHOLE))
    assert isinstance(found, Detections)
    assert found.boxes_xyxy_n.tolist() == [pytest.approx(box)]


def test_boxes_of_a_region_are_told_in_the_full_frame() -> None:
    found = full_frame(detections([0, 0, 1, 1], [0.5, 0.5, 0.75, 1]), full_frame_span(QUARTER))
    assert isinstance(found, Detections)
    expected = [[0.5, 0.0, 1.0, 0.5], [0.75, 0.25, 0.875, 0.5]]
    assert found.boxes_xyxy_n == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("resize", "box", "expected"),
    [
        ("letterbox", [0.0, 0.25, 1.0, 0.75], [0.5, 0.0, 1.0, 0.5]),
        ("crop", [0.0, 0.0, 1.0, 1.0], [0.625, 0.0, 0.875, 0.5]),
    ],
)
def test_padding_and_cutting_of_a_region_are_taken_back(
    resize: Resize, box: list[float], expected: list[float]
) -> None:
    span = full_frame_span(QUARTER, content_span((200, 100), (100, 100), resize))
    found = full_frame(detections(box), span)
    assert isinstance(found, Detections)
    assert found.boxes_xyxy_n.tolist() == [pytest.approx(expected, abs=1e-6)]


def test_boxes_in_the_padding_alone_are_dropped() -> None:
    span = full_frame_span(WHOLE, content_span((200, 100), (100, 100), "letterbox"))
    assert len(full_frame(detections([0, 0, 1, 0.2]), span)) == 0  # type: ignore[arg-type]


def test_keypoints_are_placed_and_those_in_the_padding_were_not_seen() -> None:
    span = full_frame_span(WHOLE, content_span((200, 100), (100, 100), "letterbox"))
    half_outside = poses([0.5, 0.5], [0.5, 0.1])
    half_outside.keypoints.setflags(write=True)
    half_outside.keypoints[0, 0, 1] = 0.9
    found = full_frame(half_outside, span)
    assert isinstance(found, Poses)
    assert len(found) == 1
    assert found.keypoints[0, 1].tolist() == pytest.approx([0.5, 0.5, 0.5])
    assert found.keypoints[0, 0].tolist() == pytest.approx([0.5, 1.0, 0.0])


@pytest.mark.parametrize(
    "found", [Labels(np.zeros(1, np.float32), np.zeros(1, np.intp)), Shares(np.ones(2, np.float32))]
)
def test_what_has_no_place_stays(found: Labels | Shares) -> None:
    assert full_frame(found, full_frame_span(QUARTER)) is found
