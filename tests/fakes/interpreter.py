"""A runtime's interpreter that computes nothing: it keeps what it is given and returns what it is told."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def detail(shape: Sequence[int], dtype: type, *, name: str = "t", index: int = 0, scale: Any = ()) -> Any:
    """Return what a runtime tells about a tensor; `scale` is (scale, zero point) where it is quantised."""
    scales, zero_points = ([scale[0]], [scale[1]]) if scale else ([], [])
    return {
        "name": name,
        "index": index,
        "shape": np.array(shape),
        "shape_signature": np.array(shape),
        "dtype": dtype,
        "quantization_parameters": {"scales": np.array(scales), "zero_points": np.array(zero_points)},
    }


class FakeInterpreter:
    """Has one input and as many outputs as it is given, each with its details."""

    def __init__(self, entrance: Any, exits: Sequence[Any], outputs: Sequence[Any]) -> None:
        self.received: Any = None
        self.outputs = list(outputs)
        self.failure: Exception | None = None
        self._entrance = entrance
        self._exits = exits

    def __call__(self, **_: object) -> "FakeInterpreter":
        """Stand in for the class itself."""
        return self

    def allocate_tensors(self) -> None:
        pass

    def get_input_details(self) -> list[Any]:
        return [self._entrance]

    def get_output_details(self) -> Sequence[Any]:
        return self._exits

    def set_tensor(self, index: int, tensor: Any) -> None:
        self.received = tensor.copy()

    def invoke(self) -> None:
        if self.failure:
            raise self.failure

    def get_tensor(self, index: int) -> Any:
        return self.outputs[index]
