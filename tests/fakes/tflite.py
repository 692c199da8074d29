"""TensorFlow Lite files that say something of inputs and outputs, and have no graph to run."""

import io
import zipfile
from collections.abc import Mapping

from fakes.flatbuffers import Numbers, flatbuffer

# a tensor's slots: shape, type, buffer, name, quantisation, is variable, sparsity, shape signature
SCALES = (None, None, Numbers("f", [0.5]), Numbers("q", [128]))
PICTURE = (Numbers("i", [1, 8, 8, 3]), 3, 0, "picture", SCALES)
BOXES = (Numbers("i", [1, 10, 4]), 0, 0, "boxes", None, 0, None, Numbers("i", [-1, 10, 4]))


def make_tflite(
    *tensors: tuple[object, ...],
    inputs: tuple[int, ...] = (0,),
    outputs: tuple[int, ...] = (1,),
    metadata: bytes | None = None,
    appended: Mapping[str, bytes] | None = None,
) -> bytes:
    """Return the bytes of a file.

    Args:
        tensors: each by its slots.
        inputs: places of tensors.
        outputs: places of tensors.
        metadata: content of its TFLITE_METADATA.
        appended: files in a zip archive behind it, by name.
    """
    graph = (list(tensors), Numbers("i", inputs), Numbers("i", outputs))
    told = ([("TFLITE_METADATA", 1)] if metadata is not None else None,)
    buffers = [(None,), (Numbers("B", metadata or b""),)]
    data = flatbuffer((3, None, [graph], "made by hand", buffers, None, *told), b"TFL3")
    if not appended:
        return data
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "a") as archive:
        for name, content in appended.items():
            archive.writestr(name, content)
    return out.getvalue()


def make_metadata(
    inputs: list[tuple[object, ...]], outputs: list[tuple[object, ...]], licence: str = ""
) -> bytes:
    """Return metadata by the slots of metadata_schema.fbs; see `said`."""
    graph = (None, None, inputs, outputs)
    return flatbuffer(("a model", "what it does", "v1", [graph], None, licence), b"M001")


def said(
    name: str,
    *,
    boxes: tuple[list[int], int] | None = None,
    labels: str = "",
    normalised: tuple[list[float], list[float]] | None = None,
    threshold: float | None = None,
) -> tuple[object, ...]:
    """Return what is said of a tensor.

    Args:
        name: of it.
        boxes: order of the numbers of a box, and 1 where they are pixels.
        labels: name of an appended file.
        normalised: means and deviations.
        threshold: least score.
    """
    content = (3, (Numbers("I", boxes[0]), 1, boxes[1])) if boxes else None
    units: list[tuple[object, ...]] = []
    if normalised:
        units.append((1, tuple(Numbers("f", numbers) for numbers in normalised)))
    if threshold is not None:
        units.append((3, (threshold,)))
    files = [(labels, None, 3)] if labels else None
    return (name, None, None, content, units or None, None, files)
