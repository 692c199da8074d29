"""The AI camera's source, over a library whose faults are planted: each fault has a name."""

import ast
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.errors import CameraError, CameraStuck, EyespotError, ModelError
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock
from eyespot.ports import SourceEnded
from eyespot.sources import imx500 as module
from eyespot.sources.imx500 import Imx500Source, SensorModel
from eyespot.sources.settings import CameraSettings
from eyespot.trust.rpk import OutputTensor
from fakes.cameras import BUSY, FakeCameras, hang
from fakes.rpk import make_rpk
from fakes.sensor_models import BOX, endless, seen, sensor_model

OTHER = (OutputTensor("scores", (10,), 8, is_signed=False, scale=2.0**-8, shift=0),)
RESTARTED = ["stop", "configure", "start"]  # what is configured holds for one start
RELOADED = ["stop", "sensor", "configure", "start"]
BEGUN = ["sensor", "camera", "configure", "start"]


class Rig:
    """A source and the library under it."""

    def __init__(self, folder: Path, frames: Iterable[Any] | None = None, **settings: Any) -> None:
        self.clock = ManualClock(100 * SECOND_NS)
        self.library = FakeCameras(self.clock, endless() if frames is None else iter(frames))
        self.model = sensor_model(folder / "model", rate_hz=settings.pop("bundle_hz", None))
        camera = CameraSettings(source="imx500", **settings)
        self.source = Imx500Source(self.model, camera, self.clock, self.library)
        self.told: list[str] = []

    def tell(self, text: str) -> None:
        self.told.append(text)

    def take(self, count: int) -> list[Observation | None]:
        return [self.source.take(0.01) for _ in range(count)]

    def new_calls(self) -> list[str]:
        calls, self.library.calls = self.library.calls, []
        return calls

    def refusal(self, act: Callable[[], object], kind: type[Exception] = CameraError) -> str:
        """Return the text of the error; that itself goes, with all that its traceback holds."""
        try:
            act()
        except EyespotError as error:
            refused: tuple[type[Exception], str] = (type(error), str(error))
        assert refused[0] is kind
        assert "\n" not in refused[1]
        return refused[1]


def boxes(observation: Observation | None) -> list[list[float]]:
    assert observation is not None
    assert isinstance(observation.found, Detections)
    found: list[list[float]] = observation.found.boxes_xyxy_n.tolist()
    return found


# --- how it is set up ---------------------------------------------------------------------------------------


def test_the_network_goes_to_the_driver_before_the_camera_is_opened(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    assert rig.library.calls == BEGUN
    assert rig.library.networks == [rig.model.bundle.network]


def test_what_was_checked_goes_to_the_driver_though_the_file_was_exchanged(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    network = tmp_path / rig.model.bundle.manifest.network.file
    network = next(tmp_path.rglob(network.name))
    network.write_bytes(b"another one")
    rig.source.open()
    assert rig.library.networks == [rig.model.bundle.network]


def test_the_picture_is_the_smallest_and_no_buffer_is_looked_at(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    assert all(rig.take(5))
    (configuration,) = rig.library.configurations
    assert configuration["main"]["size"] == (64, 48)
    assert configuration["raw"] is configuration["lores"] is None
    assert rig.library.requests == []
    assert "CnnEnableInputTensor" not in configuration["controls"]


LOOKING = {
    *("buffer", "make_array", "make_buffer", "make_image", "MappedArray", "next_request", "capture_request"),
    *("capture_array", "capture_arrays", "capture_buffer", "capture_image", "capture_file", "save"),
    *("CnnInputTensor", "CnnEnableInputTensor", "start_recording", "start_encoder", "pre_callback"),
}


def is_membership(node: ast.Compare) -> bool:
    return all(isinstance(operator, ast.In) for operator in node.ops)


def words_of(path: Path) -> set[str]:
    """Return every name, attribute, module and text that a file uses, without its docstrings and comments.

    A text of which is only asked whether it is in something, as in `"CnnInputTensor" in metadata`, is none.
    """
    tree = ast.parse(path.read_text())
    asked = {
        id(node.left) for node in ast.walk(tree) if isinstance(node, ast.Compare) and is_membership(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Constant() if id(node) in asked:
                pass
            case ast.Name(id=word) | ast.Attribute(attr=word) | ast.alias(name=word):
                found.add(word)
            case ast.ImportFrom(module=str(word)):
                found.add(word)
            case ast.Constant(value=str(word)):
                found.add(word)
    return found


@pytest.mark.parametrize(
    "name", ["imx500", "sensor_modes", "sensor_network", "sensor_tensors", "camera_metadata"]
)
def test_nothing_on_the_sensors_path_looks_at_pixels(name: str) -> None:
    words = words_of(Path(module.__file__).parent / f"{name}.py")
    assert not words & LOOKING
    assert not words & {"eyespot.frames", "eyespot.sources.colours", "eyespot.sources.picamera"}


def test_nothing_in_the_daemon_makes_files_of_pictures() -> None:
    package = Path(module.__file__).parents[1]
    encoders = {"PIL", "cv2", "simplejpeg", "imageio", "picamera2.encoders", "picamera2.outputs"}
    for path in package.rglob("*.py"):
        assert not words_of(path) & encoders, path


@pytest.mark.parametrize(
    ("settings", "rate_hz"),
    [
        ({}, 26),
        ({"bundle_hz": 12}, 12),
        ({"rate_hz": 5}, 5),
        ({"rate_hz": 60}, 30),
        ({"rate_hz": 60, "mode": "full"}, 10),
        ({"exposure_ms": 100}, 10),
    ],
)
def test_the_rate_is_what_is_asked_for_if_the_mode_can(
    tmp_path: Path, settings: dict[str, Any], rate_hz: float
) -> None:
    rig = Rig(tmp_path, **settings)
    rig.source.open()
    view = rig.source.view
    assert view is not None
    assert view.rate_hz == rate_hz
    frame_us = round(1e6 / rate_hz)
    assert rig.library.configurations[0]["controls"]["FrameDurationLimits"] == (frame_us, frame_us)


def test_mode_exposure_and_gain_are_set(tmp_path: Path) -> None:
    rig = Rig(tmp_path, mode="full", exposure_ms=12.5, gain=3)
    rig.source.open()
    (configuration,) = rig.library.configurations
    assert configuration["sensor"] == {"output_size": (4056, 3040), "bit_depth": 10}
    assert configuration["controls"]["ExposureTime"] == 12_500
    assert configuration["controls"]["AnalogueGain"] == 3
    assert rig.source.view is not None
    assert (rig.source.view.mode, rig.source.view.width, rig.source.view.height) == ("full", 4056, 3040)


def test_a_key_that_the_camera_cannot_follow_is_named(tmp_path: Path) -> None:
    rig = Rig(tmp_path, gain=3)
    del rig.library.controls["AnalogueGain"]
    assert "take gain out of [camera]" in rig.refusal(rig.source.open)


@pytest.mark.parametrize(
    ("roi", "resize", "roi_px", "expected"),
    [
        (None, "stretch", (0, 0, 4056, 3040), BOX),
        (None, "crop", (508, 0, 3040, 3040), [0.2002, 0.2, 0.3501, 0.4]),
        ((0.5, 0.0, 1.0, 0.5), "stretch", (2028, 0, 2028, 1520), [0.55, 0.1, 0.65, 0.2]),
    ],
)
def test_boxes_are_told_in_fractions_of_the_full_frame(
    tmp_path: Path, roi: Any, resize: str, roi_px: tuple[int, ...], expected: list[float]
) -> None:
    rig = Rig(tmp_path, roi=roi)
    size = {"width": 320, "height": 320, "resize": resize}
    rig.source.swap(sensor_model(tmp_path / "model", input=size))
    assert rig.library.rois == [roi_px]
    assert boxes(rig.source.take(1)) == [pytest.approx(expected, abs=1e-4)]
    assert rig.source.view is not None
    left, top, right, bottom = rig.source.view.roi_xyxy_n
    assert (left * 4056, top * 3040) == pytest.approx(roi_px[:2])
    assert ((right - left) * 4056, (bottom - top) * 3040) == pytest.approx(roi_px[2:])


# --- what is taken ------------------------------------------------------------------------------------------


def test_each_tensor_is_told_once_and_what_is_amiss_is_counted(tmp_path: Path) -> None:
    bare = seen(3, CnnOutputTensor=None)
    frames = [seen(1), seen(1), seen(2), bare, seen(4), {**seen(7), "CnnOutputTensor": ()}, seen(8), seen(8)]
    rig = Rig(tmp_path, frames)
    rig.source.open()
    assert [found is not None for found in rig.take(8)] == [
        True,
        False,
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    sensor = rig.source.readings.sensor
    assert sensor is not None
    assert (sensor.repeated, sensor.without_tensor, sensor.missed, sensor.inputs) == (2, 2, 2, 0)


def test_a_picture_that_comes_with_a_tensor_is_counted_and_not_kept(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [seen(1), seen(2, CnnInputTensor=(7, 7, 7)), seen(3)])
    rig.source.open()
    assert all(rig.take(3))
    sensor = rig.source.readings.sensor
    assert sensor is not None
    assert sensor.inputs == 1


def test_the_number_of_a_frame_wraps(tmp_path: Path) -> None:
    rig = Rig(tmp_path, (seen(count % 256) for count in range(250, 800)))
    rig.source.open()
    assert all(rig.take(550))
    assert rig.source.readings.sensor is not None
    assert rig.source.readings.sensor.missed == 0


def test_readings_are_in_the_units_that_they_say(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.take(1)
    sensor = rig.source.readings.sensor
    assert sensor is not None
    assert (sensor.dnn_ms, sensor.dsp_ms, sensor.temperature_c) == (35.0, 4.0, 41.0)
    assert (sensor.exposure_ms, sensor.gain, sensor.lux) == (20.0, 2.5, 120.5)


def test_without_light_nothing_can_be_seen_as_far_as_the_camera_says(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [seen(1), seen(2, Lux=0.3), seen(3, Lux=None)])
    rig.source.open()
    assert [found and found.sight for found in rig.take(3)] == ["clear", "dark", "clear"]


def test_readings_that_are_missing_or_no_numbers_are_none(tmp_path: Path) -> None:
    strange = {"CnnKpiInfo": (1,), "SensorTemperature": float("nan"), "ExposureTime": "long", "Lux": None}
    rig = Rig(tmp_path, [seen(1, **strange)])
    rig.source.open()
    assert all(rig.take(1))
    sensor = rig.source.readings.sensor
    assert sensor is not None
    assert (sensor.dnn_ms, sensor.temperature_c, sensor.exposure_ms, sensor.lux) == (None, None, None, None)


def test_the_time_that_the_network_took_is_kept_over_frames_that_do_not_say_it(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [seen(1), seen(2, CnnOutputTensor=None, CnnKpiInfo=None)])
    rig.source.open()
    rig.take(2)
    assert rig.source.readings.sensor is not None
    assert rig.source.readings.sensor.dnn_ms == 35.0


@pytest.mark.parametrize(
    ("size", "mode"), [((2028, 1520), "binned"), ((4056, 3040), "full"), ((640, 480), None)]
)
def test_the_mode_is_the_one_in_force(tmp_path: Path, size: tuple[int, int], mode: str | None) -> None:
    rig = Rig(tmp_path)
    rig.library.adjust = lambda asked: {**asked, "sensor": {"output_size": size, "bit_depth": 10}}
    rig.source.open()
    assert rig.source.view is not None
    assert rig.source.view.mode == mode


def test_time_never_goes_back_whatever_the_stamps_say(tmp_path: Path) -> None:
    told: list[Any] = [100.05, 100.15, 100.12, 0, -3, 5000, None, 100.72]
    frames = [
        seen(number, SensorTimestamp=None if at is None else round(at * SECOND_NS))
        for number, at in enumerate(told)
    ]
    rig = Rig(tmp_path, frames)
    rig.source.open()
    times = [found.taken_ns / SECOND_NS for found in rig.take(8) if found]
    assert times == pytest.approx([100.05, 100.15, 100.3, 100.4, 100.5, 100.6, 100.7, 100.72])
    assert times == sorted(times)


def _info(change: Callable[[bytearray], object]) -> tuple[int, ...]:
    info = bytearray(bytes(seen(1)["CnnOutputTensorInfo"]))
    change(info)
    return tuple(info)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"CnnOutputTensorInfo": None}, "without its description"),
        ({"CnnOutputTensorInfo": tuple(bytes(711))}, "has 711 bytes, not 712"),
        ({"CnnOutputTensorInfo": tuple(bytes(712))}, "tells that there are 0"),
        ({"CnnOutputTensorInfo": (300,) * 712}, "no row of bytes"),
        ({"CnnOutputTensorInfo": _info(lambda info: struct.pack_into("<I", info, 64, 17))}, "there are 17"),
        (
            {"CnnOutputTensorInfo": _info(lambda info: struct.pack_into("<I", info, 68, 401))},
            "401 values as [100, 4]",
        ),
        ({"CnnOutputTensorInfo": _info(lambda info: struct.pack_into("<I", info, 64, 3))}, "another network"),
        ({"CnnOutputTensor": (0.5,) * 600}, "600 values, not 601"),
        ({"CnnOutputTensor": ("a",) * 601}, "no numbers"),
    ],
)
def test_tensors_that_cannot_be_read_are_an_error_with_a_name(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    rig = Rig(tmp_path, chain([seen(0), seen(1, **changes)], endless(2)))
    rig.source.open()
    assert rig.take(1) != [None]
    assert words in rig.refusal(lambda: rig.source.take(1))
    rig.source.open()
    assert rig.take(1) != [None]


def test_a_name_of_the_network_does_not_matter(tmp_path: Path) -> None:
    info = _info(lambda info: info.__setitem__(slice(0, 4), b"name"))
    rig = Rig(tmp_path, [seen(1, CnnOutputTensorInfo=info)])
    rig.source.open()
    assert boxes(rig.source.take(1)) == [pytest.approx(BOX, abs=1e-4)]


def test_a_camera_that_gives_nothing_is_asked_only_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, [])
    rig.source.open()
    assert rig.take(5) == [None] * 5
    assert rig.library.questions == 1


@pytest.mark.parametrize("can_cancel", [True, False])
def test_a_question_is_taken_back_before_the_camera_is_stopped(tmp_path: Path, can_cancel: bool) -> None:
    rig = Rig(tmp_path, [])
    rig.library.can_cancel = can_cancel
    rig.source.open()
    rig.take(1)
    rig.new_calls()
    rig.source.recover(Step.RESTART)
    assert rig.new_calls() == ["cancel_all_and_flush"] * can_cancel + RESTARTED


def test_a_closed_source_gives_nothing(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.close()
    rig.source.open()
    rig.source.close()
    rig.source.close()
    with pytest.raises(SourceEnded):
        rig.source.take(0)
    assert rig.library.alive == 0


# --- what goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        StopIteration(),
        RuntimeError("IMX500: Requested camera dev-node not found"),
        FileNotFoundError(2, "No such file or directory", "sudo"),
        struct.error("unpack requires a buffer of 8 bytes"),
        PermissionError(13, "Permission denied", "/dev/v4l-subdev0"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_whatever_a_constructor_raises_is_an_error_of_the_camera(tmp_path: Path, fault: Exception) -> None:
    rig = Rig(tmp_path)
    rig.library.faults = {"sensor": [fault], "camera": [fault]}
    assert "handing the network to the driver failed" in rig.refusal(rig.source.open)
    assert "opening the camera failed" in rig.refusal(rig.source.open)
    rig.new_calls()
    rig.source.open()
    assert rig.new_calls() == BEGUN
    assert all(rig.take(1))


@pytest.mark.parametrize(
    "fault",
    [
        BUSY,
        RuntimeError("Failed to start camera: Invalid argument"),
        RuntimeError("Failed to start camera: Remote I/O error"),
        OSError(11, "Resource temporarily unavailable"),
    ],
    ids=str,
)
def test_a_start_that_fails_is_tried_again_without_a_power_cycle(tmp_path: Path, fault: Exception) -> None:
    rig = Rig(tmp_path)
    rig.library.faults = {"start": [fault]}
    assert str(fault) in rig.refusal(rig.source.open)
    rig.new_calls()
    rig.source.open()
    assert rig.new_calls() == RELOADED
    assert all(rig.take(3))


@pytest.mark.parametrize("call", ["sensor", "camera", "configure", "start"])
def test_a_call_that_hangs_is_given_up_and_told_of(tmp_path: Path, call: str) -> None:
    rig = Rig(tmp_path)
    rig.library.faults = {call: [hang]}
    limit_s = 600 if call == "start" else 30
    assert f"has not ended after {limit_s} s" in rig.refusal(lambda: rig.source.open(rig.tell), CameraStuck)
    assert len(rig.told) >= limit_s
    rig.new_calls()
    for act in (rig.source.open, lambda: rig.source.recover(Step.RENEW)):
        assert "hangs" in rig.refusal(act, CameraStuck)
    rig.source.close()
    assert rig.new_calls() == []


def test_stop_and_close_that_hang_are_given_up(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.library.faults = {"stop": [hang]}
    assert "stopping the camera" in rig.refusal(lambda: rig.source.recover(Step.RESTART), CameraStuck)


def slow_start(rig: Rig, looks: int) -> Callable[[str], None]:
    """Let the start end after it was told of that often; returns who is to be told."""
    over = threading.Event()
    rig.library.faults = {"start": [lambda: over.wait(30)]}

    def tell(text: str) -> None:
        rig.told.append(text)
        if len(rig.told) >= looks:
            over.set()
            time.sleep(0.01)  # the clock stands still, the thread of the call does not

    return tell


def test_what_takes_long_is_told_before_it_begins_and_while_it_lasts(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.source.open(slow_start(rig, 7))
    begun = [
        "handing the network to the driver",
        "opening the camera",
        "configuring the camera",
        "starting the camera",
    ]
    assert rig.told[:4] == begun
    assert rig.told[4:7] == [f"starting the camera ({second} s)" for second in (0, 0, 1)]
    assert all(rig.take(1))


def test_a_start_is_heralded_and_nothing_else_is(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    around: list[list[str]] = []

    @contextmanager
    def heralded() -> Iterator[None]:
        before = len(rig.library.calls)
        yield
        around.append(rig.library.calls[before:])

    rig.source._heralded = heralded
    rig.source.open()
    rig.source.recover(Step.RESTART)
    assert around == [["start"], ["start"]]


def test_a_region_that_the_sensor_does_not_look_at_is_an_error_and_no_wrong_place(tmp_path: Path) -> None:
    rig = Rig(tmp_path, roi=(0.25, 0.25, 0.75, 0.75))
    rig.library.complaint = "IMX500: Unable to set ROI control"
    assert "Unable to set ROI" in rig.refusal(rig.source.open)
    rig.library.complaint = ""
    rig.source.open()
    assert all(rig.take(1))


def test_the_whole_frame_is_looked_at_even_if_that_cannot_be_set(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.library.complaint = "IMX500: Unable to set ROI control"
    rig.source.open()
    assert all(rig.take(1))


def test_the_steps_are_the_gentlest_first(tmp_path: Path) -> None:
    assert Rig(tmp_path).source.steps == (Step.RESTART, Step.RELOAD, Step.RENEW)
    assert Rig(tmp_path, reboot=True).source.steps[-1] is Step.REBOOT


@pytest.mark.parametrize(
    ("step", "calls"),
    [
        (Step.RESTART, RESTARTED),
        (Step.RELOAD, RELOADED),
        (Step.RENEW, ["close", *BEGUN]),
    ],
)
def test_each_step_does_what_it_says(tmp_path: Path, step: Step, calls: list[str]) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.take(2)
    rig.new_calls()
    rig.source.recover(step)
    assert rig.new_calls() == calls
    assert all(rig.take(3))


def test_a_restart_of_a_camera_that_did_not_start_brings_the_network_again(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.library.faults = {"start": [BUSY]}
    rig.refusal(rig.source.open)
    rig.new_calls()
    rig.source.recover(Step.RESTART)
    assert rig.new_calls() == RELOADED


@pytest.mark.parametrize("step", [Step.RESTART, Step.RELOAD, Step.RENEW])
def test_a_step_on_a_closed_camera_opens_it(tmp_path: Path, step: Step) -> None:
    rig = Rig(tmp_path)
    rig.source.recover(step)
    assert rig.new_calls() == BEGUN


# --- another model ------------------------------------------------------------------------------------------


@pytest.fixture
def other(tmp_path: Path) -> SensorModel:
    return sensor_model(tmp_path / "other", version="2.0.0")


@pytest.fixture
def stranger(tmp_path: Path) -> SensorModel:
    """A model whose outputs are not those that the frames of these tests have."""
    size = {"width": 320, "height": 320, "resize": "stretch"}
    return sensor_model(
        tmp_path / "stranger",
        make_rpk(OTHER, intrinsics={"task": "classification", "classes": {"labels": ["a"] * 10}}),
        input=size,
        outputs=[{"role": "scores", "shape": [10]}],
        decoder={"softmax": False},
    )


def test_a_model_is_swapped_without_closing_the_camera(tmp_path: Path, other: SensorModel) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.take(2)
    rig.new_calls()
    rig.source.swap(other)
    assert rig.new_calls() == RELOADED
    assert rig.source.model == other.identity
    assert [found.bundle for found in rig.take(2) if found] == [other.identity.bundle] * 2


def test_a_model_that_does_not_run_gives_way_to_the_old_one(tmp_path: Path, stranger: SensorModel) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.new_calls()
    text = rig.refusal(lambda: rig.source.swap(stranger), ModelError)
    assert "the sensor runs another network" in text
    assert text.endswith(f"{rig.model.identity.bundle} is in force again")
    assert rig.new_calls() == RELOADED * 2
    assert rig.library.networks[-1] == rig.model.bundle.network
    assert rig.source.model == rig.model.identity
    assert [found.bundle for found in rig.take(1) if found] == [rig.model.identity.bundle]


def test_an_old_tensor_that_comes_late_is_no_reason_to_go_back(tmp_path: Path, other: SensorModel) -> None:
    late = seen(1, CnnOutputTensorInfo=tuple(bytes(712)))
    rig = Rig(tmp_path, chain([late, late], endless()))
    rig.source.swap(other)
    assert rig.source.model == other.identity


def test_a_model_whose_start_fails_gives_way_to_the_old_one(tmp_path: Path, other: SensorModel) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.library.faults = {"start": [RuntimeError("Failed to start camera: Invalid argument")]}
    assert "Invalid argument" in rig.refusal(lambda: rig.source.swap(other), ModelError)
    assert rig.source.model == rig.model.identity
    assert all(rig.take(2))


def test_where_the_old_model_does_not_start_either_both_reasons_are_told(
    tmp_path: Path, other: SensorModel
) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.library.faults = {"start": [RuntimeError("first"), RuntimeError("second")]}
    text = rig.refusal(lambda: rig.source.swap(other))
    assert "first" in text
    assert "second" in text
    rig.source.open()
    assert [found.bundle for found in rig.take(1) if found] == [rig.model.identity.bundle]


def test_a_model_that_gives_no_tensor_gives_way(tmp_path: Path, other: SensorModel) -> None:
    bare: Iterator[Mapping[str, Any]] = islice(repeat(seen(0, CnnOutputTensor=None)), 210)
    rig = Rig(tmp_path, chain(bare, endless()))
    rig.source.open()
    text = rig.refusal(lambda: rig.source.swap(other, rig.tell), ModelError)
    assert "no tensor of it has come within 20 s" in text
    assert any(told.startswith("waiting for the first tensor") for told in rig.told)


def test_a_model_under_which_no_frame_comes_gives_way(
    tmp_path: Path, other: SensorModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE_S", 0.001)
    rig = Rig(tmp_path, [])
    rig.source.open()

    def tell(_: str) -> None:
        rig.clock.sleep(1)

    assert "no tensor" in rig.refusal(lambda: rig.source.swap(other, tell))
    assert rig.source.model == rig.model.identity


def test_a_swap_that_hangs_is_no_refusal_of_the_model(tmp_path: Path, other: SensorModel) -> None:
    rig = Rig(tmp_path)
    rig.source.open()
    rig.library.faults = {"start": [hang]}
    rig.refusal(lambda: rig.source.swap(other), CameraStuck)
    assert rig.source.model == rig.model.identity
