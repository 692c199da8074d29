"""Networks that misbehave: the bytes behind the file's identifier say how, in words."""

import ctypes
import os
import resource
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Never

import numpy as np

_SHAPES = {"boxes": (1, 10, 4), "classes": (1, 10), "scores": (1, 10), "count": (1,)}


def _segfault() -> None:
    ctypes.string_at(0)


def _hang() -> None:
    time.sleep(3600)


def _compute() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (1, 2))  # as if minutes had passed
    while True:
        pass


def _fill_memory() -> None:
    np.ones(1 << 32, np.uint8)


def _speak_out_of_turn() -> None:
    for handle in range(1, 64):
        with suppress(OSError):
            os.write(handle, b'{"refusal": ""}\n')


def _colour() -> None:
    for handle in range(1, 64):
        with suppress(OSError):
            os.write(handle, b'{"refusal": "\\u001b[31mred"}')
    os._exit(0)


def _flood() -> None:
    while True:
        _speak_out_of_turn()


def _chatter() -> None:
    os.write(1, b"all is well\n" * 1000)


def _leave() -> None:
    os._exit(0)


def _fail() -> Never:
    raise RuntimeError("Node 3 failed\nto prepare\x1b[31m")


_WHEN_LOADED: dict[bytes, Callable[[], object]] = {
    b"segfault at loading": _segfault,
    b"abort": os.abort,
    b"fail": _fail,
    b"hang": _hang,
    b"leave": _leave,
    b"speak out of turn": _speak_out_of_turn,
    b"colour the terminal": _colour,
    b"flood": _flood,
    b"chatter": _chatter,
}
_WHEN_RUN: dict[bytes, Callable[[], object]] = {
    b"segfault": _segfault,
    b"compute": _compute,
    b"fill memory": _fill_memory,
}


class Interpreter:
    """Finds a person in bright pictures, unless it is told otherwise."""

    def __init__(self, model_content: bytes, num_threads: int) -> None:
        self._way = model_content[8:]
        self._is_bright = False
        _WHEN_LOADED.get(self._way, lambda: None)()

    def allocate_tensors(self) -> None:
        pass

    def get_input_details(self) -> list[Any]:
        return [_detail(0, "picture", (1, 16, 16, 3), np.uint8)]

    def get_output_details(self) -> list[Any]:
        return [_detail(place, *tensor, np.float32) for place, tensor in enumerate(_SHAPES.items())]

    def set_tensor(self, index: int, tensor: Any) -> None:
        self._is_bright = bool(tensor.mean() > 100)

    def invoke(self) -> None:
        if self._is_bright:  # a picture of zeros comes first, when it is loaded
            _WHEN_RUN.get(self._way, lambda: None)()

    def get_tensor(self, index: int) -> Any:
        role, shape = list(_SHAPES.items())[index]
        tensor = np.zeros(shape, np.float32)
        if role == "boxes":
            tensor[0, 0] = [0.25, 0.25, 0.75, 0.75] if self._way != b"elsewhere" else [0, 0, 0.5, 0.5]
        if role == "scores":
            tensor[0, 0] = {b"doubt": 0.6, b"not a number": np.nan}.get(self._way, 0.75)
        if role == "count":
            tensor[0] = {b"nothing": False, b"everything": True}.get(self._way, self._is_bright)
        return tensor


def _detail(index: int, name: str, shape: tuple[int, ...], dtype: type) -> dict[str, Any]:
    return {
        "name": name,
        "index": index,
        "shape": np.array(shape),
        "shape_signature": np.array(shape),
        "dtype": dtype,
        "quantization_parameters": {"scales": np.array([]), "zero_points": np.array([])},
    }
