"""Prints how well intrusion and loitering are told of in the simulated scenes, by the level of noise.

    PYTHONPATH=daemon:tests python tests/bench/counting/alarms.py [SEEDS] [choosing]

So many seeds (12) of the scenes that are reported, or of those by which constants are chosen. In each scene
the zone is armed all day, and who is in it for `LOITER_S` loiters. Somebody is inside once his middle is 25
cm behind its edge, and until it is as far outside; an alarm is right if it is for within a second of when
it should be. Who only brushes the edge, and gets no deeper than 50 cm, may be told of or not; so may be who
is there for about `LOITER_S`, give or take half a second.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from material import CHOOSING, REPORTING, SECONDS, Clip, clips

from eyespot.domain.event import Intruded, Loitered
from eyespot.domain.geometry import rightward
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.rules.zone import Zone, ZoneSettings
from eyespot.tracking.tracker import Tracker
from fakes.simulated.detector import LEVELS
from fakes.simulated.scenes import SCENES
from fakes.simulated.truth import BODY_M
from fakes.simulated.ways import STEP_S, Reals, Way

LABELS = ("person", "other")
MIN_SCORE = 0.35
LOITER_S = 5.0
TOLERANCE_S = 1.0
EITHER_WAY_S, EITHER_WAY_M = 0.5, 0.5
KINDS = {"intrusion": Intruded, "loitering": Loitered}
Times = list[float]


class Stay(NamedTuple):
    """From when to when somebody is there, in s, and how deep inside he gets, in m."""

    begin_s: float
    end_s: float
    depth_m: float


def stays(way: Way, zone: Sequence[tuple[float, float]], body_m: float = BODY_M) -> Iterator[Stay]:
    """Yield from when to when somebody is in a convex zone, its corners clockwise as seen."""
    corners = zip(zone, [*zone[1:], zone[0]], strict=True)
    ends = [np.array(side) for side in corners]
    depths = [rightward(way.points, side) / np.hypot(*(side[1] - side[0])) for side in ends]
    depth = np.min(depths, axis=0)
    begins: int | None = None
    edge = 0  # where it was met last
    for step in range(1, len(depth)):
        if (depth[step] >= 0) != (depth[step - 1] >= 0):
            edge = step
        if begins is None and depth[step] > body_m:
            begins = edge
        elif begins is not None and depth[step] < -body_m:
            yield _stay(way, depth, begins, edge)
            begins = None
    if begins is not None:
        yield _stay(way, depth, begins, len(depth) - 1)


def _stay(way: Way, depth: Reals, begins: int, ends: int) -> Stay:
    times = (way.begins_s + step * STEP_S for step in (begins, ends))
    return Stay(*times, float(depth[begins : ends + 1].max()))


@cache
def truth(scene: str, seed: int) -> tuple[list[Stay], list[Stay]]:
    """Return the stays in a scene, and those that may be told of or not: the same at every level and rate."""
    ways = SCENES[scene].people(np.random.default_rng([seed, 1]), SECONDS)
    sure = [stay for way in ways for stay in stays(way, SCENES[scene].zone)]
    slight = [stay for way in ways for stay in stays(way, SCENES[scene].zone, 0.01)]
    return (
        [stay for stay in sure if stay.depth_m >= EITHER_WAY_M],
        [stay for stay in slight if stay.depth_m < EITHER_WAY_M],
    )


def told(clip: Clip) -> dict[str, Times]:
    """Return when alarms were for, in s, by kind."""
    points = tuple(map(tuple, clip.zone.tolist()))
    settings = ZoneSettings(
        id="yard", points=points, classes=("person",), loiter_s=LOITER_S, armed=("00:00-00:00",)
    )
    zone, tracker = Zone(settings, LABELS, clip.view.mount), Tracker(MIN_SCORE)
    said: dict[str, Times] = {kind: [] for kind in KINDS}
    for taken_ns, found in clip.film:
        tracks = tracker.step(taken_ns, found)
        for event in zone.step(Scene(taken_ns, Observation(taken_ns, "bench", found), tracks), []):
            for kind, form in KINDS.items():
                if isinstance(event, form):
                    said[kind].append(event.taken_ns / SECOND_NS)
    return said


def judged(clip: Clip) -> Iterator[tuple[str, int, int, int]]:
    """Yield for each kind how many alarms there should have been, were, and were right."""
    said, (there, slight) = told(clip), truth(clip.scene, clip.seed)
    long, either = LOITER_S + EITHER_WAY_S, LOITER_S - EITHER_WAY_S
    lasting = [(stay, stay.end_s - stay.begin_s) for stay in there]
    brushing = [(stay, stay.end_s - stay.begin_s) for stay in slight]
    due = {
        "intrusion": ([stay.begin_s for stay in there], [stay.begin_s for stay in slight]),
        "loitering": (
            [stay.begin_s + LOITER_S for stay, lasts_s in lasting if lasts_s >= long],
            [stay.begin_s + LOITER_S for stay, lasts_s in lasting if either < lasts_s < long]
            + [stay.begin_s + LOITER_S for stay, lasts_s in brushing if lasts_s > either],
        ),
    }
    for kind, (wanted, allowed) in due.items():
        right, passed = _match(said[kind], wanted, allowed)
        yield kind, len(wanted), len(said[kind]) - passed, right


def _match(said: Times, wanted: Times, allowed: Times) -> tuple[int, int]:
    """Return how many pair up within the tolerance with what is wanted, and then with what is allowed.

    As many as can be: no alarm for what is allowed takes the place of one that is wanted.
    """
    true, told_of = [*wanted, *allowed], dict[int, int]()

    def finds(one: int, tried: set[int]) -> bool:
        near = [place for place, at in enumerate(said) if abs(at - true[one]) <= TOLERANCE_S]
        for place in near:
            if place not in tried:
                tried.add(place)
                if place not in told_of or finds(told_of[place], tried):
                    told_of[place] = one
                    return True
        return False

    found = [finds(one, set()) for one in range(len(true))]
    return sum(found[: len(wanted)]), sum(found[len(wanted) :])


def main() -> int:
    """Print a row for each kind and level."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 12
    scenes = CHOOSING if "choosing" in sys.argv else REPORTING
    sums: Counter[tuple[str, str, str]] = Counter()
    for clip in clips(scenes, range(number), sparse=True):
        for kind, true, said, right in judged(clip):
            for part in ("all", clip.level, clip.view.mount, clip.scene):
                sums[kind, part, "true"] += true
                sums[kind, part, "said"] += said
                sums[kind, part, "right"] += right
    print(f"{', '.join(scenes)}; {number} seeds\nkind | part | F1 | true | missed | false")
    for kind in KINDS:
        for part in ("all", *LEVELS, "overhead", "oblique", *scenes):
            true, said, right = (sums[kind, part, name] for name in ("true", "said", "right"))
            f1 = 200 * right / max(true + said, 1)
            print(f"{kind} | {part} | {f1:.1f} | {true} | {true - right} | {said - right}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
