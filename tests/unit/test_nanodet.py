import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats

STRIDES = [8, 16, 32, 64]
GRIDS = [52, 26, 13, 7]  # of 416 pixels
CELLS = sum(side * side for side in GRIDS)
LABELS, BINS = 80, 8
NOTHING, IMPOSSIBLE = -9.0, -30.0


def built(cells: int = CELLS, labels: int = LABELS) -> decoders.Decoder:
    layout = Layout(416, 416, {"predictions": (cells, LABELS + 4 * BINS)}, labels)
    return decoders.build({"kind": "nanodet", "strides": STRIDES}, layout, floor=0.2, nms_iou=0.5)


def nothing() -> Floats:
    predictions = np.full((CELLS, LABELS + 4 * BINS), IMPOSSIBLE, np.float32)
    predictions[:, :LABELS] = NOTHING
    return predictions


def say(predictions: Floats, layer: int, row: int, column: int, distances: list[float], label: int) -> int:
    """Let a cell say how many strides away the left, top, right and bottom sides are; score 0.8."""
    cell = sum(side * side for side in GRIDS[:layer]) + row * GRIDS[layer] + column
    for side, distance in enumerate(distances):
        low = int(distance)
        bins = predictions[cell, LABELS + side * BINS :][:BINS]
        bins[low] = np.log(max(1 - (distance - low), 1e-9))
        if distance > low:
            bins[low + 1] = np.log(distance - low)
    predictions[cell, label] = np.log(0.8 / 0.2)
    return cell


def test_the_zoos_network_has_3598_cells() -> None:
    built(3598)
    with pytest.raises(ModelError, match=r"predictions \[3598, 112\]"):
        built(3600)
    with pytest.raises(ModelError, match=r"predictions \[3598, 122\]"):
        built(3598, labels=90)  # with those that mean nothing still among them


@pytest.mark.parametrize("layer", range(4))
def test_a_side_is_the_mean_of_its_distribution_times_the_stride(layer: int) -> None:
    predictions, stride = nothing(), STRIDES[layer]
    say(predictions, layer, row=4, column=3, distances=[2, 1.25, 0.5, 1.75], label=7)
    found = built().decode([predictions])
    x, y = 3 * stride, 4 * stride
    box = [x - 2 * stride, y - 1.25 * stride, x + 0.5 * stride, y + 1.75 * stride]
    assert found.boxes_xyxy_n == pytest.approx(np.array([box]) / 416, abs=1e-5)
    assert found.scores == pytest.approx([0.8])
    assert found.classes.tolist() == [7]


def test_a_cell_tells_its_best_class_alone() -> None:
    predictions = nothing()
    predictions[say(predictions, 1, 10, 10, [3, 3, 3, 3], label=2), 5] = 0
    assert built().decode([predictions]).classes.tolist() == [2]


def test_neighbours_that_see_the_same_object_are_one() -> None:
    predictions = nothing()
    say(predictions, 1, 10, 10, [3, 3, 3, 3], label=0)
    say(predictions, 1, 10, 11, [4, 3, 2, 3], label=0)
    say(predictions, 1, 20, 20, [1, 1, 1, 1], label=0)
    assert len(built().decode([predictions])) == 2


def test_scores_below_the_floor_are_not_told() -> None:
    predictions = nothing()
    predictions[say(predictions, 0, 9, 9, [1, 1, 1, 1], label=0), 0] = np.log(0.19 / 0.81)
    assert len(built().decode([predictions])) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_dropped(value: float) -> None:
    predictions = nothing()
    predictions[say(predictions, 0, 9, 9, [1, 1, 1, 1], label=0), LABELS + 3] = value
    predictions[say(predictions, 1, 9, 9, [1, 1, 1, 1], label=0), 0] = value
    say(predictions, 2, 9, 9, [1, 1, 1, 1], label=1)
    assert built().decode([predictions]).classes.tolist() == [1]
