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


def further(**changes: Any) -> dict[str, Any]:
    return {"file": "NOTES", "role": "other", "sha256": "0" * 64, "size_bytes": 1, **changes}


FILES = factory_manifest()["files"]


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
        ({"licence": "do what you like!"}, "$.licence"),
        ({"created": "yesterday"}, "$.created"),
        ({"provenance": "a\nb"}, "$.provenance"),
        ({"supersedes": "people"}, "$.supersedes"),
        ({"min_daemon": "1"}, "$.min_daemon"),
        ({"needs": {"memory_mb": 0}}, "$.needs.memory_mb"),
        ({"needs": {"gpu": 1}}, "gpu"),
        ({"golden": {"vectors": []}}, "$.golden"),
        ({"golden": None}, "'golden/gradient.npy' needs a vector in `golden`"),
        ({"files": []}, "'golden/gradient.npy' needs the role `golden` in `files`"),
        ({"files": [further(role="code")]}, "$.files[0].role"),
        ({"files": [*FILES, further()] * 2}, "named twice"),
        ({"files": [*FILES, further(file="Model.TFLITE")]}, "'model.tflite' is named twice"),
        ({"files": [*FILES, further(file="manifest.json")]}, "'manifest.json' is named twice"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], place: str) -> None:
    with pytest.raises(ModelError) as caught:
        parsed(**changes)
    assert place in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["a/b/c", "golden/../../x", "golden/", "/x", "golden//x", "a" * 60 + "/x"])
def test_a_further_file_lies_in_the_folder_or_in_one_below(name: str) -> None:
    with pytest.raises(ModelError, match=r"\$\.files\[0\]\.file"):
        parsed(files=[further(file=name)])


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"min_daemon": "1.2.4"},
            "it wants eyespot 1.2.4 or newer, this is 1.2.3.dev4; upgrade",
        ),
        ({"max_daemon": "1.2.2"}, "it is for eyespot 1.2.2 at most, this is 1.2.3.dev4; take"),
        ({"min_daemon": "1.10.0", "surprise": 1}, "it wants eyespot 1.10.0 or newer"),
        (
            {"schema": "eyespot.bundle/2"},
            "`$.schema` is eyespot.bundle/2, newer than eyespot 1.2.3.dev4",
        ),
    ],
)
def test_a_bundle_for_another_version_is_refused_as_that_before_its_fields_are(
    changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ModelError, match=says.replace("$", r"\$")):
        parse_manifest(json.dumps(factory_manifest(**changes)).encode(), daemon="1.2.3.dev4")


def test_the_versions_that_it_is_for_are_among_them() -> None:
    told = factory_manifest(min_daemon="1.2.3", max_daemon="1.2.3")
    assert parse_manifest(json.dumps(told).encode(), daemon="1.2.3.dev4").min_daemon == "1.2.3"


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
