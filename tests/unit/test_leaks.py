"""The search for a picture: it finds each way in which one could leave, and nothing where there is none."""

import base64
import bz2
import gzip
import io
import json
import lzma
import random
import zlib
from collections.abc import Callable

import av
import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes import watermark
from fakes.leaks import leaks

GREY = watermark.levels().tobytes()
RGB = watermark.picture().tobytes()
SMALL = watermark.thumbnail()
NIBBLES = watermark.levels().ravel() >> 4


def packed(values: np.ndarray) -> bytes:
    return (values[0::2] << 4 | values[1::2]).astype(np.uint8).tobytes()


def jpeg() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width = stream.height = watermark.SIDE
        stream.pix_fmt = "yuvj420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(watermark.picture(), format="rgb24")))
        container.mux(stream.encode())
    return file.getvalue()


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


LEAKS: dict[str, Callable[[], bytes]] = {
    "raw rgb": lambda: RGB,
    "a part of one row": lambda: GREY[100:140],
    "luma": lambda: (16 + watermark.levels() * (219 / 255)).round().astype(np.uint8).tobytes(),
    "base64": lambda: base64.b64encode(RGB[:300]),
    "base64 for addresses": lambda: base64.urlsafe_b64encode(GREY[:300]),
    "hex": lambda: RGB[:300].hex().encode(),
    "HEX": lambda: GREY[:300].hex().upper().encode(),
    "zlib": lambda: zlib.compress(GREY),
    "deflate": lambda: deflated(GREY),
    "gzip": lambda: gzip.compress(GREY),
    "zstd": lambda: zstandard.compress(GREY),
    "bzip2": lambda: bz2.compress(GREY),
    "xz": lambda: lzma.compress(GREY),
    "zlib in base64": lambda: base64.b64encode(zlib.compress(GREY)),
    "base64 in gzip": lambda: gzip.compress(base64.b64encode(GREY)),
    "levels as a list": lambda: json.dumps(list(GREY[:300])).encode(),
    "shares as a list": lambda: json.dumps([round(level / 255, 4) for level in GREY[:300]]).encode(),
    "floats in memory": lambda: (watermark.levels() / 255).astype("<f4").tobytes(),
    "4-bit": lambda: packed(NIBBLES),
    "4-bit, one a byte": NIBBLES.tobytes,
    "a thumbnail": SMALL.tobytes,
    "a thumbnail in colour": lambda: np.repeat(SMALL.ravel(), 3).tobytes(),
    "a thumbnail as a list": lambda: json.dumps(SMALL.tolist()).encode(),
    "a thumbnail of 4 bits": lambda: packed(SMALL.ravel() >> 4),
    "a thumbnail of 4 bits in hex": lambda: packed(SMALL.ravel() >> 4).hex().encode(),
    "a negative of a thumbnail": (255 - SMALL).tobytes,
    "jpeg": jpeg,
}
SOMETHING = b'{"schema":"eyespot.status/1","t":"2026-11-26T13:28:15.492Z","state":"'


@pytest.mark.parametrize("how", LEAKS)
def test_a_picture_is_found_however_it_left(how: str) -> None:
    assert leaks(LEAKS[how]())
    if how != "deflate":  # has no mark by which to find it within something else
        assert leaks(SOMETHING + LEAKS[how]() + b'"}')


@given(st.binary(max_size=2000))
@settings(max_examples=50)
def test_bytes_of_chance_are_no_picture(data: bytes) -> None:
    assert leaks(data) == []


def test_much_noise_and_many_numbers_are_no_picture() -> None:
    rng = random.Random(8)
    assert leaks(rng.randbytes(200_000)) == []
    assert leaks(json.dumps([rng.randrange(256) for _ in range(20_000)]).encode()) == []
    assert leaks(bytes(10_000)) == []
