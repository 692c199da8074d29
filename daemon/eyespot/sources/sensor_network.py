"""Brings a network to the IMX500 sensor: to its driver at once, to the chip while the camera starts."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from eyespot.domain.errors import CameraError
from eyespot.domain.geometry import Region, Resize
from eyespot.sources.camera_library import Sensor, SensorLibrary

SENSOR_WIDTH, SENSOR_HEIGHT = 4056, 3040
_WHOLE = (0, 0, SENSOR_WIDTH, SENSOR_HEIGHT)

Pixels4 = tuple[int, int, int, int]


def load_network(library: SensorLibrary, network: bytes, roi_px: Pixels4) -> Sensor:
    """Hand a network to the driver, and say what it is to look at. The one that it had is gone.

    Args:
        library: makes the sensor.
        network: the bytes of the .rpk file.
        roi_px: left, top, width, height in pixels of the full sensor.

    Raises:
        CameraError: there is no sensor, it is in use, or cannot look at the region.
        Whatever else picamera2 may raise.
    """
    with _path_to(network) as path:
        sensor = library.sensor(path)
    complaint = library.look_at(sensor, roi_px)
    if complaint and roi_px != _WHOLE:  # which it looks at anyway
        raise CameraError(f"the sensor does not look at the region {roi_px}: {complaint}; change roi")
    return sensor


@contextmanager
def _path_to(network: bytes) -> Iterator[str]:
    """Give a path under which just these bytes lie, for as long as the driver copies them.

    Picamera2 wants a path, and opens it several times. What lies on the disk may have been exchanged since
    it was checked; nobody else can write to memory of ours.
    """
    number = os.memfd_create("network.rpk", os.MFD_CLOEXEC)
    try:
        with open(number, "wb", closefd=False) as stream:
            stream.write(network)
        yield f"/proc/self/fd/{number}"
    finally:
        os.close(number)


def roi_of(wanted: Region | None, resize: Resize, aspect: float) -> Pixels4:
    """Return the part of the frame that the network is to see, in pixels of the full sensor.

    Args:
        wanted: in fractions, where somebody said it.
        resize: of the bundle: "stretch" is the full frame, "crop" its middle.
        aspect: width of the network's input by its height.
    """
    if wanted is not None:
        left, right = (_even(side * SENSOR_WIDTH) for side in wanted[::2])
        top, bottom = (_even(side * SENSOR_HEIGHT) for side in wanted[1::2])
        return left, top, right - left, bottom - top
    if resize == "stretch":
        return 0, 0, SENSOR_WIDTH, SENSOR_HEIGHT
    width = min(SENSOR_WIDTH, _even(SENSOR_HEIGHT * aspect))
    height = min(SENSOR_HEIGHT, _even(SENSOR_WIDTH / aspect))
    return (SENSOR_WIDTH - width) // 2, (SENSOR_HEIGHT - height) // 2, width, height


def in_fractions(roi_px: Pixels4) -> Region:
    """Return a part of the frame as left, top, right, bottom in fractions."""
    left, top, width, height = roi_px
    return (
        left / SENSOR_WIDTH,
        top / SENSOR_HEIGHT,
        (left + width) / SENSOR_WIDTH,
        (top + height) / SENSOR_HEIGHT,
    )


def _even(pixels: float) -> int:
    return 2 * round(pixels / 2)  # colours of a sensor alternate
