"""What TensorFlow Lite Metadata says of a network.

It is a FlatBuffer in one of the file's buffers, by metadata_schema.fbs of tflite-support; the files that it
names are appended as a zip archive. Nobody vouches for either: references are checked, lengths limited.
"""

import io
import math
import zipfile
from dataclasses import dataclass

from eyespot.domain.errors import InputError, foreign
from eyespot.trust import flatbuffer
from eyespot.trust.flatbuffer import Table

_NAME = "TFLITE_METADATA"
_IDENTIFIER = b"M001"  # at byte 4
_MOST_BYTES = 4 << 20
_MOST_ENTRIES = 64
_MOST_LABEL_BYTES = 256 * 1024

_BOXES, _NORMALISATION, _THRESHOLD = 3, 1, 3  # places in the unions of contents and of process units
_BOUNDARIES = 1
_LABEL_FILES = (2, 3)  # of an axis, of values
_ORDERS = {(): "xy", (0, 1, 2, 3): "xy", (1, 0, 3, 2): "yx"}


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one tensor.

    Attributes:
        name: in words, such as "location" or "score".
        is_boxes: whether it holds boxes.
        order: of a box's numbers, "xy" or "yx"; None where it is another one.
        in_pixels: whether they are pixels, and no fractions.
        labels: name of the appended file that has the class names; empty without one.
        range: what 0 and 255 become, of the input; None where that is not said, or differs by colour.
        threshold: the least score; None where that is not said.
    """

    name: str
    is_boxes: bool
    order: str | None
    in_pixels: bool
    labels: str
    range: tuple[float, float] | None
    threshold: float | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is said of a network; tensors are in the file's order."""

    name: str
    description: str
    licence: str
    inputs: tuple[Said, ...]
    outputs: tuple[Said, ...]


def read_metadata(data: bytes) -> Metadata | None:
    """Return what a file says; None where it says nothing.

    Raises:
        ModelError: it is damaged.
    """
    model = flatbuffer.root(data)
    for entry in model.tables(6, _MOST_ENTRIES):
        if entry.text(0) == _NAME:
            buffer = model.entry(4, entry.number(1, "I"))
            return _read(bytes(buffer.integers(0, "B", _MOST_BYTES)))
    return None


def read_labels(data: bytes, name: str) -> bytes:
    """Return a file that is appended to the network.

    Raises:
        InputError: there is no such one, or it is too large.
    """
    doubt = f"its metadata names {name!a}, which cannot be read; give another with --labels"
    with foreign(InputError, doubt), zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(name) as file:
        labels = file.read(_MOST_LABEL_BYTES + 1)
    if len(labels) > _MOST_LABEL_BYTES:
        raise InputError(f"{name!a} in its metadata is too large for labels; give others with --labels")
    return labels


def _read(data: bytes) -> Metadata | None:
    if data[4:8] != _IDENTIFIER:
        return None  # of a schema to come
    model = flatbuffer.root(data)
    graph = model.entry(3, 0)
    inputs, outputs = (tuple(map(_said, graph.tables(slot, _MOST_ENTRIES))) for slot in (2, 3))
    return Metadata(model.text(0), _one_line(model, 1), _one_line(model, 5), inputs, outputs)


def _one_line(table: Table, slot: int) -> str:
    """Return a text that may have several lines on one; empty where it is too long or not text."""
    text = bytes(table.integers(slot, "B", _MOST_BYTES)).decode(errors="replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _said(tensor: Table) -> Said:
    content = tensor.part(3)
    boxes = content.part(1) if content and content.number(0, "B") == _BOXES else None
    units = {unit.number(0, "B"): unit.part(1) for unit in tensor.tables(4, _MOST_ENTRIES)}
    normalisation, threshold = units.get(_NORMALISATION), units.get(_THRESHOLD)
    labels = [
        file.text(0)
        for file in tensor.tables(6, _MOST_ENTRIES)
        if file.number(2, "b") in _LABEL_FILES and not file.text(3)
    ]
    return Said(
        name=_one_line(tensor, 0).lower(),
        is_boxes=boxes is not None,
        order=_order(boxes) if boxes else None,
        in_pixels=boxes is not None and boxes.number(2, "b") == 1,
        labels=labels[0] if labels else "",
        range=_range(normalisation) if normalisation else None,
        threshold=threshold.real(0) if threshold else None,
    )


def _order(boxes: Table) -> str | None:
    if boxes.number(1, "b") != _BOUNDARIES:
        return None
    return _ORDERS.get(boxes.integers(0, "I", _MOST_ENTRIES))


def _range(normalisation: Table) -> tuple[float, float] | None:
    means, deviations = (set(normalisation.reals(slot, _MOST_ENTRIES)) for slot in (0, 1))
    if len(means) != 1 or len(deviations) != 1:
        return None
    mean, deviation = means.pop(), deviations.pop()
    if not (math.isfinite(mean) and math.isfinite(deviation) and deviation > 0):
        return None
    return round((0 - mean) / deviation, 6), round((255 - mean) / deviation, 6)
