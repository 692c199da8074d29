"""What a device noticed before the page was there: from a recording of it, or as it has kept it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np

from eyespot.app.traces import Traced
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.strip import SIGHTS, Strip
from eyespot.domain.track import Scene
from eyespot.topics.payloads import MOST_BOXES
from eyespot_fleet.view.seen import Observation, Sightings

_MINUTE_NS: Final = 60_000_000_000
_CLEAR: Final = SIGHTS.index("clear")


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
        for observation in observations_of(strip, traced.model.labels, traced.sha256, traced.timeline):
            sightings.add(device, observation)


def observations_of(
    strip: Strip, labels: Sequence[str], boot: str, timeline: Timeline
) -> Iterator[Observation]:
    """Yield what was believed and seen as it would have been told on `frame`; of nobody there, once a second.

    Where nothing could be seen, nothing is told: of nobody being there, that is no evidence.

    Args:
        strip: tracks.
        labels: class names.
        boot: who numbered the tracks.
        timeline: of the strip.
    """
    empty_ns: int | None = None
    for step in np.flatnonzero(strip.observed & (strip.sights == _CLEAR)).tolist():
        taken_ns = int(strip.taken_ns[step])
        if strip.bounds[step] < strip.bounds[step + 1]:
            empty_ns = None
        elif empty_ns is not None and taken_ns - empty_ns < SECOND_NS:
            continue
        else:
            empty_ns = taken_ns
        yield _observation(strip.scene(step), labels, boot, timeline)


def _observation(scene: Scene, labels: Sequence[str], boot: str, timeline: Timeline) -> Observation:
    tracks = scene.tracks
    rows = np.flatnonzero(tracks.seen & tracks.confirmed)[:MOST_BOXES]
    boxes = np.rint(np.clip(tracks.boxes_xyxy_n[rows], 0, 1) * 1000).astype(int).tolist()
    return Observation(
        boot=boot,
        taken_ns=timeline.utc_ns(scene.taken_ns),
        tracks=tracks.ids[rows].tolist(),
        labels=[labels[label] for label in tracks.classes[rows]],
        boxes=[(left, top, right, low) for left, top, right, low in boxes],
    )
