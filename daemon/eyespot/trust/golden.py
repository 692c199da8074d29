"""Golden vectors: pictures, and what a network has to find in them wherever it runs.

Runtimes differ in the last digits of a score, and more with quantised networks, so each comparison has a
tolerance. Two pictures at least tell a network that works from one that says the same of everything.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from msgspec import Meta

from eyespot.domain.boxes import iou_matrix
from eyespot.domain.objects import objects_of
from eyespot.domain.observation import Found, Labels, Shares

_MOST_FOUND = 100
_ROUNDING = 1e-6  # of a float32

_Picture = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._/-]{0,94}\.npy\Z")]
_Class = Annotated[str, Meta(pattern=r"\A[^\x00-\x1f\x7f-\x9f]{1,64}\Z")]
_Share = Annotated[float, Meta(ge=0, le=1)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """One thing to be found in a picture.

    Attributes:
        class_name: as the labels have it; `class` in JSON.
        score: 0..1; of a segmentation the share of the picture.
        box: x0, y0, x1, y1 in fractions of the input, x right, y down; None where a network has no boxes.
    """

    class_name: _Class = msgspec.field(name="class")
    score: _Share
    box: tuple[_Share, _Share, _Share, _Share] | None = None


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A picture and what has to be found in it.

    Attributes:
        picture: path of a file of the bundle: (height, width, 3) uint8, red first, as `numpy.save` writes it.
        detections: all of it; none where nothing may be found.
    """

    picture: _Picture
    detections: Annotated[tuple[Wanted, ...], Meta(max_length=_MOST_FOUND)]


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All golden vectors of a bundle.

    Attributes:
        score_tolerance: by how much a score may differ.
        least_iou: by how much a box has to overlap the wanted one.
    """

    score_tolerance: Annotated[float, Meta(ge=0, le=0.3)]
    least_iou: Annotated[float, Meta(ge=0.5, le=1)] = 0.8
    vectors: Annotated[tuple[Vector, ...], Meta(min_length=2, max_length=32)]

    def __post_init__(self) -> None:
        """Check that a network which says the same of every picture would be found out."""
        telling = {tuple(sorted(one.class_name for one in vector.detections)) for vector in self.vectors}
        boxes = [one.box for vector in self.vectors for one in vector.detections]
        if not any(telling):
            raise ValueError("`golden` needs a picture in which something has to be found")
        if () not in telling and (len(telling) == 1 or any(box is not None for box in boxes)):
            raise ValueError("`golden` needs a picture in which nothing may be found: `detections` is []")


class _Thing(NamedTuple):
    """What was found, as `Wanted` has it."""

    name: str
    score: float
    box: tuple[float, ...] | None


def floor(golden: Golden, min_score: float) -> float:
    """Return the score from which on a decoder has to tell, so that the tolerance has room below."""
    return max(min_score - golden.score_tolerance, min_score / 2)


def difference(
    found: Found, labels: Sequence[str], wanted: Sequence[Wanted], golden: Golden, min_score: float
) -> str:
    """Return in what the outcome differs from what it has to be, in words; empty where it does not.

    Args:
        found: by a decoder that tells from `floor` on.
        labels: class names by class index.
        wanted: of one picture.
        golden: has the tolerances.
        min_score: of the manifest; what is found above it has to be wanted.
    """
    things = list(_things(found, labels))
    for want in wanted:
        # the nearest first: what is left over has to match others
        things.sort(key=lambda thing: abs(thing.score - want.score))
        mismatch = [_mismatch(thing, want, golden) for thing in things]
        if "" not in mismatch:
            namesake = [thing.name == want.class_name for thing in things]
            instead = mismatch[namesake.index(True)] if any(namesake) else _listed(things)
            return f"{instead}, where {_words(want.class_name, want.score)} should be"
        del things[mismatch.index("")]
    least = (0.0 if isinstance(found, Shares) else min_score) + golden.score_tolerance
    surplus = [thing for thing in things if thing.score > least]
    return f"{_listed(surplus)} that should not be there" if surplus else ""


def as_wanted(found: Found, labels: Sequence[str]) -> tuple[Wanted, ...]:
    """Return what was found as golden vectors have it, the best first."""
    things = sorted(_things(found, labels), key=lambda thing: -thing.score)[:_MOST_FOUND]
    return tuple(
        Wanted(class_name=name, score=round(score, 4), box=_rounded(box)) for name, score, box in things
    )


def _things(found: Found, labels: Sequence[str]) -> Iterator[_Thing]:
    match found:
        case Labels():
            for index, score in zip(found.classes, found.scores, strict=True):
                yield _Thing(labels[index], float(score), None)
        case Shares():
            for index in np.flatnonzero(found.shares):
                yield _Thing(labels[index], float(found.shares[index]), None)
        case _:
            objects = objects_of(found, labels)
            for index, score, box in zip(objects.classes, objects.scores, objects.boxes_xyxy_n, strict=True):
                yield _Thing(labels[index], float(score), tuple(box.tolist()))


def _mismatch(thing: _Thing, want: Wanted, golden: Golden) -> str:
    """Return why this is not what is wanted; empty where it is."""
    if thing.name != want.class_name:
        return f"a {thing.name}"
    if (thing.box is None) != (want.box is None):
        return f"a {thing.name} {'without' if thing.box is None else 'with'} a box"
    if abs(thing.score - want.score) > golden.score_tolerance + _ROUNDING:
        return _words(thing.name, thing.score)
    if thing.box is not None and _overlap(thing.box, want.box or ()) < golden.least_iou:
        return f"a {thing.name} elsewhere"
    return ""


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    return float(iou_matrix(np.array([one], np.float32), np.array([other], np.float32))[0, 0])


def _rounded(box: Sequence[float] | None) -> tuple[float, float, float, float] | None:
    if box is None:
        return None
    x0, y0, x1, y1 = (round(side, 4) for side in box)
    return x0, y0, x1, y1


def _words(name: str, score: float) -> str:
    return f"a {name} of {score:.3f}"


def _listed(things: Sequence[_Thing]) -> str:
    most = 3
    words = [_words(thing.name, thing.score) for thing in things[:most]]
    return ", ".join(words) + (f" and {len(things) - most} more" if len(things) > most else "") or "nothing"
