"""Buffers of a camera as pictures: the colours are those that were seen, whatever the format."""

from typing import Any

import av
import numpy as np
import pytest

from eyespot.domain.errors import CameraError
from eyespot.frames import Pixels
from eyespot.sources.colours import reader_for

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
    "skin": (224, 172, 105),
}
RGB_FORMATS = ("BGR888", "RGB888", "XBGR8888", "XRGB8888")
every_padding = pytest.mark.parametrize("padding", [0, 24])


def patches(width: int = 96, height: int = 16) -> Pixels:
    """Return a picture of a patch of each colour, its upper half darker."""
    columns = np.repeat(np.array(list(COLOURS.values()), np.uint8), width // len(COLOURS), axis=0)
    pixels = np.repeat(columns[None], height, axis=0)
    pixels[: height // 2] //= 2
    return pixels


def stream(form: str, pixels: Pixels, depth: int, padding: int) -> dict[str, Any]:
    height, width = pixels.shape[:2]
    return {"format": form, "size": (width, height), "stride": width * depth + padding}


def padded(rows: Pixels, padding: int) -> Pixels:
    return np.pad(rows.reshape(len(rows), -1), ((0, 0), (0, padding)), constant_values=77).ravel()


def as_bytes(form: str, pixels: Pixels) -> Pixels:
    """Return a picture in the order of bytes that a format's name says, from the highest byte down."""
    unused = np.full((*pixels.shape[:2], 1), 99, np.uint8)
    planes = {"R": pixels[..., :1], "G": pixels[..., 1:2], "B": pixels[..., 2:], "X": unused}
    letters = form.rstrip("8")
    return np.concatenate([planes[letter] for letter in reversed(letters)], axis=2)


@every_padding
@pytest.mark.parametrize("form", RGB_FORMATS)
def test_colours_of_rgb_formats_are_just_those(form: str, padding: int) -> None:
    pixels = patches()
    told = as_bytes(form, pixels)
    buffer = padded(told, padding)
    read = reader_for(stream(form, pixels, told.shape[2], padding))(buffer)
    assert read.shape == pixels.shape
    assert np.array_equal(read, pixels)
    assert np.shares_memory(read, buffer), "copied"


@every_padding
@pytest.mark.parametrize(("form", "theirs"), [("YUV420", "yuvj420p"), ("NV12", "nv12")])
def test_colours_of_yuv_formats_are_nearly_those(form: str, theirs: str, padding: int) -> None:
    pixels = patches()
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
    made = frame.reformat(
        format=theirs, dst_colorspace="ITU601", src_color_range="JPEG", dst_color_range="JPEG"
    )
    height, width = pixels.shape[:2]
    planes = [np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size) for plane in made.planes]
    if form == "YUV420":
        parts = [padded(planes[0][:, :width], padding)]
        parts += [padded(plane[:, : width // 2], padding // 2) for plane in planes[1:]]
    else:
        parts = [padded(plane[:, :width], padding) for plane in planes]
    read = reader_for(stream(form, pixels, 1, padding))(np.concatenate(parts))
    assert read.shape == (height, width, 3)
    inside = np.tile(np.arange(16) // 4 % 3 > 0, 6)  # what lies at an edge takes colour from its neighbour
    off = np.abs(read.astype(int) - pixels)[[1, 2, 3, 12, 13, 14]][:, inside]
    assert off.max() <= 3


def test_a_format_that_is_not_known_is_named() -> None:
    with pytest.raises(CameraError, match="MJPEG; only BGR888"):
        reader_for({"format": "MJPEG", "size": (8, 8), "stride": 0})


def test_a_buffer_that_is_too_small_is_no_picture() -> None:
    with pytest.raises(CameraError, match="100 bytes"):
        reader_for(stream("BGR888", patches(), 3, 0))(np.zeros(100, np.uint8))
