"""What a manifest can say by a network's file alone, and what is asked for."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.errors import EyespotError, InputError
from eyespot_fleet.packing.draft_rpk import draft_rpk
from eyespot_fleet.packing.draft_tflite import draft_tflite
from eyespot_fleet.packing.tflite_metadata import read_metadata
from eyespot_fleet.packing.wishes import Wishes
from fakes.flatbuffers import Numbers
from fakes.rpk import make_rpk
from fakes.tflite import make_metadata, make_tflite, said
from fakes.zoo import ZOO

FLOAT, UINT8, INT64 = 0, 3, 4
LABELS = {"labelmap.txt": b"person\nbox\n"}
NORMALISED = said("image", normalised=([127.5], [127.5]))
SHAPES = {"boxes": (1, 10, 4), "classes": (1, 10), "scores": (1, 10), "count": (1,)}


def tensor(name: str, *shape: int, dtype: int = FLOAT) -> tuple[object, ...]:
    return (Numbers("i", shape), dtype, 0, name)


PICTURE = tensor("picture", 1, 300, 200, 3)


def network(*outputs: tuple[object, ...], picture: tuple[object, ...] = PICTURE, **more: Any) -> bytes:
    return make_tflite(picture, *outputs, outputs=tuple(range(1, len(outputs) + 1)), **more)


def drafted(data: bytes, *shapes: tuple[int, ...], **wishes: Any) -> Any:
    return draft_tflite(data, Wishes(name="x", **wishes), shapes)


@pytest.fixture(name="names")
def a_labels_file(tmp_path: Path) -> Path:
    file = tmp_path / "names"
    file.write_bytes(LABELS["labelmap.txt"])
    return file


def detector(*, order: list[int], pixels: int = 0) -> bytes:
    metadata = make_metadata(
        [NORMALISED],
        [
            said("location", boxes=(order, pixels)),
            said("category", labels="labelmap.txt"),
            said("score", threshold=0.4),
            said("number of detections"),
        ],
        "Apache License. Version 2.0",
    )
    outputs = [tensor(f"StatefulPartitionedCall:{place}") for place in range(4)]
    return network(*outputs, metadata=metadata, appended=LABELS)


@pytest.mark.parametrize(
    ("order", "pixels", "told"),
    [
        ([1, 0, 3, 2], 0, {"order": "yx", "boxes": "fractions"}),
        ([], 0, {"order": "xy", "boxes": "fractions"}),
        ([0, 1, 2, 3], 1, {"order": "xy", "boxes": "pixels"}),
    ],
)
def test_metadata_fill_the_manifest_of_a_detector(order: list[int], pixels: int, told: Any) -> None:
    draft = drafted(detector(order=order, pixels=pixels), *SHAPES.values())
    assert draft.labels == b"person\nbox\n"
    assert draft.licence == "Apache License. Version 2.0"
    assert draft.min_score == 0.4
    assert draft.fields["input"] == {
        "width": 200,
        "height": 300,
        "dtype": "float32",
        "order": "rgb",
        "resize": "stretch",
        "range": [-1.0, 1.0],
    }
    assert [one["role"] for one in draft.fields["outputs"]] == list(SHAPES)
    assert [one.get("name") for one in draft.fields["outputs"]] == [
        *(None, "StatefulPartitionedCall:1", "StatefulPartitionedCall:2", None)
    ]
    assert draft.fields["decoder"] == {"kind": "ssd_postprocess", **told}


def test_boxes_that_no_decoder_takes_are_named() -> None:
    with pytest.raises(InputError, match="no corners"):
        drafted(detector(order=[3, 2, 1, 0]), *SHAPES.values())


def test_wishes_go_before_what_the_file_says(names: Path) -> None:
    names.write_bytes(b"???\nperson\n")
    draft = drafted(
        detector(order=[1, 0, 3, 2]),
        *SHAPES.values(),
        labels=names,
        range=(0.0, 1.0),
        decoder={"order": "xy"},
        resize="letterbox",
        order="bgr",
    )
    assert draft.labels == b"???\nperson\n"
    assert draft.fields["input"]["range"] == [0.0, 1.0]
    assert draft.fields["input"]["order"] == "bgr"
    assert draft.fields["decoder"]["order"] == "xy"
    assert draft.fields["decoder"]["class_offset"] == 1  # as the first name is none


@pytest.mark.parametrize(
    ("shape", "told"),
    [
        ((1, 2), {"kind": "classifier"}),
        ((1, 3), {"kind": "classifier", "class_offset": -1}),
        ((1, 1), {"kind": "classifier", "class_offset": 1}),
        ((1, 6, 100), {"kind": "yolov8"}),
        ((1, 100, 7), {"kind": "yolox"}),
    ],
)
def test_one_output_is_known_by_its_shape(names: Path, shape: tuple[int, ...], told: dict[str, Any]) -> None:
    draft = drafted(network(tensor("out", *shape)), shape, labels=names, range=(0.0, 1.0))
    assert draft.fields["decoder"] == told


def test_probabilities_need_no_softmax() -> None:
    metadata = make_metadata([NORMALISED], [said("probability", labels="labelmap.txt")])
    data = network(tensor("out", 1, 2), metadata=metadata, appended=LABELS)
    assert drafted(data, (1, 2)).fields["decoder"] == {"kind": "classifier", "softmax": False}


def test_names_that_are_too_long_end_at_a_comma(names: Path) -> None:
    names.write_text("person\n" + "web site, " * 10 + "\n")
    draft = drafted(network(tensor("out", 1, 2)), (1, 2), labels=names, range=(0.0, 1.0))
    assert draft.labels.decode().splitlines()[1] == ", ".join(["web site"] * 6)


QUANTISED = tensor("picture", 1, 300, 200, 3, dtype=UINT8)


def test_a_quantised_network_needs_no_range_and_more_tolerance(names: Path) -> None:
    draft = drafted(network(tensor("out", 1, 2), picture=QUANTISED), (1, 2), labels=names)
    assert "range" not in draft.fields["input"]
    assert draft.score_tolerance > 0.1


@pytest.mark.parametrize(
    ("data", "shapes", "wishes", "says"),
    [
        (network(tensor("out", 1, 2)), [(1, 2)], {}, "give --range"),
        (network(tensor("out", 1, 9)), [(1, 9)], {"range": (0.0, 1.0)}, r"outputs \[1, 9\] .* --roles"),
        (network(tensor("out", 1, 2)), [(1, 2)], {"roles": ("a", "b")}, "has 1 outputs, --roles names 2"),
        (network(tensor("o", 1, 2, dtype=INT64)), [(1, 2)], {"range": (0.0, 1.0)}, "'scores' is int64"),
        (network(tensor("o", 1, 2), picture=tensor("p", 1, 96, 96, 1)), [(1, 2)], {}, "no picture"),
        (network(tensor("o", 1, 2), picture=tensor("p", 1, -1, 96, 3)), [(1, 2)], {}, "no picture"),
    ],
)
def test_what_the_file_does_not_say_is_asked_for(
    names: Path, data: bytes, shapes: list[tuple[int, ...]], wishes: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        drafted(data, *shapes, labels=names, **wishes)


def test_labels_are_asked_for() -> None:
    with pytest.raises(InputError, match="--labels"):
        drafted(network(tensor("out", 1, 2)), (1, 2))


@pytest.mark.parametrize("appended", [{}, {"other": b""}, {"labelmap.txt": bytes(300_000)}])
def test_labels_that_cannot_be_read_are_asked_for(appended: dict[str, bytes]) -> None:
    metadata = make_metadata([NORMALISED], [said("probability", labels="labelmap.txt")])
    with pytest.raises(InputError, match="--labels"):
        drafted(network(tensor("out", 1, 2), metadata=metadata, appended=appended), (1, 2))


@given(st.data())
def test_harmed_files_give_an_error_of_ours_or_a_draft(data: st.DataObject) -> None:
    whole = bytearray(detector(order=[1, 0, 3, 2]))
    for _ in range(data.draw(st.integers(1, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(EyespotError):
        assert drafted(bytes(whole), *SHAPES.values()).fields["runtime"] == "tflite"


def test_metadata_of_a_schema_to_come_are_none() -> None:
    assert read_metadata(network(tensor("out", 1, 2), metadata=b"\x10\0\0\0M002" + bytes(40))) is None
    assert read_metadata(network(tensor("out", 1, 2))) is None


@pytest.mark.parametrize("wish", [{"pictures": (Path("x"),)}, {"range": (0.0, 1.0)}, {"order": "bgr"}])
def test_what_the_sensor_does_by_itself_is_not_for_options(wish: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not for the sensor"):
        draft_rpk(make_rpk(), Wishes(name="x", **wish))


@pytest.mark.parametrize("name", ZOO)
def test_the_roles_of_all_networks_of_the_zoo_are_known(name: str) -> None:
    told = ZOO[name]
    data = make_rpk(
        list(told.outputs.values()), picture=told.picture, order=told.order, intrinsics=told.intrinsics
    )
    fields = draft_rpk(data, Wishes(name="x")).fields
    assert [one["role"] for one in fields["outputs"]] == list(told.outputs)
    assert (fields["input"]["width"], fields["input"]["height"]) == (told.picture.width, told.picture.height)
