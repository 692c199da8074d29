"""PoseNet: several persons out of heatmaps, and of offsets that lead from keypoint to keypoint.

"PersonLab", Papandreou et al. 2018, arXiv:1803.08225. The best peaks of the heatmaps are roots. From a
root the tree of the keypoints is followed, one displacement an edge, and each place that it leads to is
refined by the short offsets. As a tree has one way from anywhere to anywhere, the poses of all roots are
followed at once. A root that lies on a pose that a better root already gave is dropped.

Everything in here is in cells of the grid, y before x, as the network has it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from eyespot.domain.candidates import select_poses
from eyespot.domain.layout import Layout
from eyespot.domain.observation import KEYPOINTS, Floats, Indexes, Poses

# From a keypoint to the next one, in the order of the displacements. Left is the person's left.
_EDGES = (
    (0, 1), (1, 3), (0, 2), (2, 4),  # nose, left eye, left ear; right eye, right ear
    (0, 5), (5, 7), (7, 9), (5, 11), (11, 13), (13, 15),  # left shoulder to wrist, hip to ankle
    (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16),  # and the right ones
)  # fmt: skip
_MOST_ROOTS = 200
_MOST_POSES = 20
_REFINEMENTS = 5
# beyond this a keypoint is certain or impossible, and exp() stays finite
_MOST_LOGIT = 40.0


class PosenetSettings(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag="posenet"
):
    """How the outputs are to be read.

    Attributes:
        stride: pixels of the input from one cell to the next; the first and the last cell lie on the
            first and the last pixel.
        nms_radius: pixels of the input; two keypoints of one kind within it are one person's.
    """

    stride: Annotated[int, msgspec.Meta(ge=2, le=128)]
    nms_radius: Annotated[float, msgspec.Meta(gt=0, le=1000)] = 10.0


class Posenet:
    """Decodes the outputs "heatmaps" (h, w, 17), "offsets" (h, w, 34) and "displacements" (h, w, 64).

    Heatmaps are logits. Offsets are 17 times y, then 17 times x; displacements 16 times y, then 16 times
    x along the edges, then the same against them; both in pixels.

    Args:
        settings: of the manifest.
        layout: of the model's tensors.
        floor: score below which neither a root nor a pose is told.

    Raises:
        ModelError: stride, input and outputs do not fit each other.
    """

    def __init__(self, settings: PosenetSettings, layout: Layout, floor: float) -> None:
        stride = settings.stride
        self._grid = ((layout.height - 1) // stride + 1, (layout.width - 1) // stride + 1)
        self._reader = layout.reader(
            {
                "heatmaps": (*self._grid, KEYPOINTS),
                "offsets": (*self._grid, 2 * KEYPOINTS),
                "displacements": (*self._grid, 4 * len(_EDGES)),
            }
        )
        self._stride = np.float32(stride)
        self._radius = settings.nms_radius / stride
        self._size = layout.size
        self._floor = floor
        self._least_logit = math.log(floor / (1 - floor))

    def decode(self, tensors: Sequence[NDArray[np.generic]]) -> Poses:
        """Return who was found; see `Decoder`."""
        heatmaps, offsets, displacements = self._reader.read(tensors)
        logits = np.clip(np.nan_to_num(heatmaps, nan=-_MOST_LOGIT), -_MOST_LOGIT, _MOST_LOGIT)
        fields = _Fields(logits, self._cells(offsets), self._cells(displacements))
        kinds, roots = self._roots(logits, fields)
        places, scores = fields.follow(kinds, roots)
        distinct = self._distinct(kinds, roots, places, scores)
        return self._told(places[distinct], scores[distinct])

    def _cells(self, pixels: Floats) -> Floats:
        """Return lengths in cells, none longer than the grid."""
        longest = max(self._grid)
        return np.clip(np.nan_to_num(pixels, nan=0.0) / self._stride, -longest, longest)

    def _roots(self, logits: Floats, fields: "_Fields") -> tuple[Indexes, Floats]:
        """Return kind (n,) and place (n, 2) of the peaks of the heatmaps, the best first."""
        peaks = np.nonzero((logits >= self._least_logit) & (logits >= _highest_around(logits)))
        order = np.argsort(-logits[peaks], kind="stable")[:_MOST_ROOTS]
        y, x, kinds = (axis[order] for axis in peaks)
        return kinds, fields.refine(np.stack([y, x], axis=1).astype(np.float32), kinds)

    def _distinct(self, kinds: Indexes, roots: Floats, places: Floats, scores: Floats) -> Indexes:
        """Return which of the poses are persons of their own, the best first; at most 20."""
        distinct: list[int] = []
        for pose in np.flatnonzero(scores.mean(axis=1) >= self._floor):
            others = places[distinct, kinds[pose]]
            if not self._near(others, roots[pose]).any():
                distinct.append(pose)
            if len(distinct) == _MOST_POSES:
                break
        means = scores[distinct].mean(axis=1)
        return np.array(distinct, np.intp)[np.argsort(-means, kind="stable")]

    def _told(self, places: Floats, scores: Floats) -> Poses:
        """Return the poses; what lies on the same keypoint of a better pose adds nothing to a score."""
        near = self._near(places[:, None], places[None, :])
        taken = np.tril(near.transpose(2, 0, 1), -1).any(axis=2).T
        means = np.where(taken, 0, scores).mean(axis=1)
        # the middle of the first pixel is half a pixel inside
        fractions = (places[..., ::-1] * self._stride + np.float32(0.5)) / self._size
        return select_poses(np.dstack([fractions, scores]), means, self._floor)

    def _near(self, places: Floats, others: Floats) -> NDArray[np.bool_]:
        near: NDArray[np.bool_] = ((places - others) ** 2).sum(axis=-1) <= self._radius**2
        return near


class _Fields:
    """What the network says of each place, read between the cells by bilinear interpolation.

    Args:
        logits: (h, w, 17).
        offsets: (h, w, 34), from near a keypoint to it.
        displacements: (h, w, 64), from a keypoint to the next ones.
    """

    def __init__(self, logits: Floats, offsets: Floats, displacements: Floats) -> None:
        self._logits, self._offsets, self._displacements = logits, offsets, displacements
        self._last = np.array(logits.shape[:2], np.float32) - 1

    def follow(self, kinds: Indexes, roots: Floats) -> tuple[Floats, Floats]:
        """Return places (n, 17, 2) and scores (n, 17) of the poses of roots: kinds (n,), places (n, 2)."""
        poses = np.arange(len(kinds))
        places = np.zeros((len(kinds), KEYPOINTS, 2), np.float32)
        places[poses, kinds] = roots
        for source, target, channels in _WAYS[:, :, kinds]:
            moved = self._moved(places[poses, source], self._displacements, channels, len(_EDGES))
            places[poses, target] = self.refine(moved, target)
        return places, self._scores(places)

    def refine(self, places: Floats, kinds: Indexes) -> Floats:
        """Return (n, 2) places, moved to the keypoints of these kinds (n,) that are near them."""
        for _ in range(_REFINEMENTS):
            places = self._moved(places, self._offsets, kinds, KEYPOINTS)
        return places

    def _moved(self, places: Floats, field: Floats, channels: Indexes, to_x: int) -> Floats:
        """Return (n, 2) places moved by a field; x is in the channel that is so many after that of y."""
        moves = _between(field, places[:, None], np.stack([channels, channels + to_x], axis=1))
        return np.clip(places + moves, 0, self._last)

    def _scores(self, places: Floats) -> Floats:
        logits = _between(self._logits, places, np.arange(KEYPOINTS))
        scores: Floats = 1 / (1 + np.exp(-logits))
        return scores


def _between(field: Floats, places: Floats, channels: Indexes) -> Floats:
    """Return (..., n) values of a field (h, w, c) at places (..., n or 1, 2) in channels (..., n)."""
    low = places.astype(np.intp)
    high = np.minimum(low + 1, np.array(field.shape[:2]) - 1)
    (y0, x0), (y1, x1) = np.moveaxis(low, -1, 0), np.moveaxis(high, -1, 0)
    down, right = np.moveaxis(places - low, -1, 0)
    above = field[y0, x0, channels] * (1 - right) + field[y0, x1, channels] * right
    below = field[y1, x0, channels] * (1 - right) + field[y1, x1, channels] * right
    values: Floats = (above * (1 - down) + below * down).astype(np.float32)
    return values


def _highest_around(logits: Floats) -> Floats:
    """Return the greatest of the 3 x 3 cells around each, (h, w, 17)."""
    rows, columns = logits.shape[:2]
    padded = np.pad(logits, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    tall = np.maximum(np.maximum(padded[:rows], padded[1:-1]), padded[2:])
    wide: Floats = np.maximum(np.maximum(tall[:, :columns], tall[:, 1:-1]), tall[:, 2:])
    return wide


def _ways_from(root: int) -> Iterator[tuple[int, int, int]]:
    """Yield source, target and the channel of y of each displacement, as the tree is gone from a root."""
    reached = [root]
    for source in reached:
        for edge, (parent, child) in enumerate(_EDGES):
            for start, target, channel in ((parent, child, edge), (child, parent, 2 * len(_EDGES) + edge)):
                if start == source and target not in reached:
                    reached.append(target)
                    yield source, target, channel


# by step, then source, target and channel, then kind of the root: (16, 3, 17)
_WAYS = np.array([list(_ways_from(root)) for root in range(KEYPOINTS)], np.intp).transpose(1, 2, 0)
