"""Points and frames of reference. Everything is in fractions of the full sensor frame: x right, y down."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.observation import Floats

Reals = NDArray[np.float64]
Mount = Literal["oblique", "overhead"]
Resize = Literal["stretch", "letterbox", "crop"]
Point = tuple[float, float]
Region = tuple[float, float, float, float]  # left, top, right, bottom

_SMALLEST_SIDE = 0.02  # of the frame: what is smaller jitters like a box of this size

WHOLE: Region = (0.0, 0.0, 1.0, 1.0)
WHOLE_INPUT = np.array(WHOLE, np.float32)
WHOLE_INPUT.setflags(write=False)


def anchors(boxes_xyxy_n: Floats, mount: Mount) -> Floats:
    """Return (n, 2) points that count: the bottom centre of a box, or its centre seen from overhead."""
    x = (boxes_xyxy_n[:, 0] + boxes_xyxy_n[:, 2]) / 2
    bottom = boxes_xyxy_n[:, 3]
    y = bottom if mount == "oblique" else (boxes_xyxy_n[:, 1] + bottom) / 2
    points: Floats = np.stack([x, y], axis=1)
    return points


def units_of(boxes_xyxy_n: Floats) -> Reals:
    """Return (n, 2), width and height of each box as what counts as 1 along x and y."""
    units: Reals = np.maximum(boxes_xyxy_n[:, 2:] - boxes_xyxy_n[:, :2], _SMALLEST_SIDE).astype(np.float64)
    return units


def rightward(points: Reals, ends: Reals) -> Reals:
    """Return how far (n, 2) points lie to the right-hand side of a line; negative to its left-hand side.

    Right and left are those of somebody who walks from the first end to the second, as the picture is
    seen. The (n,) values are twice the areas of the triangles of point and line: only their signs, and
    their ratios along one path, mean the same in every frame of reference.

    Args:
        points: of any frame of reference with x to the right and y down.
        ends: (2, 2), a and b, of the same.
    """
    way, out = ends[1] - ends[0], points - ends[0]
    offsets: Reals = way[0] * out[:, 1] - way[1] * out[:, 0]
    return offsets


def along(points: Reals, ends: Reals) -> Reals:
    """Return where (n, 2) points lie along a line: 0 at its first end, 1 at the second, beyond them else."""
    way = ends[1] - ends[0]
    places: Reals = (points - ends[0]) @ way / (way @ way)
    return places


def scaled_size(size: tuple[int, int], target: tuple[int, int], resize: Resize) -> tuple[int, int]:
    """Return width and height to scale a picture to, so that padding or cutting alone is left to do.

    Args:
        size: width and height of the picture, in pixels.
        target: width and height of a model's input, in pixels.
        resize: "stretch" gives the target; "letterbox" fits inside it; "crop" covers it.
    """
    width, height = (side * share for side, share in zip(target, _shares(size, target, resize), strict=True))
    return max(round(width), 1), max(round(height), 1)


def content_span(size: tuple[int, int], target: tuple[int, int], resize: Resize) -> Floats:
    """Return where a picture lies in a model's input, as x0, y0, x1, y1 in fractions of the input.

    Args:
        size: width and height of the picture, in pixels.
        target: width and height of the input, in pixels.
        resize: "letterbox" lies inside it, centred; "crop" reaches beyond it; "stretch" is all of it.
    """
    width, height = _shares(size, target, resize)
    low_x, low_y = (1 - width) / 2, (1 - height) / 2
    return np.array([low_x, low_y, low_x + width, low_y + height], np.float32)


def full_frame_span(region_xyxy_n: Region, content: Floats = WHOLE_INPUT) -> Floats:
    """Return where the full frame lies in a model's input, as x0, y0, x1, y1 in fractions of the input.

    It reaches beyond the input where that shows only a part of it.

    Args:
        region_xyxy_n: the part of the full frame that a picture shows, in fractions.
        content: (4,), where this picture lies in the input: see `content_span`.
    """
    left, top, right, bottom = region_xyxy_n
    size = (content[2:] - content[:2]) / np.array([right - left, bottom - top])
    low = content[:2] - size * np.array([left, top])
    span: Floats = np.concatenate([low, low + size]).astype(np.float32)
    return span


def to_full_frame(boxes_xyxy: Floats, span: Floats) -> Floats:
    """Return (n, 4) boxes in fractions of the full frame, clipped to it.

    Args:
        boxes_xyxy: (n, 4), in fractions of a model's input.
        span: (4,), where the full frame lies in that input: see `content_span`, `full_frame_span`.
    """
    corners = points_to_full_frame(boxes_xyxy.reshape(-1, 2, 2), span)
    clipped: Floats = np.clip(corners, 0, 1).reshape(-1, 4)
    return clipped


def points_to_full_frame(points: Floats, span: Floats) -> Floats:
    """Return (..., 2) points in fractions of the full frame; what lies outside of it is beyond 0..1.

    Args:
        points: (..., 2), in fractions of a model's input.
        span: (4,), where the frame lies in that input: see `content_span`.
    """
    placed: Floats = ((points - span[:2]) / (span[2:] - span[:2])).astype(np.float32)
    return placed


def _shares(size: tuple[int, int], target: tuple[int, int], resize: Resize) -> tuple[float, float]:
    """Return which share of the target's width and height a picture takes; above 1 it reaches beyond."""
    if resize == "stretch":
        return 1.0, 1.0
    ratios = (target[0] / size[0], target[1] / size[1])
    scale = min(ratios) if resize == "letterbox" else max(ratios)
    return scale / ratios[0], scale / ratios[1]
