"""Raw tensors to what they mean; one file a family: its settings and its logic side by side.

README.md beside this file tells which network is decoded by which of them, and how that was tested.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.decoders.classifier import Classifier, ClassifierSettings
from eyespot.decoders.higherhrnet import Higherhrnet, HigherhrnetSettings
from eyespot.decoders.nanodet import Nanodet, NanodetSettings
from eyespot.decoders.posenet import Posenet, PosenetSettings
from eyespot.decoders.segmentation import Segmentation, SegmentationSettings
from eyespot.decoders.ssd_anchors import SsdAnchors, SsdAnchorsSettings
from eyespot.decoders.ssd_postprocess import SsdPostprocess, SsdPostprocessSettings
from eyespot.decoders.yolov8 import Yolov8, Yolov8Settings
from eyespot.decoders.yolox import Yolox, YoloxSettings
from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Detections, Found, Tells

DetectorSettings = (
    SsdAnchorsSettings | SsdPostprocessSettings | NanodetSettings | Yolov8Settings | YoloxSettings
)
DecoderSettings = (
    DetectorSettings | ClassifierSettings | SegmentationSettings | PosenetSettings | HigherhrnetSettings
)

_Found_co = TypeVar("_Found_co", bound=Found, covariant=True)


class Decoder(Protocol[_Found_co]):
    """Makes something that can be told of what a model put out."""

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> _Found_co:
        """Return what was found, best score first; places in fractions of the model's input, clipped to it.

        Args:
            tensors: dequantised, in the order of the manifest's `outputs`, with the shapes given there.
                Values that are not finite are dropped.

        Raises:
            ModelError: the tensors are not those of the manifest.
        """


def tells(settings: Mapping[str, object]) -> Tells:
    """Return what the decoder that a manifest asks for makes of tensors.

    Args:
        settings: the manifest's `decoder` table.

    Raises:
        ModelError: there is no such decoder.
    """
    match _checked(settings):
        case ClassifierSettings():
            return "labels"
        case SegmentationSettings():
            return "shares"
        case PosenetSettings() | HigherhrnetSettings():
            return "poses"
        case _:
            return "objects"


def build(settings: Mapping[str, object], layout: Layout, *, floor: float, nms_iou: float) -> Decoder[Found]:
    """Return the decoder that a manifest asks for.

    Args:
        settings: the manifest's `decoder` table.
        layout: of the model's tensors.
        floor: score below which nothing is told, above 0 and below 1.
        nms_iou: two boxes of one class that overlap by more than this are one object.

    Raises:
        ModelError: there is no such decoder, or it does not fit the model.
    """
    match _checked(settings):
        case ClassifierSettings() as checked:
            return Classifier(checked, layout, floor)
        case SegmentationSettings():
            return Segmentation(layout)
        case PosenetSettings() as checked:
            return Posenet(checked, layout, floor)
        case HigherhrnetSettings() as checked:
            return Higherhrnet(checked, layout, floor)
        case checked:
            return _detector(checked, layout, floor, nms_iou)


def _checked(settings: Mapping[str, object]) -> DecoderSettings:
    try:
        checked: DecoderSettings = msgspec.convert(settings, DecoderSettings)
    except msgspec.ValidationError as error:
        said = str(error) if "`$" in str(error) else f"{error} - at `$`"
        place = said.replace("`$", "`$.decoder")
        raise ModelError(f"manifest.json: {place}; models/README.md lists what is allowed") from error
    return checked


def _detector(
    settings: DetectorSettings, layout: Layout, floor: float, nms_iou: float
) -> Decoder[Detections]:
    match settings:
        case SsdAnchorsSettings():
            return SsdAnchors(settings, layout, floor, nms_iou)
        case SsdPostprocessSettings():
            return SsdPostprocess(settings, layout, floor, nms_iou)
        case NanodetSettings():
            return Nanodet(settings, layout, floor, nms_iou)
        case Yolov8Settings():
            return Yolov8(settings, layout, floor, nms_iou)
        case _:
            return Yolox(settings, layout, floor, nms_iou)
