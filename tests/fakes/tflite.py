"""TensorFlow Lite files that say something of inputs and outputs, and have no graph to run."""

from fakes.flatbuffers import Numbers, flatbuffer

# a tensor's slots: shape, type, buffer, name, quantisation, is variable, sparsity, shape signature
SCALES = (None, None, Numbers("f", [0.5]), Numbers("q", [128]))
PICTURE = (Numbers("i", [1, 8, 8, 3]), 3, 0, "picture", SCALES)
BOXES = (Numbers("i", [1, 10, 4]), 0, 0, "boxes", None, 0, None, Numbers("i", [-1, 10, 4]))


def make_tflite(
    *tensors: tuple[object, ...], inputs: tuple[int, ...] = (0,), outputs: tuple[int, ...] = (1,)
) -> bytes:
    """Return the bytes of a file.

    Args:
        tensors: each by its slots.
        inputs: places of tensors.
        outputs: places of tensors.
    """
    graph = (list(tensors), Numbers("i", inputs), Numbers("i", outputs))
    return flatbuffer((3, None, [graph], "made by hand"), b"TFL3")
