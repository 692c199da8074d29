"""The networks of the public zoo for the IMX500: what is known of their files, and bundles made of them.

Tables of the first eight were read from the files themselves; of the others input, shapes and bits are
known, and scales were chosen.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from eyespot.trust.bundle import read_bundle
from eyespot.trust.rpk import InputTensor, OutputTensor
from eyespot.trust.sensor_bundle import SensorBundle
from fakes.bundles import SENSOR_FACTORY, write_sensor_bundle
from fakes.rpk import make_rpk

SHARED = os.environ.get("EYESPOT_SHARED_RPK")
COCO_90 = (SENSOR_FACTORY / "labels.txt").read_text().splitlines()
COCO_80 = [name for name in COCO_90 if name != "-"]
VOC_21 = ["background", *(f"thing {number}" for number in range(1, 21))]
_IMAGENET_1001 = ["0:background", *(f"{number}:Thing {number}, and more" for number in range(1, 1001))]


class Network(NamedTuple):
    """A network.

    Attributes:
        picture: its input.
        outputs: by role, in the order of the file.
        intrinsics: what its file says; None where it says nothing.
        decoder: what a manifest has to say besides; None where that is nothing.
        names: labels that a bundle has to bring.
        order: of its input's colours.
        measured: whether all this was read from the file.
    """

    picture: InputTensor
    outputs: Mapping[str, OutputTensor]
    intrinsics: Mapping[str, Any] | None
    decoder: Mapping[str, Any] | None = None
    names: list[str] | None = None
    order: str = "RGB"
    measured: bool = False


def file_of(name: str) -> Path | None:
    """Return the network's real file; None where there is none at hand."""
    path = Path(SHARED or "") / f"imx500_network_{name}.rpk"
    return path if SHARED and path.is_file() else None


def bundle_of(name: str, folder: Path, data: bytes | None = None) -> SensorBundle:
    """Return a bundle whose manifest says as little as it can.

    Args:
        name: of the network.
        folder: where to.
        data: the network's file; by default a synthetic one with the same tensors.
    """
    network = ZOO[name]
    if data is None:
        data = make_rpk(
            list(network.outputs.values()),
            picture=network.picture,
            order=network.order,
            intrinsics=network.intrinsics,
        )
    size = {"width": network.picture.width, "height": network.picture.height, "resize": "stretch"}
    outputs = [{"role": role, "shape": tensor.shape} for role, tensor in network.outputs.items()]
    names = network.names and "\n".join(network.names).encode()
    told = {"name": "zoo", "input": size, "outputs": outputs, "decoder": network.decoder}
    bundle = read_bundle(write_sensor_bundle(folder, data, names, **told))
    assert isinstance(bundle, SensorBundle)
    return bundle


def _input(width: int, height: int, scale: float = 2.0**-7) -> InputTensor:
    return InputTensor("in", width, height, is_signed=True, scale=scale, shift=0)


def _outputs(**tensors: tuple[tuple[int, ...], str, float]) -> dict[str, OutputTensor]:
    """Return tensors by role, each given as its shape, its type and its scale."""
    return {
        role: OutputTensor(role, shape, int(kind.strip("uint")), kind[0] == "i", scale, 0)
        for role, (shape, kind, scale) in tensors.items()
    }


def _postprocessed(count: int, scale: float) -> dict[str, OutputTensor]:
    return _outputs(
        boxes=((count, 4), "int16", scale),
        scores=((count,), "uint8", 2.0**-8),
        classes=((count,), "int16", 1.0),
        count=((1,), "int16", 1.0),
    )


def _detection(rate: int, *, ignore: bool | None = None, **cpu: Any) -> dict[str, Any]:
    classes = {"labels": COCO_90, "ignore_undefined": ignore}
    return {"task": "object detection", "inference_rate": rate, "classes": classes, "cpu": cpu}


def _classification(rate: int, **cpu: Any) -> dict[str, Any]:
    classes = {"labels": _IMAGENET_1001}
    return {"task": "classification", "inference_rate": rate, "classes": classes, "cpu": cpu}


def _classifier(side: int, rate: int, order: str = "RGB") -> Network:
    """Return a classifier whose file asks for a softmax."""
    outputs = _outputs(scores=((1000,), "int8", 0.125))
    return Network(_input(side, side), outputs, _classification(rate, softmax=True), order=order)


_CANDIDATES = {
    "tags": ((30, 17), "int8", 2.0**-4),
    "places": ((30, 17), "int32", 1.0),
    "scores": ((30, 17), "int8", 2.0**-7),
}
_YOLO = Network(
    _input(640, 640),
    _postprocessed(300, 2.0**-5),
    None,
    {"kind": "ssd_postprocess", "boxes": "pixels", "order": "xy"},
    COCO_80,
)

ZOO = {
    "ssd_mobilenetv2_fpnlite_320x320_pp": Network(
        _input(320, 320), _postprocessed(100, 2.0**-15), _detection(26), measured=True
    ),
    "efficientdet_lite0_pp": Network(
        _input(320, 320), _postprocessed(100, 2.0**-6), _detection(23, bbox_normalization=True), measured=True
    ),
    "nanodet_plus_416x416_pp": Network(
        _input(416, 416, 2.0**-5),
        _postprocessed(300, 2.0**-14),
        _detection(23, ignore=True),
        order="BGR",
        measured=True,
    ),
    "nanodet_plus_416x416": Network(
        _input(416, 416, 2.0**-5),
        _outputs(predictions=((3598, 112), "int8", 0.125)),
        _detection(23, ignore=True, post_processing="nanodet"),
        {"strides": [8, 16, 32, 64]},
        order="BGR",
        measured=True,
    ),
    "mobilenet_v2": Network(
        _input(224, 224),
        _outputs(scores=((1000,), "uint8", 2.0**-8)),
        _classification(30),
        {"softmax": False},
        measured=True,
    ),
    "squeezenet1.0": Network(
        _input(224, 224, 2.0**-5),
        _outputs(scores=((1000,), "uint8", 0.25)),
        _classification(30),
        {"softmax": True},
        measured=True,
    ),
    "deeplabv3plus": Network(
        _input(320, 320),
        _outputs(classes=((320, 320), "int16", 1.0)),
        {"task": "segmentation", "inference_rate": 19},
        names=VOC_21,
        measured=True,
    ),
    "higherhrnet_coco": Network(
        _input(384, 288, 2.0**-5),
        _outputs(**_CANDIDATES),
        {"task": "pose estimation", "inference_rate": 10, "classes": {"labels": COCO_90}},
        {"stride": 2},
        measured=True,
    ),
    "posenet": Network(
        _input(481, 353),
        _outputs(
            heatmaps=((23, 31, 17), "int8", 2.0**-4),
            offsets=((23, 31, 34), "int8", 0.5),
            displacements=((23, 31, 64), "int8", 2.0),
        ),
        {"task": "pose estimation", "inference_rate": 30},
        {"stride": 16},
    ),
    "yolov8n_pp": _YOLO,
    "yolo11n_pp": _YOLO,
    "mobilevit_xs": _classifier(256, 22, "BGR"),
    "mobilevit_xxs": _classifier(256, 26),
    "regnetx_002": _classifier(224, 30),
    "regnety_002": _classifier(224, 30),
    "shufflenet_v2_x1_5": Network(
        _input(224, 224),
        _outputs(scores=((1000,), "int8", 0.25)),
        _classification(30),
        {"softmax": True},
    ),
}
