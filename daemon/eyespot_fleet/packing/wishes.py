"""What an operator says of a network that is made a bundle of; it goes before what the file says."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eyespot.domain.geometry import Resize


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that may be said; None is for the file to say, or for a default.

    Attributes:
        labels: a file with a class name a line.
        decoder: its kind and settings, or some of them.
        roles: of the outputs, in the order of the file.
        range: what the pixel values 0 and 255 become.
        order: of the colours.
        pictures: to make golden vectors of.
        further: role -> a file that goes along, such as the model card.
    """

    name: str
    version: str = "1.0.0"
    licence: str | None = None
    provenance: str = ""
    labels: Path | None = None
    decoder: Mapping[str, object] | None = None
    roles: tuple[str, ...] = ()
    range: tuple[float, float] | None = None
    order: str = "rgb"
    resize: Resize = "stretch"
    min_score: float | None = None
    nms_iou: float = 0.5
    pictures: tuple[Path, ...] = ()
    further: Mapping[str, Path] | None = None
