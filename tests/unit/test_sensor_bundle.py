"""A bundle for the sensor: everything that can be known before the sensor is touched is checked."""

import json
import os
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust import bundle as module
from eyespot.trust.bundle import find_bundle, read_bundle
from eyespot.trust.rpk import MOST_BYTES, InputTensor, read_rpk
from eyespot.trust.sensor_bundle import SensorBundle
from fakes.bundles import SENSOR_FACTORY, write_sensor_bundle
from fakes.rpk import INTRINSICS, SSD, make_rpk

SHARED = os.environ.get("EYESPOT_SHARED_RPK")
ZOO_NAME = "imx500_network_ssd_mobilenetv2_fpnlite_320x320_pp.rpk"
SIZE = {"width": 320, "height": 320, "resize": "stretch"}
OUTPUTS = [
    {"role": "boxes", "shape": [100, 4]},
    {"role": "scores", "shape": [100]},
    {"role": "classes", "shape": [100]},
    {"role": "count", "shape": [1]},
]

on_the_real_file = pytest.mark.skipif(
    not SHARED, reason="EYESPOT_SHARED_RPK names no folder with network files"
)


def read(folder: Path) -> SensorBundle:
    bundle = read_bundle(folder)
    assert isinstance(bundle, SensorBundle)
    return bundle


def refusal(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        read_bundle(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def factory(tmp_path: Path) -> Path:
    """The factory bundle as it is installed, but for its network."""
    folder = tmp_path / SENSOR_FACTORY.name
    shutil.copytree(SENSOR_FACTORY, folder, ignore=shutil.ignore_patterns("network.rpk"))
    return folder


def test_a_bundle_knows_what_its_network_wants_and_where_it_lies(tmp_path: Path) -> None:
    network = make_rpk(blocks=2)
    bundle = read(write_sensor_bundle(tmp_path, network))
    assert bundle.network == network
    assert bundle.rpk == read_rpk(network)
    assert bundle.labels == ("person", "-", "dog")
    assert bundle.decoder == {"kind": "ssd_postprocess", "order": "yx"}
    layout = bundle.layout
    assert (layout.width, layout.height, layout.labels) == (320, 320, 3)
    assert list(layout.outputs) == ["boxes", "scores", "classes", "count"]
    assert bundle.identity.labels == bundle.labels
    assert bundle.identity.bundle.startswith("ssd-mobilenet-v2-fpnlite-coco@1.0.0-")


def test_what_was_checked_stays_though_the_file_is_exchanged_later(tmp_path: Path) -> None:
    network = make_rpk()
    bundle = read(write_sensor_bundle(tmp_path, network))
    (tmp_path / "network.rpk").write_bytes(b"another one")
    assert bundle.network == network


@pytest.mark.parametrize(
    ("manifest", "file", "rate"), [(None, 26, 26), (10, 26, 10), (10, None, 10), (None, 1000, 60)]
)
def test_the_manifests_rate_goes_before_the_files(
    tmp_path: Path, manifest: float | None, file: float | None, rate: float
) -> None:
    network = make_rpk(intrinsics={**INTRINSICS, "inference_rate": file})
    assert read(write_sensor_bundle(tmp_path, network, rate_hz=manifest)).rate_hz == rate


@pytest.mark.parametrize(
    "intrinsics", [{**INTRINSICS, "inference_rate": 0}, {**INTRINSICS, "inference_rate": None}]
)
def test_a_rate_that_nobody_says_is_none(tmp_path: Path, intrinsics: dict[str, Any]) -> None:
    assert read(write_sensor_bundle(tmp_path, make_rpk(intrinsics=intrinsics))).rate_hz is None


def test_without_intrinsics_there_is_no_rate(tmp_path: Path) -> None:
    network, decoder = make_rpk(intrinsics=None), {"kind": "ssd_postprocess"}
    assert read(write_sensor_bundle(tmp_path, network, b"person\n", decoder=decoder)).rate_hz is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (make_rpk()[:-1], "has only"),
        (make_rpk() + b"x", "has more bytes"),
        (make_rpk()[:-1] + b"x", "its sha256 is"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    ],
)
def test_a_network_that_is_not_the_manifests_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk())
    (folder / "network.rpk").write_bytes(data)
    assert says in refusal(folder)


LOCKED = bytearray(make_rpk())
LOCKED[14] = 1


@pytest.mark.parametrize(
    ("network", "says"),
    [
        (b"\x1c\0\0\0TFL3" + bytes(100), "it is no .rpk file"),
        (make_rpk()[:-800], "its archive is cut off"),
        (make_rpk(blocks=3)[: 2 << 20], "cut off at block 3"),
        (bytes(LOCKED), "locked to one sensor"),
        (make_rpk(registers={0x0100: (1, 1)}), "the camera's driver refuses"),
        (make_rpk(registers={0x305E: (2, 120)}), "imx500_regs sets aside 120"),
        (make_rpk(intrinsics={"task": "mind reading"}), "network_intrinsics cannot be used"),
    ],
)
def test_a_network_that_the_sensor_must_not_get_is_refused_though_its_sum_is_right(
    tmp_path: Path, network: bytes, says: str
) -> None:
    text = refusal(write_sensor_bundle(tmp_path, network))
    assert text.startswith(f"{tmp_path / 'network.rpk'}: ")
    assert says in text


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ({"width": 300}, "its input is 320x320, manifest.json says 300x320; mend `$.input`"),
        ({"height": 416}, "its input is 320x320, manifest.json says 320x416; mend `$.input`"),
    ],
)
def test_another_input_than_the_files_is_refused(tmp_path: Path, size: dict[str, int], says: str) -> None:
    assert says in refusal(write_sensor_bundle(tmp_path, make_rpk(), input={**SIZE, **size}))


def test_width_and_height_are_not_mixed_up(tmp_path: Path) -> None:
    network = make_rpk(picture=InputTensor("in", 480, 320, is_signed=True, scale=1.0, shift=0))
    read(write_sensor_bundle(tmp_path, network, input={**SIZE, "width": 480}))


@pytest.mark.parametrize(
    "outputs",
    [
        OUTPUTS[:3],
        [*OUTPUTS, {"role": "more", "shape": [1]}],
        [OUTPUTS[1], OUTPUTS[0], *OUTPUTS[2:]],
        [{"role": "boxes", "shape": [1, 100, 4]}, *OUTPUTS[1:]],
        [{"role": "boxes", "shape": [4, 100]}, *OUTPUTS[1:]],
    ],
    ids=["too few", "too many", "another order", "a batch", "turned"],
)
def test_other_outputs_than_the_files_are_refused(tmp_path: Path, outputs: list[Any]) -> None:
    text = refusal(write_sensor_bundle(tmp_path, make_rpk(), outputs=outputs))
    assert "its outputs are [100, 4], [100], [100], [1], manifest.json says" in text
    assert "in the order of the file" in text


def test_no_more_is_read_than_the_manifest_allows(tmp_path: Path) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk())
    with (folder / "network.rpk").open("r+b") as stream:
        stream.truncate(8 * MOST_BYTES)
    tracemalloc.start()
    try:
        assert "has more bytes" in refusal(folder)
        assert tracemalloc.get_traced_memory()[1] < MOST_BYTES
    finally:
        tracemalloc.stop()


def test_a_large_network_is_held_in_memory_once(tmp_path: Path) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk(blocks=12))
    tracemalloc.start()
    try:
        read(folder)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * (11 << 20)
    finally:
        tracemalloc.stop()


def test_labels_of_the_bundle_are_checked_as_any_others(tmp_path: Path) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk(), b"Person\n-\nDog\n")
    assert read(folder).labels == ("person", "-", "dog")
    (folder / "labels.txt").write_bytes(b"Person\n-\nCat\n")
    assert "labels.txt is damaged" in refusal(folder)


def test_on_the_sensor_factory_means_another_bundle() -> None:
    assert find_bundle("factory", on_sensor=True) == SENSOR_FACTORY


def test_an_installed_wheel_has_it_in_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "models" / "factory-imx500").mkdir(parents=True)
    monkeypatch.setattr(module, "_PACKAGE", tmp_path)
    assert find_bundle("factory", on_sensor=True) == tmp_path / "models" / "factory-imx500"


def test_a_path_is_the_same_on_the_sensor(tmp_path: Path) -> None:
    assert find_bundle(str(tmp_path), on_sensor=True) == tmp_path


def test_the_factory_network_that_was_never_copied_is_named_with_its_package(factory: Path) -> None:
    text = refusal(factory)
    assert f"{factory / 'network.rpk'} is missing; `sudo ./install.sh` copies it from" in text
    assert text.endswith("the apt package imx500-models")


def test_another_version_of_the_factory_network_is_told_as_such(factory: Path) -> None:
    expected = json.loads((factory / "manifest.json").read_bytes())["network"]
    (factory / "network.rpk").write_bytes(make_rpk().ljust(expected["size_bytes"], b"\0"))
    text = refusal(factory)
    assert f"the manifest says {expected['sha256']}" in text
    assert "the apt package imx500-models has another version of it: upgrade Eyespot" in text
    (factory / "network.rpk").write_bytes(make_rpk())
    assert "imx500-models has another version" in refusal(factory)


def test_a_bundle_of_ones_own_is_not_sent_to_apt(tmp_path: Path) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk())
    (folder / "network.rpk").unlink()
    assert refusal(folder) == f"{folder / 'network.rpk'} is missing; put the whole bundle folder back"


@on_the_real_file
def test_the_factory_bundle_fits_the_network_of_the_public_zoo(factory: Path) -> None:
    shutil.copy(Path(str(SHARED)) / ZOO_NAME, factory / "network.rpk")
    bundle = read(factory)
    assert bundle.identity.bundle == "ssd-mobilenet-v2-fpnlite-coco@1.0.0-c7d92dd1e6dc"
    assert bundle.rpk.intrinsics is not None
    assert bundle.labels == tuple(label.lower() for label in bundle.rpk.intrinsics.labels)
    assert bundle.rate_hz == bundle.rpk.intrinsics.inference_rate
    assert [tensor.shape for tensor in bundle.rpk.network.outputs] == [tensor.shape for tensor in SSD]


@on_the_real_file
def test_one_changed_weight_of_the_factory_network_is_noticed(factory: Path) -> None:
    data = bytearray((Path(str(SHARED)) / ZOO_NAME).read_bytes())
    data[2_000_000] ^= 1
    (factory / "network.rpk").write_bytes(data)
    assert "is damaged or another one" in refusal(factory)
