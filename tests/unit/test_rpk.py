"""What an .rpk file says is read as it was written; what cannot be read is refused with the place."""

import json
import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust.rpk import MOST_BYTES, InputTensor, OutputTensor, check_rpk, is_rpk, read_rpk
from fakes.flatbuffers import flatbuffer
from fakes.harm import harmed
from fakes.rpk import (
    INPUT,
    INTRINSICS,
    SSD,
    archive,
    make_blocks,
    make_rpk,
    member,
    network_table,
    pack_registers,
)

SHARED = os.environ.get("EYESPOT_SHARED_RPK")

RGB, BGR = "rgb", "bgr"
# of the public zoo, from its README and picamera2: input, colours, outputs, lines, task, rate, labels
ZOO = [
    ("ssd_mobilenetv2_fpnlite_320x320_pp", 320, 320, RGB, [(100, 4), (100,), (100,), (1,)], 121, 5, 26, 90),
    ("efficientdet_lite0_pp", 320, 320, RGB, [(100, 4), (100,), (100,), (1,)], 121, 5, 23, 90),
    ("nanodet_plus_416x416_pp", 416, 416, BGR, [(300, 4), (300,), (300,), (1,)], 204, 5, 23, 90),
    ("nanodet_plus_416x416", 416, 416, BGR, [(3598, 112)], 204, 159, 23, 90),
    ("deeplabv3plus", 320, 320, RGB, [(320, 320)], 121, 81, 19, 0),
    ("higherhrnet_coco", 384, 288, RGB, [(30, 17)] * 3, 131, 4, 10, 90),
    ("mobilenet_v2", 224, 224, RGB, [(1000,)], 60, 2, 30, 1001),
    ("squeezenet1.0", 224, 224, RGB, [(1000,)], 60, 2, 30, 1001),
    ("inputtensoronly", 640, 480, RGB, [(10,)], 361, 2, None, 0),
]


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_RPK names no folder with network files")
@pytest.mark.parametrize(
    ("name", "width", "height", "order", "shapes", "input_lines", "output_lines", "rate", "labels"), ZOO
)
def test_networks_of_the_public_zoo_are_good_and_read_as_they_are_known(
    name: str,
    width: int,
    height: int,
    order: str,
    shapes: Sequence[tuple[int, ...]],
    input_lines: int,
    output_lines: int,
    rate: float | None,
    labels: int,
) -> None:
    rpk = check_rpk((Path(str(SHARED)) / f"imx500_network_{name}.rpk").read_bytes())
    assert (rpk.network.input.width, rpk.network.input.height, rpk.info.order) == (width, height, order)
    assert [output.shape for output in rpk.network.outputs] == shapes
    assert (rpk.input_lines, rpk.output_lines) == (input_lines, output_lines)
    assert (rpk.intrinsics and rpk.intrinsics.inference_rate) == rate
    assert len(rpk.intrinsics.labels if rpk.intrinsics else ()) == labels


@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_what_was_written_is_read(blocks: int) -> None:
    rpk = check_rpk(make_rpk(blocks=blocks))
    assert rpk.blocks == blocks
    assert (rpk.network.name, rpk.network.input, rpk.network.outputs) == ("synthetic", INPUT, SSD)
    assert (rpk.input_lines, rpk.output_lines) == (121, 5)
    assert rpk.intrinsics is not None
    assert rpk.intrinsics.labels == ("person", "-", "dog")
    assert rpk.intrinsics.cpu is not None
    assert rpk.intrinsics.cpu.bbox_order == "yx"


def test_an_input_that_is_described_colours_first_has_the_same_size() -> None:
    sides = [(0, 3, 2, 0), (1, 240, 1, 0), (2, 320, 0, 0)]
    fed = (0, "in", 3, sides, 0, 1.0, 1)
    given = [(0, "out", 1, [(0, 10, 0, 0)], 8, 0, 1.0, 0)]
    table = flatbuffer(([(0, "onnx", "", [fed], given)],))
    assert read_rpk(make_rpk(network=table)).network.input == InputTensor(
        "in", 320, 240, is_signed=False, scale=1.0, shift=0
    )


def test_bgr_and_missing_intrinsics_are_read() -> None:
    rpk = check_rpk(make_rpk(order="BGR", intrinsics=None))
    assert (rpk.info.order, rpk.intrinsics) == ("bgr", None)


def test_intrinsics_without_labels_have_none() -> None:
    rpk = read_rpk(make_rpk(intrinsics={"task": "segmentation", "new": {"field": [1]}}))
    assert rpk.intrinsics is not None
    assert rpk.intrinsics.labels == ()


def test_plain_line_ends_are_read_too() -> None:
    data = make_rpk()
    start = data.index(b"version=")
    text = data[start : data.index(b"070701", start)].rstrip(b"\0").replace(b"\r\n", b"\n")
    assert read_rpk(make_rpk(members={"network_info.txt": text})).info == read_rpk(data).info


def test_a_file_is_known_by_its_beginning() -> None:
    assert is_rpk(make_rpk())
    assert not is_rpk(b"\x1c\0\0\0TFL3")


def changed(at: int, new: bytes, blocks: int = 2) -> bytes:
    data = make_rpk(blocks=blocks)
    at %= len(data)
    return data[:at] + new + data[at + len(new) :]


LATER = 1 << 20  # where block 2 begins
BLOCKS = [
    (b"", "no .rpk file"),
    (b"9464", "cut off at block 1"),
    (changed(0, b"9465"), "does not begin with 9464"),
    (changed(LATER, b"\0"), "header of block 2 is broken"),
    (changed(8, b"\0\3"), "header of block 2 is broken"),
    (changed(8, b"\0\0"), "header of block 1 is broken"),
    (changed(11, b"\2"), "header of block 1 is broken"),
    (changed(15, b"\0"), "header of block 1 is broken"),
    (changed(20, b"\1"), "header of block 1 is broken"),
    (changed(14, b"\1"), "locked to one sensor"),
    (changed(4, b"\0\1\0\0"), "block 1 says it has 65600 bytes"),
    (changed(4, b"\0\0\0\4", 1), "block 1 says it has 68 bytes"),
    (changed(LATER + 4, b"\0\x10\0\0"), "block 2 says it has 1048640 bytes"),
    (changed(LATER - 1, b"\0"), "block 1 does not end with 3695"),
    (changed(8, b"\0\1"), "more blocks than the 1"),
    (make_rpk(blocks=3)[: 2 << 20], "cut off at block 3"),
    (make_rpk(blocks=2)[: LATER + 100], "cut off in block 2: 1020 bytes are missing"),
    (changed(72, b"\0\0\0\1", 1), "tensor table has 1 bytes"),
    (changed(72, b"\0\1\0\0", 2), "tensor table has 65536 bytes"),
    (b"9464\0\0\0\x40\0\1\0\1\0\0\0\1" + bytes(16) + bytes(92) + b"3695", "block 1 is too short"),
    (b"9464\0\0\0\x62\0\1\0\1\0\0\0\1" + bytes(16) + bytes(126) + b"3695", "no multiple of 4"),
    (b"9464" + bytes(MOST_BYTES), "more than 16777216 bytes"),
]


@pytest.mark.parametrize(("data", "says"), BLOCKS, ids=[says for _, says in BLOCKS])
def test_broken_blocks_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_rpk(data)


def archived(data: bytes) -> bytes:
    return make_blocks(network_table(INPUT, SSD), 1) + data


WHOLE = archive([("imx500_regs", b""), ("network_info.txt", b"")])
ARCHIVES = [
    (b"", "archive is cut off at byte"),
    (WHOLE[:-500], "archive is cut off at byte"),
    (WHOLE.replace(b"070701", b"070702"), "archive has a broken header at byte"),
    (WHOLE.replace(b"0000000C", b"+000000C"), "archive has a broken header at byte"),
    (member("imx500_regs", bytes(7))[:-5], "cut off in imx500_regs"),
    (member("imx500_regs", bytes(8000)), "imx500_regs in its archive has 8000 bytes"),
    (member("imx500_regs", b"", mode=0o120777), "imx500_regs in its archive is no regular file"),
    (member("imx500_regs_2", b""), "member that nobody knows, b'imx500_regs_2'"),
    (member("../" * 40, b""), "member that nobody knows"),
    (member("imx500_regs", b"").replace(b"regs\0", b"regs/"), "member that nobody knows"),
    (archive([("imx500_regs", b"")] * 2), "imx500_regs twice"),
    (archive([("imx500_regs", b"")]), "no network_info.txt"),
    (archive([("network_info.txt", b"")]), "no imx500_regs"),
    (WHOLE + b"\0\0\0\1", "something stands behind its archive"),
]


@pytest.mark.parametrize(("data", "says"), ARCHIVES, ids=[says for _, says in ARCHIVES])
def test_a_broken_archive_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_rpk(archived(data))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"networkNum": 2}, "exactly one network"),
        ({"networkOrdinal": 1}, "exactly one network"),
        ({"networkID": "00A000"}, "networkID is '00A000'"),
        ({"inputTensorWidth": None}, "no inputTensorWidth"),
        ({"inputTensorWidth": "-1"}, "inputTensorWidth is '-1'"),
        ({"inputTensorFormat": "RGBA"}, "inputTensorFormat is 'RGBA'"),
        ({"inputTensorNorm_K13": "6144"}, "inputTensorNorm_K13 is '6144'"),
        ({"apParamSize": 1}, "network_info.txt says 1"),
        ({"outputTensorNum": 256}, "tells of 256 outputs"),
        ({"outputTensorNum": 5}, "no outputTensorPadding5"),
        ({"outputTensorPadding2": 3}, "gives output 2 padding"),
        ({"x": "1=2"}, r"network_info\.txt:\d+: want `key=value`, each key once"),
        ({"x": "\t"}, r"network_info\.txt:\d+: want `key=value`, each key once"),
        ({"x": "\r\nversion=1"}, r"network_info\.txt:\d+: want `key=value`, each key once"),
        ({"x": "\r\n"}, r"network_info\.txt:\d+: want `key=value`, each key once"),
    ],
)
def test_a_network_info_that_picamera2_cannot_use_is_refused(change: dict[str, object], says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_rpk(make_rpk(info=change))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("network_info.txt", b"\xff", "not ASCII"),
        ("imx500_regs", bytes(6), "no multiple of 7"),
        ("imx500_regs", bytes(14), "sets a register twice"),
        ("imx500_regs", bytes.fromhex("5e300279000000"), "does not set 0x3060"),
        ("network_intrinsics", b"{", "network_intrinsics cannot be used"),
        ("network_intrinsics", b"[" * 200_000, "network_intrinsics cannot be used"),
        ("network_intrinsics", b'{"task": "mind reading"}', "task"),
        ("network_intrinsics", b'{"inference_rate": -1}', "inference_rate"),
        ("network_intrinsics", b'{"cpu": {"bbox_order": "yz"}}', "bbox_order"),
    ],
)
def test_members_that_cannot_be_read_are_named(name: str, content: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_rpk(make_rpk(members={name: content}))


OUT = (0, "out", 1, [(0, 10, 0, 0)], 8, 0, 1.0, 0)
IN = (0, "in", 3, [(0, 320, 1, 0), (1, 320, 0, 0), (2, 3, 2, 0)], 0, 1.0, 0)


def network(fed: Sequence[object] = (IN,), given: Sequence[object] = (OUT,), count: int = 1) -> tuple:
    return ([(0, "name", "", list(fed), list(given))] * count,)


def but(table: tuple, slot: int, value: object) -> tuple:
    return (*table[:slot], value, *table[slot + 1 :])


NETWORKS = [
    (network(count=2), "it has 2 networks"),
    ((None,), "it has 0 networks"),
    (network(fed=(IN, IN)), "it has 2 inputs"),
    (network(given=()), "it has 0 outputs"),
    (network(given=(OUT,) * 16), "it has 16 outputs"),
    (network(fed=(but(IN, 3, [(0, 320, 1, 0), (1, 320, 0, 0), (2, 4, 2, 0)]),)), "no picture of 3 colours"),
    (network(fed=(but(but(IN, 2, 1), 3, [(0, 320, 0, 0)]),)), "no picture of 3 colours"),
    (network(fed=(but(IN, 6, 2),)), "'in' has the unknown format 2"),
    (network(given=(but(OUT, 7, 255),)), "'out' has the unknown format 255"),
    (network(given=(but(OUT, 4, 12),)), "'out' has 12 bits a value"),
    (network(given=(but(OUT, 6, 0.0),)), "'out' has the scale 0.0"),
    (network(given=(but(OUT, 6, float("nan")),)), "'out' has the scale nan"),
    (network(given=(but(OUT, 2, 2),)), "'out' says it has 2 dimensions"),
    (network(given=((0, "out"),)), "'out' says it has 0 dimensions"),
    (network(given=(but(OUT, 3, [(1, 10, 0, 0)]),)), "not counted from 0"),
    (network(given=(but(OUT, 3, [(0, 10, 0, 1)]),)), "'out' has padding"),
    (network(given=(but(OUT, 3, [(0, 10, 1, 0)]),)), "'out' has its dimensions in another order"),
    (network(given=(but(OUT, 3, [(0, 0, 0, 0)]),)), "'out' has a side without length"),
    (network(given=(but(OUT, 3, [(0, 10, 0, 0)] * 17),)), "17 entries, more than 16"),
    (network(given=(but(OUT, 1, "\x1b[2J"),)), "not printable"),
]


@pytest.mark.parametrize(("table", "says"), NETWORKS, ids=[says for _, says in NETWORKS])
def test_a_tensor_table_that_cannot_be_delivered_is_refused(table: tuple, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_rpk(make_rpk(network=flatbuffer(table)))


def is_refused(data: bytes) -> bool:
    try:
        check_rpk(data)
    except ModelError:
        return True
    return False


TABLE = network_table(INPUT, SSD)


@pytest.mark.parametrize(
    ("whole", "around"),
    [
        (make_rpk(), bytes),
        (TABLE, lambda data: make_rpk(network=data)),
        (pack_registers({0x305E: (2, 121), 0x3060: (2, 5)}), lambda data: with_member("imx500_regs", data)),
        (b"networkNum=1\r\nversion=020400\r\n", lambda data: with_member("network_info.txt", data)),
        (json.dumps(INTRINSICS).encode(), lambda data: with_member("network_intrinsics", data)),
    ],
    ids=["file", "tensors", "registers", "info", "intrinsics"],
)
def test_no_harm_makes_anything_but_a_verdict(whole: bytes, around: Callable[[bytes], bytes]) -> None:
    verdicts = [is_refused(around(data)) for data in harmed(whole, random.Random(7), 500)]
    assert sum(verdicts) > 250  # the rest fell on weights, padding and names


def with_member(name: str, content: bytes) -> bytes:
    return make_rpk(members={name: content[:5000]})


def test_intrinsics_are_kept_whole() -> None:
    output = OutputTensor("out", (10,), 8, is_signed=True, scale=1.0, shift=0)
    rpk = check_rpk(
        make_rpk([output], intrinsics={**INTRINSICS, "input_aspect_ratio": {"width": 4, "height": 3}})
    )
    assert rpk.intrinsics is not None
    assert rpk.intrinsics.task == "object detection"
    assert rpk.intrinsics.input_aspect_ratio is not None
    assert rpk.intrinsics.input_aspect_ratio.width == 4
