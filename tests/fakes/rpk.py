"""Network files for the IMX500 whose structure is right and whose weights are zeros.

picamera2's own reader takes them; a sensor would not.
"""

import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from eyespot.domain.observation import Floats
from eyespot.trust.rpk import InputTensor, OutputTensor
from fakes.flatbuffers import flatbuffer

MIB = 1 << 20
INPUT = InputTensor("input:0", 320, 320, is_signed=True, scale=0.0078125, shift=0)
SSD = (
    OutputTensor("boxes", (100, 4), 16, is_signed=True, scale=2.0**-15, shift=0),
    OutputTensor("scores", (100,), 8, is_signed=False, scale=2.0**-8, shift=0),
    OutputTensor("classes", (100,), 16, is_signed=True, scale=1.0, shift=0),
    OutputTensor("count", (1,), 16, is_signed=True, scale=1.0, shift=0),
)
INTRINSICS: Mapping[str, Any] = {
    "task": "object detection",
    "inference_rate": 26,
    "cpu": {"bbox_order": "yx"},
    "classes": {"labels": ["person", "-", "dog"]},
}


def make_rpk(
    outputs: Sequence[OutputTensor] = SSD,
    *,
    picture: InputTensor = INPUT,
    order: str = "RGB",
    intrinsics: Mapping[str, Any] | None = INTRINSICS,
    blocks: int = 1,
    network: bytes | None = None,
    info: Mapping[str, object] | None = None,
    registers: Mapping[int, tuple[int, int]] | None = None,
    members: Mapping[str, bytes | None] | None = None,
) -> bytes:
    """Return the bytes of a file that is good but for what is changed on purpose.

    Args:
        outputs: its output tensors.
        picture: its input tensor.
        order: of the input's colours, as network_info.txt says it.
        intrinsics: what network_intrinsics says; None leaves it out.
        blocks: how many there are; all but the last have 1 MiB.
        network: the tensor table, in place of the one for `picture` and `outputs`.
        info: fields of network_info.txt; None takes one out.
        registers: address -> (width, value), beside or in place of those that are set.
        members: of the archive, in place of ours; None takes one out.
    """
    table = network_table(picture, outputs) if network is None else network
    lines = {0x305E: (2, picture.lines), 0x3060: (2, 1 + sum(output.lines for output in outputs))}
    content = {
        "imx500_regs": pack_registers({0xD750: (1, 2), **lines, **(registers or {})}),
        "network_info.txt": _info(len(table), picture, order, outputs, info or {}),
        "network_intrinsics": json.dumps(intrinsics).encode() if intrinsics is not None else None,
        **(members or {}),
    }
    present = {name: data for name, data in content.items() if data is not None}
    return make_blocks(table, blocks) + archive(present.items())


def delivered(tensor: OutputTensor, values: ArrayLike) -> Floats:
    """Return what of values is left when the sensor has stored them in a tensor, and they are read again."""
    limits = np.iinfo(f"{'int' if tensor.is_signed else 'uint'}{tensor.bits}")
    stored = np.rint(np.asarray(values, np.float64) / tensor.scale) + tensor.shift
    told = (np.clip(stored, limits.min, limits.max) - tensor.shift) * tensor.scale
    return told.astype(np.float32).reshape(tensor.shape)


def network_table(picture: InputTensor, outputs: Iterable[OutputTensor]) -> bytes:
    """Return the FlatBuffer that describes a network."""
    sides = [(0, picture.height, 1, 0), (1, picture.width, 0, 0), (2, 3, 2, 0)]
    fed = (0, picture.name, 3, sides, picture.shift, picture.scale, int(not picture.is_signed))
    given = [_output(number, output) for number, output in enumerate(outputs)]
    return flatbuffer(([(0, "synthetic", "", [fed], given)],))


def pack_registers(registers: Mapping[int, tuple[int, int]]) -> bytes:
    """Return what imx500_regs holds."""
    return b"".join(struct.pack("<HBI", address, *set_to) for address, set_to in registers.items())


def make_blocks(table: bytes, count: int) -> bytes:
    """Return the blocks of a file."""
    padded = table + bytes(-len(table) % 16)
    head = struct.pack("<I12x16s3I20x", 7, b"30313331" * 2, 4, 0x8000F000, len(padded))
    first = _turned(head + padded)
    bodies = [first.ljust(MIB - 96, b"\0"), *[bytes(MIB - 96)] * (count - 2), bytes(1024)]
    if count == 1:
        bodies = [first + bytes(64)]
    return b"".join(_block(number, count, body) for number, body in enumerate(bodies, 1))


def archive(members: Iterable[tuple[str, bytes]]) -> bytes:
    """Return a newc cpio archive, zero-padded to a multiple of 512 bytes."""
    data = b"".join(member(name, content) for name, content in members) + member("TRAILER!!!", b"", mode=0)
    return data + bytes(-len(data) % 512)


def member(name: str, content: bytes, mode: int = 0o100644) -> bytes:
    """Return one member of a newc cpio archive."""
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + "".join(f"{field:08X}" for field in fields).encode() + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + content + bytes(-len(content) % 4)


def _output(number: int, tensor: OutputTensor) -> tuple:
    sides = [(place, size, place, 0) for place, size in enumerate(tensor.shape)]
    form = int(not tensor.is_signed)
    return (number, tensor.name, len(sides), sides, tensor.bits, tensor.shift, tensor.scale, form)


def _info(
    table_bytes: int,
    picture: InputTensor,
    order: str,
    outputs: Sequence[OutputTensor],
    changes: Mapping[str, object],
) -> bytes:
    norms = {
        f"inputTensorNorm_K{place}": "0x0400" for place in ("00", "02", "03", "11", "13", "20", "22", "23")
    }
    fields: dict[str, object] = {
        "version": "020400",
        "networkID": "000000",
        "apParamSize": table_bytes,
        "networkNum": 1,
        "networkOrdinal": 0,
        "inputTensorWidth": picture.width,
        "inputTensorHeight": picture.height,
        "inputTensorFormat": order,
        **norms,
        "outputTensorNum": len(outputs),
    }
    for number, output in enumerate(outputs, 1):
        fields[f"outputTensorDimSize{number}"] = output.elements
        fields[f"outputTensorPadding{number}"] = 0
        fields[f"outputTensorBytesPerElement{number}"] = output.bits // 8
    fields.update(changes)
    lines = [f"{key}={value}\r\n" for key, value in fields.items() if value is not None]
    return "".join(lines).encode()


def _turned(words: bytes) -> bytes:
    count = len(words) // 4
    return struct.pack(f">{count}I", *struct.unpack(f"<{count}I", words))


def _block(number: int, count: int, body: bytes) -> bytes:
    header = struct.pack(">4sI2H2xBB16x", b"9464", 32 + len(body), count, number, 0, number == 1)
    return header + body + bytes(60) + b"3695"
