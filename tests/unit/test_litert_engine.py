import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from eyespot import decoders
from eyespot.app.proving import Look, differences
from eyespot.domain.boxes import iou_matrix
from eyespot.domain.errors import ModelError
from eyespot.domain.observation import Detections
from eyespot.engines import litert
from eyespot.engines.litert import LiteRtEngine
from eyespot.trust.bundle import CpuBundle, read_bundle
from eyespot.trust.manifest_tensors import Input, Output
from fakes.bundles import FACTORY, factory_manifest, write_bundle
from fakes.interpreter import FakeInterpreter, detail

PERSON = np.load(FACTORY / "golden" / "person.npy")
SHARED = os.environ.get("EYESPOT_SHARED_MODELS")

needs_shared_models = pytest.mark.skipif(
    not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try"
)


@pytest.fixture(scope="module")
def bundle() -> CpuBundle:
    return read_bundle(FACTORY)


@pytest.fixture(scope="module")
def engine(bundle: CpuBundle) -> LiteRtEngine:
    return LiteRtEngine(bundle)


def changed(bundle: CpuBundle, **changes: Any) -> CpuBundle:
    return replace(bundle, manifest=msgspec.structs.replace(bundle.manifest, **changes))


def detected(bundle: CpuBundle, engine: LiteRtEngine, pixels: Any) -> Detections:
    """Return what can start a track."""
    manifest = bundle.manifest
    decoder = decoders.build(
        manifest.decoder, bundle.layout, floor=manifest.min_score, nms_iou=manifest.nms_iou
    )
    return decoder.decode(engine.infer(pixels))


def test_the_factory_model_finds_what_its_golden_vectors_say(bundle: CpuBundle, engine: LiteRtEngine) -> None:
    assert list(differences(bundle, Look(bundle, engine), FACTORY)) == []


def test_the_same_picture_gives_the_same_again_and_earlier_outputs_stay(engine: LiteRtEngine) -> None:
    first = engine.infer(PERSON)
    kept = first[1].copy()
    engine.infer(np.zeros_like(PERSON))
    assert np.array_equal(first[1], kept)
    assert np.array_equal(engine.infer(PERSON)[1], kept)


def test_outputs_come_in_the_order_of_the_manifest(bundle: CpuBundle) -> None:
    turned = changed(bundle, outputs=bundle.manifest.outputs[::-1])
    assert [tensor.shape for tensor in LiteRtEngine(turned).infer(PERSON)] == [(1, 1917, 24), (1, 1917, 4)]


def test_a_picture_of_another_size_is_resized(engine: LiteRtEngine) -> None:
    whole = PERSON.repeat(3, axis=0).repeat(3, axis=1)
    assert np.array_equal(engine.infer(PERSON)[1], engine.infer(whole)[1])


def test_the_runtime_says_its_name_and_version(engine: LiteRtEngine) -> None:
    assert engine.runtime.startswith(("ai-edge-litert 2.", "tflite-runtime 2."))


def _input(**changes: Any) -> dict[str, Any]:
    return {"input": msgspec.convert({**factory_manifest()["input"], **changes}, Input)}


def _boxes(**changes: Any) -> dict[str, Any]:
    boxes = {"role": "boxes", "shape": [1, 1917, 4], "dtype": "float32", **changes}
    scores = {"role": "scores", "shape": [1, 1917, 24], "dtype": "float32"}
    return {"outputs": msgspec.convert([boxes, scores], tuple[Output, ...])}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (_input(width=320), r"input is float32 \[1, 300, 300, 3\] in the model, float32 \[1, 300, 320, 3\]"),
        (_input(dtype="uint8"), "input is float32 .* uint8 "),
        (_boxes(shape=[1, 10, 4]), r"of shape \[1, 10, 4\]"),
        (_boxes(name="x"), "of name 'x'"),
        (_boxes(dtype="int8"), "output 'boxes' is float32"),
    ],
)
def test_a_manifest_that_differs_from_the_network_is_refused(
    bundle: CpuBundle, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ModelError, match=says):
        LiteRtEngine(changed(bundle, **changes))


def test_an_output_too_few_is_refused(bundle: CpuBundle) -> None:
    with pytest.raises(ModelError, match=r"2 outputs, manifest\.json 1"):
        LiteRtEngine(changed(bundle, outputs=bundle.manifest.outputs[:1]))


def test_without_a_runtime_it_says_what_to_install(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    for package in ("ai_edge_litert", "tflite_runtime"):
        monkeypatch.setitem(sys.modules, f"{package}.interpreter", None)
    with pytest.raises(ModelError, match="install ai-edge-litert or tflite-runtime"):
        LiteRtEngine(bundle)


SMALL = {"width": 16, "height": 16, "order": "rgb", "resize": "stretch"}
PIXELS = np.arange(16 * 16 * 3, dtype=np.uint16).astype(np.uint8).reshape(16, 16, 3)


def planted(
    bundle: CpuBundle,
    monkeypatch: pytest.MonkeyPatch,
    interpreter: FakeInterpreter,
    wanted: dict[str, Any],
    dtype: str = "float32",
) -> LiteRtEngine:
    monkeypatch.setattr(litert, "find_runtime", lambda: ("fake 1.0", interpreter))
    outputs = msgspec.convert([{"role": "boxes", "shape": [1, 2], "dtype": dtype}], tuple[Output, ...])
    return LiteRtEngine(changed(bundle, input=msgspec.convert({**SMALL, **wanted}, Input), outputs=outputs))


def interpreter_for(dtype: type, scale: Any = (), exits: Any = None, output: Any = None) -> FakeInterpreter:
    values = np.zeros((1, 2), np.float32) if output is None else output
    entrance = detail((1, 16, 16, 3), dtype, scale=scale)
    return FakeInterpreter(entrance, exits or [detail((1, 2), np.float32)], [values])


@pytest.mark.parametrize(
    ("wanted", "dtype", "scale", "expected"),
    [
        ({"dtype": "float32", "range": [-1, 1]}, np.float32, (), PIXELS / 127.5 - 1),
        ({"dtype": "float32", "range": [0, 255], "order": "bgr"}, np.float32, (), PIXELS[..., ::-1]),
        ({"dtype": "uint8"}, np.uint8, (0.5, 3), PIXELS),
        ({"dtype": "int8"}, np.int8, (), PIXELS.astype(int) - 128),
        ({"dtype": "uint8", "range": [0, 1]}, np.uint8, (1 / 100, 5), np.rint(PIXELS / 2.55) + 5),
        (
            {"dtype": "int8", "range": [-1, 1]},
            np.int8,
            (1 / 128, 0),
            np.clip(np.rint((PIXELS / 127.5 - 1) * 128), -128, 127),
        ),
    ],
)
def test_pixels_are_brought_into_the_range_of_the_input(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch, wanted: Any, dtype: type, scale: Any, expected: Any
) -> None:
    interpreter = interpreter_for(dtype, scale)
    planted(bundle, monkeypatch, interpreter, wanted).infer(PIXELS)
    assert interpreter.received.dtype == dtype
    assert interpreter.received[0] == pytest.approx(expected, abs=1e-6)


def test_quantised_outputs_are_read_by_their_own_scale(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    exits = [detail((1, 2), np.uint8, scale=(0.25, 10))]
    interpreter = interpreter_for(np.uint8, exits=exits, output=np.array([[8, 14]], np.uint8))
    engine = planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"}, "uint8")
    assert engine.infer(PIXELS)[0].tolist() == [[-0.5, 1.0]]


def test_a_range_for_an_input_that_has_no_scale_is_refused(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="take `range` out"):
        planted(bundle, monkeypatch, interpreter_for(np.uint8), {"dtype": "uint8", "range": [0, 1]})


def test_a_scale_for_each_channel_is_refused(bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    exits = [detail((1, 2), np.uint8)]
    exits[0]["quantization_parameters"] = {"scales": np.ones(2), "zero_points": np.zeros(2)}
    with pytest.raises(ModelError, match="a scale for each channel"):
        planted(bundle, monkeypatch, interpreter_for(np.uint8, exits=exits), {"dtype": "uint8"}, "uint8")


def test_several_inputs_are_refused(bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = interpreter_for(np.uint8)
    monkeypatch.setattr(interpreter, "get_input_details", lambda: [{}, {}, {}])
    with pytest.raises(ModelError, match="3 inputs"):
        planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"})


def test_a_size_that_is_still_open_is_refused(bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = interpreter_for(np.uint8)
    interpreter.get_input_details()[0]["shape_signature"][0] = -1
    with pytest.raises(ModelError, match=r"\[-1, 16, 16, 3\]"):
        planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"})


def test_a_runtime_that_gives_up_is_a_model_error(bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch) -> None:
    interpreter = interpreter_for(np.uint8)
    engine = planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"})
    interpreter.failure = RuntimeError("Node 3 failed\nto invoke")
    with pytest.raises(ModelError, match=r"^fake 1\.0 cannot run .*: Node 3 failed to invoke$"):
        engine.infer(PIXELS)


def test_a_network_that_fails_when_run_is_refused_when_loaded(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = interpreter_for(np.uint8)
    interpreter.failure = RuntimeError("no kernel")
    with pytest.raises(ModelError, match="no kernel"):
        planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"})


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_outputs_that_are_not_finite_are_a_model_error(
    bundle: CpuBundle, monkeypatch: pytest.MonkeyPatch, value: float
) -> None:
    interpreter = interpreter_for(np.uint8)
    engine = planted(bundle, monkeypatch, interpreter, {"dtype": "uint8"})
    interpreter.outputs[0][0, 1] = value
    with pytest.raises(ModelError, match="boxes are not finite"):
        engine.infer(PIXELS)


def shared(name: str) -> bytes:
    return Path(SHARED or "", name).read_bytes()


COCO = {
    "input": {**SMALL, "width": 300, "height": 300, "dtype": "uint8"},
    "outputs": [
        {"role": role, "shape": shape, "dtype": "float32", "name": f"TFLite_Detection_PostProcess{suffix}"}
        for role, shape, suffix in (
            ("scores", [1, 10], ":2"),
            ("count", [1], ":3"),
            ("boxes", [1, 10, 4], ""),
            ("classes", [1, 10], ":1"),
        )
    ],
    "decoder": {"kind": "ssd_postprocess", "class_offset": 1},
    "min_score": 0.5,
}


@needs_shared_models
def test_a_quantised_model_with_its_own_post_processing_finds_the_person(tmp_path: Path) -> None:
    network, labels = shared("coco_ssd_mobilenet_v1_1.0_quant.tflite"), shared("coco_labels_90.txt")
    bundle = read_bundle(write_bundle(tmp_path, network, labels, **COCO))
    amid_grey = np.pad(PERSON, ((50, 50), (50, 50), (0, 0)), constant_values=128)
    found = detected(bundle, LiteRtEngine(bundle), amid_grey)
    assert [bundle.labels[index] for index in found.classes] == ["person"]
    assert found.scores == pytest.approx([0.69], abs=0.05)
    assert iou_matrix(found.boxes_xyxy_n, np.array([[0.26, 0.25, 0.61, 0.75]], np.float32))[0, 0] > 0.85


@needs_shared_models
@pytest.mark.parametrize(
    "name",
    [
        "coral_invalid_model_invoking_error.tflite",
        "coral_mobilenet_v1_0.25_128_quant.tflite",
        "coral_movenet_single_pose_lightning_ptq.tflite",
        "coral_posenet_353_481_decoder.tflite",
        "tflm_hello_world_int8.tflite",
    ],
)
def test_a_model_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    bundle = read_bundle(write_bundle(tmp_path, shared(name), b"person\n", **COCO))
    with pytest.raises(ModelError) as caught:
        LiteRtEngine(bundle)
    assert "\n" not in str(caught.value)
