"""`publish pack`, `publish import` and `models verify`, as people type them."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eyespot.__main__ import main as eyespot
from eyespot.trust.archive import unpack
from eyespot.trust.bundle import read_bundle
from eyespot.trust.packed import check_packed
from eyespot_fleet.__main__ import main as fleet
from fakes.bundles import FACTORY, factory_manifest, sensor_manifest, write_sensor_bundle
from fakes.rpk import make_rpk

ID = "ssd-mobilenet-v2-oidv4@1.0.0-d0a5255bf8c4"
SHARED = os.environ.get("EYESPOT_SHARED_MODELS")
SHARED_RPK = os.environ.get("EYESPOT_SHARED_RPK")


def told(capsys: pytest.CaptureFixture[str], code: int = 0) -> str:
    out, err = capsys.readouterr()
    assert (err == "") == (code == 0)
    return out + err


def test_the_factory_model_is_packed_and_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert fleet(["publish", "pack", str(FACTORY), "--json"]) == 0
    packed = json.loads(told(capsys))
    assert (packed["file"], packed["bundle"]) == (f"{ID}.tar.zst", ID)
    assert packed["verdict"]["pictures"] == 2
    assert packed["size_bytes"] == Path(packed["file"]).stat().st_size
    for arguments, says in (((), "its network was not run"), (("--golden",), "2 golden vectors say")):
        assert eyespot(["models", "verify", packed["file"], *arguments]) == 0
        words = told(capsys)
        assert words.startswith(f"{ID}: good; ")
        assert says in words
    with (tmp_path / packed["file"]).open("rb") as stream:
        (tmp_path / "there").mkdir()
        unpack(stream, tmp_path / "there")
    assert check_packed(tmp_path / "there") == check_packed(FACTORY)


def test_a_bundle_that_devices_would_refuse_is_not_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(FACTORY, tmp_path / "people")
    (folder / "NOTICE").write_text("mine now")
    out = tmp_path / "people.tar.zst"
    assert fleet(["publish", "pack", str(folder), "-o", str(out)]) == 65
    assert "NOTICE is not what manifest.json says" in told(capsys, 65)
    assert not list(tmp_path.glob("*people.tar*"))


def test_what_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert fleet(["publish", "pack", str(FACTORY), "-o", str(tmp_path / "no" / "x.tar.zst")]) == 74
    assert "cannot write" in told(capsys, 74)


@pytest.mark.parametrize(
    ("changes", "names", "says"),
    [
        (
            {"decoder": {"kind": "ssd_postprocess", "order": "xy"}},
            None,
            "says 'yx' for `order` of the decoder",
        ),
        ({"decoder": {"kind": "ssd_postprocess"}}, b"person\nbox\n", "its file has 3 labels, the bundle 2"),
        (
            {
                "decoder": {"kind": "classifier", "softmax": False},
                "outputs": [{"role": "scores", "shape": [100]}],
            },
            b"x\n" * 100,
            "its outputs are",
        ),
    ],
)
def test_a_manifest_that_contradicts_its_file_is_not_packed_unless_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: Any, names: bytes | None, says: str
) -> None:
    (tmp_path / "b").mkdir()
    folder = write_sensor_bundle(tmp_path / "b", make_rpk(), names, **changes)
    command = ["publish", "pack", str(folder), "-o", str(tmp_path / "x.tar.zst")]
    assert fleet(command) == 65
    assert says in told(capsys, 65)


def test_a_manifest_that_is_right_despite_its_file_is_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    decoder = {"kind": "ssd_postprocess", "order": "xy"}
    folder = write_sensor_bundle(tmp_path / "b", make_rpk(), decoder=decoder)
    out = tmp_path / "x.tar.zst"
    assert fleet(["publish", "pack", str(folder), "-o", str(out), "--despite-file"]) == 0
    assert "golden vectors can only run on the sensor" in told(capsys)
    assert eyespot(["models", "verify", str(out), "--json"]) == 0
    assert json.loads(told(capsys))["refusal"] is None


def test_what_is_no_bundle_is_refused_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "x.tar.zst"
    file.write_bytes(b"not found")
    for path, says in (
        (file, "no archive"),
        (tmp_path, "manifest.json is missing"),
        (tmp_path / "x", "cannot read"),
    ):
        assert eyespot(["models", "verify", str(path)]) == 1
        words = told(capsys, 1)
        assert says in words
        assert words.count("\n") == 1
        assert eyespot(["models", "verify", str(path), "--json"]) == 1
        assert says in json.loads(capsys.readouterr().out)["refusal"]


def test_an_unknown_decoder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_sensor_bundle(tmp_path, make_rpk(), decoder={"kind": "magic"})
    assert eyespot(["models", "verify", str(tmp_path)]) == 1
    assert "magic" in told(capsys, 1)


def imported(out: Path, file: Path, *arguments: object) -> int:
    common = ["--name", "people", "--licence", "Apache-2.0", "--out", str(out)]
    return fleet(["publish", "import", str(file), *common, *map(str, arguments)])


LIKE_THE_FACTORY = (
    *("--labels", FACTORY / "labels.txt", "--roles", "boxes,scores", "--range", -1, 1),
    *("--decoder", json.dumps(factory_manifest()["decoder"]), "--min-score", 0.35),
    *("--notice", FACTORY / "NOTICE", "--model-card", FACTORY / "MODEL_CARD.md"),
)


def test_a_network_and_a_picture_become_a_bundle_that_can_be_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, network = tmp_path / "people", FACTORY / "model.tflite"
    picture = FACTORY / "golden" / "person.npy"
    assert imported(out, network, *LIKE_THE_FACTORY, "--picture", picture) == 0
    words = told(capsys)
    assert "golden/1.npy: person 0.60\n" in words
    assert "golden/nothing.npy: nothing\n" in words
    manifest, factory = check_packed(out), check_packed(FACTORY)
    assert (manifest.input, manifest.outputs, manifest.decoder) == (
        *(factory.input, factory.outputs, factory.decoder),
    )
    assert manifest.needs.memory_mb < 256
    assert {one.file for one in manifest.files} == {
        *("NOTICE", "MODEL_CARD.md", "golden/1.npy", "golden/nothing.npy")
    }
    assert fleet(["publish", "pack", str(out), "-o", str(tmp_path / "x.tar.zst")]) == 0
    assert not list(tmp_path.glob(".eyespot*"))


def test_pictures_in_which_nothing_is_found_are_of_no_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(tmp_path / "grey.npy", np.full((50, 50, 3), 90, np.uint8))
    out, network = tmp_path / "people", FACTORY / "model.tflite"
    assert imported(out, network, *LIKE_THE_FACTORY, "--picture", tmp_path / "grey.npy") == 65
    assert "it finds nothing in the pictures" in told(capsys, 65)
    assert not out.exists()


def test_a_picture_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, picture = tmp_path / "people", tmp_path / "door.jpg"
    assert imported(out, FACTORY / "model.tflite", *LIKE_THE_FACTORY, "--picture", picture) == 65
    assert f"there is no picture {picture}" in told(capsys, 65)


def test_without_pictures_it_is_a_bundle_that_may_not_travel(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "people"
    assert imported(out, FACTORY / "model.tflite", *LIKE_THE_FACTORY) == 0
    assert "no golden vectors" in told(capsys)
    assert read_bundle(out).identity.name == "people"
    assert fleet(["publish", "pack", str(out)]) == 65
    assert "has no `golden`" in told(capsys, 65)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"<html>", "neither a .rpk nor a .tflite file"),
        (b"\x1c\0\0\0TFL3" + bytes(50), "cannot run it"),
        (make_rpk()[:1000], "x: "),
    ],
)
def test_what_is_no_network_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, says: str
) -> None:
    (tmp_path / "x").write_bytes(data)
    assert imported(tmp_path / "people", tmp_path / "x") == 65
    assert says in told(capsys, 65)
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_network_for_the_sensor_says_most_by_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x").write_bytes(make_rpk())
    assert imported(tmp_path / "people", tmp_path / "x") == 0
    assert "looked through" in told(capsys)
    roles = [one["role"] for one in sensor_manifest()["outputs"]]
    assert [one.role for one in check_packed(tmp_path / "people").outputs] == roles


def test_what_the_decoder_needs_is_asked_for_with_the_folders_own_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("--labels", FACTORY / "labels.txt", "--roles", "boxes,scores", "--range", -1, 1)
    assert imported(tmp_path / "people", FACTORY / "model.tflite", *names) == 65
    assert "--decoder sets what is in there" in told(capsys, 65)


def test_a_folder_that_is_there_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert imported(tmp_path, FACTORY / "model.tflite") == 74
    assert "is there already" in told(capsys, 74)


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try")
def test_a_real_detector_is_imported_from_a_jpeg(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    av = pytest.importorskip("av")
    pixels = np.pad(np.load(FACTORY / "golden" / "person.npy"), ((50, 50), (50, 50), (0, 0)))
    with av.open(tmp_path / "person.jpg", "w", format="image2") as film:
        stream = film.add_stream("mjpeg")
        stream.height, stream.width = pixels.shape[:2]
        stream.pix_fmt = "yuvj420p"
        film.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        film.mux(stream.encode())
    shared, out = Path(SHARED or ""), tmp_path / "coco"
    labels = ("--labels", shared / "coco_labels_90.txt", "--picture", tmp_path / "person.jpg")
    assert imported(out, shared / "coco_ssd_mobilenet_v1_1.0_quant.tflite", *labels) == 0
    assert "golden/1.npy: person 0." in told(capsys)
    assert check_packed(out).decoder == {"kind": "ssd_postprocess", "class_offset": 1}


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try")
def test_a_real_classifier_brings_its_own_metadata(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out = Path(SHARED or "") / "coral_mobilenet_v1_0.25_128_quant.tflite", tmp_path / "things"
    picture = FACTORY / "golden" / "person.npy"
    assert imported(out, file, "--min-score", 0.05, "--picture", picture) == 0
    assert check_packed(out).decoder == {"kind": "classifier", "softmax": False}
    assert told(capsys)


@pytest.mark.skipif(not SHARED_RPK, reason="EYESPOT_SHARED_RPK names no folder with networks of the sensor")
def test_a_real_network_for_the_sensor_is_imported_and_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk"
    assert imported(tmp_path / "coco", Path(SHARED_RPK or "") / name) == 0
    assert fleet(["publish", "pack", str(tmp_path / "coco"), "-o", str(tmp_path / "x.tar.zst")]) == 0
    assert "coco: people@1.0.0-c7d92dd1e6dc" in told(capsys)
    check_packed(tmp_path / "coco")
