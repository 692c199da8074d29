from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats

OUTPUTS = {"boxes": (1, 4, 4), "classes": (1, 4), "scores": (1, 4), "count": (1,)}
ONE, OTHER = [0.1, 0.2, 0.5, 0.4], [0.5, 0.6, 0.9, 0.8]  # y0, x0, y1, x1


def built(outputs: dict[str, tuple[int, ...]] = OUTPUTS, **settings: Any) -> decoders.Decoder:
    layout = Layout(600, 300, outputs, 3)
    return decoders.build({"kind": "ssd_postprocess", **settings}, layout, floor=0.2, nms_iou=0.5)


def tensors(boxes: Any, classes: Any, scores: Any, count: float | None = None) -> list[Floats]:
    """Outputs of the op: unused places at the end are zeros, as it leaves them."""
    found = [np.zeros(shape, np.float32) for shape in OUTPUTS.values()]
    for tensor, values in zip(found[:3], (boxes, classes, scores), strict=True):
        tensor[0, : len(values)] = values
    found[3][0] = len(scores) if count is None else count
    return found


def test_boxes_are_turned_from_y_first_to_x_first() -> None:
    found = built().decode(tensors([ONE, OTHER], [1, 2], [0.9, 0.8]))
    assert found.boxes_xyxy_n == pytest.approx(np.array([[0.2, 0.1, 0.4, 0.5], [0.6, 0.5, 0.8, 0.9]]))
    assert found.scores == pytest.approx([0.9, 0.8])
    assert found.classes.tolist() == [1, 2]


def test_boxes_that_are_x_first_stay_as_they_are() -> None:
    found = built(order="xy").decode(tensors([ONE], [1], [0.9]))
    assert found.boxes_xyxy_n == pytest.approx(np.array([ONE]))


@pytest.mark.parametrize("order", ["xy", "yx"])
def test_pixels_become_fractions_of_width_and_height(order: str) -> None:
    box = [60, 30, 300, 270] if order == "xy" else [30, 60, 270, 300]
    found = built(order=order, boxes="pixels").decode(tensors([box], [1], [0.9]))
    assert found.boxes_xyxy_n == pytest.approx(np.array([[0.1, 0.1, 0.5, 0.9]]))


def test_the_class_offset_leads_to_the_label() -> None:
    found = built(class_offset=1).decode(tensors([ONE, OTHER], [0, 2], [0.9, 0.8]))
    assert found.classes.tolist() == [1]  # the other would be beyond the labels


def test_doubles_that_the_op_leaves_are_suppressed() -> None:
    nearly = [0.11, 0.21, 0.51, 0.41]
    found = built().decode(tensors([ONE, nearly, OTHER], [1, 1, 1], [0.9, 0.8, 0.7]))
    assert found.scores == pytest.approx([0.9, 0.7])


def test_only_as_many_as_the_count_says_are_looked_at() -> None:
    assert len(built().decode(tensors([ONE, OTHER], [1, 1], [0.9, 0.8], count=1))) == 1


def test_scores_below_the_floor_are_not_told() -> None:
    assert built().decode(tensors([ONE, OTHER], [1, 1], [0.21, 0.19])).scores == pytest.approx([0.21])


def test_boxes_are_clipped_to_the_input() -> None:
    assert built().decode(tensors([[-1, -1, 2, 2]], [1], [0.9])).boxes_xyxy_n.tolist() == [[0, 0, 1, 1]]


@pytest.mark.parametrize("box", [[0.5, 0.5, 0.5, 0.9], [0.5, 0.5, 0.1, 0.1], [1.1, 1.1, 1.5, 1.5]])
def test_boxes_without_an_area_are_dropped(box: list[float]) -> None:
    assert len(built().decode(tensors([box], [1], [0.9]))) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_dropped(value: float) -> None:
    good = [ONE, OTHER], [1, 2], [0.9, 0.8]
    assert len(built().decode(tensors([[value, *ONE[1:]], OTHER], *good[1:]))) == 1
    assert len(built().decode(tensors(good[0], [value, 2], good[2]))) == 1
    assert len(built().decode(tensors(*good[:2], [value, 0.8]))) == 1


def test_a_score_that_was_rounded_up_is_at_most_one() -> None:
    assert built().decode(tensors([ONE], [1], [1.001])).scores.tolist() == [1]


def test_outputs_are_found_by_role_not_by_order() -> None:
    boxes, classes, scores, count = tensors([ONE], [2], [0.9])
    outputs = {role: OUTPUTS[role] for role in ("scores", "boxes", "count", "classes")}
    assert built(outputs).decode([scores, boxes, count, classes]).classes.tolist() == [2]


HOSTILE = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    boxes=hnp.arrays(np.float32, (4, 4), elements=HOSTILE),
    classes=hnp.arrays(np.float32, 4, elements=HOSTILE),
    scores=hnp.arrays(np.float32, 4, elements=HOSTILE),
    count=HOSTILE,
)
def test_hostile_tensors_give_good_boxes_or_none(
    boxes: Floats, classes: Floats, scores: Floats, count: float
) -> None:
    found = built().decode(tensors(boxes, classes, scores, count))
    assert ((found.boxes_xyxy_n >= 0) & (found.boxes_xyxy_n <= 1)).all()
    assert (found.boxes_xyxy_n[:, 2:] > found.boxes_xyxy_n[:, :2]).all()
    assert ((found.scores >= 0) & (found.scores <= 1)).all()
    assert ((found.classes >= 0) & (found.classes < 3)).all()


@pytest.mark.parametrize(
    "outputs",
    [
        {},
        {**OUTPUTS, "boxes": (10,)},
        {**OUTPUTS, "scores": (1, 5)},
        {"boxes": (1, 4, 4)},
    ],
)
def test_a_model_with_other_outputs_is_refused(outputs: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ModelError, match="boxes"):
        built(outputs)
