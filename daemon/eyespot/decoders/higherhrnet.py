"""HigherHRNet whose candidates were already taken out of the heatmaps: keypoints to be put together.

Of each of the 17 kinds there are up to n candidates, best first: a score, a cell of the heatmap, and a
tag. Candidates with much the same tag belong to one person ("Associative Embedding", Newell et al. 2017,
arXiv:1611.05424; "HigherHRNet", Cheng et al. 2020, arXiv:1908.10357). Kinds are gone through from the
head and the body outwards. The original finds the best assignment of each as a whole; here the nearest
pair comes first, which differs only where persons' tags are less than the threshold apart.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import select_poses
from eyespot.domain.layout import Layout
from eyespot.domain.observation import KEYPOINTS, Floats, Indexes, Poses

# head, shoulders, hips, then arms and legs
_ORDER = (0, 1, 2, 3, 4, 5, 6, 11, 12, 7, 8, 9, 10, 13, 14, 15, 16)
_MOST_POSES = 30
_MOST_TAG = 1e6


class HigherhrnetSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="higherhrnet"
):
    """How the outputs are to be read.

    Attributes:
        stride: pixels of the input from one cell of the heatmap to the next.
        tag_threshold: tags that lie closer than this are one person's.
    """

    stride: Annotated[int, msgspec.Meta(ge=1, le=128)]
    tag_threshold: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 1.0


class Higherhrnet:
    """Decodes the outputs "tags", "places" and "scores", each (n, 17).

    A place is row times columns plus column of a cell.

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which neither a keypoint nor a pose is told.

    Raises:
        ModelError: the model has other outputs.
    """

    def __init__(self, settings: HigherhrnetSettings, layout: Layout, floor: float) -> None:
        most = layout.sides("tags", 2)[0]
        self._reader = layout.reader(dict.fromkeys(("tags", "places", "scores"), (most, KEYPOINTS)))
        self._columns = math.ceil(layout.width / settings.stride)
        self._rows = math.ceil(layout.height / settings.stride)
        self._tag_threshold = settings.tag_threshold
        self._floor = floor

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Poses:
        """Return who was found; see `Decoder`."""
        tags, places, scores = self._reader.read(tensors)
        usable = np.isfinite(tags) & np.isfinite(scores) & (scores >= self._floor)
        usable &= (places >= 0) & (places < self._rows * self._columns)
        candidates = self._keypoints(np.where(usable, places, 0), scores)
        persons = _Persons(self._tag_threshold)
        bounded = np.clip(tags, -_MOST_TAG, _MOST_TAG)
        for kind in _ORDER:
            rows = np.flatnonzero(usable[:, kind])
            rows = rows[np.argsort(-scores[rows, kind], kind="stable")]
            persons.add(kind, candidates[rows, kind], bounded[rows, kind])
        found = persons.keypoints
        return select_poses(found, found[..., 2].mean(axis=1), self._floor)

    def _keypoints(self, places: Floats, scores: Floats) -> Floats:
        """Return (n, 17, 3): x and y of the middle of each cell, in fractions of the input, and score."""
        rows, columns = np.divmod(places.astype(np.intp), self._columns)
        x, y = (columns + 0.5) / self._columns, (rows + 0.5) / self._rows
        keypoints: Floats = np.stack([x, y, np.clip(scores, 0, 1)], axis=-1).astype(np.float32)
        return keypoints


class _Persons:
    """Persons as they come together.

    Args:
        tag_threshold: tags that lie closer than this are one person's.
    """

    def __init__(self, tag_threshold: float) -> None:
        self._tag_threshold = tag_threshold
        self._count = 0
        self._keypoints = np.zeros((_MOST_POSES, KEYPOINTS, 3), np.float32)
        self._tags = np.full((_MOST_POSES, KEYPOINTS), np.nan)

    @property
    def keypoints(self) -> Floats:
        """(n, 17, 3), zeros where a keypoint was not seen."""
        return self._keypoints[: self._count]

    def add(self, kind: int, keypoints: Floats, tags: Floats) -> None:
        """Give each keypoint (n, 3), best first, to the person whose mean tag is nearest, or a new one's."""
        persons = self._nearest(keypoints[:, 2], tags)
        for keypoint, tag, known in zip(keypoints, tags, persons, strict=True):
            person = known
            if person < 0:
                if self._count == _MOST_POSES:
                    continue
                person, self._count = self._count, self._count + 1
            self._keypoints[person, kind] = keypoint
            self._tags[person, kind] = tag

    def _nearest(self, scores: Floats, tags: Floats) -> Indexes:
        """Return the person of each candidate, each at most once; -1 where there is none near enough."""
        persons = np.full(len(tags), -1, np.intp)
        if not self._count:
            return persons
        means = np.nanmean(self._tags[: self._count], axis=1)
        distances = np.abs(tags[:, None] - means)
        # distances that round to the same are settled by the score
        costs = np.where(distances < self._tag_threshold, np.round(distances) * 100 - scores[:, None], np.inf)
        while costs.size and (best := costs.min()) < np.inf:
            candidate, person = np.argwhere(costs == best)[0]
            persons[candidate] = person
            costs[candidate], costs[:, person] = np.inf, np.inf
        return persons
