"""Segmentation: the class of each pixel, of which only each class's share of the frame is told."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.layout import Layout
from eyespot.domain.observation import Shares


class SegmentationSettings(
    msgspec.Struct,
    frozen=True,
    forbid_unknown_fields=True,
    kw_only=True,
    tag_field="kind",
    tag="segmentation",
):
    """A map of classes has nothing to set."""


class Segmentation:
    """Decodes the output "classes" (rows, columns): for each pixel its line, from 0, in the labels file.

    Args:
        layout: of the model's tensors.

    Raises:
        ModelError: the model has other outputs.
    """

    def __init__(self, layout: Layout) -> None:
        self._reader = layout.reader({"classes": layout.sides("classes", 2)})
        self._labels = layout.labels

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Shares:
        """Return the share of each class; see `Decoder`. A class without a label is nobody's share."""
        (classes,) = self._reader.read(tensors)
        known = classes[(classes >= 0) & (classes <= self._labels - 1)]
        counts = np.bincount(known.astype(np.intp), minlength=self._labels)
        return Shares((counts / classes.size).astype(np.float32))
