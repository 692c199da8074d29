"""Buffers of a camera as pictures: red first, without what pads their rows.

The names of the formats are libcamera's, which count from the highest byte of a little-endian word down:
"BGR888" has the bytes red, green, blue. Those with three or four bytes a pixel are looked at where they
lie; of YUV a picture is made, by sYCC: BT.601 in full range, as picamera2 sets cameras to by default.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from eyespot.domain.errors import CameraError
from eyespot.domain.observation import Floats
from eyespot.frames import Pixels

Size = tuple[int, int]
Read = Callable[[Pixels], Pixels]

_STEPS = {"BGR888": 1, "RGB888": -1, "XBGR8888": 1, "XRGB8888": -1}  # through the bytes, to have red first
_LUMA_HALF = 128
_RED_V, _GREEN_U, _GREEN_V, _BLUE_U = 1.402, -0.344136, -0.714136, 1.772


def reader_for(stream: Mapping[str, Any]) -> Read:
    """Return what makes (h, w, 3) pixels of a buffer's bytes; where it can, they are that memory itself.

    Args:
        stream: as picamera2 says that it is configured: "format", "size" and "stride".

    Raises:
        CameraError: the format is not known here; names it.
    """
    form, size, stride = stream["format"], stream["size"], stream["stride"]
    if form in _STEPS:
        return lambda buffer: _packed(buffer, size, stride, form)
    if form == "YUV420":
        return lambda buffer: _rgb(*_planar(buffer, size, stride))
    if form == "NV12":
        return lambda buffer: _rgb(*_half_planar(buffer, size, stride))
    known = ", ".join([*_STEPS, "YUV420", "NV12"])
    raise CameraError(f"the camera gives pictures in the format {form}; only {known} can be read")


def _packed(buffer: Pixels, size: Size, stride: int, form: str) -> Pixels:
    width, height = size
    depth = 4 if form.startswith("X") else 3
    rows = _rows(buffer, 0, height, stride)[:, : width * depth]
    pixels = rows.reshape(height, width, depth) if stride == width * depth else _split(rows, width, depth)
    return pixels[..., :3][..., :: _STEPS[form]]


def _split(rows: Pixels, width: int, depth: int) -> Pixels:
    """Return rows that are padded as pixels, in the same memory."""
    shape, strides = (len(rows), width, depth), (rows.strides[0], depth, 1)
    return np.lib.stride_tricks.as_strided(rows, shape, strides, writeable=False)


def _planar(buffer: Pixels, size: Size, stride: int) -> tuple[Pixels, Pixels, Pixels]:
    """Return Y, U and V, the last two of half the width and height."""
    width, height = size
    luma = _rows(buffer, 0, height, stride)[:, :width]
    u = _rows(buffer, height * stride, height // 2, stride // 2)[:, : width // 2]
    v = _rows(buffer, height * stride + (height // 2) * (stride // 2), height // 2, stride // 2)
    return luma, u, v[:, : width // 2]


def _half_planar(buffer: Pixels, size: Size, stride: int) -> tuple[Pixels, Pixels, Pixels]:
    """Return Y, U and V, the last two of half the width and height; they take turns in the buffer."""
    width, height = size
    luma = _rows(buffer, 0, height, stride)[:, :width]
    both = _rows(buffer, height * stride, height // 2, stride)[:, :width]
    return luma, both[:, 0::2], both[:, 1::2]


def _rows(buffer: Pixels, begin: int, count: int, stride: int) -> Pixels:
    if len(buffer) < begin + count * stride:
        raise CameraError(
            f"the camera's buffer has {len(buffer)} bytes, too few for the picture that it is to hold"
        )
    return buffer[begin : begin + count * stride].reshape(count, stride)


def _rgb(luma: Pixels, u: Pixels, v: Pixels) -> Pixels:
    """Return (h, w, 3) pixels; each U and V belongs to two by two of them."""
    blue_ness, red_ness = _centred(u), _centred(v)
    light = luma.astype(np.float32) + 0.5  # rounds, where the cast cuts off
    pixels = np.empty((*luma.shape, 3), np.uint8)
    tints = (_RED_V * red_ness, _GREEN_U * blue_ness + _GREEN_V * red_ness, _BLUE_U * blue_ness)
    for channel, tint in enumerate(tints):
        pixels[..., channel] = np.clip(light + tint.repeat(2, axis=0).repeat(2, axis=1), 0, 255)
    return pixels


def _centred(chroma: Pixels) -> Floats:
    centred: Floats = chroma.astype(np.float32) - _LUMA_HALF
    return centred
