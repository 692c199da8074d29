"""picamera2 as the source of a camera without a network uses it: pixels. Runs inside the rig."""

from collections.abc import Iterator

import numpy as np
import pytest
from picamera2 import MappedArray, Picamera2
from PIL import Image

from fakes.rig import Rig

PI_CAMERA = "/base/soc/i2c0mux/i2c@1/imx708@1a"
USB_CAMERA = "/base/scb/pcie@7d500000/usb@0,0-1:1.0-046d:0825"
HALVES = ((200, 30, 40), (20, 60, 210))
SOON_S = 3.0


@pytest.fixture(scope="module", autouse=True)
def rig() -> Rig:
    rig = Rig()
    pictures = rig.folder / "pictures"
    pictures.mkdir()
    pixels = np.zeros((480, 640, 3), np.uint8)
    pixels[:, :320], pixels[:, 320:] = HALVES
    Image.fromarray(pixels).save(pictures / "0.jpg", quality=95)
    sees = {"frames": {"path": f"{pictures}/"}}
    small = {"width": 640, "height": 480, "frame_rates": [5, 30]}
    large = {"width": 4608, "height": 2592, "frame_rates": [1, 120]}
    rig.wire(
        {
            PI_CAMERA: {"model": "imx708", "supported_formats": [large], **sees},
            USB_CAMERA: {"model": "Webcam", "supported_formats": [small], **sees},
        }
    )
    rig.wish("fps", 60)
    return rig


@pytest.fixture
def camera() -> Iterator[Picamera2]:
    camera = Picamera2()
    yield camera
    camera.close()


@pytest.fixture
def webcam() -> Iterator[Picamera2]:
    camera = Picamera2(1)
    yield camera
    camera.close()


def start(camera: Picamera2, size: tuple[int, int] = (320, 320), form: str = "BGR888") -> None:
    camera.configure(camera.create_video_configuration(main={"size": size, "format": form}))
    camera.start()


def picture(camera: Picamera2) -> np.ndarray:
    request = camera.capture_request(wait=SOON_S)
    try:
        return request.make_array("main")
    finally:
        request.release()


def assert_halves(rgb: np.ndarray, slack: int = 16) -> None:
    """The slack is what libcamera's virtual camera errs by: it takes the JPEG's luma for that of video."""
    width = rgb.shape[1]
    np.testing.assert_allclose(rgb[:, : width // 2 - 8].mean((0, 1)), HALVES[0], atol=slack)
    np.testing.assert_allclose(rgb[:, width // 2 + 8 :].mean((0, 1)), HALVES[1], atol=slack)


def test_the_camera_of_the_pi_comes_before_that_on_usb() -> None:
    assert [camera["Model"] for camera in Picamera2.global_camera_info()] == ["imx708", "Webcam"]


def test_bgr888_is_red_first(camera: Picamera2) -> None:
    start(camera)
    rgb = picture(camera)
    assert (rgb.shape, rgb.dtype) == ((320, 320, 3), np.uint8)
    assert_halves(rgb)


@pytest.mark.parametrize("size", [(640, 480), (300, 300), (322, 178)])
def test_any_even_size(camera: Picamera2, size: tuple[int, int]) -> None:
    start(camera, size)
    assert camera.camera_configuration()["main"]["size"] == size
    assert_halves(picture(camera))


def test_pixels_can_be_looked_at_where_they_are(camera: Picamera2) -> None:
    start(camera)
    request = camera.capture_request(wait=SOON_S)
    with MappedArray(request, "main", write=False) as mapped:
        assert_halves(mapped.array)
    assert request.get_metadata()["SensorTimestamp"] > 0
    request.release()


def test_another_format_than_asked_for_is_no_error(rig: Rig, camera: Picamera2) -> None:
    rig.wish("no-rgb")
    start(camera)
    rig.unwish("no-rgb")
    main = camera.camera_configuration()["main"]
    assert (main["format"], main["size"], main["stride"]) == ("NV12", (320, 320), 320)
    rows = picture(camera)
    assert (rows.shape, rows.dtype) == ((480, 320), np.uint8)
    assert_halves(from_nv12(rows, 320, 320))


def test_a_camera_on_usb_has_its_own_formats_sizes_and_no_raw(webcam: Picamera2) -> None:
    start(webcam)
    config = webcam.camera_configuration()
    assert (config["main"]["format"], config["main"]["size"]) == ("NV12", (640, 480))
    assert config["raw"] is None
    assert_halves(from_nv12(picture(webcam), 640, 480))
    assert sorted(webcam.capture_metadata(wait=SOON_S)) == ["SensorTimestamp"]


def test_requests_that_are_kept_stop_the_camera(camera: Picamera2) -> None:
    start(camera)
    kept = [camera.capture_request(wait=SOON_S) for _ in range(6)]
    with pytest.raises(TimeoutError):
        camera.capture_request(wait=0.3)
    camera.cancel_all_and_flush()
    for request in kept:
        request.release()
    assert_halves(picture(camera))


def from_nv12(rows: np.ndarray, width: int, height: int) -> np.ndarray:
    """Return RGB out of NV12, full range of BT.601, as JPEG has it."""
    luma = rows[:height, :width].astype(float)
    blue, red = (
        rows[height:, place:width:2].astype(float).repeat(2, 0).repeat(2, 1) - 128 for place in (0, 1)
    )
    rgb = (luma + 1.402 * red, luma - 0.344 * blue - 0.714 * red, luma + 1.772 * blue)
    return np.stack(rgb, axis=-1).clip(0, 255)
