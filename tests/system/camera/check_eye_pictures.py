"""Eye and body as two processes, the eye looking at pictures on real picamera2. Runs inside the rig."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.decoders import build
from eyespot.domain.boxes import iou_matrix
from eyespot.domain.instants import parse_rfc3339
from eyespot.domain.observation import Detections, Floats
from eyespot.engines.litert import LiteRtEngine
from eyespot.sources.scene_art import Stage
from eyespot.sources.scene_world import HEIGHT, WIDTH, World
from eyespot.trust.bundle import find_bundle, read_bundle
from fakes.daemon import Daemon, Ear, EyeUnit, write_config
from fakes.rig import Rig
from fakes.waiting import until

PI_CAMERA = "/base/soc/i2c0mux/i2c@1/imx708@1a"
SEED, WITH_SOMEBODY_S = 0, 9.0


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    pictures = rig.folder / "pictures"
    pictures.mkdir()
    pixels = Stage(World(SEED), WIDTH, HEIGHT).draw(WITH_SOMEBODY_S)
    Image.fromarray(pixels).save(pictures / "0.jpg", quality=95)
    sees = {"frames": {"path": f"{pictures}/"}}
    size = {"width": 4056, "height": 3040, "frame_rates": [1, 120]}
    rig.wire({PI_CAMERA: {"model": "imx708", "supported_formats": [size], **sees}})
    yield rig
    (rig.folder / "virtual.yaml").unlink()


def found_in_the_scene() -> Floats:
    """Return the boxes of what the factory model is sure of in the picture itself."""
    bundle = read_bundle(find_bundle("factory"))
    decoder = build(bundle.decoder, bundle.layout, floor=0.4, nms_iou=bundle.manifest.nms_iou)
    found = decoder.decode(
        LiteRtEngine(bundle).infer(Stage(World(SEED), WIDTH, HEIGHT).draw(WITH_SOMEBODY_S))
    )
    assert isinstance(found, Detections)
    return found.boxes_xyxy_n


def test_the_factory_model_finds_in_a_cameras_pictures_what_it_finds_in_the_scene(
    tmp_path: Path, rig: Rig
) -> None:
    ear = Ear()
    with (
        LocalMosquitto() as mosquitto,
        Listener(mosquitto.url, "eyespot/v1/shop/#", ear),
        EyeUnit(tmp_path) as unit,
    ):
        config = write_config(tmp_path, camera={"source": "picamera", "rate_hz": 5}, url=mosquitto.url)
        config.write_text(f"{config.read_text()}\n[topics]\nframe = true\n")
        with Daemon(config, EYESPOT_EYE_SOCKET=str(unit.socket)):
            until(lambda: ear.newest("/frame").get("classes"), "somebody is found")
            until(lambda: len(ear.on("/frame")) > 20, "some frames")
            frames, info = ear.on("/frame"), ear.newest("/info")
    newest = np.array(frames[-1]["boxes"], np.float32).reshape(-1, 4) / 1000
    overlaps = iou_matrix(found_in_the_scene(), newest)
    assert len(overlaps) >= 2
    assert (overlaps.max(axis=1) > 0.8).all(), overlaps
    assert (info["camera"]["source"], info["camera"]["rate_hz"]) == ("picamera", 5)
    assert (info["camera"]["width"], info["camera"]["height"]) == (4056, 3040)
    seconds = (parse_rfc3339(frames[-1]["t"]) - parse_rfc3339(frames[-16]["t"])) / 1e9
    assert 15 / seconds == pytest.approx(5, rel=0.25)
