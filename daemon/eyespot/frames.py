"""The only place where pixels have a type. Sources make frames, engines eat them; nobody else may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.geometry import Resize
from eyespot.ports import View

Pixels = NDArray[np.uint8]
Tensor = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture.

    Attributes:
        taken_ns: as in `Observation`.
        pixels: (h, w, 3) uint8, red first; already scaled by the source where it could.
    """

    taken_ns: int
    pixels: Pixels


class FrameSource(Protocol):
    """Where frames come from. Opened, asked and closed by one thread; raises as `ObservationSource` does."""

    @property
    def paced(self) -> bool: ...  # noqa: D102

    def open(self, width: int, height: int, resize: Resize) -> View:
        """Start, and scale for a model input of this size where that is cheap; other sizes are allowed.

        With "stretch" frames have just this size; with "letterbox" they keep their shape and fit
        inside it, with "crop" they cover it: padding and cutting is the engine's work.
        """

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if there was none within the time."""

    def close(self) -> None:
        """Stop. Harmless when not open."""


class Engine(Protocol):
    """Runs a model. Used by one thread."""

    def infer(self, pixels: Pixels) -> Sequence[Tensor]:
        """Return the output tensors, dequantised, in the order of the manifest's `outputs`.

        Args:
            pixels: (h, w, 3) uint8, red first; resized here if the size is another.

        Raises:
            ModelError: the runtime gave up, or the outputs are not finite.
        """
