"""A draft for a network on the CPU: tensors as the file has them, the rest as its metadata says."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from eyespot.domain.errors import InputError, foreign
from eyespot.trust.files import shortened
from eyespot.trust.tflite import Tensor, read_tflite
from eyespot_fleet.disk import read_file
from eyespot_fleet.packing.draft import Draft, ask_for_roles, given_roles
from eyespot_fleet.packing.tflite_metadata import Metadata, Said, read_labels, read_metadata
from eyespot_fleet.packing.wishes import Wishes

_PICTURE_SIDES, _SCORES_SIDES, _COLOURS = 4, 2, 3
_DTYPES = {"float32", "uint8", "int8"}
_QUANTISED_TOLERANCE = 0.12  # runtimes differ by so much
_POSTPROCESSED = {"boxes", "classes", "scores", "count"}
_BACKGROUND = {"???", "background"}

# by metadata, and as TensorFlow's object detection API names the outputs of its op
_ROLES = {
    "location": "boxes",
    "locations": "boxes",
    "tflite_detection_postprocess": "boxes",
    "category": "classes",
    "categories": "classes",
    "class": "classes",
    "classes": "classes",
    "tflite_detection_postprocess:1": "classes",
    "tflite_detection_postprocess:2": "scores",
    "score": "scores",
    "scores": "scores",
    "number of detections": "count",
    "tflite_detection_postprocess:3": "count",
}


def draft_tflite(data: bytes, wishes: Wishes, shapes: Sequence[tuple[int, ...]]) -> Draft:
    """Return what can be said of a .tflite file.

    Args:
        data: the file.
        wishes: go before what it says.
        shapes: of its outputs, as a runtime has them.

    Raises:
        ModelError: the file is damaged.
        InputError: it is no network for pictures, or something has to be said that the file does not.
    """
    says, metadata = read_tflite(data), read_metadata(data)
    if len(shapes) != len(says.outputs):
        raise InputError("the runtime has other outputs than the file; take another")
    outputs = [replace(tensor, shape=shape) for tensor, shape in zip(says.outputs, shapes, strict=True)]
    labels = _labels(data, metadata, wishes)
    count = len(labels.decode().splitlines())
    roles = _roles(outputs, metadata, wishes, count)
    fields = {
        "runtime": "tflite",
        "input": _input(says.inputs, metadata, wishes),
        "outputs": [_output(*pair, outputs) for pair in zip(roles, outputs, strict=True)],
        "decoder": {**_decoder(roles, outputs, metadata, labels, count), **(wishes.decoder or {})},
    }
    quantised = any(tensor.dtype != "float32" for tensor in (*says.inputs, *outputs))
    return Draft(
        fields,
        labels,
        licence=metadata.licence if metadata else "",
        provenance=says.description,
        min_score=_threshold(metadata),
        score_tolerance=_QUANTISED_TOLERANCE if quantised else 0.02,
    )


def _labels(data: bytes, metadata: Metadata | None, wishes: Wishes) -> bytes:
    if wishes.labels is not None:
        return _shortened(read_file(wishes.labels))
    for said in metadata.outputs if metadata else ():
        if said.labels:
            return _shortened(read_labels(data, said.labels))
    raise InputError("the file brings no class names; give a text file with one a line, with --labels")


def _shortened(labels: bytes) -> bytes:
    """Return class names of which none is too long, where a comma allows it."""
    with foreign(InputError, "the class names are not UTF-8 text; mend them"):
        names = labels.decode().removesuffix("\n").split("\n")
    return "".join(f"{shortened(name.strip())}\n" for name in names).encode()


def _input(inputs: Sequence[Tensor], metadata: Metadata | None, wishes: Wishes) -> dict[str, Any]:
    if len(inputs) != 1:
        raise InputError(f"the network has {len(inputs)} inputs, not one picture; take another")
    picture = inputs[0]
    shape = picture.shape
    if len(shape) != _PICTURE_SIDES or shape[0] != 1 or shape[3] != _COLOURS or min(shape) < 1:
        raise InputError(
            f"its input is {list(shape)}, no picture in colours: [1, height, width, 3]; take another"
        )
    _check_dtype("its input", picture)
    said = metadata.inputs[0].range if metadata and metadata.inputs else None
    span = wishes.range or said
    if span is None and picture.dtype == "float32":
        raise InputError(
            "what its input wants is not said; give --range, what 0 and 255 become, such as -1 1"
        )
    told = {"width": shape[2], "height": shape[1], "dtype": picture.dtype, "order": wishes.order}
    return {**told, "resize": wishes.resize, **({"range": list(span)} if span else {})}


def _check_dtype(what: str, tensor: Tensor) -> None:
    if tensor.dtype not in _DTYPES:
        raise InputError(f"{what} is {tensor.dtype}; only {', '.join(sorted(_DTYPES))} can be used")


def _roles(
    outputs: Sequence[Tensor], metadata: Metadata | None, wishes: Wishes, labels: int
) -> tuple[str, ...]:
    given = given_roles(wishes.roles, len(outputs))
    if given:
        return given
    told = metadata.outputs if metadata and len(metadata.outputs) == len(outputs) else (None,) * len(outputs)
    roles = tuple(_role(tensor, said) for tensor, said in zip(outputs, told, strict=True))
    if set(roles) == _POSTPROCESSED and len(roles) == len(_POSTPROCESSED):
        return roles
    if len(outputs) == 1 and _kind_of_one(outputs[0].shape, labels):
        return ("scores",) if len(outputs[0].shape) == _SCORES_SIDES else ("predictions",)
    raise ask_for_roles([list(tensor.shape) for tensor in outputs])


def _role(tensor: Tensor, said: Said | None) -> str:
    if said and said.is_boxes:
        return "boxes"
    names = (said.name if said else "", tensor.name.lower())
    return next((_ROLES[name] for name in names if name in _ROLES), "")


def _kind_of_one(shape: Sequence[int], labels: int) -> str:
    """Return which decoder takes a network's only output; empty where none does."""
    match list(shape):
        case [1, count] if abs(count - labels) <= 1:
            return "classifier"
        case [1, sides, _] if sides == 4 + labels:
            return "yolov8"
        case [1, _, sides] if sides == 5 + labels:
            return "yolox"
    return ""


def _output(role: str, tensor: Tensor, others: Sequence[Tensor]) -> dict[str, Any]:
    _check_dtype(f"its output {role!r}", tensor)
    ambiguous = sum(other.shape == tensor.shape for other in others) > 1
    named = {"name": tensor.name} if ambiguous else {}
    return {"role": role, "shape": list(tensor.shape), "dtype": tensor.dtype, **named}


def _decoder(
    roles: Sequence[str], outputs: Sequence[Tensor], metadata: Metadata | None, labels: bytes, count: int
) -> dict[str, Any]:
    if set(roles) == _POSTPROCESSED:
        boxes = _boxes(metadata)
        first = labels.partition(b"\n")[0].strip().lower().decode(errors="replace")
        return {"kind": "ssd_postprocess", **boxes, **({"class_offset": 1} if first in _BACKGROUND else {})}
    kind = _kind_of_one(outputs[0].shape, count) if len(outputs) == 1 else ""
    if kind == "classifier":
        offset = count - outputs[0].shape[-1]
        scores = metadata is not None and [said.name for said in metadata.outputs] == ["probability"]
        settings = {"softmax": False} if scores else {}
        return {"kind": kind, **settings, **({"class_offset": offset} if offset else {})}
    return {"kind": kind} if kind else {}


def _boxes(metadata: Metadata | None) -> dict[str, Any]:
    said = next((said for said in metadata.outputs if said.is_boxes), None) if metadata else None
    if said is None:
        return {}
    if said.order is None:
        raise InputError("its boxes are no corners, x0, y0, x1, y1 or y0, x0, y1, x1; no decoder takes them")
    return {"order": said.order, "boxes": "pixels" if said.in_pixels else "fractions"}


def _threshold(metadata: Metadata | None) -> float | None:
    told = (said.threshold for said in metadata.outputs) if metadata else ()
    return next((round(least, 4) for least in told if least is not None and 0 < least < 1), None)
