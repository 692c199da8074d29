"""Where people went, and which way: what is drawn below lines and zones."""

from typing import Final, NamedTuple

import msgspec
import numpy as np

from eyespot.domain.geometry import Mount, Reals, anchors
from eyespot.domain.observation import Indexes
from eyespot_fleet.view.seen import Observations

GRID: Final = (32, 24)  # columns and rows of the heatmap
ARROWS: Final = (12, 9)
MOST_PATHS: Final = 300
MOST_POINTS: Final = 40  # of one path
_STEP: Final = 0.04  # of the frame: less may be no step at all
_FEW: Final = 2  # tracks, before an arrow is drawn of them

Point = tuple[int, int]


class Arrow(msgspec.Struct, frozen=True):
    """Which way tracks went at a place.

    Attributes:
        x: of the middle of the place, in fractions of the frame.
        y: likewise.
        dx: along x, of a direction of length 1 in fractions of the frame.
        dy: along y, likewise.
        tracks: how many went that way.
    """

    x: float
    y: float
    dx: float
    dy: float
    tracks: int


class Path(msgspec.Struct, frozen=True):
    """Where a track went.

    Attributes:
        label: class name.
        points: in thousandths of the frame.
    """

    label: str
    points: list[Point]


class Walks(NamedTuple):
    """Where tracks were seen, one track after the other.

    Attributes:
        points: (n, 2) in fractions of the frame: which count.
        tracks: (n,) 0, 1, 2 …
        labels: (tracks,) class of each.
        widths: (n,) of the boxes, in fractions of the frame.
    """

    points: Reals
    tracks: Indexes
    labels: Indexes
    widths: Reals


def walks_of(seen: Observations, mount: Mount) -> Walks:
    """Return where tracks were seen."""
    order = np.argsort(seen.rows["track"], kind="stable")
    rows = seen.rows[order]
    boxes = (rows["box"] / 1000).astype(np.float32)
    points = anchors(boxes, mount).astype(np.float64)
    widths = (boxes[:, 2] - boxes[:, 0]).astype(np.float64)
    _, first, tracks = np.unique(rows["track"], return_index=True, return_inverse=True)
    return Walks(points, tracks.astype(np.intp), rows["label"][first].astype(np.intp), widths)


def heat_of(walks: Walks) -> list[int]:
    """Return how long somebody was in each cell of `GRID`, row by row, in hundredths of the most."""
    cells = _cells(walks.points, GRID)
    counts = np.bincount(cells, minlength=GRID[0] * GRID[1])
    hundredths: list[int] = (counts * 100 // max(1, int(counts.max()))).tolist()
    return hundredths


def arrows_of(walks: Walks) -> list[Arrow]:
    """Return which ways tracks went in each cell of `ARROWS`: one arrow for there, one for back."""
    starts, ways, tracks = _strides(walks)
    cells = _cells(starts + ways / 2, ARROWS)
    arrows = []
    for cell in np.unique(cells).tolist():
        here = cells == cell
        middle = ((cell % ARROWS[0] + 0.5) / ARROWS[0], (cell // ARROWS[0] + 0.5) / ARROWS[1])
        arrows += _both_ways(middle, ways[here], tracks[here])
    return arrows


def paths_of(walks: Walks, labels: tuple[str, ...]) -> list[Path]:
    """Return where the newest tracks went, each in a few points."""
    newest = max(0, len(walks.labels) - MOST_PATHS)
    paths = []
    for track in range(newest, len(walks.labels)):
        first, beyond = np.searchsorted(walks.tracks, [track, track + 1])
        every = max(1, -(-(beyond - first) // MOST_POINTS))
        points = np.round(walks.points[first:beyond:every] * 1000).astype(int)
        paths.append(Path(labels[walks.labels[track]], [(x, y) for x, y in points.tolist()]))
    return paths


def _cells(points: Reals, grid: tuple[int, int]) -> Indexes:
    column, row = (np.clip((points[:, at] * grid[at]).astype(np.intp), 0, grid[at] - 1) for at in (0, 1))
    cells: Indexes = row * grid[0] + column
    return cells


def _strides(walks: Walks) -> tuple[Reals, Reals, Indexes]:
    """Return where steps of some length begin, where they lead, and of which track each is."""
    far = np.cumsum(np.hypot(*np.diff(walks.points, axis=0, prepend=walks.points[:1]).T))
    begins = np.diff(np.floor(far / _STEP), prepend=-1) > 0
    begins[1:] |= walks.tracks[1:] != walks.tracks[:-1]
    points, tracks = walks.points[begins], walks.tracks[begins]
    ways = np.diff(points, axis=0)
    real = (tracks[1:] == tracks[:-1]) & (np.hypot(*ways.T) >= _STEP / 2)
    return points[:-1][real], ways[real], tracks[:-1][real]


def _both_ways(middle: tuple[float, float], ways: Reals, tracks: Indexes) -> list[Arrow]:
    """Return arrows along the axis on which most went, for those there and those back."""
    ways = ways / np.hypot(*ways.T)[:, None]
    turned = (ways[:, 0] + 1j * ways[:, 1]) ** 2  # there and back are the same axis
    axis = np.sqrt(turned.sum())
    along = ways[:, 0] * axis.real + ways[:, 1] * axis.imag
    arrows = []
    for side in (1, -1):
        these = along * side > 0
        many = len(np.unique(tracks[these]))
        if many >= _FEW:
            way = ways[these].mean(axis=0)
            dx, dy = way / max(1e-9, float(np.hypot(*way)))
            x, y = middle
            arrows.append(Arrow(round(x, 3), round(y, 3), round(float(dx), 3), round(float(dy), 3), many))
    return arrows
