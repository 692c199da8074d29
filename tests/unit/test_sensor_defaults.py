"""What the manifest of a bundle for the sensor leaves open is as the network's file says; the rest is not."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from eyespot import decoders
from eyespot.domain.errors import ModelError
from eyespot.trust.bundle import read_bundle
from eyespot.trust.rpk import InputTensor, OutputTensor
from eyespot.trust.sensor_bundle import SensorBundle
from fakes.bundles import write_sensor_bundle
from fakes.rpk import make_rpk

DETECTION, CLASSIFICATION = "object detection", "classification"
POSTPROCESSED = {"boxes": (20, 4), "scores": (20,), "classes": (20,), "count": (1,)}
NAMES = {"labels": ["Person", "-", "Dog"]}


def bundled(
    folder: Path,
    outputs: Mapping[str, Sequence[int]],
    intrinsics: Mapping[str, Any] | None,
    names: bytes | None = None,
    **changes: Any,
) -> SensorBundle:
    """Return a bundle with these outputs, of an input of 81 x 49 pixels."""
    tensors = [
        OutputTensor(role, tuple(shape), 8, is_signed=True, scale=1.0, shift=0)
        for role, shape in outputs.items()
    ]
    picture = InputTensor("in", 81, 49, is_signed=True, scale=1.0, shift=0)
    network = make_rpk(tensors, picture=picture, intrinsics=intrinsics)
    told = [{"role": role, "shape": shape} for role, shape in outputs.items()]
    size = {"width": 81, "height": 49, "resize": "stretch"}
    bundle = read_bundle(write_sensor_bundle(folder, network, names, input=size, outputs=told, **changes))
    assert isinstance(bundle, SensorBundle)
    return bundle


def detector(folder: Path, cpu: Mapping[str, Any] | None, decoder: Any = None) -> dict[str, Any]:
    """Return the settings that are in force for a detector with post-processing."""
    said = {"task": DETECTION, "classes": NAMES, "cpu": cpu}
    return dict(bundled(folder, POSTPROCESSED, said, decoder=decoder).decoder)


@pytest.mark.parametrize(
    ("cpu", "settings"),
    [
        (None, {}),
        ({}, {}),
        ({"bbox_order": "xy"}, {"order": "xy"}),
        ({"bbox_normalization": True}, {"boxes": "pixels"}),
        ({"bbox_normalization": False, "bbox_order": "yx"}, {"boxes": "fractions", "order": "yx"}),
        ({"softmax": True}, {}),
    ],
)
def test_the_file_says_how_boxes_are_written(tmp_path: Path, cpu: Any, settings: dict[str, Any]) -> None:
    assert detector(tmp_path, cpu) == {"kind": "ssd_postprocess", **settings}
    assert detector(tmp_path, cpu, {"kind": "ssd_postprocess"}) == {"kind": "ssd_postprocess", **settings}


@pytest.mark.parametrize(
    "settings", [{"order": "yx"}, {"boxes": "fractions"}, {"order": "yx", "boxes": "fractions"}]
)
def test_where_manifest_and_file_differ_the_manifest_is_right(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    cpu = {"bbox_order": "xy", "bbox_normalization": True}
    table = {"kind": "ssd_postprocess", **settings}
    assert detector(tmp_path, cpu, table) == {"order": "xy", "boxes": "pixels", **table}


def test_a_table_may_leave_out_the_kind_alone(tmp_path: Path) -> None:
    assert detector(tmp_path, {"bbox_order": "xy"}, {"class_offset": -1}) == {
        "kind": "ssd_postprocess",
        "order": "xy",
        "class_offset": -1,
    }


# what a manifest has to say besides, for each kind that the file can tell
CHOICES = [
    (DETECTION, None, POSTPROCESSED, {"kind": "ssd_postprocess"}, {}),
    (DETECTION, "", POSTPROCESSED, {"kind": "ssd_postprocess"}, {}),
    (
        DETECTION,
        None,
        {"boxes": (12, 4), "scores": (12, 3)},
        {"kind": "ssd_anchors"},
        {"layers": [{"stride": 32, "anchors": [[1, 0.2], [2, 0.2]]}]},
    ),
    (DETECTION, "nanodet", {"predictions": (30, 35)}, {"kind": "nanodet"}, {"strides": [16, 32]}),
    (DETECTION, "yolov8", {"predictions": (7, 40)}, {"kind": "yolov8"}, {"boxes": "pixels"}),
    (DETECTION, "yolox", {"predictions": (40, 8)}, {"kind": "yolox"}, {"boxes": "pixels"}),
    (CLASSIFICATION, None, {"scores": (3,)}, {"kind": "classifier"}, {"softmax": False}),
    ("segmentation", None, {"classes": (49, 81)}, {"kind": "segmentation"}, {}),
    (
        "pose estimation",
        None,
        {"heatmaps": (4, 6, 17), "offsets": (4, 6, 34), "displacements": (4, 6, 64)},
        {"kind": "posenet"},
        {"stride": 16},
    ),
    (
        "pose estimation",
        "higherhrnet",
        dict.fromkeys(("tags", "places", "scores"), (30, 17)),
        {"kind": "higherhrnet"},
        {"stride": 2},
    ),
]


@pytest.mark.parametrize(("task", "named", "outputs", "chosen", "besides"), CHOICES)
def test_task_and_outputs_choose_the_decoder_and_it_is_one(
    tmp_path: Path,
    task: str,
    named: str | None,
    outputs: dict[str, Any],
    chosen: dict[str, Any],
    besides: dict[str, Any],
) -> None:
    said = {"task": task, "classes": NAMES, "cpu": {"post_processing": named}}
    assert bundled(tmp_path, outputs, said).decoder == chosen
    bundle = bundled(tmp_path, outputs, said, decoder=besides)
    decoders.build(bundle.decoder, bundle.layout, floor=0.2, nms_iou=0.5)


def test_what_the_file_cannot_say_is_asked_for_by_the_decoder(tmp_path: Path) -> None:
    said = {"task": DETECTION, "classes": NAMES, "cpu": {"post_processing": "nanodet"}}
    bundle = bundled(tmp_path, {"predictions": (30, 35)}, said)
    with pytest.raises(ModelError, match=r"missing required field `strides` - at `\$\.decoder"):
        decoders.build(bundle.decoder, bundle.layout, floor=0.2, nms_iou=0.5)


@pytest.mark.parametrize(
    ("intrinsics", "outputs"),
    [
        (None, POSTPROCESSED),
        ({"classes": NAMES}, POSTPROCESSED),
        ({"task": CLASSIFICATION, "classes": NAMES}, POSTPROCESSED),
        ({"task": DETECTION, "classes": NAMES}, {"predictions": (30, 35)}),
        ({"task": DETECTION, "classes": NAMES, "cpu": {"post_processing": "yolov5"}}, POSTPROCESSED),
        ({"task": DETECTION, "classes": NAMES}, {"strange": (30, 35)}),
    ],
    ids=["no intrinsics", "no task", "another task", "several", "a stranger", "strange roles"],
)
def test_a_decoder_that_nobody_says_is_asked_for(tmp_path: Path, intrinsics: Any, outputs: Any) -> None:
    with pytest.raises(ModelError, match=r'write it there, such as `"decoder": {"kind":'):
        bundled(tmp_path, outputs, intrinsics)


@pytest.mark.parametrize("kind", ["magic", 7, None, ["nanodet"]])
def test_a_kind_that_is_none_is_named_by_the_decoders(tmp_path: Path, kind: Any) -> None:
    said = {"task": DETECTION, "classes": NAMES}
    bundle = bundled(tmp_path, POSTPROCESSED, said, decoder={"kind": kind})
    with pytest.raises(ModelError, match=r"\$\.decoder"):
        decoders.build(bundle.decoder, bundle.layout, floor=0.2, nms_iou=0.5)


def labels(folder: Path, classes: Mapping[str, Any] | None, names: bytes | None = None) -> tuple[str, ...]:
    return bundled(folder, POSTPROCESSED, {"task": DETECTION, "classes": classes}, names).labels


def test_labels_of_the_file_are_lowered_and_unused_ones_keep_their_places(tmp_path: Path) -> None:
    classes = {"labels": ["Person", "-", "", " Traffic Light "], "ignore_undefined": False}
    assert labels(tmp_path, classes) == ("person", "-", "-", "traffic light")


def test_unused_labels_are_taken_out_where_the_network_counts_without_them(tmp_path: Path) -> None:
    classes = {"labels": ["Person", "-", "", "Dog"], "ignore_undefined": True}
    assert labels(tmp_path, classes) == ("person", "dog")


def test_labels_of_the_bundle_go_before_the_files_as_they_are(tmp_path: Path) -> None:
    classes = {"labels": ["Person", "-", "Dog"], "ignore_undefined": True}
    assert labels(tmp_path, classes, b"Human\n-\nHound\n") == ("human", "-", "hound")


@pytest.mark.parametrize("classes", [None, {}, {"labels": []}, {"labels": ["-"], "ignore_undefined": True}])
def test_without_any_labels_the_bundle_has_to_bring_some(tmp_path: Path, classes: Any) -> None:
    with pytest.raises(ModelError, match="it brings no labels; add a file with them"):
        labels(tmp_path, classes)
    assert labels(tmp_path, classes, b"person\n") == ("person",)


def test_a_long_label_ends_at_its_last_comma_that_leaves_it_short_enough(tmp_path: Path) -> None:
    long = "great white shark, white shark, man-eater, man-eating shark, Carcharodon carcharias"
    fits = "x" * 64
    assert labels(tmp_path, {"labels": [long, f"{fits},y", fits]}) == (
        "great white shark, white shark, man-eater, man-eating shark",
        fits,
        fits,
    )


@pytest.mark.parametrize("label", ["x" * 65, "a\tb", "\x1b[2J", ",".ljust(80, "x")])
def test_a_label_that_no_class_can_go_by_is_refused(tmp_path: Path, label: str) -> None:
    with pytest.raises(ModelError, match="its label 1 is no class name of 1 to 64 characters") as caught:
        labels(tmp_path, {"labels": ["person", label]})
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("outputs", [CHOICES[-1][2], CHOICES[-2][2]])
def test_of_poses_there_are_only_persons_whatever_labels_the_file_has(tmp_path: Path, outputs: Any) -> None:
    said = {"task": "pose estimation", "classes": {"labels": ["person", "bicycle", "car"]}}
    assert bundled(tmp_path, outputs, said).labels == ("person",)


def test_a_classifier_does_not_score_the_background_that_its_labels_begin_with(tmp_path: Path) -> None:
    said = {"task": CLASSIFICATION, "classes": NAMES, "cpu": {"softmax": True}}
    decoder = {"kind": "classifier", "softmax": True}
    assert bundled(tmp_path, {"scores": (2,)}, said).decoder == {**decoder, "class_offset": 1}
    assert bundled(tmp_path, {"scores": (3,)}, said).decoder == decoder
    # labels of one's own are counted as they are
    assert bundled(tmp_path, {"scores": (2,)}, said, b"background\ncat\ndog\n").decoder == decoder
    told = {"kind": "classifier", "class_offset": 0, "softmax": False}
    assert bundled(tmp_path, {"scores": (2,)}, said, decoder=told).decoder == told


def test_more_labels_than_outputs_are_refused_by_the_decoder(tmp_path: Path) -> None:
    said = {"task": CLASSIFICATION, "classes": NAMES, "cpu": {"softmax": True}}
    bundle = bundled(tmp_path, {"scores": (2,)}, said, b"a\nb\nc\nd\n")
    with pytest.raises(ModelError, match="do not fit 4 labels"):
        decoders.build(bundle.decoder, bundle.layout, floor=0.2, nms_iou=0.5)
