"""Tensors of the real networks come out as they went into the sensor."""

import os
from pathlib import Path

import numpy as np
import pytest

from eyespot.domain.errors import CameraError
from eyespot.sources.sensor_tensors import SensorTensors
from eyespot.trust.rpk import OutputTensor
from fakes.rpk import make_rpk
from fakes.tensors import metadata, outputs_of, stored

SHARED = os.environ.get("EYESPOT_SHARED_RPK")
CASES = [pytest.param(make_rpk(), id="synthetic")]
if SHARED:
    CASES += [pytest.param(path.read_bytes(), id=path.stem) for path in sorted(Path(SHARED).glob("*.rpk"))]


def values(outputs: tuple[OutputTensor, ...]) -> list[np.ndarray]:
    chance = np.random.default_rng(1)
    return [chance.integers(0, 100, output.shape) * output.scale for output in outputs]


@pytest.mark.parametrize("network", CASES)
def test_values_and_shapes_are_those_of_the_sensor(network: bytes) -> None:
    outputs = outputs_of(network)
    arrays = values(outputs)
    reader = SensorTensors([output.shape for output in outputs])
    told = reader.read(metadata(outputs, arrays, frame_count=9))
    assert told is not None
    for output, array, tensor in zip(outputs, arrays, told, strict=True):
        assert tensor.shape == output.shape
        assert tensor.dtype == np.float32
        assert not tensor.flags.writeable
        assert np.array_equal(tensor, stored(output, array))


@pytest.mark.parametrize("network", CASES)
def test_another_network_is_told_by_its_shapes(network: bytes) -> None:
    outputs = outputs_of(network)
    reader = SensorTensors([(7, 7)])
    with pytest.raises(CameraError, match=r"another network: its outputs are \["):
        reader.read(metadata(outputs, values(outputs)))


def test_values_that_are_not_finite_come_through() -> None:
    outputs = outputs_of(make_rpk())
    told = metadata(outputs, values(outputs))
    told["CnnOutputTensor"] = (float("nan"), float("inf"), *told["CnnOutputTensor"][2:])
    tensors = SensorTensors([output.shape for output in outputs]).read(told)
    assert tensors is not None
    assert np.isnan(tensors[0][0, 0])
    assert np.isinf(tensors[0][1, 0])
