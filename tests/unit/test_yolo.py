"""YOLOv8's layout and YOLOX's: the same boxes, told in two ways."""

from typing import Any

import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats

WIDTH, HEIGHT, MOST, LABELS = 640, 320, 50, 3
COLUMNS = {"yolov8": 4 + LABELS, "yolox": 5 + LABELS}
BOX, OTHER = [0.1, 0.2, 0.3, 0.6], [0.5, 0.5, 0.9, 0.8]  # x0, y0, x1, y1
BOTH = pytest.mark.parametrize("kind", ["yolov8", "yolox"])


def built(kind: str, boxes: str = "pixels", labels: int = LABELS) -> decoders.Decoder:
    shape = (1, COLUMNS[kind], MOST) if kind == "yolov8" else (1, MOST, COLUMNS[kind])
    layout = Layout(WIDTH, HEIGHT, {"predictions": shape}, labels)
    return decoders.build({"kind": kind, "boxes": boxes}, layout, floor=0.2, nms_iou=0.5)


def rows(kind: str, *found: tuple[list[float], int, float], unit: str = "pixels") -> Floats:
    """Candidates that say (box, class, score) and otherwise nothing, one a row."""
    table = np.zeros((MOST, COLUMNS[kind]), np.float32)
    scale = np.array([WIDTH, HEIGHT] * 2 if unit == "pixels" else [1] * 4)
    for row, (box, label, score) in enumerate(found):
        x0, y0, x1, y1 = box
        table[7 * row, :4] = np.array([(x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0]) * scale
        table[7 * row, COLUMNS[kind] - LABELS + label] = score
        if kind == "yolox":
            table[7 * row, 4] = 1
    return table


def decoded(kind: str, table: Floats, **settings: Any) -> Any:
    return built(kind, **settings).decode([table.T[None] if kind == "yolov8" else table[None]])


@BOTH
@pytest.mark.parametrize("unit", ["pixels", "fractions"])
def test_centre_and_size_become_corners_in_fractions(kind: str, unit: str) -> None:
    found = decoded(kind, rows(kind, (BOX, 1, 0.9), (OTHER, 2, 0.7), unit=unit), boxes=unit)
    assert found.boxes_xyxy_n == pytest.approx(np.array([BOX, OTHER]), abs=1e-6)
    assert found.scores == pytest.approx([0.9, 0.7])
    assert found.classes.tolist() == [1, 2]


@BOTH
def test_a_candidate_tells_its_best_class_alone(kind: str) -> None:
    table = rows(kind, (BOX, 1, 0.9))
    table[0, -1] = 0.8
    assert decoded(kind, table).classes.tolist() == [1]


@BOTH
def test_of_candidates_in_one_place_the_best_is_told(kind: str) -> None:
    nearly = [0.11, 0.2, 0.31, 0.6]
    table = rows(kind, (BOX, 1, 0.6), (nearly, 1, 0.7), (BOX, 2, 0.5))
    assert decoded(kind, table).scores == pytest.approx([0.7, 0.5])


@BOTH
def test_scores_below_the_floor_are_not_told(kind: str) -> None:
    assert decoded(kind, rows(kind, (BOX, 1, 0.21), (OTHER, 1, 0.19))).scores == pytest.approx([0.21])


@BOTH
def test_a_score_that_was_rounded_up_is_at_most_one(kind: str) -> None:
    assert decoded(kind, rows(kind, (BOX, 1, 1.01))).scores.tolist() == [1]


@BOTH
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_dropped_and_the_rest_stays(kind: str, value: float) -> None:
    table = rows(kind, (BOX, 1, 0.9), (OTHER, 2, 0.8), (BOX, 0, 0.7))
    table[0, 2], table[7, -1] = value, value
    assert decoded(kind, table).classes.tolist() == [0]


def test_the_objectness_of_yolox_counts() -> None:
    table = rows("yolox", (BOX, 1, 0.9), (OTHER, 1, 0.9))
    table[[0, 7], 4] = 0.5, 0.21
    assert decoded("yolox", table).scores == pytest.approx([0.45])


@BOTH
def test_another_number_of_labels_is_refused(kind: str) -> None:
    with pytest.raises(ModelError, match="predictions"):
        built(kind, labels=LABELS + 1)


@BOTH
def test_the_unit_of_the_boxes_has_to_be_said(kind: str) -> None:
    layout = Layout(WIDTH, HEIGHT, {"predictions": (MOST, COLUMNS[kind])}, LABELS)
    with pytest.raises(ModelError, match="boxes"):
        decoders.build({"kind": kind}, layout, floor=0.2, nms_iou=0.5)
