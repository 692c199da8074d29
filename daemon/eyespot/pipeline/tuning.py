"""What may change while it counts, and what it has seen meanwhile."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from eyespot.rules import Rule


class Tuning(NamedTuple):
    """What may change while it counts.

    Attributes:
        rules: by id, in the order in which they run.
        min_score: from which on a detection can start a track.
        publishes_frames: whether each observation's boxes are published, too.
        classes: whose objects are counted in `seen`; None for all.
        spans: rule id -> length of its buckets, in s.
    """

    rules: Mapping[str, Rule]
    min_score: float
    publishes_frames: bool
    classes: Collection[str] | None
    spans: Mapping[str, int]


class Seen(NamedTuple):
    """How much a model has seen since it began to look: looks, and what was sure in all of them."""

    bundle: str
    looks: int = 0
    objects: int = 0
