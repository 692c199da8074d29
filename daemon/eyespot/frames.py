"""The only place where pixels have a type. Sources make frames, engines eat them; nobody else may know."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.geometry import WHOLE, Region, Resize
from eyespot.ports import SensorReadings, Tell, View, silent

Pixels = NDArray[np.uint8]
Tensor = NDArray[np.generic]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture.

    Attributes:
        taken_ns: as in `Observation`.
        pixels: (h, w, 3) uint8, red first; already scaled by the source where it could. Good until the
            next one is taken, or the source is closed.
        region_xyxy_n: the part of the full frame that they show, in fractions.
    """

    taken_ns: int
    pixels: Pixels
    region_xyxy_n: Region = WHOLE


class FrameSource(Protocol):
    """Where frames come from. Opened, asked and closed by one thread; raises as `ObservationSource` does.

    Attributes:
        paced: as in `ObservationSource`.
        sensor: what the camera says of itself, from any thread; None where there is none.
    """

    @property
    def paced(self) -> bool: ...  # noqa: D102

    @property
    def sensor(self) -> SensorReadings | None: ...  # noqa: D102

    def open(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        """Start, and scale for a model input of this size where that is cheap; other sizes are allowed.

        One that is open already starts anew; a camera's power stays on meanwhile.

        With "stretch" frames have just this size; with "letterbox" they keep their shape and fit
        inside it, with "crop" they cover it: padding and cutting is the engine's work. `tell` is told
        how far it is.
        """

    def fit(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        """Scale for a model input of another size from the next frame on, as `open` does.

        Only who cannot do so while looking starts anew.
        """

    def take(self, timeout_s: float) -> Frame | None:
        """Return the next frame, or None if there was none within the time."""

    def close(self) -> None:
        """Stop. Harmless when not open."""


class Engine(Protocol):
    """Runs a model. Used by one thread.

    Attributes:
        runtime: what runs it, with its version.
    """

    @property
    def runtime(self) -> str: ...  # noqa: D102

    def infer(self, pixels: Pixels) -> Sequence[Tensor]:
        """Return the output tensors, dequantised, in the order of the manifest's `outputs`.

        Args:
            pixels: (h, w, 3) uint8, red first; resized here if the size is another.

        Raises:
            ModelError: the runtime gave up, or the outputs are not finite.
        """
