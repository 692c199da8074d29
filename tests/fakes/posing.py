"""Persons as PoseNet tells of them: outputs of a network for 481 x 353 pixels that say known persons."""

import numpy as np

from eyespot.domain.observation import Floats

WIDTH, HEIGHT, STRIDE = 481, 353, 16
GRID = (23, 31)
OUTPUTS = {"heatmaps": (*GRID, 17), "offsets": (*GRID, 34), "displacements": (*GRID, 64)}

# as the network was trained: from nose to left eye to left ear, and so on
_EDGES = [
    (0, 1), (1, 3), (0, 2), (2, 4), (0, 5), (5, 7), (7, 9), (5, 11),
    (11, 13), (13, 15), (0, 6), (6, 8), (8, 10), (6, 12), (12, 14), (14, 16),
]  # fmt: skip

# x and y of a person's 17 keypoints in pixels, from its nose
_STANDING = np.array(
    [
        (0, 0), (5, -6), (-5, -6), (12, -3), (-12, -3), (25, 30), (-25, 30), (34, 72), (-34, 72),
        (38, 110), (-38, 110), (16, 115), (-16, 115), (18, 170), (-18, 170), (20, 225), (-20, 225),
    ]
)  # fmt: skip


def standing(x: int, y: int, *, mirrored: bool = False) -> Floats:
    """Return a person whose nose is here."""
    return _STANDING * (-1 if mirrored else 1, 1) + np.array([x, y])


def encoded(*persons: Floats, fade: float = 0) -> list[Floats]:
    """Outputs that say these persons, (17, 2) in pixels, as the network was trained to.

    Around a keypoint its heatmap is high, the offsets lead to it, and the displacements lead from there
    to the same person's next keypoints. Each person is less likely than the one before, by `fade`.
    """
    heatmaps, offsets, displacements = (np.zeros(shape, np.float32) for shape in OUTPUTS.values())
    heatmaps[:] = -8
    pixels = np.mgrid[: GRID[0], : GRID[1]][::-1].transpose(1, 2, 0) * STRIDE
    for index, person in enumerate(persons):
        far = np.linalg.norm(pixels[:, :, None] - person, axis=3)
        near = far < 2.5 * STRIDE
        peaks = 5 - index * fade - far / STRIDE
        heatmaps[near] = np.maximum(heatmaps, peaks)[near]
        _lead(offsets, person - pixels[:, :, None], near)
        for start, edges in ((0, _EDGES), (32, [edge[::-1] for edge in _EDGES])):
            sources, targets = np.array(edges).T
            _lead(
                displacements[..., start:][..., :32],
                (person[targets] - person[sources]) + 0.0,
                near[..., sources],
            )
    return [heatmaps, offsets, displacements]


def _lead(field: Floats, ways: Floats, where: np.ndarray) -> None:
    """Write ways (..., n, 2), x and y, into a field (h, w, 2 n), first all y and then all x."""
    ways = np.broadcast_to(ways, (*where.shape, 2))
    count = where.shape[2]
    field[..., :count][where] = ways[..., 1][where]
    field[..., count:][where] = ways[..., 0][where]
