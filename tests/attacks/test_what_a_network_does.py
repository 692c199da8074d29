"""How a broken or hostile network may behave when it is tried: it is refused in one line that says how."""

import os
import pickle
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eyespot.app.golden import prove
from eyespot.domain.errors import ModelError
from fakes.bundles import (
    FACTORY,
    FURTHER,
    factory_manifest,
    picture,
    write_bundle,
    write_sensor_bundle,
    write_travelling,
)
from fakes.rpk import make_rpk

RUNTIME = Path(__file__).parents[1] / "fakes" / "runtime"
SHARED = os.environ.get("EYESPOT_SHARED_MODELS")
SHARED_RPK = os.environ.get("EYESPOT_SHARED_RPK")

SMALL: dict[str, Any] = {
    "input": {"width": 16, "height": 16, "dtype": "uint8", "order": "rgb", "resize": "stretch"},
    "outputs": [
        {"role": role, "shape": shape, "dtype": "float32", "name": role}
        for role, shape in {"boxes": [1, 10, 4], "classes": [1, 10], "scores": [1, 10], "count": [1]}.items()
    ],
    "decoder": {"kind": "ssd_postprocess"},
    "min_score": 0.5,
}


def told_to(folder: Path, monkeypatch: pytest.MonkeyPatch, way: str, **changes: Any) -> Path:
    """Return a bundle whose network behaves in that way, with a runtime that lets it."""
    monkeypatch.setenv("PYTHONPATH", f"{RUNTIME}:{os.environ.get('PYTHONPATH', '')}")
    return write_travelling(folder, b"\x1c\0\0\0TFL3" + way.encode(), **{**SMALL, **changes})


def refusal(folder: Path, limit_s: float = 60) -> str:
    with pytest.raises(ModelError) as caught:
        prove(folder, limit_s)
    words = str(caught.value)
    assert words.isprintable()
    return words


def test_one_that_does_what_its_golden_vectors_say_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verdict = prove(told_to(tmp_path, monkeypatch, "behave"))
    assert (verdict.runtime, verdict.pictures) == ("ai-edge-litert of tests", 2)


@pytest.mark.parametrize(
    ("way", "says"),
    [
        ("segfault at loading", "its network crashed its runtime (SIGSEGV)"),
        ("segfault", "its network crashed its runtime (SIGSEGV)"),
        ("abort", "made its runtime abort, as happens where it wants too much memory (SIGABRT)"),
        ("fail", "Node 3 failed to prepare?[31m"),
        ("leave", "gave no verdict (exit code 0)"),
        ("compute", "computed for more than 120 s"),
        ("fill memory", "Unable to allocate 4.00 GiB"),
        ("speak out of turn", "gave no verdict"),
        ("colour the terminal", "gave no verdict"),
        ("flood", "said more than a verdict"),
        ("nothing", "golden/bright.npy: nothing, where a person of 0.750 should be"),
        ("everything", "golden/dark.npy: a person of 0.750 that should not be there"),
        ("elsewhere", "golden/bright.npy: a person elsewhere, where a person of 0.750 should be"),
        ("doubt", "golden/bright.npy: a person of 0.600, where a person of 0.750 should be"),
        ("not a number", "scores are not finite"),
    ],
)
def test_a_network_that_misbehaves_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, says: str
) -> None:
    assert says in refusal(told_to(tmp_path, monkeypatch, way))


def test_a_network_that_hangs_is_killed_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, begun = told_to(tmp_path, monkeypatch, "hang"), time.monotonic()
    assert "did not come to an end within 3 s" in refusal(folder, limit_s=3)
    assert time.monotonic() - begun < 10


def test_what_a_runtime_writes_is_heard_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    prove(told_to(tmp_path, monkeypatch, "chatter"))
    assert capfd.readouterr() == ("", "")


def test_a_child_that_is_killed_is_taken_for_one_that_ran_out_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = told_to(tmp_path, monkeypatch, "behave")
    script = tmp_path.parent / f"{tmp_path.name}.python"
    script.write_text(f"#!/bin/sh\nkill -{signal.SIGKILL.value} $$\n")
    script.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(script))
    assert "was killed, as happens where memory runs out (SIGKILL)" in refusal(folder)


def test_it_learns_no_secret_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = told_to(tmp_path, monkeypatch, "behave")
    script, seen = tmp_path.parent / f"{tmp_path.name}.python", tmp_path.parent / f"{tmp_path.name}.seen"
    script.write_text(f"#!/bin/sh\nenv >{seen}\n")
    script.chmod(0o700)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/eyespot")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    monkeypatch.setattr("sys.executable", str(script))
    assert "gave no verdict" in refusal(folder)
    assert not {"CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET"} & {
        line.partition("=")[0] for line in seen.read_text().splitlines()
    }


def factory_like(folder: Path, network: bytes, **changes: Any) -> Path:
    """Return a bundle like the factory's, golden vectors and all, with another network."""
    manifest = factory_manifest()
    further = {one["file"]: (one["role"], (FACTORY / one["file"]).read_bytes()) for one in manifest["files"]}
    names = (FACTORY / "labels.txt").read_bytes()
    return write_travelling(folder, network, names, further, **{"golden": manifest["golden"], **changes})


@pytest.fixture(name="network", scope="module")
def the_factory_network() -> bytes:
    return (FACTORY / "model.tflite").read_bytes()


@pytest.mark.parametrize(
    "harm",
    [
        lambda data: b"\x1f\x8b" + data[2:],
        lambda data: data[: len(data) // 2],
        lambda data: data[:1000],
        lambda data: data[:-1000],
        lambda data: data[:-65536] + bytes(65536),
        lambda data: data[:8],
    ],
    ids=["other first bytes", "a half", "1000 bytes", "an end missing", "an end of zeros", "a beginning"],
)
def test_a_damaged_network_is_refused_whatever_it_does_to_the_runtime(
    tmp_path: Path, network: bytes, harm: Callable[[bytes], bytes]
) -> None:
    refusal(factory_like(tmp_path, harm(network)))


def test_a_network_that_wants_more_memory_than_its_manifest_says_is_refused(
    tmp_path: Path, network: bytes
) -> None:
    refusal(factory_like(tmp_path, network, needs={"memory_mb": 8}))


def test_the_right_network_with_the_threshold_of_another_is_refused(tmp_path: Path, network: bytes) -> None:
    assert "nothing, where a person of 0.598 should be" in refusal(
        factory_like(tmp_path, network, min_score=0.7)
    )


def test_the_right_network_with_the_labels_of_another_is_refused(tmp_path: Path, network: bytes) -> None:
    folder = factory_like(tmp_path, network)
    names = (FACTORY / "labels.txt").read_bytes().replace(b"Person", b"Parson")
    golden, files = (factory_manifest()[name] for name in ("golden", "files"))
    assert "a parson of" in refusal(write_bundle(folder, network, names, golden=golden, files=files))


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"a picture", "is no picture that numpy has saved"),
        (pickle.dumps([1, 2, 3]), "is no picture that numpy has saved"),
        (picture(200)[:-1], "is no picture that numpy has saved"),
        (picture(200).replace(b"|u1", b"<i2")[: 128 + 2 * 768], "is no picture that numpy has saved"),
    ],
    ids=["text", "a pickle", "cut off", "another type"],
)
def test_a_golden_picture_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, says: str
) -> None:
    further = {**FURTHER, "golden/bright.npy": ("golden", data)}
    assert says in refusal(told_to(tmp_path, monkeypatch, "behave", further=further))


def test_a_file_more_or_less_than_the_manifest_names_is_refused(tmp_path: Path, network: bytes) -> None:
    folder = factory_like(tmp_path, network)
    (folder / "golden" / "setup.py").write_text("import os")
    assert "golden/setup.py is not named in manifest.json" in refusal(folder)
    (folder / "golden" / "setup.py").unlink()
    (folder / "NOTICE").unlink()
    assert "NOTICE is missing" in refusal(folder)
    (folder / "NOTICE").symlink_to("/etc/hostname")
    assert "NOTICE is no plain file" in refusal(folder)


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try")
@pytest.mark.parametrize(
    "name",
    [
        "coco_ssd_mobilenet_v1_1.0_quant.tflite",
        "coral_invalid_model_invoking_error.tflite",
        "coral_mobilenet_v1_0.25_128_quant.tflite",
        "coral_movenet_single_pose_lightning_ptq.tflite",
        "coral_posenet_353_481_decoder.tflite",
        "tflm_hello_world_int8.tflite",
    ],
)
def test_a_real_network_of_another_kind_is_refused(tmp_path: Path, name: str) -> None:
    refusal(factory_like(tmp_path, (Path(SHARED or "") / name).read_bytes()))


@pytest.mark.skipif(not SHARED, reason="EYESPOT_SHARED_MODELS names no folder with other models to try")
def test_a_classifier_whose_golden_vectors_are_a_detectors_is_refused(tmp_path: Path) -> None:
    shared = Path(SHARED or "")
    names = [line[:64] for line in (shared / "imagenet_labels.txt").read_text().splitlines()]
    changes = {
        "input": {"width": 128, "height": 128, "dtype": "uint8", "order": "rgb", "resize": "stretch"},
        "outputs": [{"role": "scores", "shape": [1, 1001], "dtype": "uint8"}],
        "decoder": {"kind": "classifier", "softmax": False},
    }
    network = (shared / "coral_mobilenet_v1_0.25_128_quant.tflite").read_bytes()
    folder = write_travelling(tmp_path, network, "\n".join(names).encode(), **changes)
    assert "golden/bright.npy: " in refusal(folder)


def test_a_network_for_the_sensor_is_looked_through_and_not_run(tmp_path: Path) -> None:
    verdict = prove(write_sensor_bundle(tmp_path, make_rpk()))
    assert (verdict.runtime, verdict.pictures) == ("", 0)


def test_a_damaged_network_for_the_sensor_is_refused(tmp_path: Path) -> None:
    data = make_rpk()
    assert "network.rpk" in refusal(write_sensor_bundle(tmp_path, data[: len(data) // 2]))


@pytest.mark.skipif(not SHARED_RPK, reason="EYESPOT_SHARED_RPK names no folder with networks of the sensor")
def test_a_real_network_for_the_sensor_of_another_kind_is_refused(tmp_path: Path) -> None:
    data = (Path(SHARED_RPK or "") / "imx500_network_deeplabv3plus.rpk").read_bytes()
    assert "its outputs are [320, 320], manifest.json says [100, 4]" in refusal(
        write_sensor_bundle(tmp_path, data)
    )
