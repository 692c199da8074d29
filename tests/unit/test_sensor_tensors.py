"""Of `fakes.tensors`: read back as picamera2 does it, which is asked itself in tests/system/camera."""

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from eyespot.trust.rpk import OutputTensor
from fakes.rpk import SSD, make_rpk
from fakes.tensors import (
    COUNT_AT,
    INFO_BYTES,
    frame_bytes,
    metadata,
    outputs_of,
    stored,
    tensor_info,
    tensor_values,
)

CUBE = OutputTensor("cube", (2, 3, 4), 32, is_signed=True, scale=1.0, shift=0)


def read_back(told: Mapping[str, Any]) -> list[NDArray[np.float32]]:
    info = bytes(told["CnnOutputTensorInfo"])
    count = struct.unpack_from("<I", info, 64)[0]
    values, arrays = np.fromiter(told["CnnOutputTensor"], np.float32), []
    for place in range(68, 68 + 40 * count, 40):
        elements, sides = struct.unpack_from("<2I", info, place)
        shape = struct.unpack_from(f"<{sides}H", info, place + 8)
        arrays.append(values[:elements].reshape(shape, order="F"))
        values = values[elements:]
    assert values.size == 0
    return arrays


def ssd_arrays() -> list[ArrayLike]:
    boxes = np.linspace(0, 0.999, 400).reshape(100, 4)
    return [boxes, np.linspace(1, 0, 100), np.arange(100) % 3, [100]]


def test_outputs_come_back_but_for_the_rounding() -> None:
    arrays = read_back(metadata(SSD, ssd_arrays()))
    assert [array.shape for array in arrays] == [(100, 4), (100,), (100,), (1,)]
    np.testing.assert_allclose(arrays[0], ssd_arrays()[0], atol=2.0**-16)
    np.testing.assert_allclose(arrays[1], ssd_arrays()[1], atol=2.0**-8)
    np.testing.assert_array_equal(arrays[2], ssd_arrays()[2])
    np.testing.assert_array_equal(arrays[3], [100])


def test_the_first_dimension_runs_fastest() -> None:
    cube = np.arange(24).reshape(2, 3, 4)
    assert tensor_values([CUBE], [cube])[:3].tolist() == [0, 12, 4]
    np.testing.assert_array_equal(read_back(metadata([CUBE], [cube]))[0], cube)


def test_flat_values_are_taken_in_the_shape_of_the_output() -> None:
    np.testing.assert_array_equal(
        tensor_values([CUBE], [np.arange(24)]), tensor_values([CUBE], [np.arange(24).reshape(2, 3, 4)])
    )


def test_types_are_those_of_the_bindings() -> None:
    told = metadata(SSD, ssd_arrays(), frame_count=7, kpi_us=(1, 2))
    assert {type(value) for value in told.values()} == {tuple}
    assert {type(value) for value in told["CnnOutputTensor"]} == {float}
    assert {type(value) for value in told["CnnOutputTensorInfo"]} == {int}
    assert told["CnnKpiInfo"] == (1, 2)


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (255, 255), (256, 0), (300, 44)])
def test_the_count_of_the_frame_starts_again_at_256(count: int, kept: int) -> None:
    info = tensor_info(SSD, count)
    assert len(info) == INFO_BYTES
    assert info[COUNT_AT:] == bytes([kept, 0, 0, 0])


def test_a_file_has_the_info_and_the_values() -> None:
    data = frame_bytes(SSD, ssd_arrays(), frame_count=9)
    told = metadata(SSD, ssd_arrays(), frame_count=9)
    assert tuple(data[:INFO_BYTES]) == told["CnnOutputTensorInfo"]
    assert struct.unpack("<601f", data[INFO_BYTES:]) == told["CnnOutputTensor"]


@pytest.mark.parametrize(
    ("bits", "is_signed", "shift", "value", "kept"),
    [
        (8, False, 0, 0.5, 0.5),
        (8, False, 0, 2.0, 1.9921875),
        (8, False, 0, -1.0, 0.0),
        (8, True, 0, -2.0, -1.0),
        (8, True, 0, 2.0, 0.9921875),
        (8, False, 128, -2.0, -1.0),
        (16, True, 0, 2.0, 2.0),
        (8, True, 0, 0.003, 0.0),
        (8, True, 0, 0.005, 0.0078125),
    ],
)
def test_values_become_what_the_sensor_can_store(
    bits: int, is_signed: bool, shift: int, value: float, kept: float
) -> None:
    output = OutputTensor("", (1,), bits, is_signed=is_signed, scale=0.0078125, shift=shift)
    assert stored(output, [value]).tolist() == [kept]


def test_as_many_arrays_as_outputs_are_wanted() -> None:
    with pytest.raises(ValueError, match="zip"):
        tensor_values(SSD, ssd_arrays()[:3])


def test_the_outputs_are_read_out_of_a_file() -> None:
    assert outputs_of(make_rpk()) == SSD
