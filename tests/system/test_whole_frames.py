"""A real classifier, not ours to ship, in the whole daemon: what it says of the frame as a whole."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

from eyespot.broker.listener import Listener
from eyespot.broker.local import LocalMosquitto
from eyespot.topics.gate import Gate
from fakes.bundles import FACTORY, write_bundle
from fakes.daemon import Daemon, Ear, eyespot, write_config
from fakes.waiting import until

SHARED = os.environ.get("EYESPOT_SHARED_MODELS", "")
SHARE = {"kind": "share", "id": "scale", "classes": ["barbell"], "over_s": 1.0, "change": 0.1}
RATE_HZ = 10

pytestmark = pytest.mark.skipif(
    not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try"
)


def classifier(folder: Path) -> Path:
    """A bundle of MobileNetV1; ImageNet's names are cut at their first comma."""
    folder.mkdir()
    names = (Path(SHARED) / "imagenet_labels.txt").read_text().splitlines()
    return write_bundle(
        folder,
        (Path(SHARED) / "coral_mobilenet_v1_0.25_128_quant.tflite").read_bytes(),
        "\n".join(name.split(",")[0] for name in names).encode(),
        name="mobilenet-v1",
        input={"width": 128, "height": 128, "dtype": "uint8", "order": "rgb", "resize": "stretch"},
        outputs=[{"role": "scores", "shape": [1, 1001], "dtype": "uint8"}],
        decoder={"kind": "classifier", "softmax": False},
        min_score=0.1,
    )


def film(path: Path) -> Path:
    """Somebody holds a barbell for five seconds; then it is dark for five."""
    person = np.load(FACTORY / "golden" / "person.npy")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=RATE_HZ)
        stream.height, stream.width = person.shape[:2]
        stream.pix_fmt = "bgr0"
        for pixels in (person, np.zeros_like(person)):
            for _ in range(5 * RATE_HZ):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def config(folder: Path, url: str) -> Path:
    camera = {"source": "video", "file": str(film(folder / "film.mkv")), "pace": "fast"}
    file = write_config(folder, camera=camera, url=url, rules=[SHARE])
    bundle = classifier(folder / "bundle")
    file.write_text(f'{file.read_text()}[model]\nbundle = "{bundle}"\n')
    return file


def test_what_is_held_up_to_the_camera_is_told_and_that_it_is_gone(tmp_path: Path) -> None:
    ear = Ear()
    with LocalMosquitto() as mosquitto, Listener(mosquitto.url, "eyespot/v1/shop/#", ear):
        file = config(tmp_path, mosquitto.url)
        told = eyespot("check", file)
        assert (told.returncode, "mobilenet-v1@1.0.0-" in told.stdout) == (0, True), told.stderr
        with Daemon(file) as daemon:
            assert daemon.wait(50) == 0
        until(lambda: ear.newest("/status").get("state") == "offline", "offline")
    assert [(event["from"], event["to"]) for event in ear.on("/scale/event")] == [
        (None, "barbell"),
        ("barbell", None),
    ]
    first, *states = ear.on("/scale/state")
    assert (first["shares"], first["top"]) == ({}, None)
    assert max(state["shares"]["barbell"] for state in states) > 0.2
    assert (states[-1]["shares"]["barbell"] < 0.1, states[-1]["top"]) == (True, None)
    gate = Gate("eyespot/v1/shop")
    assert all(gate.readmit(heard.topic, heard.payload) for heard in ear.heard)
