"""A manifest for the sensor says less than one for the CPU, and what cannot be meant is refused."""

import json
from typing import Any

import pytest

from eyespot.domain.errors import ModelError
from eyespot.trust.manifest import CpuManifest, SensorManifest, parse_manifest
from fakes.bundles import FACTORY, SENSOR_FACTORY, factory_manifest, sensor_manifest


def parsed(**changes: Any) -> SensorManifest:
    manifest = parse_manifest(json.dumps(sensor_manifest(**changes)).encode())
    assert isinstance(manifest, SensorManifest)
    return manifest


def input_of(**changes: Any) -> dict[str, Any]:
    return {**sensor_manifest()["input"], **changes}


def output(**changes: Any) -> dict[str, Any]:
    return {"role": "boxes", "shape": [100, 4], **changes}


def test_the_runtime_tells_the_kind() -> None:
    assert isinstance(parse_manifest((FACTORY / "manifest.json").read_bytes()), CpuManifest)
    assert isinstance(parse_manifest((SENSOR_FACTORY / "manifest.json").read_bytes()), SensorManifest)


def test_labels_decoder_and_rate_may_be_left_to_the_file() -> None:
    manifest = parsed()
    assert (manifest.labels, manifest.decoder, manifest.rate_hz) == (None, None, None)


def test_outputs_of_one_shape_need_no_names_as_their_order_is_known() -> None:
    assert [output.role for output in parsed().outputs] == ["boxes", "scores", "classes", "count"]


@pytest.mark.parametrize("resize", ["stretch", "crop"])
def test_the_sensor_squeezes_or_crops(resize: str) -> None:
    assert parsed(input=input_of(resize=resize)).input.resize == resize


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"input": input_of(resize="letterbox")}, 'has no `resize = "letterbox"`; take "stretch" or "crop"'),
        ({"input": {"width": 320, "height": 320}}, "missing required field `resize`"),
        *[
            ({"input": input_of(**{field: value})}, f"unknown field `{field}` - at `$.input`")
            for field, value in [("dtype", "uint8"), ("order", "rgb"), ("range", [0, 1]), ("pad", 114)]
        ],
        ({"outputs": [output(dtype="float32")]}, "unknown field `dtype` - at `$.outputs[0]`"),
        ({"outputs": [output(name="NMS:0")]}, "unknown field `name` - at `$.outputs[0]`"),
        ({"outputs": None}, "missing required field `outputs`"),
        ({"outputs": [output(role=f"o{place}") for place in range(16)]}, "$.outputs"),
        ({"outputs": [output(), output()]}, "two of the `outputs` have the role 'boxes'"),
        ({"rate_hz": 0}, "$.rate_hz"),
        ({"rate_hz": 61}, "$.rate_hz"),
        ({"decoder": "ssd"}, "$.decoder"),
        ({"runtime": "imx501"}, "'imx501' - at `$.runtime`"),
        ({"runtime": None}, "missing required field `runtime`"),
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"network": {**sensor_manifest()["network"], "size_bytes": (16 << 20) + 1}}, "$.network.size_bytes"),
        ({"network": {**sensor_manifest()["network"], "file": "../network.rpk"}}, "$.network.file"),
    ],
)
def test_what_cannot_be_meant_is_named(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ModelError) as caught:
        parsed(**changes)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_network_on_the_cpu_has_no_rate() -> None:
    with pytest.raises(ModelError, match="unknown field `rate_hz`"):
        parse_manifest(json.dumps(factory_manifest(rate_hz=10)).encode())
