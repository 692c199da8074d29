"""Real networks, not ours to ship, run on the CPU and decoded: what they say of the golden picture."""

import os
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot import decoders
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Labels, Poses
from fakes.bundles import FACTORY

SHARED = os.environ.get("EYESPOT_SHARED_MODELS")
PERSON = np.load(FACTORY / "golden" / "person.npy")

pytestmark = pytest.mark.skipif(
    not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try"
)


def shared(name: str) -> bytes:
    assert SHARED
    return (Path(SHARED) / name).read_bytes()


def outputs_of(network: bytes, width: int, height: int) -> list[Floats]:
    """Run a network on the golden picture, and return its outputs dequantised."""
    interpreter = pytest.importorskip("ai_edge_litert.interpreter").Interpreter(model_content=network)
    interpreter.allocate_tensors()
    pixels = np.einsum("yr,xc,rcn->yxn", smoothly(height), smoothly(width), PERSON, optimize=True)
    (entrance,) = interpreter.get_input_details()
    interpreter.set_tensor(entrance["index"], pixels.astype(np.uint8)[None])
    interpreter.invoke()
    return [dequantised(interpreter, detail) for detail in interpreter.get_output_details()]


def smoothly(side: int) -> Floats:
    """Return what stretches a side of the picture to another length: (side, old side) weights."""
    old = np.arange(len(PERSON))
    places = np.linspace(0, len(PERSON) - 1, side)
    return np.stack([np.interp(places, old, row) for row in np.eye(len(PERSON))], axis=1)


def dequantised(interpreter: Any, detail: Any) -> Floats:
    scale, zero_point = detail["quantization"]
    return (interpreter.get_tensor(detail["index"]).astype(np.float32) - zero_point) * np.float32(scale)


def without_its_decoder(network: bytes) -> bytes:
    """Take the last operation out of a network, a custom one that no runtime has, so that its inputs show."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(network, 0))
    graph = model.subgraphs[0]
    graph.outputs = graph.operators.pop().inputs
    builder = import_module("flatbuffers").Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def decoded(kind: str, layout: Layout, tensors: Sequence[Floats], **settings: Any) -> Any:
    return decoders.build({"kind": kind, **settings}, layout, floor=0.1, nms_iou=0.5).decode(tensors)


def test_a_classifier_names_what_is_held() -> None:
    labels = shared("imagenet_labels.txt").decode().splitlines()
    tensors = outputs_of(shared("coral_mobilenet_v1_0.25_128_quant.tflite"), 128, 128)
    found: Labels = decoded(
        "classifier", Layout(128, 128, {"scores": (1, 1001)}, len(labels)), tensors, softmax=False
    )
    assert labels[found.classes[0]] == "barbell"
    assert found.scores[0] == tensors[0].max()


def test_posenet_finds_the_one_person_and_its_face_and_shoulders() -> None:
    tensors = outputs_of(without_its_decoder(shared("coral_posenet_353_481_decoder.tflite")), 481, 353)
    outputs = {
        "heatmaps": (1, 23, 31, 17),
        "offsets": (1, 23, 31, 34),
        "displacements": (1, 23, 31, 64),
    }
    found: Poses = decoded("posenet", Layout(481, 353, outputs, 1), tensors, stride=16)
    assert len(found) == 1
    nose, left_eye, right_eye, _, _, left_shoulder, right_shoulder = found.keypoints[0, :7]
    assert nose == pytest.approx([0.44, 0.24, 1], abs=0.05)
    assert left_eye[:2] == pytest.approx([0.49, 0.20], abs=0.05)
    assert right_eye[:2] == pytest.approx([0.40, 0.20], abs=0.05)
    assert left_shoulder[:2] == pytest.approx([0.60, 0.54], abs=0.05)
    assert right_shoulder[:2] == pytest.approx([0.20, 0.57], abs=0.05)
