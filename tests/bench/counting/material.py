"""What is counted: clips of simulated detections, their lines, and what really happened."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eyespot.domain.observation import Indexes
from fakes.simulated.detector import LEVELS, Film, film
from fakes.simulated.scenes import SCENES, LineM
from fakes.simulated.truth import BODY_M, Crossing, crossings, inside
from fakes.simulated.views import Oblique, Overhead, View
from fakes.simulated.ways import Reals, Way

SECONDS = 30.0  # in which people set out; a clip ends when all have gone
RATES_HZ = (5, 10, 30)
VIEWS: tuple[View, ...] = (Overhead(), Oblique())
# Constants are chosen on the first half and reported on the second, which nobody was tuned to.
CHOOSING = ("corridor", "loiterers", "groups", "hidden")
REPORTING = ("doorway", "plaza", "turners", "overtaking")


@dataclass(frozen=True)
class Clip:
    """One scene, seen by one camera and one detector."""

    scene: str
    view: View
    level: str
    rate_hz: int
    seed: int

    @cached_property
    def ways(self) -> list[Way]:
        """Who goes where: the same at every level and rate."""
        return SCENES[self.scene].people(np.random.default_rng([self.seed, 1]), SECONDS)

    @cached_property
    def film(self) -> Film:
        """What a detector sees."""
        noise = LEVELS[self.level]
        seconds = max(way.ends_s for way in self.ways) if self.ways else SECONDS
        return film(SCENES[self.scene], self.ways, self.view, noise, self.rate_hz, seconds, self.seed)

    @property
    def lines(self) -> tuple[LineM, ...]:
        """To count at, in fractions of the picture."""
        return tuple(tuple(map(tuple, self.view.places(np.array(line)))) for line in SCENES[self.scene].lines)

    @property
    def zone(self) -> Reals:
        """Corners of an area, in fractions of the picture."""
        return self.view.places(np.array(SCENES[self.scene].zone))

    def truth(self, body_m: float = BODY_M) -> list[list[Crossing]]:
        """Return who crossed each line."""
        return [crossings(self.ways, line, body_m) for line in SCENES[self.scene].lines]

    @cached_property
    def inside(self) -> Indexes:
        """How many are in the zone, for each frame."""
        times = np.array([taken_ns for taken_ns, _ in self.film]) / 1e9
        return inside(self.ways, SCENES[self.scene].zone, times)


def clips(scenes: tuple[str, ...], seeds: range, *, sparse: bool = False) -> Iterator[Clip]:
    """Yield every scene in every view, at every level and rate, for each seed.

    Args:
        scenes: names of them.
        seeds: each makes other people and other mistakes.
        sparse: each seed takes each level and each rate once only; three seeds make a round.
    """
    for seed in seeds:
        for scene in scenes:
            for view in VIEWS:
                for row, level in enumerate(LEVELS):
                    for column, rate_hz in enumerate(RATES_HZ):
                        if not sparse or (row + seed) % len(RATES_HZ) == column:
                            yield Clip(scene, view, level, rate_hz, seed)
