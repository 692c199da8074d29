"""Raw tensors to detections; one file a family: its settings and its logic side by side."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.decoders.ssd_anchors import SsdAnchors, SsdAnchorsSettings
from eyespot.decoders.ssd_postprocess import SsdPostprocess, SsdPostprocessSettings
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections

DecoderSettings = SsdAnchorsSettings | SsdPostprocessSettings


class Decoder(Protocol):
    """Makes detections of what a model put out."""

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Detections:
        """Return what was found, best score first; boxes in fractions of the model's input, clipped to it.

        Args:
            tensors: dequantised, in the order of the manifest's `outputs`, with the shapes given there.
                Values that are not finite are dropped.
        """


def build(settings: Mapping[str, object], layout: Layout, *, floor: float, nms_iou: float) -> Decoder:
    """Return the decoder that a manifest asks for.

    Args:
        settings: the manifest's `decoder` table.
        layout: of the model's tensors.
        floor: score below which nothing is told, above 0 and below 1.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: there is no such decoder, or it does not fit the model.
    """
    try:
        checked = msgspec.convert(settings, DecoderSettings)
    except msgspec.ValidationError as error:
        place = str(error).replace("`$", "`$.decoder")
        raise ModelError(f"manifest.json: {place}; models/README.md lists what is allowed") from error
    if isinstance(checked, SsdAnchorsSettings):
        return SsdAnchors(checked, layout, floor, nms_iou)
    return SsdPostprocess(checked, layout, floor, nms_iou)
