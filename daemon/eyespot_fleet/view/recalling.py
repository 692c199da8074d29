"""What a device noticed before the page was there: from a recording of it."""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from eyespot.app.traces import Traced
from eyespot.domain.strip import Strip
from eyespot.domain.track import Scene
from eyespot_fleet.view.seen import Observation, Sightings

_MINUTE_NS: Final = 60_000_000_000


def recall(sightings: Sightings, device: str, traced: Traced, tell: Callable[[str], None]) -> None:
    """Take over the tracks that were believed and seen, as the device would have told of them on `frame`.

    Args:
        sightings: where to; the newest of it stays.
        device: whose they are.
        traced: a recording.
        tell: is told how far it is.

    Raises:
        InputError: the recording is damaged, or cut off: then after all that is whole.
    """
    for strip in traced.strips:
        tell(f"{int(strip.taken_ns[-1]) // _MINUTE_NS} min")
        for scene in _telling(strip):
            sightings.add(device, _observation(scene, traced))


def _telling(strip: Strip) -> Iterator[Scene]:
    """Yield the scenes in which there is somebody, and of those without anybody the first of each row."""
    steps = np.flatnonzero(strip.observed)
    there = np.diff(strip.bounds)[steps] > 0
    told = there.copy()
    told[1:] |= there[:-1]
    return (strip.scene(step) for step in steps[told].tolist())


def _observation(scene: Scene, traced: Traced) -> Observation:
    tracks = scene.tracks
    rows = np.flatnonzero(tracks.seen & tracks.confirmed)
    boxes = np.rint(np.clip(tracks.boxes_xyxy_n[rows], 0, 1) * 1000).astype(int).tolist()
    return Observation(
        boot=traced.sha256,
        taken_ns=traced.timeline.utc_ns(scene.taken_ns),
        tracks=tracks.ids[rows].tolist(),
        labels=[traced.model.labels[label] for label in tracks.classes[rows]],
        scores=np.rint(np.clip(tracks.scores[rows], 0, 1) * 100).astype(int).tolist(),
        boxes=[(left, top, right, low) for left, top, right, low in boxes],
    )
