"""Tiny videos, made with PyAV itself."""

from pathlib import Path

import av
import numpy as np


def write_video(
    path: Path,
    frames: int,
    *,
    size: tuple[int, int] = (64, 48),
    rate_hz: int = 10,
    codec: str = "mjpeg",
    rotation: int = 0,
    red: int = 200,
    **options: str,
) -> Path:
    """Write a film whose left half is red, as much as that, and whose frame n has a blue of 4 n.

    `rotation` says by how many degrees, anticlockwise, players are to turn it.
    """
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=rate_hz)
        stream.width, stream.height = size
        if rotation:
            stream.set_display_rotation(rotation)
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number in range(frames):
            pixels = np.zeros((size[1], size[0], 3), np.uint8)
            pixels[:, : size[0] // 2, 0] = red
            pixels[..., 2] = 4 * number % 256
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


def cut_off(path: Path, share: float) -> Path:
    """Keep only the beginning of a file."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path
