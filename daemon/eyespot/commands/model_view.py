"""A model file or a bundle in words, and as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from eyespot.app import ModelFile
from eyespot.commands import bundle_view
from eyespot.trust.bundle import Bundle
from eyespot.trust.rpk import Intrinsics, OutputTensor, Rpk
from eyespot.trust.tflite import Tensor, Tflite

_Row = tuple[str, str]


def as_object(model: ModelFile | Bundle) -> dict[str, Any]:
    """Return the model as an object for JSON."""
    if not isinstance(model, ModelFile):
        return bundle_view.as_object(model)
    says, common = model.says, {"sha256": model.sha256, "size_bytes": model.says.size_bytes}
    if isinstance(says, Tflite):
        return {"format": "tflite", **common, **msgspec.to_builtins(says)}
    return {
        "format": "rpk",
        **common,
        "blocks": says.blocks,
        "name": says.network.name,
        "input": {**msgspec.to_builtins(says.network.input), "order": says.info.order},
        "outputs": msgspec.to_builtins(says.network.outputs),
        "lines": {"input": says.input_lines, "output": says.output_lines},
        "intrinsics": msgspec.to_builtins(says.intrinsics),
        "refusal": model.refusal,
    }


def as_text(model: ModelFile | Bundle) -> str:
    """Return the model in words, a line a fact."""
    rows = _file(model) if isinstance(model, ModelFile) else bundle_view.rows(model)
    return "\n".join(f"{name:12}{what}" for name, what in rows)


def _file(model: ModelFile) -> Iterator[_Row]:
    yield from _tflite(model.says) if isinstance(model.says, Tflite) else _rpk(model.says, model.refusal)
    yield "sha256", model.sha256


def _tflite(says: Tflite) -> Iterator[_Row]:
    yield "format", f"TensorFlow Lite, {says.size_bytes} bytes"
    yield "description", f"{says.description!a}"
    for name, tensors in (("input", says.inputs), ("output", says.outputs)):
        yield from ((f"{name} {place}", _tensor(tensor)) for place, tensor in enumerate(tensors))


def _tensor(tensor: Tensor) -> str:
    text = f"{_shape(tensor.shape)} {tensor.dtype}"
    if len(tensor.scales) == 1:
        text += f", scale {tensor.scales[0]:g}, zero point {tensor.zero_points[0]}"
    elif tensor.scales:
        text += ", a scale for each channel"
    return f"{text}, {tensor.name!a}"


def _rpk(says: Rpk, refusal: str | None) -> Iterator[_Row]:
    yield "format", f"network for the IMX500, {says.size_bytes} bytes, {_blocks(says.blocks)}"
    yield "name", f"{says.network.name!a}"
    yield "input", _input(says)
    yield from ((f"output {place}", _output(tensor)) for place, tensor in enumerate(says.network.outputs))
    yield "", f"{says.output_lines} lines for all outputs"
    yield "intrinsics", "none" if says.intrinsics is None else ", ".join(_intrinsics(says.intrinsics))
    yield "check", f"refused: {refusal}" if refusal else "good, as far as can be seen without the sensor"


def _input(says: Rpk) -> str:
    tensor = says.network.input
    stored = _stored(8, is_signed=tensor.is_signed)
    size = f"{tensor.width}x{tensor.height} {says.info.order}"
    return f"{size}, {stored}, scale {tensor.scale:g}, {says.input_lines} lines, {tensor.name!a}"


def _output(tensor: OutputTensor) -> str:
    stored = _stored(tensor.bits, is_signed=tensor.is_signed)
    return f"{_shape(tensor.shape)} {stored}, scale {tensor.scale:g}, shift {tensor.shift}, {tensor.name!a}"


def _intrinsics(intrinsics: Intrinsics) -> Iterator[str]:
    yield intrinsics.task or "no task"
    if intrinsics.inference_rate is not None:
        yield f"{intrinsics.inference_rate:g} inferences per second"
    yield f"{len(intrinsics.labels)} labels"
    if intrinsics.classes and intrinsics.classes.ignore_undefined:
        yield 'counted without "-"'
    if intrinsics.input_aspect_ratio:
        yield f"aspect ratio {intrinsics.input_aspect_ratio.width:g}:{intrinsics.input_aspect_ratio.height:g}"
    if cpu := intrinsics.cpu:
        if cpu.bbox_normalization:
            yield "boxes in pixels"
        if cpu.bbox_order:
            yield f"boxes in the order {cpu.bbox_order}"
        if cpu.softmax:
            yield "needs a softmax"
        if cpu.post_processing:
            yield f"post-processing {cpu.post_processing!a}"


def _blocks(count: int) -> str:
    return "1 block" if count == 1 else f"{count} blocks"


def _shape(shape: Sequence[int]) -> str:
    return str(list(shape))


def _stored(bits: int, *, is_signed: bool) -> str:
    return f"{'int' if is_signed else 'uint'}{bits}"
