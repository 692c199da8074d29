"""picamera2 and its IMX500 class, as the sources of the daemon use them. Runs inside the rig."""

import gc
import os
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from libarchive.exception import ArchiveError
from picamera2 import Picamera2
from picamera2.devices.imx500 import IMX500

from eyespot.trust.rpk import OutputTensor
from fakes.rig import Rig
from fakes.rpk import SSD, make_rpk
from fakes.tensors import frame_bytes, outputs_of, stored

CLASSIFIER = (OutputTensor("scores", (10,), 8, is_signed=False, scale=2.0**-8, shift=0),)
SOON_S = 3.0
FAULTS = ("stall", "fps", "start-errno", "start-seconds", "ebusy", "keep-count", "fw_progress")
BOXES = np.zeros((100, 4))
BOXES[0] = 0.25, 0.5, 0.75, 0.625
SCENE = (BOXES, np.linspace(0.9, 0, 100), np.zeros(100), [1])


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    rig.unwish(*FAULTS)
    rig.wish("fps", 60)
    rig.wish("fw_progress", "2 1048576 3962752\n")
    yield rig
    rig.unwish(*FAULTS)


class Camera:
    """As a source has it."""

    def __init__(self, network: Path) -> None:
        self.imx = IMX500(str(network))
        self.picam2 = Picamera2(self.imx.camera_num)

    def start(self, *, rate: float = 60, buffers: int = 6) -> None:
        self.picam2.configure(
            self.picam2.create_video_configuration(
                main={"size": (64, 48), "format": "BGR888"},
                controls={"FrameRate": rate},
                buffer_count=buffers,
            )
        )
        self.picam2.start()

    def swap(self, network: Path) -> None:
        self.picam2.stop()
        self.imx = IMX500(str(network))
        self.start()

    def metadata(self) -> dict[str, Any]:
        return self.picam2.capture_metadata(wait=SOON_S)

    def outputs(self) -> list[np.ndarray]:
        deadline = time.monotonic() + SOON_S
        while time.monotonic() < deadline:
            outputs = self.imx.get_outputs(self.metadata())
            if outputs is not None:
                return outputs
        raise AssertionError("no tensors")


@pytest.fixture
def detector(tmp_path: Path, rig: Rig) -> Path:
    return network(tmp_path / "detector.rpk", make_rpk(), rig, frame_bytes(SSD, SCENE), b"")


@pytest.fixture
def classifier(tmp_path: Path, rig: Rig) -> Path:
    rpk = make_rpk(CLASSIFIER, blocks=2, intrinsics=None)
    return network(tmp_path / "classifier.rpk", rpk, rig, frame_bytes(CLASSIFIER, [np.arange(10) / 16]))


@pytest.fixture
def camera(detector: Path) -> Iterator[Camera]:
    camera = Camera(detector)
    yield camera
    camera.picam2.close()


def network(path: Path, rpk: bytes, rig: Rig, *frames: bytes) -> Path:
    path.write_bytes(rpk)
    rig.serve(rpk, *frames)
    return path


def stall(rig: Rig, camera: Camera) -> None:
    rig.wish("stall")
    time.sleep(0.2)
    with suppress(TimeoutError):  # picamera2 may have kept a frame
        camera.picam2.capture_metadata(wait=0.1)
    camera.picam2.cancel_all_and_flush()


def test_outputs_are_what_the_network_said(camera: Camera) -> None:
    camera.start()
    for given, wanted, said in zip(camera.outputs(), SSD, SCENE, strict=True):
        assert given.dtype == np.float32
        assert given.shape == wanted.shape
        np.testing.assert_array_equal(given, stored(wanted, said))


def test_a_frame_without_tensors_has_none(camera: Camera) -> None:
    camera.start()
    seen = [camera.metadata() for _ in range(8)]
    assert {"CnnOutputTensor" in metadata for metadata in seen} == {True, False}
    assert {camera.imx.get_outputs(m) is None for m in seen if "CnnOutputTensor" not in m} == {True}


def test_types_of_metadata(camera: Camera) -> None:
    camera.start()
    metadata = camera.metadata()
    while "CnnOutputTensor" not in metadata:
        metadata = camera.metadata()
    assert {name: type(value) for name, value in metadata.items()} == {
        "SensorTimestamp": int, "FrameDuration": int, "ExposureTime": int, "AnalogueGain": float,
        "DigitalGain": float, "Lux": float, "SensorTemperature": float, "ScalerCrop": tuple,
        "CnnOutputTensor": tuple, "CnnOutputTensorInfo": tuple, "CnnKpiInfo": tuple,
    }  # fmt: skip
    assert {type(value) for value in metadata["CnnOutputTensor"]} == {float}
    assert {type(value) for value in metadata["CnnOutputTensorInfo"]} == {int}
    assert metadata["CnnKpiInfo"] == (35000, 4000)
    assert IMX500.get_kpi_info(metadata) == (35.0, 4.0)
    assert abs(time.monotonic_ns() - metadata["SensorTimestamp"]) < 1e9


def test_the_sensor_counts_its_inferences(camera: Camera) -> None:
    camera.start()
    counts = [
        bytes(m["CnnOutputTensorInfo"])[708] for m in (camera.metadata() for _ in range(8)) if len(m) > 9
    ]
    assert counts == sorted(set(counts))


def test_the_frame_rate_is_the_one_that_was_asked_for(camera: Camera, rig: Rig) -> None:
    rig.unwish("fps")
    camera.start(rate=20)
    stamps = [camera.metadata()["SensorTimestamp"] for _ in range(12)]
    assert (stamps[-1] - stamps[1]) / 10 == pytest.approx(5e7, rel=0.2)


def test_configuration_in_force(camera: Camera) -> None:
    camera.start(buffers=5)
    config = camera.picam2.camera_configuration()
    assert (config["main"]["format"], config["main"]["size"]) == ("BGR888", (64, 48))
    assert (config["raw"]["format"], config["raw"]["size"]) == ("SRGGB10", (2028, 1520))
    assert config["buffer_count"] == 5


def test_a_configuration_holds_for_one_start(rig: Rig, camera: Camera) -> None:
    rig.unwish("fps")
    camera.start(rate=50)
    assert camera.metadata()["FrameDuration"] == 20_000
    camera.picam2.stop()
    camera.picam2.start()
    assert camera.metadata()["FrameDuration"] == 33_333


def test_what_the_kernel_is_told(rig: Rig, camera: Camera, detector: Path) -> None:
    size = detector.stat().st_size
    blocks = detector.read_bytes().index(b"3695") + 4
    camera.imx.set_inference_roi_abs((508, 0, 3040, 3040))
    loaded, full, square = rig.heard()[-3:]
    assert loaded.endswith(f" bytes {size} blocks {blocks} {detector}")
    assert (full, square) == ("roi 0 0 4056 3040", "roi 508 0 3040 3040")


def test_progress_of_the_upload(rig: Rig, camera: Camera) -> None:
    assert camera.imx.get_fw_upload_progress(2) == (1048576, 3962752)
    rig.wish("fw_progress", "1 5 3962752\n")
    assert camera.imx.get_fw_upload_progress(2) == (0, 0)


def test_a_network_cannot_be_swapped_while_the_camera_streams(
    rig: Rig, camera: Camera, classifier: Path
) -> None:
    camera.start()
    with pytest.raises(RuntimeError):
        IMX500(str(classifier))
    assert rig.heard()[-1] == "busy"
    assert len(camera.outputs()) == 4


def test_a_swap_needs_no_close(camera: Camera, classifier: Path, detector: Path) -> None:
    camera.start()
    assert len(camera.outputs()) == 4
    camera.swap(classifier)
    np.testing.assert_array_equal(camera.outputs()[0], np.arange(10) / 16)
    camera.swap(detector)
    assert len(camera.outputs()) == 4


def descriptors() -> int:
    """Return how many this process has, without the file that the rig opens for a moment with each frame."""
    count = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            count += "networks" not in descriptor.readlink().parts
    return count


def test_swaps_leave_nothing_behind(camera: Camera, classifier: Path, detector: Path) -> None:
    process = psutil.Process()
    camera.start()
    kept = set()
    for _ in range(6):
        for path in (classifier, detector):
            camera.swap(path)
            camera.outputs()
        gc.collect()  # picamera2 has circles of references
        kept.add((descriptors(), process.num_threads(), threading.active_count()))
    assert len(kept) == 1


def test_close_leaves_nothing_behind(detector: Path) -> None:
    kept = set()
    for _ in range(4):
        camera = Camera(detector)
        camera.start()
        camera.outputs()
        camera.picam2.close()
        del camera
        gc.collect()  # picamera2 has circles of references
        kept.add((descriptors(), threading.active_count()))
    assert len(kept) == 1


def test_a_start_that_fails_can_be_tried_again(rig: Rig, camera: Camera) -> None:
    rig.wish("start-errno", 22)
    with pytest.raises(RuntimeError, match="Invalid argument"):
        camera.start()
    rig.unwish("start-errno")
    camera.start()
    assert len(camera.outputs()) == 4


def test_nothing_else_runs_while_start_does(rig: Rig, camera: Camera) -> None:
    """libcamera's bindings keep Python's lock: a watchdog is to be fed by another process, or beforehand."""
    rig.wish("start-seconds", 1)
    ticks, enough = [time.monotonic()], threading.Event()

    def tick() -> None:
        while not enough.wait(0.02):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    camera.start()
    enough.set()
    thread.join()
    assert max(np.diff([*ticks, time.monotonic()])) > 0.9


def test_a_camera_that_stalls_is_seen_by_its_timeout(rig: Rig, camera: Camera) -> None:
    camera.start()
    camera.outputs()
    stall(rig, camera)
    with pytest.raises(TimeoutError):
        camera.picam2.capture_metadata(wait=0.3)
    camera.picam2.cancel_all_and_flush()
    rig.unwish("stall")
    assert len(camera.outputs()) == 4


def test_a_camera_that_stalls_can_be_stopped(rig: Rig, camera: Camera) -> None:
    camera.start()
    stall(rig, camera)
    camera.picam2.stop()
    rig.unwish("stall")
    camera.start()
    assert len(camera.outputs()) == 4


def test_stop_waits_behind_what_still_waits_for_a_frame(rig: Rig, camera: Camera) -> None:
    camera.start()
    stall(rig, camera)
    with pytest.raises(TimeoutError):
        camera.picam2.capture_metadata(wait=0.1)
    stopping = threading.Thread(target=camera.picam2.stop, daemon=True)
    stopping.start()
    stopping.join(0.5)
    assert stopping.is_alive()
    rig.unwish("stall")
    stopping.join(SOON_S)
    assert not stopping.is_alive()


def test_stop_returns_once_nothing_waits_for_a_frame(rig: Rig, camera: Camera) -> None:
    camera.start()
    stall(rig, camera)
    with pytest.raises(TimeoutError):
        camera.picam2.capture_metadata(wait=0.1)
    camera.picam2.cancel_all_and_flush()
    camera.picam2.stop()
    assert not rig.streams


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("trouble", ["pending", "dead"])
def test_stop_always_returns_once_the_event_loop_is_gone(rig: Rig, camera: Camera, trouble: str) -> None:
    camera.start()
    if trouble == "pending":
        stall(rig, camera)
        with pytest.raises(TimeoutError):
            camera.picam2.capture_metadata(wait=0.1)
    else:
        kill_event_loop(camera.picam2)
    camera.picam2.stop_preview()
    camera.picam2.stop()
    assert not rig.streams
    rig.unwish("stall")
    camera.picam2.cancel_all_and_flush()
    camera.start()
    assert len(camera.outputs()) == 4


def kill_event_loop(picam2: Picamera2) -> None:
    """Let a callback raise: picamera2's thread ends, and nobody is told but the log."""

    def fail(_: object) -> None:
        raise RuntimeError

    picam2.pre_callback = fail
    with pytest.raises(TimeoutError):
        picam2.capture_metadata(wait=0.3)
    picam2.pre_callback = None


def test_waiting_for_a_frame_ends_with_a_flush(rig: Rig, camera: Camera) -> None:
    camera.start()
    stall(rig, camera)
    threading.Timer(0.2, camera.picam2.cancel_all_and_flush).start()
    with pytest.raises(CancelledError):
        camera.picam2.capture_metadata(wait=SOON_S)


def test_info_of_another_length_is_refused(rig: Rig, camera: Camera, detector: Path) -> None:
    rig.serve(detector.read_bytes(), bytes(100))
    camera.start()
    metadata = camera.metadata()
    assert len(metadata["CnnOutputTensorInfo"]) == 100
    assert camera.imx.get_outputs(metadata) is None
    with pytest.raises(ValueError, match="712"):
        camera.imx.get_outputs(metadata | {"CnnOutputTensor": (1.0,)})


def test_a_network_that_never_speaks(rig: Rig, camera: Camera, detector: Path) -> None:
    rig.serve(detector.read_bytes())
    camera.start()
    assert not any("CnnOutputTensor" in camera.metadata() for _ in range(12))


@pytest.mark.parametrize("harm", [b"", b"9464", b"no network"])
def test_a_file_that_is_no_network_is_noticed_after_the_old_one_is_gone(
    tmp_path: Path, rig: Rig, harm: bytes
) -> None:
    path = tmp_path / "bad.rpk"
    path.write_bytes(harm)
    with pytest.raises((struct.error, ArchiveError)):
        IMX500(str(path))
    assert rig.heard()[-1].endswith(f" bytes {len(harm)} blocks 0 {path}")


def test_zeros_are_a_network_to_picamera2(tmp_path: Path, rig: Rig) -> None:
    path = tmp_path / "zeros.rpk"
    path.write_bytes(bytes(5000))
    assert IMX500(str(path)).network_intrinsics is None


def test_a_real_network(tmp_path: Path, rig: Rig) -> None:
    folder = os.environ.get("EYESPOT_SHARED_RPK")
    if not folder:
        pytest.skip("EYESPOT_SHARED_RPK names no folder with network files")
    path = Path(folder) / "imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk"
    rpk = path.read_bytes()
    outputs = outputs_of(rpk)
    rig.serve(rpk, frame_bytes(outputs, SCENE))
    camera = Camera(path)
    try:
        camera.start()
        np.testing.assert_array_equal(camera.outputs()[0][0], [0.25, 0.5, 0.75, 0.625])
        assert camera.imx.network_intrinsics.labels[0] == "person"
        assert camera.imx.get_input_size() == (320, 320)
    finally:
        camera.picam2.close()
