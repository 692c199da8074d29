"""Detections made by formula, with the faults that detectors have."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections


def detections(*rows: tuple[float, float, float, float, float, int]) -> Detections:
    """Rows of centre x, centre y, width, height, score, class."""
    table = np.array(rows, np.float64).reshape(-1, 6)
    half = table[:, 2:4] / 2
    boxes = np.concatenate([table[:, :2] - half, table[:, :2] + half], axis=1)
    return Detections(boxes.astype(np.float32), table[:, 4].astype(np.float32), table[:, 5].astype(np.intp))


@dataclass(frozen=True)
class Walker:
    """Goes straight from `start` to `end` between two instants; box of one size."""

    start: tuple[float, float]
    end: tuple[float, float]
    from_s: float
    to_s: float
    size: tuple[float, float] = (0.06, 0.2)
    kind: int = 0

    def at(self, seconds: float) -> tuple[float, float] | None:
        if not self.from_s <= seconds <= self.to_s:
            return None
        share = (seconds - self.from_s) / (self.to_s - self.from_s)
        return tuple(a + share * (b - a) for a, b in zip(self.start, self.end, strict=True))


@dataclass(frozen=True)
class Faults:
    """What goes wrong: shares of detections missed, doubled, of another class; jitter in box sizes."""

    missed: float = 0.0
    doubled: float = 0.0
    flipped: float = 0.0
    jitter: float = 0.0
    false_per_frame: float = 0.0
    score: float = 0.6


def film(
    walkers: Sequence[Walker], rate_hz: float, seconds: float, faults: Faults = Faults(), seed: int = 1
) -> Iterator[tuple[int, Detections]]:
    """Yield (taken_ns, detections) as a detector with these faults would."""
    random = np.random.default_rng(seed)
    for number in range(int(seconds * rate_hz) + 1):
        rows = []
        for walker in walkers:
            place = walker.at(number / rate_hz)
            if place is None or random.random() < faults.missed:
                continue
            for _ in range(1 + (random.random() < faults.doubled)):
                shift = random.normal(0, faults.jitter, 2) * walker.size
                kind = walker.kind ^ (random.random() < faults.flipped)
                score = faults.score + random.uniform(-0.05, 0.05)
                rows.append((*(place + shift), *walker.size, score, int(kind)))
        ghosts = random.uniform(0.1, 0.9, (random.poisson(faults.false_per_frame), 2))
        rows += [(*ghost, 0.06, 0.2, faults.score, 0) for ghost in ghosts]
        yield int(number * SECOND_NS / rate_hz), detections(*rows)
