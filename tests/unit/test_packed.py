"""A bundle that travels: all of it is named, and it says whom it is for."""

import os
from pathlib import Path

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust.packed import check_fits, check_packed
from fakes.bundles import FURTHER, write_sensor_bundle, write_travelling
from fakes.rpk import make_rpk


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_packed(folder)
    return str(caught.value)


def test_a_whole_bundle_is_good(tmp_path: Path) -> None:
    assert check_packed(write_travelling(tmp_path)).name == "ssd-mobilenet-v2-oidv4"


@pytest.mark.parametrize("name", ["README.md", "golden/more.npy", ".DS_Store", "pycache/x.pyc"])
def test_a_file_that_is_not_named_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_travelling(tmp_path)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).touch()
    assert f"{name} is not named in manifest.json" in refusal(folder)


def test_a_folder_in_a_folder_is_refused_and_not_gone_into(tmp_path: Path) -> None:
    folder = write_travelling(tmp_path)
    (folder / "golden" / "x" / "y").mkdir(parents=True)
    assert "golden/x is not named in manifest.json" in refusal(folder)


@pytest.mark.parametrize("name", ["labels.txt", "model.tflite", "NOTICE", "golden/dark.npy"])
def test_a_file_that_is_missing_changed_cut_or_longer_is_refused(tmp_path: Path, name: str) -> None:
    file = write_travelling(tmp_path) / name
    data = file.read_bytes()
    for wrong in (data[:-1], data + b"\n", data[:-1] + bytes([data[-1] ^ 1])):
        file.write_bytes(wrong)
        assert f"{name} is not what manifest.json says" in refusal(tmp_path)
    file.unlink()
    assert f"{name} is missing" in refusal(tmp_path)


def test_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    folder = write_travelling(tmp_path)
    os.mkfifo(folder / "pipe")
    assert "pipe is no plain file" in refusal(folder)
    (folder / "pipe").unlink()
    (folder / "labels.txt").rename(tmp_path.parent / "labels.txt")
    (folder / "labels.txt").symlink_to(tmp_path.parent / "labels.txt")
    assert "labels.txt is no plain file" in refusal(folder)


def test_without_golden_vectors_it_may_not_travel(tmp_path: Path) -> None:
    further = {"NOTICE": FURTHER["NOTICE"]}
    assert "has no `golden`" in refusal(write_travelling(tmp_path, further=further, golden=None))


def test_one_for_the_sensor_needs_no_golden_vectors_but_says_who_can_use_it(tmp_path: Path) -> None:
    check_packed(write_sensor_bundle(tmp_path, make_rpk()))
    assert "`min_daemon`" in refusal(write_sensor_bundle(tmp_path, make_rpk(), min_daemon=None))


def test_a_bundle_for_another_runtime_or_more_memory_is_refused_in_a_line(tmp_path: Path) -> None:
    manifest = check_packed(write_travelling(tmp_path, needs={"memory_mb": 300}))
    check_fits(manifest, "tflite", 300)
    with pytest.raises(ModelError, match="is for the processor, this device looks with the IMX500 sensor"):
        check_fits(manifest, "imx500", 8000)
    with pytest.raises(ModelError, match=r"needs 300 MB of memory, this device has 299; offer it another$"):
        check_fits(manifest, "tflite", 299)
