"""The one place that imports picamera2, which Raspberry Pi OS brings and nobody else has.

Sources see it through the Protocols below, which say all that is used of it. Versions are never compared:
what may be missing is asked for by its name.
"""

import importlib
import logging
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.errors import CameraError, ConfigError, foreign, one_line

_log = logging.getLogger(__name__)

_REMEDY = "sudo apt install python3-picamera2, and make the virtual environment with --system-site-packages"
_SENSOR_REMEDY = "sudo apt install imx500-all python3-picamera2"
PACKAGES = ("picamera2", "libcamera")  # as apt brings them; pip's do not fit them for long
_SENSOR_MODULES = ("picamera2.devices.imx500", "picamera2.devices")

_said: deque[str] = deque(maxlen=10)  # by picamera2, of late

Metadata = Mapping[str, Any]
Buffer = NDArray[np.uint8]
Answer = Callable[[Any], None]


class Request(Protocol):
    """A frame that its camera has filled; `picamera2.CompletedRequest`."""

    config: Mapping[str, Any]

    def get_metadata(self) -> Metadata: ...  # noqa: D102

    def release(self) -> None:
        """Give the buffers back to the camera."""


class Device(Protocol):
    """A camera; `picamera2.Picamera2`. All but `capture_...` may block.

    Attributes:
        camera_controls: name -> least, most and default, of the controls that the camera has.
        camera_properties: what does not change.
    """

    @property
    def camera_controls(self) -> Mapping[str, tuple[Any, Any, Any]]: ...  # noqa: D102

    @property
    def camera_properties(self) -> Mapping[str, Any]: ...  # noqa: D102

    def create_preview_configuration(self, **parts: Any) -> dict[str, Any]: ...  # noqa: D102

    def configure(self, configuration: dict[str, Any]) -> None: ...  # noqa: D102

    def camera_configuration(self) -> dict[str, Any]:
        """Return the configuration in force."""

    def set_controls(self, controls: Mapping[str, Any]) -> None:
        """Set it from the next start, or soon."""

    def start(self) -> None: ...  # noqa: D102

    def stop_preview(self) -> None:
        """End the event loop that `start` begins, preview or not; RuntimeError where there is none."""

    def stop(self) -> None: ...  # noqa: D102

    def close(self) -> None: ...  # noqa: D102

    def capture_metadata(self, *, signal_function: Answer) -> object:
        """Ask for what is told of the next frame; the answer is a job that has it as its result."""

    def capture_request(self, *, signal_function: Answer) -> object:
        """Ask for the next frame itself, which is to be released."""


class Sensor(Protocol):
    """The AI sensor with a network in it; `picamera2.devices.imx500.IMX500`.

    Attributes:
        camera_num: which camera it is.
    """

    @property
    def camera_num(self) -> int: ...  # noqa: D102

    def set_inference_roi_abs(self, roi: tuple[int, int, int, int]) -> None:
        """Show the network a part of the frame: left, top, width, height in pixels of the full sensor."""


class CameraLibrary(Protocol):
    """Makes cameras. What goes wrong in there may be of any type."""

    def camera(self, number: int) -> Device: ...  # noqa: D102


class SensorLibrary(CameraLibrary, Protocol):
    """Runs networks on a sensor. It has nothing to show pictures with."""

    def sensor(self, network_path: str) -> Sensor:
        """Hand a network to the driver, in place of the one it has, which is gone from then on."""

    def look_at(self, sensor: Sensor, roi: tuple[int, int, int, int]) -> str:
        """Show a sensor's network this part of the frame; return what picamera2 has to say against it."""


class PictureLibrary(CameraLibrary, Protocol):
    """Shows pictures."""

    def buffer(self, request: Request) -> AbstractContextManager[Buffer]:
        """Show the bytes of a frame's picture, in the camera's own memory, as long as the context lasts."""


def load_sensor_library() -> SensorLibrary:
    """Import picamera2 for a sensor that looks by itself.

    Raises:
        ConfigError: it is not installed, or its part for the IMX500 is missing.
    """
    return _Sensors(_picamera2(), _sensor_class())


def load_picture_library() -> PictureLibrary:
    """Import picamera2 for cameras whose pictures are looked at here.

    Raises:
        ConfigError: it is not installed.
    """
    return _Pictures(_picamera2())


class _Cameras:
    """Picamera2 itself.

    Args:
        picamera2: the module.
    """

    def __init__(self, picamera2: Any) -> None:
        self._picamera2 = picamera2

    def camera(self, number: int) -> Device:
        camera: Device = self._picamera2.Picamera2(number)
        return camera


class _Pictures(_Cameras):
    @contextmanager
    def buffer(self, request: Request) -> Iterator[Buffer]:
        with self._picamera2.MappedArray(request, "main", reshape=False) as mapped:
            yield mapped.array


class _Sensors(_Cameras):
    def __init__(self, picamera2: Any, make_sensor: Callable[[str], Sensor]) -> None:
        super().__init__(picamera2)
        self._make_sensor = make_sensor

    def sensor(self, network_path: str) -> Sensor:
        try:
            return self._make_sensor(network_path)
        except StopIteration as error:
            raise CameraError(
                "the driver has an IMX500 and libcamera lists none; see `rpicam-hello --list-cameras`"
            ) from error
        except FileNotFoundError as error:
            raise CameraError(_what_is_missing(error)) from error

    def look_at(self, sensor: Sensor, roi: tuple[int, int, int, int]) -> str:
        _said.clear()
        sensor.set_inference_roi_abs(roi)
        return "; ".join(_said)


def _picamera2() -> Any:
    """Import it, and keep it from talking more than is needed."""
    os.environ.setdefault("LIBCAMERA_LOG_LEVELS", "*:WARN")  # libcamera reads it once
    logging.getLogger("picamera2").setLevel(logging.WARNING)
    with foreign(ConfigError, f"the camera needs picamera2 ({_REMEDY})"):
        return importlib.import_module("picamera2")


def _sensor_class() -> Callable[[str], Sensor]:
    """Return the class `IMX500`, whose module prints here and there; stdout is not for that."""
    failure = ""
    for name in _SENSOR_MODULES:
        try:
            with foreign(ConfigError, f"the AI camera needs all of picamera2 ({_SENSOR_REMEDY})"):
                found: Any = importlib.import_module(name).IMX500
        except ConfigError as error:
            failure = failure or str(error)
        else:
            vars(sys.modules[found.__module__])["print"] = _printed
            made: Callable[[str], Sensor] = found
            return made
    raise ConfigError(failure)


def _what_is_missing(error: FileNotFoundError) -> str:
    if error.filename == "sudo":
        return "picamera2 asks by way of sudo how far an upload is, and there is none; apt install sudo"
    return f"a file is missing: {one_line(error)}"


def _printed(*words: object, **_: object) -> None:
    """Take what would be printed, such as that the region could not be set: no error to picamera2."""
    said = " ".join(map(str, words))
    _said.append(said)
    _log.warning("picamera2: %s", said)
