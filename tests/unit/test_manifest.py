import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.errors import ModelError
from eyespot.trust.manifest import Manifest, parse_manifest
from fakes.bundles import FACTORY, factory_manifest


def parsed(**changes: Any) -> Manifest:
    return parse_manifest(json.dumps(factory_manifest(**changes)).encode())


def input_of(**changes: Any) -> dict[str, Any]:
    return {**factory_manifest()["input"], **changes}


def output(**changes: Any) -> dict[str, Any]:
    return {"role": "boxes", "shape": [1, 10], "dtype": "float32", **changes}


def test_the_factory_manifest_is_read() -> None:
    manifest = parse_manifest((FACTORY / "manifest.json").read_bytes())
    assert (manifest.input.width, manifest.input.height, manifest.input.resize) == (300, 300, "stretch")
    assert manifest.input.range == (-1, 1)
    assert [output.role for output in manifest.outputs] == ["boxes", "scores"]
    assert manifest.min_score == 0.35


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"schema": "eyespot.bundle/2"}, "$.schema"),
        ({"schema": None}, "schema"),
        ({"min_score": None}, "min_score"),
        ({"min_score": 1.5}, "$.min_score"),
        ({"nms_iou": 0}, "$.nms_iou"),
        ({"surprise": 1}, "surprise"),
        ({"runtime": "python"}, "$.runtime"),
        ({"name": "../evil"}, "$.name"),
        ({"version": "1.0"}, "$.version"),
        ({"decoder": "ssd"}, "$.decoder"),
        ({"outputs": []}, "$.outputs"),
        ({"outputs": [output(shape=[1, -1])]}, "$.outputs[0].shape[1]"),
        ({"outputs": [output(), output(shape=[1])]}, "two of the `outputs` have the role 'boxes'"),
        ({"outputs": [output(), output(role="scores", name="x")]}, "'boxes' needs a `name`"),
        ({"input": input_of(width=0)}, "$.input.width"),
        ({"input": input_of(order="grey")}, "$.input.order"),
        ({"input": input_of(range=[1, -1])}, "$.input"),
        ({"input": input_of(range=None)}, "$.input"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ModelError) as caught:
        parsed(**changes)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["../model.tflite", "/etc/passwd", "a/b", "..", ".hidden", "a\nb", "", "a\x00"]
)
@pytest.mark.parametrize("field", ["network", "labels"])
def test_a_file_outside_the_folder_is_refused(field: str, name: str) -> None:
    with pytest.raises(ModelError, match=rf"\$\.{field}\.file"):
        parsed(**{field: {**factory_manifest()[field], "file": name}})


def test_a_quantised_input_may_do_without_a_range() -> None:
    assert parsed(input=input_of(dtype="int8", range=None)).input.range is None


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"a":' * 5000])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"manifest\.json"):
        parse_manifest(data)


@given(st.binary(max_size=200))
def test_hostile_bytes_give_a_model_error_and_nothing_else(data: bytes) -> None:
    with pytest.raises(ModelError):
        parse_manifest(data)
