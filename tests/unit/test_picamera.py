"""Any camera for a model on the CPU: what is asked of it, which part of the frame it shows, its buffers."""

from collections.abc import Iterable
from functools import partial
from itertools import repeat
from typing import Any

import numpy as np
import pytest

from eyespot.domain.errors import CameraError, CameraStuck
from eyespot.domain.geometry import Resize
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections
from eyespot.domain.recovery import Step
from eyespot.frames import Frame
from eyespot.host.clock import ManualClock
from eyespot.ports import SourceEnded, View
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.sources.picamera import PicameraSource
from eyespot.sources.settings import CameraSettings
from fakes.cameras import BUSY, FakeCameras, hang, in_force
from fakes.models import IDENTITY, FakeDecoder, FakeEngine

TOLD = {"ScalerCrop": (0, 0, 4056, 3040), "ExposureTime": 20_000, "AnalogueGain": 2.0, "Lux": 80.0}


class Rig:
    """A source and the library under it."""

    def __init__(self, frames: Iterable[Any] | None = None, **settings: Any) -> None:
        self.clock = ManualClock(100 * SECOND_NS)
        self.library = FakeCameras(
            self.clock, repeat(TOLD) if frames is None else iter(frames), shows_pictures=True
        )
        camera = CameraSettings(source="picamera", **settings)
        self.source = PicameraSource(camera, self.clock, self.library)

    def open(self, width: int = 300, height: int = 300, resize: Resize = "stretch") -> View:
        return self.source.open(width, height, resize)

    def take(self) -> Frame:
        frame = self.source.take(1)
        assert frame is not None
        return frame

    @property
    def configuration(self) -> dict[str, Any]:
        return self.library.configurations[-1]

    @property
    def controls(self) -> dict[str, Any]:
        return self.library.controls_set[-1]


@pytest.mark.parametrize(
    ("resize", "roi", "size", "crop"),
    [
        ("stretch", None, (300, 300), (0, 0, 4056, 3040)),
        ("crop", None, (300, 300), (508, 0, 3040, 3040)),
        ("letterbox", None, (300, 225), (0, 0, 4056, 3040)),
        ("stretch", (0.5, 0.0, 1.0, 0.5), (300, 300), (2028, 0, 2028, 1520)),
        ("crop", (0.5, 0.0, 1.0, 0.5), (300, 300), (2282, 0, 1520, 1520)),
    ],
)
def test_the_camera_itself_scales_and_cuts(
    resize: Resize, roi: Any, size: tuple[int, int], crop: tuple[int, ...]
) -> None:
    rig = Rig(roi=roi)
    view = rig.open(resize=resize)
    assert rig.configuration["main"] == {"size": size, "format": "BGR888"}
    assert rig.configuration["raw"] is rig.configuration["lores"] is None
    assert rig.configuration["sensor"] == {"output_size": (2028, 1520)}
    assert rig.controls["ScalerCrop"] == crop
    left, top, right, bottom = view.roi_xyxy_n
    assert (left * 4056, top * 3040) == pytest.approx(crop[:2])
    assert ((right - left) * 4056, (bottom - top) * 3040) == pytest.approx(crop[2:])
    assert (view.source, view.width, view.height) == ("picamera", 4056, 3040)


def test_on_a_pi_5_the_crop_of_each_stream_is_set() -> None:
    rig = Rig()
    rig.library.controls["ScalerCrops"] = ((0, 0, 1, 1), (0, 0, 4056, 3040), None)
    rig.open()
    assert rig.controls["ScalerCrops"] == [(0, 0, 4056, 3040)]
    assert "ScalerCrop" not in rig.controls


@pytest.mark.parametrize(
    ("settings", "rate_hz"),
    [({}, 10), ({"rate_hz": 25}, 25), ({"rate_hz": 60}, 30), ({"exposure_ms": 500}, 2)],
)
def test_the_rate_is_what_is_asked_for_if_the_camera_can(settings: dict[str, Any], rate_hz: float) -> None:
    rig = Rig(**settings)
    assert rig.open().rate_hz == pytest.approx(rate_hz, rel=1e-3)
    assert rig.controls["FrameDurationLimits"] == (pytest.approx(1e6 / rate_hz, abs=40),) * 2


def test_exposure_and_gain_are_set() -> None:
    rig = Rig(exposure_ms=5, gain=2)
    rig.open()
    assert (rig.controls["ExposureTime"], rig.controls["AnalogueGain"]) == (5000, 2)


@pytest.mark.parametrize(
    ("settings", "missing", "words"),
    [
        ({"exposure_ms": 5}, "ExposureTime", "take exposure_ms out"),
        ({"roi": (0, 0, 0.5, 0.5)}, "ScalerCrop", "take roi out"),
    ],
)
def test_a_key_that_the_camera_cannot_follow_is_named(
    settings: dict[str, Any], missing: str, words: str
) -> None:
    rig = Rig(**settings)
    del rig.library.controls[missing]
    with pytest.raises(CameraError, match=words):
        rig.open()


def test_a_camera_on_usb_is_taken_as_it_is() -> None:
    rig = Rig([{}] * 3)
    rig.library.controls = {}
    rig.library.properties = {"Model": "webcam"}
    view = rig.open(resize="letterbox")
    assert "sensor" not in rig.configuration
    assert rig.controls == {}
    assert (view.width, view.height, view.rate_hz, view.roi_xyxy_n) == (300, 300, 10, (0, 0, 1, 1))
    assert rig.take().region_xyxy_n == (0, 0, 1, 1)


def test_pixels_are_the_buffers_own_until_the_next_frame() -> None:
    rig = Rig()
    rig.library.draw = lambda main: bytearray([7, 8, 9]) * (main["framesize"] // 3)
    rig.open()
    frame = rig.take()
    first = rig.library.requests[0]
    assert frame.pixels.shape == (300, 300, 3)
    assert frame.pixels[0, 0].tolist() == [7, 8, 9]
    assert np.shares_memory(frame.pixels, np.frombuffer(first.buffer, np.uint8))
    assert (first.released, rig.library.mapped) == (0, 1)
    rig.take()
    assert (first.released, rig.library.mapped) == (1, 1)
    rig.source.close()
    assert [request.released for request in rig.library.requests] == [1, 1]
    assert rig.library.mapped == 0


@pytest.mark.parametrize("padding", [0, 60])
@pytest.mark.parametrize("form", ["BGR888", "RGB888", "XBGR8888", "XRGB8888", "YUV420", "NV12"])
def test_the_format_in_force_is_read_whatever_was_asked_for(form: str, padding: int) -> None:
    rig = Rig()
    rig.library.adjust = partial(in_force, form=form, padding=padding)
    rig.open(64, 48)
    assert rig.take().pixels.shape == (48, 64, 3)


def test_a_format_that_is_not_known_is_named() -> None:
    rig = Rig()
    rig.library.adjust = partial(in_force, form="YUYV")
    with pytest.raises(CameraError, match="in the format YUYV"):
        rig.open()


def test_a_picture_that_cannot_be_read_gives_its_buffer_back() -> None:
    rig = Rig()
    rig.library.draw = lambda main: bytearray(10)
    rig.open()
    with pytest.raises(CameraError, match="has 10 bytes"):
        rig.source.take(1)
    assert [request.released for request in rig.library.requests] == [1]
    assert rig.library.mapped == 0


def test_the_sensor_tells_of_itself() -> None:
    rig = Rig()
    assert rig.source.sensor is None
    rig.open()
    rig.take()
    sensor = rig.source.sensor
    assert sensor is not None
    assert (sensor.exposure_ms, sensor.gain, sensor.lux, sensor.dnn_ms) == (20.0, 2.0, 80.0, None)


@pytest.mark.parametrize(
    ("crop", "region"),
    [
        ((0, 0, 4056, 3040), (0, 0, 1, 1)),
        ((1014, 760, 2028, 1520), (0.25, 0.25, 0.75, 0.75)),
        ((0, 0, 0, 0), (0, 0, 1, 1)),
        (None, (0, 0, 1, 1)),
    ],
)
def test_what_a_picture_shows_is_as_the_camera_tells_it(crop: Any, region: tuple[float, ...]) -> None:
    rig = Rig([{"ScalerCrop": crop}])
    rig.open()
    assert rig.take().region_xyxy_n == region


@pytest.mark.parametrize(
    ("resize", "crop", "expected"),
    [
        ("stretch", (0, 0, 4056, 3040), [0.1, 0.2, 0.3, 0.4]),
        ("stretch", (2028, 1520, 2028, 1520), [0.55, 0.6, 0.65, 0.7]),
        ("crop", (508, 0, 3040, 3040), [0.2002, 0.2, 0.3501, 0.4]),
        ("letterbox", (0, 0, 4056, 3040), [0.1, 0.1, 0.3, 0.3667]),
    ],
)
def test_boxes_are_told_in_fractions_of_the_full_frame(
    resize: Resize, crop: tuple[int, ...], expected: list[float]
) -> None:
    rig = Rig([{"ScalerCrop": crop}])
    source = InferringSource(
        rig.source,
        CpuModel(FakeEngine(), FakeDecoder([0.1, 0.2, 0.3, 0.4]), IDENTITY, (300, 300), resize),
        clock=rig.clock,
    )
    source.open()
    seen = source.take(1)
    assert seen is not None
    assert isinstance(seen.found, Detections)
    assert seen.found.boxes_xyxy_n.tolist() == [pytest.approx(expected, abs=2e-3)]


def test_a_camera_without_measure_is_kept_to_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fakes.cameras.FRAME_S", 0.001)
    rig = Rig(rate_hz=10)
    rig.open()
    begun_ns = rig.clock.now_ns()
    for _ in range(50):
        rig.take()
    assert (rig.clock.now_ns() - begun_ns) / SECOND_NS == pytest.approx(5, abs=0.2)


def test_a_camera_that_keeps_the_rate_waits_for_nobody() -> None:
    rig = Rig(rate_hz=10)
    rig.open()
    begun_ns = rig.clock.now_ns()
    times = [rig.take().taken_ns for _ in range(20)]
    assert times == [begun_ns + number * SECOND_NS // 10 for number in range(1, 21)]


def test_a_frame_that_is_not_due_in_time_is_not_waited_for() -> None:
    rig = Rig(rate_hz=1)
    rig.open()
    rig.take()
    assert rig.source.take(0.1) is None
    assert len(rig.library.requests) == 1


def test_opening_anew_keeps_the_power_on() -> None:
    rig = Rig()
    rig.open()
    rig.take()
    rig.library.calls.clear()
    rig.open()
    assert rig.library.calls == ["stop", "configure", "start"]
    assert rig.library.requests[0].released == 1
    rig.take()


def test_steps_of_recovery_close_the_camera_where_that_is_asked_for() -> None:
    rig = Rig()
    source = InferringSource(
        rig.source,
        CpuModel(FakeEngine(), FakeDecoder(), IDENTITY, (300, 300), "stretch"),
        clock=rig.clock,
        steps=(Step.RESTART, Step.RENEW),
    )
    source.open()
    for step, calls in [
        (Step.RESTART, ["stop", "configure", "start"]),
        (Step.RENEW, ["close", "camera", "configure", "start"]),
    ]:
        rig.library.calls.clear()
        source.recover(step)
        assert rig.library.calls == calls


def test_a_start_that_fails_is_tried_again_without_a_power_cycle() -> None:
    rig = Rig()
    rig.library.faults = {"start": [BUSY]}
    with pytest.raises(CameraError, match="busy"):
        rig.open()
    rig.library.calls.clear()
    rig.open()
    assert rig.library.calls == ["stop", "configure", "start"]
    rig.take()


def test_a_camera_that_hangs_is_given_up_and_told_of() -> None:
    rig = Rig()
    rig.library.faults = {"camera": [hang]}
    told: list[str] = []
    with pytest.raises(CameraStuck, match="opening the camera"):
        rig.source.open(300, 300, "stretch", told.append)
    assert told[-1] == "opening the camera (30 s)"
    rig.source.close()


def test_a_camera_that_gives_nothing_is_asked_only_once() -> None:
    rig = Rig([])
    rig.open()
    assert [rig.source.take(0.01) for _ in range(5)] == [None] * 5
    assert rig.library.questions == 1


def test_a_closed_source_gives_nothing() -> None:
    rig = Rig()
    rig.source.close()
    rig.open()
    rig.source.close()
    rig.source.close()
    with pytest.raises(SourceEnded):
        rig.source.take(0)
