"""`network_info.txt` of an .rpk file: lines `key=value`, ended by CR LF; libcamera and picamera2 read it."""

import re
from dataclasses import dataclass
from typing import Literal

from eyespot.domain.errors import ModelError, foreign
from eyespot.trust.damage import damaged

_NAME = "network_info.txt"
_NORMS = tuple(f"inputTensorNorm_{key}" for key in ("K00", "K02", "K03", "K11", "K13", "K20", "K22", "K23"))
_HEX = re.compile(r"0x[0-9A-Fa-f]{1,8}")
_DECIMAL = re.compile(r"[0-9]{1,9}")
_NETWORK_ID = re.compile(r"[0-9]{6}")
_ORDERS: dict[str, Literal["rgb", "bgr"]] = {"RGB": "rgb", "BGR": "bgr"}
_MOST_OUTPUTS = 255


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """What is said of one output.

    Attributes:
        elements: how many values it has.
        element_bytes: of one value.
    """

    elements: int
    element_bytes: int


@dataclass(frozen=True, slots=True)
class NetworkInfo:
    """What is said of a network.

    Attributes:
        network_id: six digits.
        parameters_bytes: length of the tensor table in block 1, without its padding.
        width: of the input tensor, in pixels.
        height: of the input tensor, in pixels.
        order: of its colours.
    """

    network_id: str
    parameters_bytes: int
    width: int
    height: int
    order: Literal["rgb", "bgr"]
    outputs: tuple[OutputInfo, ...]


def read_network_info(data: bytes) -> NetworkInfo:
    """Return what the file says.

    Raises:
        ModelError: a line is none, or something that picamera2 needs is missing or wrong.
    """
    fields = _Fields(data)
    if fields.number("networkNum") != 1 or fields.number("networkOrdinal") != 0:
        raise damaged(f"{_NAME} does not tell of exactly one network")
    for key in _NORMS:
        fields.matched(key, _HEX)
    order = fields.matched("inputTensorFormat", re.compile("|".join(_ORDERS)))
    return NetworkInfo(
        fields.matched("networkID", _NETWORK_ID),
        fields.number("apParamSize"),
        fields.number("inputTensorWidth"),
        fields.number("inputTensorHeight"),
        _ORDERS[order],
        tuple(_output(fields, number) for number in range(1, _output_count(fields) + 1)),
    )


def _output_count(fields: "_Fields") -> int:
    count = fields.number("outputTensorNum")
    if count > _MOST_OUTPUTS:
        raise damaged(f"{_NAME} tells of {count} outputs")
    return count


def _output(fields: "_Fields", number: int) -> OutputInfo:
    if fields.number(f"outputTensorPadding{number}"):
        raise damaged(f"{_NAME} gives output {number} padding, which cannot be read")
    return OutputInfo(
        fields.number(f"outputTensorDimSize{number}"),
        fields.number(f"outputTensorBytesPerElement{number}"),
    )


class _Fields:
    """Values by key."""

    def __init__(self, data: bytes) -> None:
        with foreign(ModelError, f"{_NAME} is not ASCII text; fetch the file again"):
            lines = data.decode("ascii").replace("\r\n", "\n").removesuffix("\n").split("\n")
        self._values: dict[str, str] = {}
        for number, line in enumerate(lines, 1):
            key, _, value = line.partition("=")
            # picamera2 fails on any line without exactly one "="
            if not (line.isprintable() and line.count("=") == 1 and key not in self._values):
                raise damaged(f"{_NAME}:{number}: want `key=value`, each key once")
            self._values[key] = value

    def matched(self, key: str, form: re.Pattern[str]) -> str:
        """Return a value of the form."""
        value = self._values.get(key)
        if value is None:
            raise damaged(f"{_NAME} has no {key}")
        if not form.fullmatch(value):
            raise damaged(f"{_NAME}: {key} is {value[:40]!r}, which it cannot be")
        return value

    def number(self, key: str) -> int:
        """Return a decimal number."""
        return int(self.matched(key, _DECIMAL))
