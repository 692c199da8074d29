"""picamera2 as far as our sources use it, with the types that the real one gives, and faults on demand.

What the sensor's source must not do, which is to look at pixels, fails the test.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Any

import numpy as np

from eyespot.ports import Clock

FRAME_S = 0.1
Controls = dict[str, tuple[Any, Any, Any]]
CONTROLS: Controls = {
    "FrameDurationLimits": (33_333, 120_000_000, None),
    "ExposureTime": (16, 66_666_638, 20_000),
    "AnalogueGain": (1.0, 22.26, 1.0),
    "ScalerCrop": ((0, 0, 128, 128), (0, 0, 4056, 3040), (2, 0, 4052, 3040)),
}
PROPERTIES: dict[str, Any] = {
    "Model": "imx477",
    "PixelArraySize": (4072, 3072),
    "PixelArrayActiveAreas": [(8, 16, 4056, 3040)],
    "ColorFilterArrangement": 0,
}
BYTES = {"BGR888": 3, "RGB888": 3, "XBGR8888": 4, "XRGB8888": 4, "YUV420": 1, "NV12": 1, "YUYV": 2}
BUSY = RuntimeError("Failed to start camera: Device or resource busy")


class BufferTouchedError(AssertionError):
    """Somebody looked at pixels."""


class FakeJob:
    """`picamera2.job.Job`: what was asked for, once it is there."""

    def __init__(self, result: Any) -> None:
        self._result = result

    def get_result(self, timeout: float | None = None) -> Any:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result


@dataclass
class FakeRequest:
    """`picamera2.CompletedRequest`: a frame with its buffer."""

    metadata: dict[str, Any]
    config: dict[str, Any]
    buffer: bytearray
    released: int = 0

    def get_metadata(self) -> dict[str, Any]:
        return self.metadata

    def release(self) -> None:
        self.released += 1


class FakeDevice:
    """`picamera2.Picamera2`.

    Args:
        world: whose camera it is.
    """

    def __init__(self, world: "FakeCameras") -> None:
        self.is_started = False
        self.has_event_loop = False
        self.camera_configuration_: dict[str, Any] = {}
        self._world = world

    @property
    def camera_controls(self) -> Controls:
        return self._world.controls

    @property
    def camera_properties(self) -> dict[str, Any]:
        return self._world.properties

    def __getattr__(self, name: str) -> Any:
        if name == "cancel_all_and_flush" and self._world.can_cancel:
            return lambda: self._world.note("cancel_all_and_flush")
        if name.startswith("capture_"):
            raise BufferTouchedError(name)
        raise AttributeError(name)

    def create_preview_configuration(self, **parts: Any) -> dict[str, Any]:
        assert parts.get("controls", {}).get("CnnEnableInputTensor") is None, "this would be a picture"
        return {"lores": None, **parts}

    def configure(self, configuration: dict[str, Any]) -> None:
        assert not self.is_started, "Camera must be stopped before configuring"
        self._world.note("configure")
        self._world.configurations.append(configuration)
        self.camera_configuration_ = self._world.adjust(configuration)

    def camera_configuration(self) -> dict[str, Any]:
        return self.camera_configuration_

    def set_controls(self, controls: dict[str, Any]) -> None:
        assert controls.keys() <= self.camera_controls.keys(), "Control is not advertised by libcamera"
        self._world.controls_set.append(controls)

    def start(self) -> None:
        self.has_event_loop = True
        self._world.note("start")
        self.is_started = True

    def stop_preview(self) -> None:
        if not self.has_event_loop:
            raise RuntimeError("No preview specified.")
        self.has_event_loop = False

    def stop(self) -> None:
        assert not self.has_event_loop, "it may never return"
        self._world.note("stop")
        self.is_started = False

    def close(self) -> None:
        self._world.note("close")
        self.is_started = False

    def capture_metadata(self, *, signal_function: Callable[[FakeJob], None]) -> None:
        self._ask(signal_function, lambda metadata: metadata)

    def capture_request(self, *, signal_function: Callable[[FakeJob], None]) -> None:
        def filled(metadata: dict[str, Any]) -> FakeRequest:
            pixels = self._world.draw(self.camera_configuration_["main"])
            request = FakeRequest(metadata, self.camera_configuration_, pixels)
            self._world.requests.append(request)
            return request

        self._ask(signal_function, filled)

    def _ask(self, answer: Callable[[FakeJob], None], of: Callable[[dict[str, Any]], Any]) -> None:
        self._world.questions += 1
        told = next(self._world.frames, None) if self.is_started else None
        if told is None:
            return  # nothing comes, and the question stays
        if isinstance(told, Exception):
            answer(FakeJob(told))
            return
        self._world.clock.sleep(FRAME_S)
        stamped = {"SensorTimestamp": self._world.clock.now_ns(), **told}
        answer(FakeJob(of(stamped)))


class FakeSensor:
    """`picamera2.devices.imx500.IMX500`."""

    camera_num = 0

    def __init__(self, world: "FakeCameras", path: str) -> None:
        self._world = world
        assert Path(path).is_file()
        world.networks.append(Path(path).read_bytes())
        world.alive += 1
        assert world.alive == 1, "two IMX500 objects at once"

    def __del__(self) -> None:
        self._world.alive -= 1

    def set_inference_roi_abs(self, roi: tuple[int, int, int, int]) -> None:
        self._world.rois.append(roi)


@dataclass
class FakeCameras:
    """A library whose cameras do as they are told.

    Attributes:
        clock: moves by a tenth of a second with each frame.
        frames: what is told of each frame; an exception is raised instead; None, or the end: nothing comes.
        faults: name of a call -> what it raises or does, each time that it is made, in turn; then nothing.
        can_cancel: whether picamera2 has `cancel_all_and_flush`.
        adjust: what libcamera makes of a configuration.
        draw: the bytes of a picture, for a stream as it is configured.
        shows_pictures: whether anybody may look at them.
        mapped: buffers that are looked at just now.
        calls: that were made, in order.
        networks: what the driver was given.
        complaint: what picamera2 prints when the region is set.
    """

    clock: Clock
    frames: Iterator[Mapping[str, Any] | Exception | None] = field(default_factory=lambda: repeat({}))
    faults: dict[str, list[Exception | Callable[[], None] | None]] = field(default_factory=dict)
    can_cancel: bool = True
    controls: Controls = field(default_factory=lambda: dict(CONTROLS))
    properties: dict[str, Any] = field(default_factory=lambda: dict(PROPERTIES))
    adjust: Callable[[dict[str, Any]], dict[str, Any]] = field(default_factory=lambda: in_force)
    draw: Callable[[dict[str, Any]], bytearray] = lambda main: bytearray(main["framesize"])
    shows_pictures: bool = False
    mapped: int = 0
    calls: list[str] = field(default_factory=list)
    configurations: list[dict[str, Any]] = field(default_factory=list)
    controls_set: list[dict[str, Any]] = field(default_factory=list)
    networks: list[bytes] = field(default_factory=list)
    rois: list[tuple[int, int, int, int]] = field(default_factory=list)
    requests: list[FakeRequest] = field(default_factory=list)
    complaint: str = ""
    questions: int = 0
    alive: int = 0

    def look_at(self, sensor: FakeSensor, roi: tuple[int, int, int, int]) -> str:
        sensor.set_inference_roi_abs(roi)
        return self.complaint

    def camera(self, number: int) -> FakeDevice:
        self.note("camera")
        return FakeDevice(self)

    def sensor(self, network_path: str) -> FakeSensor:
        self.note("sensor")
        return FakeSensor(self, network_path)

    @contextmanager
    def buffer(self, request: FakeRequest) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
        if not self.shows_pictures:
            raise BufferTouchedError
        self.note("buffer")
        self.mapped += 1
        try:
            yield np.frombuffer(request.buffer, np.uint8)
        finally:
            self.mapped -= 1

    def note(self, name: str) -> None:
        """Note a call, and fail or hang in it if it is time to."""
        self.calls.append(name)
        waiting = self.faults.get(name, [])
        fault = waiting.pop(0) if waiting else None
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            fault()


def in_force(asked: dict[str, Any], form: str | None = None, padding: int = 0) -> dict[str, Any]:
    """Return what libcamera makes of a configuration: even sides, another format, padded rows."""
    width, height = (side - side % 2 for side in asked["main"]["size"])
    form = form or asked["main"]["format"]
    stride = width * BYTES[form] + padding
    lines = height * 3 // 2 if form in {"YUV420", "NV12"} else height
    main = {"format": form, "size": (width, height), "stride": stride, "framesize": stride * lines}
    return {**asked, "main": main}


def hang() -> None:
    """Never return, as long as the test lasts."""
    threading.Event().wait(30)
