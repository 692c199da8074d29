"""TensorFlow Lite models on the CPU.

They are run by ai-edge-litert or, where that is what the machine has, by tflite-runtime. Both have the
same classic `Interpreter`. Neither declares types, so it is Any here.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.errors import ModelError, foreign, one_line
from eyespot.engines.fitting import Fitting
from eyespot.frames import Pixels, Tensor
from eyespot.trust.bundle import CpuBundle
from eyespot.trust.manifest_tensors import Input, Output

_PACKAGES = {"ai_edge_litert": "ai-edge-litert", "tflite_runtime": "tflite-runtime"}

_Detail = Mapping[str, Any]


class _Runtime(NamedTuple):
    name: str
    interpreter: Callable[..., Any]


class _OutputTensor(NamedTuple):
    """How one output tensor is read: (stored - zero_point) * scale, where it is quantised."""

    place: int
    role: str
    quantisation: tuple[float, int] | None


class LiteRtEngine:
    """Runs the network of a bundle.

    Args:
        bundle: what to run.

    Attributes:
        runtime: name and version of what runs it, such as "ai-edge-litert 2.3.0".

    Raises:
        ModelError: no runtime is installed, it cannot run the network, or manifest and network differ.
    """

    def __init__(self, bundle: CpuBundle) -> None:
        self.runtime, interpreter = find_runtime()
        manifest = bundle.manifest
        self._doing = f"{self.runtime} cannot run {manifest.network.file}; take another bundle"
        with foreign(ModelError, self._doing):
            # more threads than one cost a busy machine much more than they gain
            self._interpreter = interpreter(model_content=bundle.network, num_threads=1)
            self._interpreter.allocate_tensors()
        detail = _input_detail(self._interpreter.get_input_details(), manifest.input)
        self._place: int = detail["index"]
        self._table = _pixel_table(manifest.input, detail)
        self._flip = manifest.input.order == "bgr"
        self._outputs = _output_tensors(self._interpreter.get_output_details(), manifest.outputs)
        self._fitting = Fitting(
            manifest.input.width, manifest.input.height, manifest.input.resize, manifest.input.pad
        )
        self._input = np.empty(detail["shape"], self._table.dtype)
        # Some networks load well and fail when run: better now than after the old one is gone.
        self.infer(np.zeros(self._input.shape[1:], np.uint8))

    def infer(self, pixels: Pixels) -> Sequence[Tensor]:
        """Return the output tensors; see `Engine`.

        Raises:
            ModelError: the runtime gave up, or the outputs are not finite.
        """
        fitted = self._fitting.fit(pixels)
        self._pour(fitted[..., ::-1] if self._flip else fitted)
        with foreign(ModelError, self._doing):
            self._interpreter.set_tensor(self._place, self._input)
            self._interpreter.invoke()
            return [self._read(output) for output in self._outputs]

    def _pour(self, pixels: Pixels) -> None:
        """Write pixels into the input as it wants them."""
        if self._input.dtype != np.float32:
            np.take(self._table, pixels, out=self._input[0], mode="clip")
            return
        # the same by arithmetic: a look-up would make an index of eight bytes for each pixel
        np.multiply(pixels, self._table[1] - self._table[0], out=self._input[0], dtype=np.float32)
        self._input += self._table[0]

    def _read(self, output: _OutputTensor) -> NDArray[np.float32]:
        # a copy, as the runtime's own view would keep it from running again
        tensor: NDArray[Any] = self._interpreter.get_tensor(output.place)
        values: NDArray[np.float32] = tensor.astype(np.float32, copy=False)
        if output.quantisation is not None:
            scale, zero_point = output.quantisation
            values = (values - np.float32(zero_point)) * np.float32(scale)
        if not np.isfinite(values).all():
            raise ModelError(f"the model's {output.role} are not finite; take another bundle")
        return values


def output_shapes(network: bytes) -> list[tuple[int, ...]]:
    """Return the shapes of a network's outputs, as the runtime has them; -1 is a side that is open.

    Files leave the outputs of some operations to the runtime.

    Raises:
        ModelError: no runtime is installed, or it cannot run the network.
    """
    runtime, interpreter = find_runtime()
    with foreign(ModelError, f"{runtime} cannot run it; take another network"):
        loaded = interpreter(model_content=network, num_threads=1)
        loaded.allocate_tensors()
        return [tuple(map(int, detail["shape_signature"])) for detail in loaded.get_output_details()]


def find_runtime() -> _Runtime:
    """Return what runs models here, loaded.

    Raises:
        ModelError: nothing is installed that does.
    """
    reasons = []
    for package, name in _PACKAGES.items():
        try:
            module = importlib.import_module(f"{package}.interpreter")
        except ImportError as error:
            reasons.append(f"{name}: {one_line(error)}")
        else:
            version = importlib.import_module(package).__version__
            return _Runtime(f"{name} {version}", module.Interpreter)
    raise ModelError(
        f"no runtime for models; install ai-edge-litert or tflite-runtime ({'; '.join(reasons)})"
    )


def _input_detail(details: Sequence[_Detail], wanted: Input) -> _Detail:
    """Return the detail of the one input, checked."""
    if len(details) != 1:
        raise ModelError(f"the model has {len(details)} inputs, not one picture; take another bundle")
    shape = (1, wanted.height, wanted.width, 3)
    _check(details[0], "input", shape, wanted.dtype)
    return details[0]


def _check(detail: _Detail, what: str, shape: tuple[int, ...], dtype: str) -> None:
    """Compare a tensor with the manifest; -1 in its signature is a side that is still open."""
    signature, has = tuple(detail["shape_signature"]), np.dtype(detail["dtype"]).name
    if signature != shape or has != dtype:
        raise ModelError(
            f"the {what} is {has} {[int(side) for side in signature]} in the model, "
            f"{dtype} {list(shape)} in manifest.json; mend that or take another bundle"
        )


def _output_tensors(details: Sequence[_Detail], wanted: Sequence[Output]) -> list[_OutputTensor]:
    """Return how to read the outputs, in the order of the manifest."""
    if len(details) != len(wanted):
        raise ModelError(f"the model has {len(details)} outputs, manifest.json {len(wanted)}; mend that")
    found = [(output.role, _find(details, output)) for output in wanted]
    return [_OutputTensor(detail["index"], role, _quantisation(detail)) for role, detail in found]


def _find(details: Sequence[_Detail], wanted: Output) -> _Detail:
    if wanted.name is None:
        found = [detail for detail in details if tuple(detail["shape_signature"]) == wanted.shape]
    else:
        found = [detail for detail in details if detail["name"] == wanted.name]
    if len(found) != 1:
        by = f"shape {list(wanted.shape)}" if wanted.name is None else f"name {wanted.name!r}"
        raise ModelError(
            f"the model has no output of {by} for {wanted.role!r}; mend `$.outputs` in manifest.json"
        )
    _check(found[0], f"output {wanted.role!r}", wanted.shape, wanted.dtype)
    return found[0]


def _quantisation(detail: _Detail) -> tuple[float, int] | None:
    """Return scale and zero point of a tensor; None where it has none."""
    parameters = detail["quantization_parameters"]
    scales, zero_points = parameters["scales"], parameters["zero_points"]
    if not len(scales):
        return None
    if len(scales) > 1:
        raise ModelError(f"the tensor {detail['name']!r} has a scale for each channel; take another bundle")
    return float(scales[0]), int(zero_points[0])


def _pixel_table(wanted: Input, detail: _Detail) -> NDArray[Any]:
    """Return what each of the 256 pixel values becomes in the input tensor."""
    dtype, pixels = np.dtype(wanted.dtype), np.arange(256)
    if wanted.range is None:
        return np.asarray(pixels + np.iinfo(dtype).min, dtype)
    low, high = wanted.range
    values = low + pixels * ((high - low) / 255)
    if wanted.dtype == "float32":
        return np.asarray(values, dtype)
    quantisation = _quantisation(detail)
    if quantisation is None:
        raise ModelError("the model's input has no quantisation; take `range` out of `$.input`")
    scale, zero_point = quantisation
    limits = np.iinfo(dtype)
    return np.asarray(np.clip(np.rint(values / scale) + zero_point, limits.min, limits.max), dtype)
