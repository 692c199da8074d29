"""Each network of the public zoo is decoded as its file says.

Known objects are stored in the tensors of the file, with its shapes, scales and bits, read again, and
decoded with what manifest and file say together. Where the file itself is not at hand, a synthetic one
with the same tensors stands for it.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike

from eyespot import decoders
from eyespot.domain.observation import Detections, Floats, Labels, Poses, Shares
from eyespot.trust.bundle import read_bundle
from eyespot.trust.sensor_bundle import SensorBundle
from fakes import posing
from fakes.rpk import delivered
from fakes.zoo import COCO_80, COCO_90, ZOO, bundle_of, file_of

ROOT = Path(__file__).parents[2]
FLOOR = 0.3
# label, x0, y0, x1, y1 in fractions, score
OBJECTS = [
    ("person", (0.125, 0.25, 0.375, 0.875), 0.8125),
    ("dog", (0.5, 0.625, 0.875, 0.9375), 0.625),
    ("toothbrush", (0.75, 0.125, 0.8125, 0.3125), 0.4375),
]
# of the networks with post-processing: classes as they count them, order and unit of their boxes
BOXES = {
    "ssd_mobilenetv2_fpnlite_320x320_pp": (COCO_90, "yx", 1),
    "efficientdet_lite0_pp": (COCO_90, "yx", 320),
    "nanodet_plus_416x416_pp": (COCO_80, "yx", 1),
    "yolov8n_pp": (COCO_80, "xy", 640),
    "yolo11n_pp": (COCO_80, "xy", 640),
}
LOGITS = [
    "squeezenet1.0",
    "mobilevit_xs",
    "mobilevit_xxs",
    "regnetx_002",
    "regnety_002",
    "shufflenet_v2_x1_5",
]


def each(*names: str) -> pytest.MarkDecorator:
    """Run a test over networks, from their files where we have ever seen those, and from synthetic ones."""
    seen = [(name, "file") for name in names if ZOO[name].measured or file_of(name)]
    return pytest.mark.parametrize(("name", "origin"), [*seen, *((name, "synthetic") for name in names)])


def read(name: str, origin: str, folder: Path) -> SensorBundle:
    """Return a bundle with the network's own file, or with a synthetic one."""
    if origin == "synthetic":
        return bundle_of(name, folder)
    file = file_of(name)
    if file is None:
        pytest.skip(f"EYESPOT_SHARED_RPK names no folder with {name}")
    return bundle_of(name, folder, file.read_bytes())


def decoded(bundle: SensorBundle, outputs: Mapping[str, ArrayLike]) -> Any:
    """Return what comes of outputs, given by role, on the way through the sensor."""
    tensors = {
        output.role: tensor
        for output, tensor in zip(bundle.manifest.outputs, bundle.rpk.network.outputs, strict=True)
    }
    assert tensors.keys() == outputs.keys()
    decoder = decoders.build(bundle.decoder, bundle.layout, floor=FLOOR, nms_iou=0.5)
    return decoder.decode([delivered(tensor, outputs[role]) for role, tensor in tensors.items()])


def check_objects(bundle: SensorBundle, found: Detections, *, boxes: float, scores: float) -> None:
    """Check that the known objects were found, each within a distance."""
    names, places, likely = zip(*OBJECTS, strict=True)
    assert [bundle.labels[index] for index in found.classes] == list(names)
    assert found.boxes_xyxy_n == pytest.approx(np.array(places), abs=boxes)
    assert found.scores == pytest.approx(likely, abs=scores)


@pytest.mark.parametrize("name", [name for name, network in ZOO.items() if network.measured])
def test_what_the_fakes_tell_of_a_file_is_what_it_says(name: str, tmp_path: Path) -> None:
    real, fake = read(name, "file", tmp_path), read(name, "synthetic", tmp_path)
    assert (real.decoder, real.rate_hz) == (fake.decoder, fake.rate_hz)
    assert len(real.labels) == len(fake.labels)
    assert real.rpk.info.order == fake.rpk.info.order
    assert real.rpk.network.input.scale == fake.rpk.network.input.scale
    for one, other in zip(real.rpk.network.outputs, fake.rpk.network.outputs, strict=True):
        assert (one.shape, one.bits, one.is_signed) == (other.shape, other.bits, other.is_signed)
        assert (one.scale, one.shift) == (other.scale, other.shift)


@each(*BOXES)
def test_objects_of_a_detector_with_post_processing_are_where_they_were_put(
    name: str, origin: str, tmp_path: Path
) -> None:
    bundle = read(name, origin, tmp_path)
    counted, order, unit = BOXES[name]
    most = bundle.layout.outputs["scores"][0]
    boxes, scores, classes = np.zeros((most, 4)), np.zeros(most), np.zeros(most)
    for place, (label, (x0, y0, x1, y1), score) in enumerate(OBJECTS):
        boxes[place] = np.array([x0, y0, x1, y1] if order == "xy" else [y0, x0, y1, x1]) * unit
        scores[place], classes[place] = score, counted.index(label)
    found = decoded(bundle, {"boxes": boxes, "scores": scores, "classes": classes, "count": [len(OBJECTS)]})
    step = bundle.rpk.network.outputs[0].scale / unit
    check_objects(bundle, found, boxes=step, scores=2**-8)


@each("nanodet_plus_416x416")
def test_objects_of_nanodet_are_where_their_cells_say(name: str, origin: str, tmp_path: Path) -> None:
    bundle = read(name, origin, tmp_path)
    predictions = np.full((3598, 112), -16.0)
    for label, box, score in OBJECTS:
        put_cell(predictions, COCO_80.index(label), np.array(box) * 416, score)
    # logits come in steps of an eighth
    check_objects(bundle, decoded(bundle, {"predictions": predictions}), boxes=1e-3, scores=0.02)


def put_cell(predictions: Floats, label: int, box_px: Floats, score: float) -> None:
    """Let the cell nearest to a box's middle say it, on the first grid whose 7 strides reach its sides."""
    start = 0
    for stride in (8, 16, 32, 64):
        columns = -(-416 // stride)
        x, y = np.rint((box_px[:2] + box_px[2:]) / 2 / stride).astype(int)
        distances = np.array([x - box_px[0] / stride, y - box_px[1] / stride, 0, 0])
        distances[2:] = box_px[2:] / stride - [x, y]
        if distances.max() <= 7:
            break
        start += columns**2
    cell = predictions[start + y * columns + x]
    cell[label] = np.log(score / (1 - score))
    for bins, distance in zip(cell[80:].reshape(4, 8), distances, strict=True):
        low, share = int(distance), distance % 1
        bins[low] = np.log(1 - share)
        if share:
            bins[low + 1] = np.log(share)


@each("mobilenet_v2")
def test_a_classifier_that_ends_in_scores_names_the_likeliest(name: str, origin: str, tmp_path: Path) -> None:
    bundle = read(name, origin, tmp_path)
    scores = np.zeros(1000)
    scores[[207, 999, 3]] = [0.5, 0.375, 0.125]
    found: Labels = decoded(bundle, {"scores": scores})
    assert [bundle.labels[index].split(":")[0] for index in found.classes] == ["208", "1000"]
    assert found.scores == pytest.approx([0.5, 0.375])


@each(*LOGITS)
def test_a_classifier_that_ends_in_logits_gets_its_softmax(name: str, origin: str, tmp_path: Path) -> None:
    bundle = read(name, origin, tmp_path)
    logits = np.zeros(1000)
    logits[[207, 999]] = [10.5, 10.25]
    found: Labels = decoded(bundle, {"scores": logits})
    assert [bundle.labels[index].split(":")[0] for index in found.classes] == ["208", "1000"]
    likely = np.exp([10.5, 10.25])
    assert found.scores == pytest.approx(likely / (likely.sum() + 998), abs=1e-3)


@each("deeplabv3plus")
def test_a_segmentation_tells_shares_by_its_labels(name: str, origin: str, tmp_path: Path) -> None:
    bundle = read(name, origin, tmp_path)
    classes = np.zeros((320, 320))
    classes[:80, :160], classes[300:] = 15, 20
    found: Shares = decoded(bundle, {"classes": classes})
    told = {bundle.labels[index]: share for index, share in enumerate(found.shares.tolist()) if share}
    assert told == pytest.approx({"background": 0.8125, "thing 15": 0.125, "thing 20": 0.0625})


@each("higherhrnet_coco")
def test_persons_of_higherhrnet_are_put_together_by_their_tags(
    name: str, origin: str, tmp_path: Path
) -> None:
    bundle = read(name, origin, tmp_path)
    tags, places, scores = np.zeros((3, 30, 17))
    cells = np.array(
        [[(40 + kind, 20 + 7 * kind) for kind in range(17)], [(120, 8 * kind) for kind in range(17)]]
    )
    for person, (tag, score) in enumerate([(2.5, 0.75), (-1.5, 0.5)]):
        tags[person], scores[person] = tag, score
        places[person] = cells[person, :, 1] * 192 + cells[person, :, 0]
    found: Poses = decoded(bundle, {"tags": tags, "places": places, "scores": scores})
    assert found.scores == pytest.approx([0.75, 0.5])
    assert found.keypoints[..., :2] == pytest.approx((cells + 0.5) / [192, 144], abs=1e-6)


@each("posenet")
def test_persons_of_posenet_are_followed_from_joint_to_joint(name: str, origin: str, tmp_path: Path) -> None:
    bundle = read(name, origin, tmp_path)
    persons = [posing.standing(120, 75), posing.standing(360, 90)]
    found: Poses = decoded(bundle, dict(zip(posing.OUTPUTS, posing.encoded(*persons, fade=0.5), strict=True)))
    assert len(found) == 2
    pixels = found.keypoints[..., :2] * [posing.WIDTH, posing.HEIGHT] - 0.5
    assert pixels == pytest.approx(np.array(persons), abs=2)
    assert bundle.labels == ("person",)


def told() -> Iterator[tuple[str, str, str]]:
    """Yield network, decoder and its settings, as TOML, of the decoders' page."""
    page = (ROOT / "daemon" / "eyespot" / "decoders" / "README.md").read_text()
    rows = page.split("## Networks of the IMX500 zoo")[1].split("On the CPU besides")[0]
    for names, kind, settings, *_ in re.findall(r"^\| ([a-z].*?) \| `(\w+)` \| (.*?) \|", rows, re.MULTILINE):
        for name in re.findall(r"[\w.]+", names):
            yield name, kind, "\n".join(re.findall(r"`(\w+ = .*?)`", settings))


def test_the_decoders_page_tells_of_every_network() -> None:
    assert {name for name, _, _ in told()} >= ZOO.keys()


@pytest.mark.parametrize(("name", "kind", "settings"), [row for row in told() if row[0] in ZOO])
def test_what_the_decoders_page_tells_is_in_force(
    name: str, kind: str, settings: str, tmp_path: Path
) -> None:
    assert bundle_of(name, tmp_path).decoder == {"kind": kind, **tomllib.loads(settings)}


def test_the_manifest_in_the_guide_is_right(tmp_path: Path) -> None:
    file = file_of("efficientdet_lite0_pp")
    if file is None:
        pytest.skip("EYESPOT_SHARED_RPK names no folder with efficientdet_lite0_pp")
    guide = (ROOT / "models" / "README.md").read_text()
    (text,) = re.findall(r"```json\n(.*?)```", guide, re.DOTALL)
    assert json.loads(text)["runtime"] == "imx500"
    (tmp_path / "manifest.json").write_text(text)
    (tmp_path / "network.rpk").write_bytes(file.read_bytes())
    bundle = read_bundle(tmp_path)
    assert bundle.decoder == {"kind": "ssd_postprocess", "boxes": "pixels"}
    assert bundle.labels[0] == "person"
