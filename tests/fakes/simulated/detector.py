"""What a small network makes of it: people missed in runs, boxes that jitter, ghosts, doubles, wrong classes.

Everything is drawn from one seed; the same arguments give the same detections.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections
from fakes.simulated.scenes import Scene
from fakes.simulated.views import View
from fakes.simulated.ways import Random, Reals, Way

Mask = NDArray[np.bool_]
PERSON, OTHER = 0, 1
_LEAST_SHOWN = 0.4  # of a body, before a network knows it as one
_GHOST_SIZE = 0.1


@dataclass(frozen=True)
class Noise:
    """What goes wrong. Shares are of all looks at somebody; runs are mean lengths in seconds.

    Attributes:
        missed: share of looks that miss somebody, half of them with a low score instead of nothing.
        missed_run_s: for how long.
        jitter: of each side of a box, in box sizes; half of it lasts `jitter_run_s`.
        jitter_run_s: how long boxes stay displaced.
        cut: share of looks at somebody seen obliquely that miss his legs, in runs of half a second.
        doubled: share of boxes that come twice.
        flipped: share of looks that take somebody for something else, in runs of a fifth of a second.
        ghosts: false boxes a second; a third of them stay for a second or so.
        score: mean score of who is seen.
        score_spread: its standard deviation.
        dropped: share of frames that are lost; the others come up to a tenth of an interval late.
    """

    missed: float = 0.0
    missed_run_s: float = 0.2
    jitter: float = 0.0
    jitter_run_s: float = 0.3
    cut: float = 0.0
    doubled: float = 0.0
    flipped: float = 0.0
    ghosts: float = 0.0
    score: float = 0.55
    score_spread: float = 0.1
    dropped: float = 0.0


LEVELS = {
    "light": Noise(0.05, 0.12, 0.02, 0.3, 0.01, 0.01, 0.01, 0.1, 0.65, 0.1, 0.01),
    "medium": Noise(0.18, 0.2, 0.05, 0.3, 0.04, 0.04, 0.03, 0.4, 0.55, 0.1, 0.02),
    "heavy": Noise(0.40, 0.35, 0.08, 0.4, 0.08, 0.08, 0.06, 1.0, 0.5, 0.12, 0.04),
}

Film = list[tuple[int, Detections]]


def frames_s(rate_hz: float, seconds: float, noise: Noise, random: Random) -> Reals:
    """Return when there are frames."""
    regular = np.arange(int(seconds * rate_hz)) / rate_hz
    late = random.uniform(0, 0.1 / rate_hz, len(regular)) * (noise.dropped > 0)
    return (regular + late)[random.random(len(regular)) >= noise.dropped]


def film(
    scene: Scene, ways: Sequence[Way], view: View, noise: Noise, rate_hz: float, seconds: float, seed: int
) -> Film:
    """Return (taken_ns, detections) of each frame."""
    random = np.random.default_rng([seed, 2])
    times = frames_s(rate_hz, seconds, noise, random)
    look = _Look(scene, ways, view, times)
    rows = _people(look, noise, rate_hz, random)
    rows = np.concatenate([rows, _doubles(rows, noise, random), _ghosts(times, seconds, noise, random)])
    rows = rows[np.argsort(rows[:, 0], kind="stable")]
    cuts = np.searchsorted(rows[:, 0], np.arange(1, len(times)))
    return [
        (round(float(at) * SECOND_NS), _detections(part, random))
        for at, part in zip(times, np.split(rows, cuts), strict=True)
    ]


class _Look:
    """True boxes, and how much of each is hidden: (frames, people) of everything."""

    def __init__(self, scene: Scene, ways: Sequence[Way], view: View, times: Reals) -> None:
        points = np.stack([way.at(times) for way in ways], axis=1) if ways else np.zeros((len(times), 0, 2))
        statures = np.broadcast_to([way.stature for way in ways], points.shape[:2])
        self.oblique = view.mount == "oblique"
        self.boxes = view.boxes(points, statures)
        clipped = np.clip(self.boxes, 0, 1)
        self.present = _area(clipped) > _LEAST_SHOWN * _area(self.boxes)
        self.hidden = self._hidden() | _behind(points, scene)

    def _hidden(self) -> Mask:
        """Who stands behind somebody nearer; seen from above: so close to another that both look like one."""
        count = self.boxes.shape[1]
        hidden = np.zeros(self.boxes.shape[:2], np.bool_)
        for person in range(count):
            others = np.delete(np.arange(count), person)
            mine, theirs = self.boxes[:, person, None], self.boxes[:, others]
            low, high = np.maximum(mine[..., :2], theirs[..., :2]), np.minimum(mine[..., 2:], theirs[..., 2:])
            shared = np.prod(np.maximum(high - low, 0), axis=-1) / _area(mine)
            nearer = theirs[..., 3] > mine[..., 3] if self.oblique else others < person
            with np.errstate(invalid="ignore"):
                hidden[:, person] = (nearer & (shared > 0.65)).any(axis=1)
        return hidden


def _behind(points: Reals, scene: Scene) -> Mask:
    if scene.pillar is None:
        return np.zeros(points.shape[:2], np.bool_)
    left, top, right, bottom = scene.pillar
    x, y = points[..., 0], points[..., 1]
    return (x > left) & (x < right) & (y > top) & (y < bottom)


def _area(boxes: Reals) -> Reals:
    return np.prod(np.maximum(boxes[..., 2:] - boxes[..., :2], 0), axis=-1)


def _runs(shape: tuple[int, int], share: float, run_s: float, rate_hz: float, random: Random) -> Mask:
    """Return (frames, people): true for a share of the looks, in runs, by a Markov chain of two states."""
    stay = np.exp(-1 / (rate_hz * run_s))
    enter = (1 - stay) * share / (1 - share) if share else 0.0
    draws = random.random(shape)
    state = random.random(shape[1]) < share
    result = np.zeros(shape, np.bool_)
    for frame in range(shape[0]):
        state = draws[frame] < np.where(state, stay, enter)
        result[frame] = state
    return result


def _jitter(shape: tuple[int, int], noise: Noise, rate_hz: float, random: Random) -> Reals:
    """Return (frames, people, 4) displacements of sides in box sizes: half of the variance lasts."""
    keep = np.exp(-1 / (rate_hz * noise.jitter_run_s))
    fresh = random.normal(0, 1, (*shape, 4))
    lasting = random.normal(0, 1, (shape[1], 4))
    result = random.normal(0, 1, (*shape, 4))
    for frame in range(shape[0]):
        lasting = keep * lasting + np.sqrt(1 - keep**2) * fresh[frame]
        result[frame] += lasting
    return result * noise.jitter / np.sqrt(2)


def _people(look: _Look, noise: Noise, rate_hz: float, random: Random) -> Reals:
    """Return rows of frame, box, score, class."""
    shape = look.boxes.shape[:2]
    missed = _runs(shape, noise.missed, noise.missed_run_s, rate_hz, random)
    faint = _runs(shape, 0.5, noise.missed_run_s, rate_hz, random) & missed
    flipped = _runs(shape, noise.flipped, 0.2, rate_hz, random)
    cut = _runs(shape, noise.cut, 0.5, rate_hz, random) & look.oblique
    scores = random.normal(noise.score, noise.score_spread, shape)
    scores[faint] = random.uniform(0.1, 0.35, int(faint.sum()))
    boxes = look.boxes.copy()
    boxes[..., 3] -= cut * random.uniform(0.35, 0.5, shape) * (boxes[..., 3] - boxes[..., 1])
    sizes = np.tile(boxes[..., 2:] - boxes[..., :2], 2)
    boxes += sizes * _jitter(shape, noise, rate_hz, random)
    shown = look.present & ~(look.hidden & (random.random(shape) < 0.9)) & ~(missed & ~faint)
    frames, people = np.nonzero(shown)
    classes = np.where(flipped, OTHER, PERSON)[frames, people]
    return np.column_stack([frames, boxes[frames, people], scores[frames, people], classes])


def _doubles(rows: Reals, noise: Noise, random: Random) -> Reals:
    twice = rows[random.random(len(rows)) < noise.doubled]
    sizes = np.tile(twice[:, 3:5] - twice[:, 1:3], 2)
    twice[:, 1:5] += sizes * random.normal(0, 0.1, (len(twice), 4))
    twice[:, 5] -= random.uniform(0.05, 0.2, len(twice))
    return twice


def _ghosts(times: Reals, seconds: float, noise: Noise, random: Random) -> Reals:
    """Return false boxes: some for one look, some that stay."""
    rows = []
    for begins in random.uniform(0, seconds, random.poisson(noise.ghosts * seconds)):
        lasts = random.exponential(1.0) if random.random() < 1 / 3 else 1e-3
        first = int(np.searchsorted(times, begins))
        last = max(int(np.searchsorted(times, begins + lasts)), first + 1)
        centre, half = random.uniform(0.1, 0.9, 2), _GHOST_SIZE / 2 * random.uniform(0.7, 2.0, 2)
        score = random.uniform(0.3, noise.score)
        for frame in range(first, min(last, len(times))):
            if random.random() < 0.7:
                shift = random.normal(0, noise.jitter, 2) * half
                box = (*(centre + shift - half), *(centre + shift + half))
                rows.append((frame, *box, score + random.normal(0, 0.05), PERSON))
    return np.array(rows, np.float64).reshape(-1, 7)


def _detections(rows: Reals, random: Random) -> Detections:
    """Return those of a frame in no order that tells who is who."""
    rows = random.permutation(rows)
    boxes = np.clip(rows[:, 1:5], 0, 1).astype(np.float32)
    scores = np.clip(rows[:, 5], 0.05, 0.99).astype(np.float32)
    return Detections(boxes, scores, rows[:, 6].astype(np.intp))
