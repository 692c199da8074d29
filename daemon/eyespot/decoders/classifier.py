"""Classifiers: one score a class for the frame as a whole."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.domain.observation import Floats, Labels


class ClassifierSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="classifier"
):
    """How the output is to be read.

    Attributes:
        softmax: whether the output are logits, that a softmax makes scores of.
        class_offset: what to add to a place in the output to get its line, from 0, in the labels file.
        most: how many classes to tell.
    """

    softmax: bool
    class_offset: Annotated[int, msgspec.Meta(ge=-1, le=1)] = 0
    most: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5


class Classifier:
    """Decodes the output "scores" (n,).

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which nothing is told.

    Raises:
        ModelError: the model has other outputs, or another number of labels.
    """

    def __init__(self, settings: ClassifierSettings, layout: Layout, floor: float) -> None:
        count, labels = layout.sides("scores", 1)[0], layout.labels
        if count + settings.class_offset != labels:
            raise ModelError(
                f"manifest.json: {count} scores and a class_offset of {settings.class_offset} do not fit "
                f"{labels} labels; mend `$.decoder.class_offset` or the labels"
            )
        self._reader = layout.reader({"scores": (count,)})
        self._softmax = settings.softmax
        self._class_offset = settings.class_offset
        self._most = settings.most
        self._floor = floor

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Labels:
        """Return the likeliest classes; see `Decoder`."""
        (outputs,) = self._reader.read(tensors)
        places = np.flatnonzero(np.isfinite(outputs))
        scores = np.minimum(_softmax(outputs[places]) if self._softmax else outputs[places], 1)
        classes = places + self._class_offset
        # an offset of -1 takes the background out
        kept = np.flatnonzero((scores >= self._floor) & (classes >= 0))
        best = kept[np.argsort(-scores[kept], kind="stable")[: self._most]]
        return Labels(scores[best], classes[best])


def _softmax(logits: Floats) -> Floats:
    """Return (n,) scores of finite logits; their sum is 1."""
    wide = logits.astype(np.float64)  # where the difference of two float32 is always finite
    likely = np.exp(wide - wide.max(initial=-np.inf))
    return np.asarray(likely / likely.sum(), np.float32)
