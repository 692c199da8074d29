import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from eyespot import decoders
from eyespot.decoders.ssd_anchors import Layer, anchor_grid
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Indexes
from eyespot.trust.bundle import read_bundle
from fakes.bundles import FACTORY

BUNDLE = read_bundle(FACTORY)
PER_LAYER = [1083, 600, 150, 54, 24, 6]
PERSON, CAR = 4, 23


def built(layout: Layout = BUNDLE.layout, **changes: Any) -> decoders.Decoder:
    settings = {**BUNDLE.manifest.decoder, **changes}
    return decoders.build(settings, layout, floor=0.175, nms_iou=0.5)


def grid() -> list[Floats]:
    layers = msgspec.convert(BUNDLE.manifest.decoder["layers"], list[Layer])
    return [anchor_grid([layer], 300, 300) for layer in layers]


def tensors() -> tuple[Floats, Floats]:
    """Outputs that say: nothing anywhere."""
    return np.zeros((1, 1917, 4), np.float32), np.full((1, 1917, 24), -20, np.float32)


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def test_the_factory_model_has_its_1917_anchors() -> None:
    assert [len(layer) for layer in grid()] == PER_LAYER


def test_anchors_go_by_row_then_column_then_shape() -> None:
    first = grid()[0]
    centre = 0.5 / 19
    assert first[0] == pytest.approx([centre, centre, 0.1, 0.1])
    assert first[1] == pytest.approx([centre, centre, 0.2 / math.sqrt(2), 0.2 * math.sqrt(2)])
    assert first[3, :2] == pytest.approx([centre, 1.5 / 19])
    assert first[3 * 19, :2] == pytest.approx([1.5 / 19, centre])


def test_a_wide_input_has_more_columns_than_rows() -> None:
    anchors = anchor_grid([Layer(stride=32, anchors=((1, 0.5),))], 320, 100)
    assert len(anchors) == 10 * 4
    assert anchors[-1, :2] == pytest.approx([3.5 / 4, 9.5 / 10])


@pytest.mark.parametrize("anchor", [500, 1200, 1750, 1860, 1900])
def test_an_encoding_of_zeros_is_the_anchor_itself(anchor: int) -> None:
    encodings, logits = tensors()
    logits[0, anchor, PERSON] = logit(0.8)
    found = built().decode([encodings, logits])
    y, x, height, width = np.concatenate(grid())[anchor]
    box = np.clip([x - width / 2, y - height / 2, x + width / 2, y + height / 2], 0, 1)
    assert found.boxes_xyxy_n == pytest.approx(box[None], abs=1e-6)
    assert found.scores == pytest.approx([0.8])
    assert found.classes.tolist() == [PERSON]


def test_a_golden_encoding_gives_its_box() -> None:
    encodings, logits = tensors()
    anchor = 1083 + (4 * 10 + 3) * 6  # second layer, row 4, column 3, square, 0.35
    encodings[0, anchor] = [1, -2, 5 * math.log(2), 5 * math.log(0.5)]
    logits[0, anchor, CAR] = logit(0.6)
    found = built().decode([encodings, logits])
    # centre (0.35 - 0.2 * 0.35, 0.45 + 0.1 * 0.35), half as wide and twice as high as the anchor
    box = [0.28 - 0.0875, 0.485 - 0.35, 0.28 + 0.0875, 0.485 + 0.35]
    assert found.boxes_xyxy_n == pytest.approx(np.array([box]), abs=1e-6)
    assert found.classes.tolist() == [CAR]


def test_outputs_are_found_by_role_not_by_order() -> None:
    outputs = dict(reversed(BUNDLE.layout.outputs.items()))
    encodings, logits = tensors()
    logits[0, 500, PERSON] = 0
    found = built(Layout(300, 300, outputs, 24)).decode([logits, encodings])
    assert found.scores == pytest.approx([0.5])


def test_background_is_no_object() -> None:
    encodings, logits = tensors()
    logits[0, 500, 0] = 5
    assert len(built().decode([encodings, logits])) == 0
    assert built(background=None).decode([encodings, logits]).classes.tolist() == [0]


def test_the_outputs_are_left_as_they_were() -> None:
    encodings, logits = tensors()
    logits[0, 500, 0] = 5
    built().decode([encodings, logits])
    assert logits[0, 500, 0] == 5


def test_scores_below_the_floor_are_not_told() -> None:
    encodings, logits = tensors()
    logits[0, [500, 900], PERSON] = logit(0.17), logit(0.18)
    assert built().decode([encodings, logits]).scores == pytest.approx([0.18])


def test_of_two_boxes_in_one_place_the_better_is_told_and_other_classes_stay() -> None:
    encodings, logits = tensors()
    logits[0, 1800, PERSON], logits[0, 1800, CAR] = logit(0.5), logit(0.4)
    logits[0, 1801, PERSON] = logit(0.6)
    encodings[0, 1801, 2:] = 5 * np.log(np.concatenate(grid())[1800, 2:] / np.concatenate(grid())[1801, 2:])
    found = built().decode([encodings, logits])
    assert found.classes.tolist() == [PERSON, CAR]
    assert found.scores == pytest.approx([0.6, 0.4])


def test_what_is_not_finite_is_dropped() -> None:
    encodings, logits = tensors()
    logits[0, [500, 600, 700, 800], PERSON] = np.nan, np.inf, 1, 1
    encodings[0, 700, 2], encodings[0, 800, 0] = np.nan, -np.inf
    assert len(built().decode([encodings, logits])) == 0


def test_a_size_out_of_all_bounds_fills_the_picture() -> None:
    encodings, logits = tensors()
    logits[0, 500, PERSON], encodings[0, 500, 2:] = 1, 3e38
    assert built().decode([encodings, logits]).boxes_xyxy_n.tolist() == [[0, 0, 1, 1]]


def test_a_model_that_sees_everything_everywhere_is_cut_short() -> None:
    encodings, logits = tensors()
    logits[:] = 3
    assert 0 < len(built().decode([encodings, logits])) <= 300


FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(
    rows=hnp.arrays(np.intp, 8, elements=st.integers(0, 1916)),
    encodings=hnp.arrays(np.float32, (8, 4), elements=FLOATS),
    logits=hnp.arrays(np.float32, (8, 24), elements=FLOATS),
)
def test_hostile_tensors_give_good_boxes_or_none(rows: Indexes, encodings: Floats, logits: Floats) -> None:
    encoded, scored = tensors()
    encoded[0, rows], scored[0, rows] = encodings, logits
    found = built().decode([encoded, scored])
    boxes = found.boxes_xyxy_n
    assert np.isfinite(boxes).all()
    assert ((boxes >= 0) & (boxes <= 1)).all()
    assert (boxes[:, 2:] > boxes[:, :2]).all()
    assert ((found.scores >= 0.1749) & (found.scores <= 1)).all()
    assert ((found.classes > 0) & (found.classes < 24)).all()
    assert boxes.dtype == found.scores.dtype == np.float32


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"kind": "yolo"}, "$.decoder.kind"),
        ({"layers": []}, "$.decoder.layers"),
        ({"layers": [{"stride": 0, "anchors": [[1, 1]]}]}, "$.decoder.layers[0].stride"),
        ({"box_scales": [10, 10, 5]}, "$.decoder.box_scales"),
        ({"background": 24}, "$.decoder.background"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_wrong_settings_are_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ModelError) as caught:
        built(**changes)
    assert place in str(caught.value)


@pytest.mark.parametrize(
    "layout",
    [
        Layout(320, 300, BUNDLE.layout.outputs, 24),
        Layout(300, 300, BUNDLE.layout.outputs, 90),
        Layout(300, 300, {"boxes": (1, 1917, 4)}, 24),
    ],
)
def test_a_model_with_other_anchors_or_labels_is_refused(layout: Layout) -> None:
    with pytest.raises(ModelError, match="the decoder wants the outputs boxes"):
        built(layout)
