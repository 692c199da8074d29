from typing import Any

import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout


def built(outputs: int, labels: int, **settings: Any) -> decoders.Decoder:
    layout = Layout(224, 224, {"scores": (1, outputs)}, labels)
    table = {"kind": "classifier", "softmax": False, **settings}
    return decoders.build(table, layout, floor=0.05, nms_iou=0.5)


def decoded(scores: list[float], **settings: Any) -> Any:
    labels = len(scores) + settings.get("class_offset", 0)
    return built(len(scores), labels, **settings).decode([np.array([scores], np.float32)])


def test_the_likeliest_are_told_best_first() -> None:
    found = decoded([0.1, 0.4, 0.04, 0.2, 0.3], most=3)
    assert found.classes.tolist() == [1, 4, 3]
    assert found.scores == pytest.approx([0.4, 0.3, 0.2])


def test_scores_below_the_floor_are_not_told() -> None:
    assert decoded([0.1, 0.04]).classes.tolist() == [0]


def test_a_softmax_makes_scores_of_logits() -> None:
    logits = np.log([0.5, 0.2, 0.3]) + 7
    found = decoded(logits.tolist(), softmax=True)
    assert found.classes.tolist() == [0, 2, 1]
    assert found.scores == pytest.approx([0.5, 0.3, 0.2])


def test_logits_beyond_all_bounds_still_have_a_softmax() -> None:
    assert decoded([3e38, -3e38, 0], softmax=True).scores == pytest.approx([1])


def test_a_thousand_outputs_and_a_label_for_the_background() -> None:
    scores = np.zeros((1, 1000), np.float32)
    scores[0, 0] = 0.9
    assert built(1000, 1001, class_offset=1).decode([scores]).classes.tolist() == [1]


def test_an_output_for_the_background_that_has_no_label_is_not_told() -> None:
    assert decoded([0.8, 0.1, 0.1], class_offset=-1).classes.tolist() == [0, 1]


def test_what_is_not_finite_is_left_out() -> None:
    assert decoded([np.nan, 0.5, np.inf]).classes.tolist() == [1]
    assert decoded([np.nan, 1, np.inf], softmax=True).scores == pytest.approx([1])


@pytest.mark.parametrize(("labels", "offset"), [(1001, 0), (1000, 1), (1000, -1)])
def test_labels_that_do_not_fit_are_refused(labels: int, offset: int) -> None:
    with pytest.raises(ModelError, match=f"1000 scores and a class_offset of {offset} do not fit {labels}"):
        built(1000, labels, class_offset=offset)
