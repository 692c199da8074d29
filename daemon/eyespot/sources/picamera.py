"""Any camera that picamera2 knows, for a model that runs on the CPU: pictures of the model's size.

The camera's own processor scales and cuts them; see decisions/0006.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from eyespot.domain.errors import CameraError, foreign
from eyespot.domain.geometry import WHOLE, Region, Resize, scaled_size
from eyespot.frames import Frame
from eyespot.ports import Clock, SensorReadings, SourceEnded, Tell, View, silent
from eyespot.sources.camera import Camera, controls_for, rate_in_force
from eyespot.sources.camera_library import PictureLibrary, load_picture_library
from eyespot.sources.camera_metadata import Stamps, readings_of
from eyespot.sources.colours import Read, Size, reader_for
from eyespot.sources.pacing import Pacer
from eyespot.sources.settings import CameraSettings

_USUAL_HZ = 10.0
_MOST_HZ = 120.0
_BUFFERS = 4
_FORMAT = "BGR888"  # the bytes are red, green, blue

Rectangle = tuple[int, int, int, int]  # left, top, width, height in pixels of the full frame


class PicameraSource:
    """Gives pictures of a camera, straight out of its buffers where their format allows.

    Args:
        camera: how it is to look.
        clock: ours.
        library: picamera2, or what stands in for it.

    Attributes:
        sensor: what the camera says of itself.

    Raises:
        ConfigError: picamera2 is not installed.
    """

    paced = True

    def __init__(self, camera: CameraSettings, clock: Clock, library: PictureLibrary | None = None) -> None:
        self.sensor: SensorReadings | None = None
        self._settings = camera
        self._clock = clock
        self._library = library or load_picture_library()
        self._camera = Camera(self._library, clock)
        self._stamps = Stamps(clock)
        self._pacer = Pacer(_USUAL_HZ, clock)
        self._held = ExitStack()  # the newest frame's buffer
        self._full: Size | None = None
        self._read: Read

    def open(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        """Start, with pictures of this size; a camera that is open is stopped first, and keeps its power.

        Raises:
            CameraError: it cannot be started, or not as the configuration wants it.
            CameraStuck: it hangs.
        """
        self._let_go()
        if self._camera.is_open:
            self._camera.stop(tell)
        else:
            self._camera.open(0, tell)
        properties = self._camera.device.camera_properties
        self._full = _full_size(properties)
        crop = self._crop((width, height), resize) if "ColorFilterArrangement" in properties else None
        seen = crop[2:] if crop else self._full or (width, height)
        self._camera.configure(self._parts(scaled_size(seen, (width, height), resize)), tell)
        stream = self._camera.configuration["main"]
        self._read = reader_for(stream)
        rate_hz = self._set(crop)
        self._pacer = Pacer(rate_hz, self._clock)
        self._camera.start(tell)
        full = self._full or stream["size"]
        return View("picamera", full[0], full[1], rate_hz, roi_xyxy_n=_in_fractions(crop, full))

    def fit(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        """Start anew with pictures of another size; raises as `open`."""
        return self.open(width, height, resize, tell)

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next picture, whose pixels are good until the next call; None if none came in time.

        Raises:
            CameraError: what comes cannot be read.
            SourceEnded: the source is closed.
        """
        if not self._camera.is_open:
            raise SourceEnded
        self._let_go()
        if not self._pacer.wait(timeout_s):
            return None
        request = self._camera.next_request(timeout_s)
        if request is None:
            return None
        self._pacer.came()
        with ExitStack() as held, foreign(CameraError, "a picture of the camera cannot be read"):
            held.callback(request.release)
            metadata = request.get_metadata()
            pixels = self._read(held.enter_context(self._library.buffer(request)))
            self._held = held.pop_all()
        self.sensor = readings_of(metadata)
        return Frame(self._stamps.taken_ns(metadata), pixels, self._region(metadata))

    def close(self) -> None:
        """Let the camera go. Harmless when not open."""
        self._let_go()
        self._camera.close_quietly()

    def _let_go(self) -> None:
        """Give the newest frame's buffer back."""
        held, self._held = self._held, ExitStack()
        with foreign(CameraError, "the camera does not take its buffer back"):
            held.close()

    def _parts(self, size: Size) -> dict[str, Any]:
        """Return what to configure: one stream, and a mode of the sensor that shows all of its view.

        Half of its full size is what every sensor of Raspberry Pi has without cutting anything off; a
        mode of about the picture's own size may show the middle alone.
        """
        parts: dict[str, Any] = {
            "main": {"size": size, "format": _FORMAT},
            "raw": None,
            "display": None,
            "encode": None,
            "buffer_count": _BUFFERS,
        }
        if self._full is not None:
            parts["sensor"] = {"output_size": (self._full[0] // 2, self._full[1] // 2)}
        return parts

    def _crop(self, target: Size, resize: Resize) -> Rectangle | None:
        """Return what the pictures are to show: the region that is set, of which "crop" takes the middle."""
        if self._full is None:
            return None
        sides = (
            side * length for side, length in zip(self._settings.roi or WHOLE, self._full * 2, strict=True)
        )
        left, top, right, bottom = map(round, sides)
        width, height = right - left, bottom - top
        if resize == "crop":
            aspect = target[0] / target[1]
            width, height = min(width, round(height * aspect)), min(height, round(width / aspect))
        return (left + right - width) // 2, (top + bottom - height) // 2, width, height

    def _set(self, crop: Rectangle | None) -> float:
        """Set rate, exposure and region of the configured camera, and return the rate."""
        device = self._camera.device
        advertised = device.camera_controls
        shortest_us = advertised.get("FrameDurationLimits", (0,))[0]
        most_hz = 1e6 / shortest_us if shortest_us else _MOST_HZ
        rate_hz = rate_in_force(self._settings, _USUAL_HZ, most_hz)
        controls = controls_for(device, self._settings, rate_hz)
        # the former is of the Pi 5; picamera2 has set it, and its value would win
        name = next((name for name in ("ScalerCrops", "ScalerCrop") if name in advertised), None)
        if crop and name:
            controls[name] = [crop] if name == "ScalerCrops" else crop
        elif self._settings.roi:
            raise CameraError("this camera cannot look at a part of its view; take roi out of [camera]")
        device.set_controls(controls)
        return rate_hz

    def _region(self, metadata: Mapping[str, Any]) -> Region:
        """Return which part of the full frame a picture shows, as the camera tells it."""
        crop = metadata.get("ScalerCrop")
        return WHOLE if self._full is None else _in_fractions(crop, self._full)


def _full_size(properties: Mapping[str, Any]) -> Size | None:
    """Return the size of the full frame in pixels: what of the sensor can be lit, if that is told."""
    active = properties.get("PixelArrayActiveAreas")
    width, height = active[0][2:] if active else properties.get("PixelArraySize", (0, 0))
    return (width, height) if width and height else None


def _in_fractions(crop: Rectangle | None, full: Size) -> Region:
    """Return a part of the frame as left, top, right, bottom in fractions; all of it where none is told."""
    if crop is None or min(crop[2:]) <= 0:
        return WHOLE
    left, top, width, height = crop
    return left / full[0], top / full[1], (left + width) / full[0], (top + height) / full[1]
