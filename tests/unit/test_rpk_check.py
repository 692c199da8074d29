"""Before a network comes near the sensor: its parts agree, and the driver will take its registers."""

from collections.abc import Mapping

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust.rpk import InputTensor, OutputTensor, check_rpk
from fakes.rpk import SSD, make_rpk


def output(*shape: int, bits: int = 8, name: str = "out") -> OutputTensor:
    return OutputTensor(name, shape, bits, is_signed=True, scale=1.0, shift=0)


def picture(width: int, height: int) -> InputTensor:
    return InputTensor("in", width, height, is_signed=True, scale=1.0, shift=0)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"inputTensorWidth": 416}, "its input is 320x320, network_info.txt says 416x320"),
        ({"inputTensorHeight": 416}, "its input is 320x320, network_info.txt says 320x416"),
        ({"outputTensorNum": 3}, "it has 4 outputs, network_info.txt says 3"),
        ({"outputTensorDimSize1": 404}, "output 1 has 400 values of 2 bytes, network_info.txt says 404 of 2"),
        (
            {"outputTensorBytesPerElement4": 1},
            "output 4 has 1 values of 2 bytes, network_info.txt says 1 of 1",
        ),
    ],
)
def test_two_descriptions_that_differ_are_refused(change: Mapping[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        check_rpk(make_rpk(info=change))


@pytest.mark.parametrize(
    ("address", "lines", "says"),
    [
        (0x305E, 120, "its input takes 121 lines, imx500_regs sets aside 120"),
        (0x305E, 122, "its input takes 121 lines, imx500_regs sets aside 122"),
        (0x3060, 4, "its outputs take 5 lines, imx500_regs sets aside 4"),
        (0x3060, 6, "its outputs take 5 lines, imx500_regs sets aside 6"),
    ],
)
def test_a_wrong_line_budget_is_refused(address: int, lines: int, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        check_rpk(make_rpk(registers={address: (2, lines)}))


# width, height and lines of networks in the public zoo
@pytest.mark.parametrize(
    ("width", "height", "lines"),
    [(224, 224, 60), (256, 256, 78), (481, 353, 214), (640, 640, 481), (33, 1, 2)],
)
def test_the_lines_of_an_input_are_those_that_real_files_set_aside(
    width: int, height: int, lines: int
) -> None:
    assert picture(width, height).lines == lines
    assert check_rpk(make_rpk(picture=picture(width, height))).input_lines == lines


@pytest.mark.parametrize(
    ("outputs", "lines"),
    [
        ([output(3598, 112)], 159),
        ([output(23, 31, 17), output(23, 31, 34), output(23, 31, 64)], 34),
        ([output(30, 17), output(30, 17, bits=32), output(30, 17)], 4),
        ([output(2560)], 2),
        ([output(2561)], 3),
    ],
)
def test_each_output_begins_on_a_fresh_line(outputs: list[OutputTensor], lines: int) -> None:
    assert check_rpk(make_rpk(outputs)).output_lines == lines


def test_more_lines_than_the_driver_takes_are_refused() -> None:
    most = output(2044 * 2560 // 80, 80)
    assert check_rpk(make_rpk([most])).output_lines == 2045
    with pytest.raises(ModelError, match="0x3060"):
        check_rpk(make_rpk([most, output(1)]))


def test_a_tensor_table_that_does_not_fit_on_a_line_is_refused() -> None:
    def named(characters: int) -> bytes:
        return make_rpk([*SSD, output(1, name="x" * characters), output(1, name="x" * 800)])

    room = next(characters for characters in range(700, 1024) if "tensor table" in reason(named(characters)))
    assert check_rpk(named(room - 1)).info.parameters_bytes <= 2548


def reason(data: bytes) -> str:
    try:
        check_rpk(data)
    except ModelError as error:
        return str(error)
    return ""


# address, width, value: at the edges of what the Linux driver lets through
ALLOWED = [
    *[(0xD62A, 2, 0x1FF), (0xD658, 2, 0), (0xD629, 1, 1), (0xD657, 1, 1), (0xD600, 1, 255), (0xD602, 1, 0)],
    *[(0xD684, 2, 0x1FF), (0xD686, 1, 1), (0xD688, 2, 0), (0xD68A, 2, 0), (0xD68E, 1, 1), (0xD6E2, 2, 0x1FF)],
    *[(0xD708, 2, 384), (0xD70A, 1, 1), (0xD74E, 2, 384), (0xD751, 1, 5), (0xD752, 1, 0)],
    *[(0xD76C, 2, 0xFFF), (0xD76E, 2, 0xFFF), (0xD770, 2, 0xFFF), (0xD772, 2, 0x1FFF), (0xD772, 2, 6144)],
    *[(0xD784, 4, 0x007F0180), (0xD784, 4, 0x01FF01FF), (0xD7D8, 4, 0x01FF01FF), (0xD7FA, 2, 0x1FF)],
]
REFUSED = [
    *[(0xD62A, 2, 0x200), (0xD62A, 1, 0), (0xD629, 1, 2), (0xD629, 2, 1), (0xD600, 2, 1), (0xD603, 1, 0)],
    *[(0xD682, 2, 0), (0xD685, 2, 0), (0xD686, 2, 0), (0xD684, 2, 0x200), (0xD6E4, 2, 0), (0xD706, 1, 0)],
    *[(0xD70A, 1, 2), (0xD750, 1, 6), (0xD750, 2, 1), (0xD753, 1, 0), (0xD76A, 2, 0), (0xD76D, 2, 0)],
    *[(0xD76C, 2, 0x1000), (0xD772, 2, 0x2000), (0xD772, 2, 0x10000), (0xD76C, 1, 0), (0xD76E, 4, 0)],
    *[(0xD784, 4, 0x02000000), (0xD784, 3, 0), (0xD7D8, 4, 0x200), (0xD7FC, 2, 0), (0x0100, 1, 1)],
    *[(0x305E, 1, 121), (0x3060, 4, 5), (0xFFFF, 255, 0xFFFFFFFF)],
]


@pytest.mark.parametrize(("address", "width", "value"), ALLOWED)
def test_a_register_of_a_network_is_let_through(address: int, width: int, value: int) -> None:
    check_rpk(make_rpk(registers={address: (width, value)}))


@pytest.mark.parametrize(("address", "width", "value"), REFUSED)
def test_a_register_that_the_driver_refuses_is_named(address: int, width: int, value: int) -> None:
    with pytest.raises(ModelError, match=rf"sets 0x{address:04X} \({width} bytes\) to 0x{value:X}, which"):
        check_rpk(make_rpk(registers={address: (width, value)}))
