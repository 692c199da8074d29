"""What a tracker makes of people who are badly seen."""

import numpy as np

from eyespot.domain.instants import Timeline
from eyespot.domain.observation import Observation
from eyespot.domain.track import Scene
from eyespot.tracking.tracker import Tracker
from fakes.walkers import Faults, Walker, film


def scenes(seed: int, *, silent: bool = True) -> list[Scene]:
    """Half a minute of people who come and go, badly seen, with silences of the source."""
    random = np.random.default_rng(seed)
    walkers = [
        Walker(*map(tuple, random.uniform(0, 1, (2, 2)).tolist()), begin, begin + random.uniform(1, 9))
        for begin in random.uniform(0, 30, 12)
    ]
    faults = Faults(missed=0.25, jitter=0.08, flipped=0.2, doubled=0.1, false_per_frame=0.3, score=0.45)
    tracker = Tracker(0.35)
    found = []
    for taken_ns, detections in film(walkers, 10, 30, faults, seed=seed):
        is_silent = silent and random.random() < 0.05
        observation = None if is_silent else Observation(taken_ns, "m@1-abc", detections)
        tracks = tracker.step(taken_ns, None if is_silent else detections)
        found.append(Scene(taken_ns, observation, tracks, Timeline(0, synced=True)))
    return found
