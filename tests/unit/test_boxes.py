"""Boxes and points: overlaps, suppression, anchors, the way back from a model's input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.boxes import areas, iou_matrix, non_maximum_suppression
from eyespot.domain.geometry import Resize, anchors, content_span, to_full_frame
from eyespot.domain.observation import Detections

BOX = np.array([[0.2, 0.2, 0.4, 0.6]], np.float32)


def test_a_box_overlaps_itself_wholly_and_one_beside_it_not_at_all() -> None:
    beside = BOX + np.array([0.2, 0, 0.2, 0], np.float32)
    assert iou_matrix(BOX, BOX)[0, 0] == pytest.approx(1)
    assert iou_matrix(BOX, beside)[0, 0] == pytest.approx(0, abs=1e-6)
    assert iou_matrix(BOX, BOX + np.array([0.1, 0, 0.1, 0], np.float32))[0, 0] == pytest.approx(1 / 3)


def test_a_box_turned_inside_out_has_no_area() -> None:
    assert areas(BOX[:, ::-1]).tolist() == [0]


def test_the_best_of_overlapping_boxes_of_one_class_stays() -> None:
    boxes = np.concatenate([BOX, BOX + 0.01, BOX])
    kept = non_maximum_suppression(boxes, np.array([0.5, 0.9, 0.4], np.float32), np.array([0, 0, 1]), 0.5)
    assert kept.tolist() == [1, 2]


def test_a_box_that_was_suppressed_suppresses_nobody() -> None:
    boxes = np.array([[x, 0, x + 0.3, 1] for x in (0.0, 0.1, 0.2)], np.float32)
    kept = non_maximum_suppression(boxes, np.array([0.9, 0.8, 0.7], np.float32), np.zeros(3, np.intp), 0.4)
    assert kept.tolist() == [0, 2]


def test_what_counts_of_a_box_is_its_bottom_centre_or_from_overhead_its_centre() -> None:
    assert anchors(BOX, "oblique").tolist() == [[pytest.approx(0.3), pytest.approx(0.6)]]
    assert anchors(BOX, "overhead").tolist() == [[pytest.approx(0.3), pytest.approx(0.4)]]


RESIZES: tuple[Resize, ...] = ("stretch", "letterbox", "crop")
SIDE = st.integers(64, 4000)  # a strip of a fraction of a pixel is lost in 32 bits


@given(SIDE, SIDE, SIDE, SIDE, st.sampled_from(RESIZES), st.floats(0.3, 0.7), st.floats(0.3, 0.7))
def test_a_point_of_the_frame_comes_back_from_the_models_input(
    width: int, height: int, target_width: int, target_height: int, resize: Resize, x: float, y: float
) -> None:
    span = content_span((width, height), (target_width, target_height), resize)
    low, size = span[:2], span[2:] - span[:2]
    if resize != "stretch":  # then the shape of the picture is kept
        shape = size * (target_width, target_height)
        assert shape[0] / shape[1] == pytest.approx(width / height, rel=1e-3)
    in_input = np.concatenate([low + (x, y) * size] * 2)[None].astype(np.float32)
    assert to_full_frame(in_input, span)[0] == pytest.approx([x, y, x, y], abs=1e-3)


def test_a_wide_picture_in_a_square_input_has_bars_above_and_below() -> None:
    assert content_span((200, 100), (300, 300), "letterbox").tolist() == [0, 0.25, 1, 0.75]
    assert content_span((200, 100), (300, 300), "crop").tolist() == [-0.5, 0, 1.5, 1]


def test_detections_of_unequal_lengths_are_refused_and_good_ones_are_read_only() -> None:
    with pytest.raises(ValueError, match=r"want \(n, 4\)"):
        Detections(BOX.copy(), np.ones(2, np.float32), np.zeros(1, np.intp))
    found = Detections(BOX.copy(), np.ones(1, np.float32), np.zeros(1, np.intp))
    with pytest.raises(ValueError, match="read-only"):
        found.scores[0] = 0
