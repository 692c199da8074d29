"""The daemon's own sources on the real picamera2 and libcamera. Runs inside the rig."""

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.domain.errors import CameraError, ModelError
from eyespot.domain.observation import Detections, Labels, Observation
from eyespot.domain.recovery import Step
from eyespot.frames import Frame
from eyespot.host.clock import SystemClock
from eyespot.sources.imx500 import Imx500Source, SensorModel
from eyespot.sources.picamera import PicameraSource
from eyespot.sources.sensor_tensors import SensorTensors
from eyespot.sources.settings import CameraSettings
from eyespot.trust.rpk import OutputTensor
from fakes.rig import Rig
from fakes.rpk import SSD, make_rpk
from fakes.sensor_models import BOX, sensor_model, ssd_arrays
from fakes.tensors import frame_bytes

FAULTS = ("stall", "fps", "start-errno", "start-seconds", "ebusy", "keep-count", "fw_progress", "no-rgb")
SOON_S = 5.0
CLASSES = (OutputTensor("scores", (10,), 8, is_signed=False, scale=2.0**-8, shift=0),)
INTRINSICS = {
    "task": "classification",
    "cpu": {"softmax": False},
    "classes": {"labels": [f"class {number}" for number in range(10)]},
}


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.unwish(*FAULTS)
    rig.wish("fw_progress", "2 1048576 3962752\n")
    yield rig
    rig.unwish(*FAULTS)


@pytest.fixture
def detector(rig: Rig, tmp_path: Path) -> SensorModel:
    network = make_rpk()
    rig.serve(network, frame_bytes(SSD, ssd_arrays(BOX)), b"")
    return sensor_model(tmp_path / "detector", network)


@pytest.fixture
def classifier(rig: Rig, tmp_path: Path) -> SensorModel:
    network = make_rpk(CLASSES, intrinsics=INTRINSICS)
    rig.serve(network, frame_bytes(CLASSES, [np.linspace(0, 0.9, 10)]))
    return sensor_model(tmp_path / "classifier", network, outputs=[{"role": "scores", "shape": [10]}])


@pytest.fixture
def source(detector: SensorModel) -> Iterator[Imx500Source]:
    made = Imx500Source(detector, CameraSettings(source="imx500"), SystemClock())
    yield made
    made.close()


def first(source: Imx500Source) -> Observation:
    deadline = time.monotonic() + SOON_S
    while time.monotonic() < deadline:
        seen = source.take(0.5)
        if seen is not None:
            return seen
    raise AssertionError("nothing was seen")


def test_the_sensor_is_seen_with(rig: Rig, source: Imx500Source, detector: SensorModel) -> None:
    source.open()
    begun_ns = SystemClock().now_ns()
    seen = [first(source) for _ in range(5)]
    assert isinstance(seen[0].found, Detections)
    assert seen[0].found.boxes_xyxy_n.tolist() == [pytest.approx(BOX, abs=1e-4)]
    times = [one.taken_ns for one in seen]
    assert times == sorted(set(times))
    assert abs(times[0] - begun_ns) < 2e9
    sensor = source.readings.sensor
    assert sensor is not None
    assert sensor.without_tensor > 0
    assert sensor.repeated == sensor.missed == 0
    assert None not in {sensor.dnn_ms, sensor.temperature_c, sensor.lux}
    assert source.view is not None
    assert (source.view.width, source.view.height) == (4056, 3040)
    assert any(str(len(detector.bundle.network)) in line for line in rig.heard()), rig.heard()


def test_tensors_are_those_that_picamera2_reads(source: Imx500Source) -> None:
    source.open()
    sensor: Any = source._sensor
    for _ in range(20):
        metadata = source._camera.next_metadata(1)
        theirs = sensor.get_outputs(metadata)
        ours = SensorTensors([output.shape for output in SSD]).read(metadata or {})
        if theirs is None:
            assert ours is None
            continue
        assert ours is not None
        assert all(np.array_equal(one, other) for one, other in zip(ours, theirs, strict=True))
        return
    raise AssertionError("no tensor")


def test_an_open_source_can_be_closed_and_opened_again(source: Imx500Source) -> None:
    for _ in range(3):
        source.open()
        first(source)
        source.close()


@pytest.mark.parametrize("step", [Step.RESTART, Step.RELOAD, Step.RENEW])
def test_a_stalled_camera_is_brought_back(rig: Rig, source: Imx500Source, step: Step) -> None:
    source.open()
    first(source)
    rig.wish("stall")
    while source.take(0.3) is not None:
        pass
    rig.unwish("stall")
    source.recover(step)
    first(source)


@pytest.mark.parametrize("step", [Step.RESTART, Step.RELOAD, Step.RENEW])
def test_a_step_returns_though_nothing_comes(rig: Rig, source: Imx500Source, step: Step) -> None:
    source.open()
    rig.wish("stall")
    while source.take(0.3) is not None:
        pass
    begun = time.monotonic()
    source.recover(step)
    assert time.monotonic() - begun < SOON_S
    assert source.take(0.3) is None
    rig.unwish("stall")
    first(source)


@pytest.mark.parametrize("number", [16, 22, 121])
def test_a_start_that_fails_is_an_error_and_may_go_well_later(
    rig: Rig, source: Imx500Source, number: int
) -> None:
    rig.wish("start-errno", number)
    with pytest.raises(CameraError, match="starting the camera failed"):
        source.open()
    rig.unwish("start-errno")
    source.open()
    first(source)


def test_a_network_that_is_in_use_is_an_error(rig: Rig, source: Imx500Source) -> None:
    rig.wish("ebusy")
    with pytest.raises(CameraError, match="handing the network to the driver failed"):
        source.open()
    rig.unwish("ebusy")
    source.open()
    first(source)


def test_a_long_start_is_told_of_before_it_begins(rig: Rig, source: Imx500Source) -> None:
    rig.wish("start-seconds", 3)
    told: list[tuple[float, str]] = []
    source.open(lambda text: told.append((time.monotonic(), text)))
    begun = next(at for at, text in told if text == "starting the camera")
    assert 3 <= time.monotonic() - begun < SOON_S
    first(source)


def test_while_libcamera_starts_no_other_thread_runs(rig: Rig, source: Imx500Source) -> None:
    """Why somebody outside has to watch: once this fails, decisions/0008 can be thought over."""
    ticks: list[float] = []
    over = threading.Event()

    def tick() -> None:
        while not over.wait(0.05):
            ticks.append(time.monotonic())

    ticker = threading.Thread(target=tick)
    ticker.start()
    time.sleep(0.3)
    rig.wish("start-seconds", 2)
    source.open()
    time.sleep(0.3)
    over.set()
    ticker.join()
    assert max(late - early for early, late in pairwise(ticks)) > 1.5


def test_stdout_is_kept_clean(source: Imx500Source, capfd: pytest.CaptureFixture[str]) -> None:
    source.open()
    first(source)
    source.close()
    assert capfd.readouterr().out == ""


def test_a_model_is_swapped_and_back(
    source: Imx500Source, detector: SensorModel, classifier: SensorModel
) -> None:
    source.open()
    first(source)
    for model, kind in [(classifier, Labels), (detector, Detections)]:
        source.swap(model)
        seen = first(source)
        assert seen.bundle == model.identity.bundle
        assert isinstance(seen.found, kind)


def test_a_model_that_says_nothing_gives_way(
    rig: Rig, source: Imx500Source, classifier: SensorModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eyespot.sources.imx500._PROOF_S", 1.0)
    rig.serve(classifier.bundle.network)
    source.open()
    with pytest.raises(ModelError, match="no tensor of it"):
        source.swap(classifier)
    assert isinstance(first(source).found, Detections)


# --- pictures -----------------------------------------------------------------------------------------------


@pytest.fixture
def pictures() -> Iterator[PicameraSource]:
    made = PicameraSource(CameraSettings(source="picamera", rate_hz=20), SystemClock())
    yield made
    made.close()


def picture(source: PicameraSource) -> Frame:
    frame = source.take(SOON_S)
    assert frame is not None
    return frame


def test_pictures_come_in_the_models_size_and_right_colours(rig: Rig, pictures: PicameraSource) -> None:
    told: dict[bool, np.ndarray[Any, Any]] = {}
    for no_rgb in (False, True):
        if no_rgb:
            rig.wish("no-rgb")
        view = pictures.open(320, 240, "stretch")
        frame = picture(pictures)
        assert frame.pixels.shape == (240, 320, 3)
        assert (view.width, view.height) == (4056, 3040)
        told[no_rgb] = frame.pixels[120, ::40].astype(int)
        del frame  # its pixels are the camera's own memory
        pictures.close()
    assert np.abs(told[False] - told[True]).max() < 40, told
    assert np.ptp(told[False], axis=0).min() > 100, "bars have colours"


def test_the_rate_is_kept_to_though_the_camera_does_not(rig: Rig, pictures: PicameraSource) -> None:
    rig.wish("fps", 0)
    pictures.open(320, 240, "stretch")
    picture(pictures)
    begun = time.monotonic()
    for _ in range(20):
        picture(pictures)
    assert 0.8 < time.monotonic() - begun < 1.5


def test_pictures_go_on_after_another_open(pictures: PicameraSource) -> None:
    for size in [(320, 240), (300, 300), (64, 48)]:
        pictures.open(*size, "stretch")
        for _ in range(10):
            frame = picture(pictures)
            assert frame.pixels.shape == (size[1], size[0], 3)
            del frame


def test_buffers_do_not_run_out(pictures: PicameraSource) -> None:
    pictures.open(320, 240, "stretch")
    for _ in range(60):
        picture(pictures)
