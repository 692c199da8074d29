"""Models that see what they are told to see."""

from collections.abc import Callable, Sequence

import numpy as np

from eyespot.domain.observation import Detections, Found
from eyespot.frames import Pixels, Tensor
from eyespot.ports import ModelIdentity

IDENTITY = ModelIdentity("fake@1-0", "fake", "1", "0" * 64, ("person",), 0.35)


class FakeEngine:
    """Remembers the shapes of what it was shown; returns the picture's mean colour.

    Args:
        work: done at each inference.
    """

    runtime = "fake 1"

    def __init__(self, work: Callable[[], object] = lambda: None) -> None:
        self.shown: list[tuple[int, ...]] = []
        self.runtime = "fake 1"
        self._work = work

    def infer(self, pixels: Pixels) -> Sequence[Tensor]:
        self.shown.append(pixels.shape)
        self._work()
        return [pixels.mean(axis=(0, 1))]


class FakeDecoder:
    """Sees persons in the same boxes of the model's input every time, with falling scores."""

    def __init__(self, *boxes_xyxy: Sequence[float]) -> None:
        self._boxes = np.array(boxes_xyxy, np.float32).reshape(-1, 4)

    def decode(self, tensors: Sequence[Tensor]) -> Detections:
        count = len(self._boxes)
        scores = np.linspace(0.9, 0.5, count, dtype=np.float32)
        return Detections(self._boxes.copy(), scores, np.zeros(count, np.intp))


class FixedDecoder:
    """Finds the same every time."""

    def __init__(self, found: Found) -> None:
        self._found = found

    def decode(self, tensors: Sequence[Tensor]) -> Found:
        return self._found
