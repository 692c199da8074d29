"""What holds for every decoder, whatever its family and whatever a model puts out."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout, Shape
from eyespot.domain.observation import Detections, Floats, Found, Labels, Poses, Shares

FLOOR = 0.2
LABELS = 3


class Family(NamedTuple):
    kind: str
    settings: dict[str, Any]
    outputs: dict[str, Shape]


_ANCHORS = {"layers": [{"stride": 16, "anchors": [[1, 0.2], [2, 0.4]]}], "background": 0}
_POSTPROCESSED = {"boxes": (20, 4), "classes": (20,), "scores": (20,), "count": (1,)}
_CANDIDATES = dict.fromkeys(("tags", "places", "scores"), (30, 17))

# of an input of 81 x 49 pixels
FAMILIES = [
    Family("ssd_anchors", _ANCHORS, {"boxes": (48, 4), "scores": (48, LABELS)}),
    Family("ssd_postprocess", {"order": "xy", "boxes": "pixels"}, _POSTPROCESSED),
    Family("ssd_postprocess", {"class_offset": -1}, _POSTPROCESSED),
    Family("nanodet", {"strides": [16, 32], "bins": 4}, {"predictions": (30, LABELS + 16)}),
    Family("yolov8", {"boxes": "pixels"}, {"predictions": (4 + LABELS, 40)}),
    Family("yolox", {"boxes": "fractions"}, {"predictions": (40, 5 + LABELS)}),
    Family("classifier", {"softmax": True}, {"scores": (LABELS,)}),
    Family("classifier", {"softmax": False}, {"scores": (LABELS,)}),
    Family("segmentation", {}, {"classes": (49, 81)}),
    Family(
        "posenet",
        {"stride": 16},
        {"heatmaps": (4, 6, 17), "offsets": (4, 6, 34), "displacements": (4, 6, 64)},
    ),
    Family("higherhrnet", {"stride": 2}, _CANDIDATES),
]
EVERY_FAMILY = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.kind)


def built(family: Family, outputs: dict[str, Shape]) -> decoders.Decoder[Found]:
    layout = Layout(81, 49, outputs, LABELS)
    return decoders.build({"kind": family.kind, **family.settings}, layout, floor=FLOOR, nms_iou=0.5)


def filled(outputs: dict[str, Shape], values: Sequence[float], seed: int = 0) -> list[Floats]:
    chance = np.random.default_rng(seed)
    return [chance.choice(np.array(values, np.float32), shape) for shape in outputs.values()]


def parts(found: Found) -> list[np.ndarray]:
    return [getattr(found, name) for name in found.__slots__]


def check(found: Found) -> None:
    """Check what anybody may rely on."""
    match found:
        case Detections():
            boxes = found.boxes_xyxy_n
            assert len(found) <= 300
            assert ((boxes >= 0) & (boxes <= 1)).all()
            assert (boxes[:, 2:] > boxes[:, :2]).all()
            check_scored(found.scores)
            check_classes(found.classes)
        case Labels():
            check_scored(found.scores)
            check_classes(found.classes)
            assert len(set(found.classes.tolist())) == len(found.classes)
        case Shares():
            assert found.shares.shape == (LABELS,)
            assert ((found.shares >= 0) & (found.shares <= 1)).all()
            assert found.shares.sum() <= 1 + 1e-6
        case Poses():
            assert len(found) <= 30
            assert ((found.keypoints >= 0) & (found.keypoints <= 1)).all()
            check_scored(found.scores)
    assert {part.dtype for part in parts(found)} <= {np.dtype(np.float32), np.dtype(np.intp)}


def check_scored(scores: Floats) -> None:
    assert ((scores >= FLOOR * 0.999) & (scores <= 1)).all()
    assert (np.diff(scores) <= 0).all()


def check_classes(classes: np.ndarray) -> None:
    assert ((classes >= 0) & (classes < LABELS)).all()


HOSTILE = st.one_of(
    st.floats(width=32, allow_nan=True, allow_infinity=True),
    st.floats(0, 1, width=32),
    st.floats(-20, 20, width=32),
    st.sampled_from([0.0, -0.0, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45, 100.0]),
)


@EVERY_FAMILY
@given(values=st.lists(HOSTILE, min_size=1, max_size=12), seed=st.integers(0, 2**32 - 1))
def test_hostile_tensors_give_what_is_well_formed(family: Family, values: list[float], seed: int) -> None:
    check(built(family, family.outputs).decode(filled(family.outputs, values, seed)))


@EVERY_FAMILY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_of_what_is_not_finite_nothing_is_told(family: Family, value: float) -> None:
    found = built(family, family.outputs).decode(filled(family.outputs, [value]))
    if family.kind == "posenet" and value == np.inf:
        check(found)  # every keypoint certain, in every place
    else:
        assert not any(part.any() for part in parts(found))


@EVERY_FAMILY
def test_the_tensors_are_left_as_they_were_and_the_result_cannot_be_changed(family: Family) -> None:
    tensors = filled(family.outputs, [0.1, 0.5, 0.9, 4.0])
    for tensor in tensors:
        tensor.setflags(write=False)
    found = built(family, family.outputs).decode(tensors)
    assert not any(part.flags.writeable for part in parts(found))


@EVERY_FAMILY
def test_a_batch_of_one_and_the_order_in_memory_make_no_difference(family: Family) -> None:
    tensors = filled(family.outputs, [0.1, 0.3, 0.5, 0.7, 0.9, 2.0])
    batched = {role: (1, *shape) for role, shape in family.outputs.items()}
    plain = built(family, family.outputs).decode([np.asfortranarray(tensor) for tensor in tensors])
    other = built(family, batched).decode([tensor[None] for tensor in tensors])
    assert all(np.allclose(*pair, atol=1e-6) for pair in zip(parts(plain), parts(other), strict=True))


@EVERY_FAMILY
def test_outputs_are_found_by_role(family: Family) -> None:
    tensors = filled(family.outputs, [0.1, 0.3, 0.5, 0.7, 0.9, 2.0])
    turned = dict(reversed(family.outputs.items()))
    plain = built(family, family.outputs).decode(tensors)
    other = built(family, turned).decode(tensors[::-1])
    assert all(np.array_equal(*pair) for pair in zip(parts(plain), parts(other), strict=True))


@EVERY_FAMILY
def test_tensors_that_are_not_those_of_the_manifest_are_refused(family: Family) -> None:
    decoder, tensors = built(family, family.outputs), filled(family.outputs, [0.5])
    with pytest.raises(ModelError, match="tensors"):
        decoder.decode(tensors[1:])
    with pytest.raises(ModelError, match="shape"):
        decoder.decode([tensor[:-1] for tensor in tensors])


@EVERY_FAMILY
def test_a_model_with_other_outputs_is_refused(family: Family) -> None:
    one, *_ = family.outputs
    for outputs in (
        {},
        {**family.outputs, "surprise": (1,)},
        {**family.outputs, one: (3, 5, 7, 9)},
        {**family.outputs, one: tuple(side + 1 for side in family.outputs[one])},
    ):
        if (
            family.kind == "segmentation"
            and outputs.keys() == family.outputs.keys()
            and len(outputs[one]) == 2
        ):
            continue  # a map of any size is one
        with pytest.raises(ModelError, match=r"\$\.|outputs"):
            built(family, outputs)


@EVERY_FAMILY
def test_settings_that_are_not_known_are_named(family: Family) -> None:
    with pytest.raises(ModelError, match="surprise"):
        built(family._replace(settings={**family.settings, "surprise": 1}), family.outputs)


@EVERY_FAMILY
def test_what_it_tells_is_known_beforehand(family: Family) -> None:
    found = built(family, family.outputs).decode(filled(family.outputs, [0.5]))
    kinds = {"objects": Detections, "labels": Labels, "shares": Shares, "poses": Poses}
    assert type(found) is kinds[decoders.tells({"kind": family.kind, **family.settings})]
