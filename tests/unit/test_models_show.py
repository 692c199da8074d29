"""`eyespot models show`: words for people, JSON for programs, and one line where a file cannot be read."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from eyespot.__main__ import main
from fakes.bundles import FACTORY, write_sensor_bundle
from fakes.flatbuffers import Numbers
from fakes.rpk import SSD, make_rpk
from fakes.tflite import BOXES, PICTURE, make_tflite


def shown(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert main(["models", "show", *map(str, arguments)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out


def written(folder: Path, data: bytes) -> Path:
    file = folder / "a network"  # its name tells nothing
    file.write_bytes(data)
    return file


def test_an_rpk_file_is_told_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_rpk()
    assert shown(capsys, written(tmp_path, data)).splitlines() == [
        f"format      network for the IMX500, {len(data)} bytes, 1 block",
        "name        'synthetic'",
        "input       320x320 rgb, int8, scale 0.0078125, 121 lines, 'input:0'",
        "output 0    [100, 4] int16, scale 3.05176e-05, shift 0, 'boxes'",
        "output 1    [100] uint8, scale 0.00390625, shift 0, 'scores'",
        "output 2    [100] int16, scale 1, shift 0, 'classes'",
        "output 3    [1] int16, scale 1, shift 0, 'count'",
        "            5 lines for all outputs",
        "intrinsics  object detection, 26 inferences per second, 3 labels, boxes in the order yx",
        "check       good, as far as can be seen without the sensor",
        f"sha256      {hashlib.sha256(data).hexdigest()}",
    ]


def test_everything_that_intrinsics_say_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cpu = {"bbox_normalization": True, "softmax": True, "post_processing": "nano\x1bdet"}
    intrinsics = {
        "cpu": cpu,
        "input_aspect_ratio": {"width": 4, "height": 3},
        "classes": {"ignore_undefined": True},
    }
    assert (
        'intrinsics  no task, 0 labels, counted without "-", aspect ratio 4:3, boxes in pixels, '
        "needs a softmax, post-processing 'nano\\x1bdet'\n"
    ) in shown(capsys, written(tmp_path, make_rpk(intrinsics=intrinsics)))


def test_missing_intrinsics_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "intrinsics  none\n" in shown(capsys, written(tmp_path, make_rpk(intrinsics=None)))


def test_an_rpk_file_is_told_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = make_rpk(order="BGR")
    told = json.loads(shown(capsys, "--json", written(tmp_path, data)))
    assert (told["format"], told["size_bytes"], told["blocks"]) == ("rpk", len(data), 1)
    assert told["sha256"] == hashlib.sha256(data).hexdigest()
    assert (told["input"]["width"], told["input"]["height"], told["input"]["order"]) == (320, 320, "bgr")
    assert told["outputs"][0] == {
        "name": "boxes",
        "shape": [100, 4],
        "bits": 16,
        "is_signed": True,
        "scale": 2**-15,
        "shift": 0,
    }
    assert told["lines"] == {"input": 121, "output": 5}
    assert told["intrinsics"]["classes"]["labels"] == ["person", "-", "dog"]
    assert told["refusal"] is None


def test_an_rpk_file_that_the_sensor_must_not_get_is_shown_with_the_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path, make_rpk(registers={0x305E: (2, 120)}))
    reason = "its input takes 121 lines, imx500_regs sets aside 120; fetch the file again"
    assert f"check       refused: {reason}\n" in shown(capsys, file)
    assert json.loads(shown(capsys, "--json", file))["refusal"] == reason


def test_a_tflite_file_is_told_in_words_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    told = shown(capsys, FACTORY / "model.tflite")
    assert "format      TensorFlow Lite, 9987728 bytes\n" in told
    assert "input 0     [1, 300, 300, 3] float32, 'normalized_input_image_tensor'\n" in told
    assert "output 1    [1, 1917, 24] float32, 'raw_outputs/class_predictions'\n" in told
    told = json.loads(shown(capsys, FACTORY / "model.tflite", "--json"))
    assert told["format"] == "tflite"
    assert told["outputs"][0]["shape"] == [1, 1917, 4]


def test_quantisation_and_open_sides_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    channels = (None, None, Numbers("f", [0.5, 0.25]), Numbers("q", [0, 0]))
    told = shown(capsys, written(tmp_path, make_tflite(PICTURE, (*BOXES[:4], channels, *BOXES[5:]))))
    assert "description 'made by hand'\n" in told
    assert "input 0     [1, 8, 8, 3] uint8, scale 0.5, zero point 128, 'picture'\n" in told
    assert "output 0    [-1, 10, 4] float32, a scale for each channel, 'boxes'\n" in told


def test_of_a_bundle_it_is_told_what_is_in_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_sensor_bundle(tmp_path, make_rpk())
    told = json.loads(shown(capsys, folder, "--json"))
    assert told["decoder"] == {"kind": "ssd_postprocess", "order": "yx"}
    assert (told["runtime"], told["labels"], told["rate_hz"]) == ("imx500", ["person", "-", "dog"], 26)
    assert shown(capsys, folder).splitlines() == [
        "format      bundle for imx500",
        f"id          {told['bundle']}",
        "licence     'MIT'",
        "input       320x320, stretch",
        "output 0    [100, 4] boxes",
        "output 1    [100] scores",
        "output 2    [100] classes",
        "output 3    [1] count",
        'decoder     ssd_postprocess, order = "yx"',
        "labels      3: person, -, dog",
        "rate        26 inferences per second",
        "scores      from 0.55; boxes that overlap by more than 0.5 are one",
        "golden      none",
        f"sha256      {hashlib.sha256(make_rpk()).hexdigest()}",
    ]


def test_of_a_bundle_on_the_cpu_long_settings_are_left_to_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = shown(capsys, FACTORY)
    assert "decoder     ssd_anchors, box_scales = [10, 10, 5, 5], background = 0, layers = …\n" in told
    assert "labels      24: ???, bicycle, boot, laptop, person, chair, cattle, desk, …\n" in told
    assert "rate" not in told
    assert len(json.loads(shown(capsys, FACTORY, "--json"))["decoder"]["layers"]) == 6


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"decoder": {"kind": "nanodet", "strides": [8]}}, "the decoder wants the outputs predictions"),
        ({"decoder": {"kind": "magic"}}, "'magic'"),
        ({"outputs": [{"role": "boxes", "shape": [1]}]}, "mend `$.outputs`"),
    ],
)
def test_a_bundle_whose_parts_do_not_fit_is_exit_code_65_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, object], says: str
) -> None:
    assert main(["models", "show", str(write_sensor_bundle(tmp_path, make_rpk(), **changes))]) == 65
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert says in err


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "neither a .rpk nor a .tflite file"),
        (b"version https://git-lfs.github.com/spec/v1\n", "neither a .rpk nor a .tflite file"),
        (make_rpk()[:-800], "cut off"),
        (make_rpk(SSD * 4), "it has 16 outputs"),
        (b"\x1c\0\0\0TFL3", "leads outside"),
    ],
)
def test_a_file_that_cannot_be_read_is_exit_code_65_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, says: str
) -> None:
    file = written(tmp_path, data)
    assert main(["models", "show", str(file)]) == 65
    out, err = capsys.readouterr()
    assert out == ""
    assert str(file) in err
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["missing", ".", "a\0b", "pipe"])
def test_what_is_no_file_is_exit_code_65(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert main(["models", "show", str(tmp_path / name)]) == 65
    assert capsys.readouterr().err.count("\n") == 1


def test_models_without_a_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="64"):
        main(["models"])
    assert "usage: eyespot models" in capsys.readouterr().err
