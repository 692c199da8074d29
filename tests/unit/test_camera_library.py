"""The one place that imports picamera2: what is missing is named, and nothing is printed."""

import logging
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import numpy as np
import pytest

import eyespot
from eyespot.domain.errors import CameraError, ConfigError
from eyespot.sources.camera_library import load_picture_library, load_sensor_library

SENSOR = "picamera2.devices.imx500"


class Camera:
    def __init__(self, number: int) -> None:
        self.number = number


class Mapped:
    """`picamera2.MappedArray`."""

    opened: list["Mapped"] = []  # noqa: RUF012 - of the test

    def __init__(self, request: Any, stream: str, *, reshape: bool = True) -> None:
        assert (stream, reshape) == ("main", False)
        self.array = np.frombuffer(request, np.uint8)

    def __enter__(self) -> Self:
        self.opened.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.remove(self)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Modules that look like picamera2 to who imports it."""
    modules = {name: ModuleType(name) for name in ("picamera2", "picamera2.devices", SENSOR)}
    vars(modules["picamera2"]).update(Picamera2=Camera, MappedArray=Mapped)
    source = (
        "class IMX500:\n"
        "    fault = None\n"
        "    def __init__(self, path):\n"
        "        print('IMX500: Unable to set ROI control', path)\n"
        "        if self.fault is not None:\n"
        "            raise self.fault\n"
    )
    exec(source, vars(modules[SENSOR]))  # its module has to be the one that prints
    for name, module in modules.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("LIBCAMERA_LOG_LEVELS", "*:INFO")
    return modules


def test_picamera2_is_imported_in_one_place_alone() -> None:
    package = Path(eyespot.__file__).parent
    words = ('"picamera2', "import picamera2", "from picamera2", "import libcamera", "from libcamera")
    found = {path.name for path in package.rglob("*.py") if any(word in path.read_text() for word in words)}
    assert found == {"camera_library.py"}


def test_without_picamera2_the_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(ConfigError, match="apt install python3-picamera2"):
        load_picture_library()


def test_without_the_sensors_part_its_packages_are_named(
    stand_in: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, SENSOR, None)
    load_picture_library()
    with pytest.raises(ConfigError, match="apt install imx500-all"):
        load_sensor_library()


def test_the_sensors_part_may_lie_elsewhere(
    stand_in: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    vars(stand_in["picamera2.devices"])["IMX500"] = vars(stand_in[SENSOR])["IMX500"]
    elsewhere = stand_in[SENSOR]
    del vars(elsewhere)["IMX500"]
    load_sensor_library().sensor("a.rpk")


def test_stdout_stays_clean_and_what_was_printed_is_logged(
    stand_in: dict[str, ModuleType], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    load_sensor_library().sensor("a.rpk")
    assert capsys.readouterr() == ("", "")
    assert caplog.messages == ["picamera2: IMX500: Unable to set ROI control a.rpk"]
    assert logging.getLogger("picamera2").level == logging.WARNING


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (StopIteration(), "libcamera lists none"),
        (FileNotFoundError(2, "No such file or directory", "sudo"), "apt install sudo"),
        (FileNotFoundError(2, "No such file or directory", "/dev/v4l-subdev2"), "/dev/v4l-subdev2"),
    ],
)
def test_mistakes_that_have_a_name_are_told_by_it(
    stand_in: dict[str, ModuleType], fault: Exception, words: str
) -> None:
    vars(stand_in[SENSOR])["IMX500"].fault = fault
    with pytest.raises(CameraError, match=words):
        load_sensor_library().sensor("a.rpk")


def test_cameras_and_buffers_come_from_picamera2(stand_in: dict[str, ModuleType]) -> None:
    library = load_picture_library()
    camera: Any = library.camera(1)
    assert camera.number == 1
    request: Any = b"\1\2\3"
    with library.buffer(request) as buffer:
        assert buffer.tolist() == [1, 2, 3]
        assert len(Mapped.opened) == 1
    assert Mapped.opened == []


def test_who_has_a_sensor_is_given_nothing_to_look_at_pictures_with(stand_in: dict[str, ModuleType]) -> None:
    assert not hasattr(load_sensor_library(), "buffer")
