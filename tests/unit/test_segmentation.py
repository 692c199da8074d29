import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats

LABELS = 21


def shares(classes: Floats) -> Floats:
    layout = Layout(320, 320, {"classes": classes.shape}, LABELS)
    return decoders.build({"kind": "segmentation"}, layout, floor=0.2, nms_iou=0.5).decode([classes]).shares


def test_each_class_has_its_share_of_the_frame() -> None:
    classes = np.zeros((320, 320), np.float32)
    classes[:80], classes[80:, :32] = 15, 7
    found = shares(classes)
    assert found[[0, 7, 15]] == pytest.approx([0.675, 0.075, 0.25])
    assert found.sum() == pytest.approx(1)


@pytest.mark.parametrize("value", [-1, 21, 255, np.nan, np.inf])
def test_what_has_no_label_is_nobodys_share(value: float) -> None:
    classes = np.zeros((320, 320), np.float32)
    classes[:160] = value
    assert shares(classes).tolist() == [0.5, *[0] * 20]
