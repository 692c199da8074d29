"""One camera of picamera2, through its life: opened, configured, started, asked, stopped, closed."""

import logging
import queue
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from eyespot.domain.errors import CameraError, foreign
from eyespot.ports import Clock, Tell, silent
from eyespot.sources.camera_library import CameraLibrary, Device
from eyespot.sources.patience import Patience
from eyespot.sources.settings import CameraSettings

_log = logging.getLogger(__name__)

_LIMIT_S = 30.0
_START_LIMIT_S = 600.0  # a network that the sensor does not keep yet takes minutes
_KEYS = {"ExposureTime": "exposure_ms", "AnalogueGain": "gain"}


class Camera:
    """Calls picamera2 with patience, so that nothing in there can hang its user.

    Args:
        library: makes the camera.
        clock: for the patience.

    Attributes:
        configuration: in force, as picamera2 tells it; empty before `configure`.
        is_started: whether frames are to come.
        patience: what else is called that may hang is waited for with this, too.
    """

    def __init__(self, library: CameraLibrary, clock: Clock) -> None:
        self.configuration: Mapping[str, Any] = {}
        self.is_started = False
        self.patience = Patience(clock)
        self._library = library
        self._device: Device | None = None
        self._asked: _Question | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is one, started or not."""
        return self._device is not None

    @property
    def device(self) -> Device:
        """The camera itself.

        Raises:
            CameraError: it is not open.
        """
        if self._device is None:
            raise CameraError("the camera is not open")
        return self._device

    def open(self, number: int, tell: Tell = silent) -> None:
        """Open a camera, which turns its power on.

        Raises:
            CameraError, CameraStuck: as everything here.
        """
        library = self._library
        self._device = self.patience.wait(
            lambda: library.camera(number), "opening the camera", _LIMIT_S, tell
        )

    def configure(self, parts: Mapping[str, Any], tell: Tell = silent) -> None:
        """Set it up; it has to be stopped."""
        device = self.device

        def configure() -> Mapping[str, Any]:
            device.configure(device.create_preview_configuration(**parts))
            return device.camera_configuration()

        self.configuration = self.patience.wait(configure, "configuring the camera", _LIMIT_S, tell)

    def start(self, tell: Tell = silent) -> None:
        """Let frames come."""
        self.patience.wait(self.device.start, "starting the camera", _START_LIMIT_S, tell)
        self.is_started = True

    def stop(self, tell: Tell = silent) -> None:
        """Let no more come. Harmless when it is stopped."""
        self.is_started = False
        self._forget_question()
        device = self.device

        def stop() -> None:
            # with its event loop picamera2 stops behind all that waits for frames, which may be for ever
            with suppress(RuntimeError):  # there is none before the first start
                device.stop_preview()
            device.stop()

        self.patience.wait(stop, "stopping the camera", _LIMIT_S, tell)

    def close(self, tell: Tell = silent) -> None:
        """Stop it, and let it go. Harmless when not open."""
        if self._device is None:
            return
        self._forget_question()
        device, self._device, self.configuration = self._device, None, {}
        self.is_started = False
        self.patience.wait(device.close, "closing the camera", _LIMIT_S, tell)

    def close_quietly(self) -> None:
        """Close it if that can be done; what goes wrong is of no use to anybody any more."""
        try:
            self.close()
        except CameraError as error:
            _log.warning("%s", error)

    def next_metadata(self, timeout_s: float) -> Mapping[str, Any] | None:
        """Return what is told of the next frame; None if there was none within the time."""
        answer: Mapping[str, Any] | None = self._answer(self.device.capture_metadata, timeout_s)
        return answer

    def next_request(self, timeout_s: float) -> Any:
        """Return the next frame itself, which is to be released; None if there was none within the time."""
        return self._answer(self.device.capture_request, timeout_s)

    def _answer(self, ask: Callable[..., object], timeout_s: float) -> Any:
        """Wait for a frame. What was not answered in time stays asked, so that questions do not pile up."""
        with foreign(CameraError, "the camera gives no frame"):
            if self._asked is None:
                question = _Question()
                ask(signal_function=question.put)
                self._asked = question
            try:
                job = self._asked.get(timeout=timeout_s)
            except queue.Empty:
                return None
            self._asked = None
            return job.get_result()

    def _forget_question(self) -> None:
        """Take a question back, as there will be other frames."""
        if self._asked is None:
            return
        self._asked = None
        cancel = getattr(self.device, "cancel_all_and_flush", None)
        if cancel is not None:
            with foreign(CameraError, "the camera cannot be asked to forget a question"):
                cancel()


class _Question(queue.SimpleQueue[Any]):
    """Where the answer to a question will lie."""


def rate_in_force(settings: CameraSettings, wanted_hz: float, most_hz: float) -> float:
    """Return frames per second: no more than the camera can, nor than a fixed exposure leaves time for."""
    longest_hz = most_hz if settings.exposure_ms is None else min(most_hz, 1000 / settings.exposure_ms)
    return min(settings.rate_hz or wanted_hz, longest_hz)


def controls_for(device: Device, settings: CameraSettings, rate_hz: float) -> dict[str, Any]:
    """Return what a camera is to be set to; picamera2 sets by itself what a fixed exposure or gain implies.

    Raises:
        CameraError: the camera cannot be set so; names the key.
    """
    frame_us, controls = round(1e6 / rate_hz), dict[str, Any]()
    if "FrameDurationLimits" in device.camera_controls:  # those on USB have their own pace
        controls["FrameDurationLimits"] = (frame_us, frame_us)
    if settings.exposure_ms is not None:
        controls["ExposureTime"] = round(settings.exposure_ms * 1000)
    if settings.gain is not None:
        controls["AnalogueGain"] = settings.gain
    for name, key in _KEYS.items():
        if name in controls and name not in device.camera_controls:
            raise CameraError(f"this camera has no {name} to be set; take {key} out of [camera]")
    return controls
