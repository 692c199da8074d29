"""What a .tflite file says of its inputs and outputs, without a runtime."""

import os
import random
from pathlib import Path

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust.tflite import MOST_BYTES, Tensor, is_tflite, read_tflite
from fakes.bundles import FACTORY
from fakes.flatbuffers import Numbers, flatbuffer
from fakes.harm import harmed
from fakes.tflite import BOXES, PICTURE, SCALES, make_tflite

SHARED = os.environ.get("EYESPOT_SHARED_MODELS")


def test_inputs_and_outputs_are_read() -> None:
    says = read_tflite(make_tflite(PICTURE, BOXES))
    assert says.description == "made by hand"
    assert says.inputs == (Tensor("picture", (1, 8, 8, 3), "uint8", (0.5,), (128,)),)
    assert says.outputs == (Tensor("boxes", (-1, 10, 4), "float32", (), ()),)


def test_the_factory_model_is_what_its_manifest_says() -> None:
    data = (FACTORY / "model.tflite").read_bytes()
    says = read_tflite(data)
    assert says.size_bytes == len(data)
    assert [(tensor.shape, tensor.dtype) for tensor in says.inputs] == [((1, 300, 300, 3), "float32")]
    assert [tensor.shape for tensor in says.outputs] == [(1, 1917, 4), (1, 1917, 24)]


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try")
def test_other_models_say_what_a_runtime_says_of_them() -> None:
    interpreter = pytest.importorskip("ai_edge_litert.interpreter")
    for file in sorted(Path(str(SHARED)).glob("*.tflite")):
        runtime, says = interpreter.Interpreter(str(file)), read_tflite(file.read_bytes())
        for tensors, details in (
            (says.inputs, runtime.get_input_details()),
            (says.outputs, runtime.get_output_details()),
        ):
            assert [(tensor.name, tensor.shape, tensor.dtype) for tensor in tensors] == [
                (detail["name"], tuple(detail["shape_signature"]), detail["dtype"].__name__)
                for detail in details
            ]
            assert [tensor.scales for tensor in tensors] == [
                tuple(detail["quantization_parameters"]["scales"]) for detail in details
            ]


def but(tensor: tuple, slot: int, value: object) -> tuple:
    return (*tensor[:slot], value, *tensor[slot + 1 :])


BROKEN = [
    (b"\x1c\0\0\0TFL2" + bytes(100), "TFL3 is not at byte 4"),
    (b"\xff\xff\xff\xffTFL3" + bytes(100), "leads outside"),
    (b"\x08\0\0\0TFL3" + bytes(100), "no fields"),
    (flatbuffer((3,), b"TFL3"), "has 0 entries and no number 0"),
    (make_tflite(PICTURE, outputs=(1,)), "has 1 entries and no number 1"),
    (make_tflite(PICTURE, outputs=(-1,)), "no number -1"),
    (make_tflite(PICTURE, inputs=(0,) * 65), "65 entries, more than 64"),
    (make_tflite(but(PICTURE, 1, 19), BOXES), "'picture' has the unknown type 19"),
    (make_tflite(but(PICTURE, 1, 255), BOXES), "unknown type -1"),
    (make_tflite(PICTURE, but(BOXES, 7, Numbers("i", [-2]))), r"'boxes' has the shape \[-2\]"),
    (make_tflite(but(PICTURE, 4, (None, None, Numbers("f", [1, 2]))), BOXES), "broken quantisation"),
    (
        make_tflite(but(PICTURE, 4, (*SCALES[:2], Numbers("f", [float("inf")]), SCALES[3])), BOXES),
        "broken quantisation",
    ),
    (make_tflite(but(PICTURE, 3, "\a"), BOXES), "not printable"),
    (make_tflite(but(PICTURE, 3, "x" * 1025), BOXES), "1025 entries, more than 1024"),
    (make_tflite(PICTURE, BOXES).replace(b"boxes", b"box\xff\xff"), "not UTF-8"),
    (b"\0\0\0\0TFL3" + bytes(MOST_BYTES), "more than 268435456 bytes"),
]


@pytest.mark.parametrize(("data", "says"), BROKEN, ids=[says for _, says in BROKEN])
def test_a_broken_file_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        read_tflite(data)


def test_no_harm_makes_anything_but_a_verdict() -> None:
    refused = 0
    for data in harmed(make_tflite(PICTURE, BOXES), random.Random(7), 3000):
        try:
            read_tflite(data)
        except ModelError:
            refused += 1
    assert 1000 < refused < 3000


def test_a_file_is_known_by_its_beginning() -> None:
    assert is_tflite(make_tflite(PICTURE, BOXES))
    assert not is_tflite(b"9464\0\0\0\0")
