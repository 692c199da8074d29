"""Who counts: Eyespot, and trackers with line zones as people combine them."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from inspect import signature

import numpy as np
import supervision as sv
from material import Clip
from scoring import Counted
from trackers import ByteTrackTracker, SORTTracker

from eyespot.domain.geometry import Mount, anchors, rightward
from eyespot.domain.observation import Detections, Indexes, Observation
from eyespot.domain.track import Scene
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker

LABELS = ("person", "other")
MIN_SCORE = 0.35
WIDTH, HEIGHT = 640, 480
_STILL_THERE_S = 0.7
Settings = Mapping[str, float]


@dataclass(frozen=True)
class Counts:
    """What was said of a clip: events of each line, people in the zone for each frame."""

    events: list[list[Counted]]
    thought: Indexes


def eyespot(clip: Clip, min_score: float = MIN_SCORE) -> Counts:
    """Count persons, as the daemon does."""
    tracker = Tracker(min_score)
    lines = [
        Line(LineSettings(id=f"line{number}", a=a, b=b, classes=("person",)), LABELS, clip.view.mount)
        for number, (a, b) in enumerate(clip.lines)
    ]
    events: list[list[Counted]] = [[] for _ in lines]
    seen: dict[int, int] = {}
    thought = []
    for taken_ns, found in clip.film:
        tracks = tracker.step(taken_ns, found)
        scene = Scene(taken_ns, Observation(taken_ns, "bench", found), tracks)
        for line, counted in zip(lines, events, strict=True):
            counted += [(event.taken_ns / 1e9, event.direction) for event in line.step(scene, [])]
        seen |= dict.fromkeys(tracks.ids[tracks.seen & tracks.confirmed].tolist(), taken_ns)
        recent = np.array([taken_ns - seen.get(i, -(10**12)) for i in tracks.ids]) < _STILL_THERE_S * 1e9
        thought.append(_inside(tracks.boxes_xyxy_n[recent & tracks.confirmed], clip))
    return Counts(events, np.array(thought))


def eyespot_with(constants: Settings) -> Callable[[Clip], Counts]:
    """Return `eyespot` with other constants, by "module.name" below the package."""

    def count(clip: Clip) -> Counts:
        before = {path: constant(path) for path in constants}
        try:
            for path, value in constants.items():
                _set_constant(path, value)
            return eyespot(clip)
        finally:
            for path, value in before.items():
                _set_constant(path, value)

    return count


def constant(path: str) -> float:
    """Return a constant of the package, by "module.name"."""
    module, name = path.rsplit(".", 1)
    return getattr(import_module(f"eyespot.{module}"), name)


def _set_constant(path: str, value: float) -> None:
    module, name = path.rsplit(".", 1)
    setattr(import_module(f"eyespot.{module}"), name, value)


@dataclass(frozen=True)
class Peer:
    """A tracker with line zones.

    Attributes:
        name: in the table.
        kind: of the tracker.
        knobs: what the tracker is given.
        threshold: `minimum_crossing_threshold` of the line zone, or one for each rate.
        corners: as shipped, all corners of a box have to cross; else the point that Eyespot looks at.
        timed: the tracker is given timestamps.
    """

    name: str
    kind: Callable[..., object]
    knobs: Settings
    threshold: int | Mapping[int, int] = 1
    corners: bool = False
    timed: bool = False

    def count(self, clip: Clip) -> Counts:
        """Count a clip."""
        threshold = self.threshold if isinstance(self.threshold, int) else self.threshold[clip.rate_hz]
        return self.counts(clip, [threshold])[0]

    def counts(self, clip: Clip, thresholds: Sequence[int]) -> list[Counts]:
        """Count a clip with several thresholds, tracking once."""
        tracker = self.kind(frame_rate=float(clip.rate_hz), **self.knobs)
        gates = [
            [line_zone(line, t, clip.view.mount, self.corners) for line in clip.lines] for t in thresholds
        ]
        events: list[list[list[Counted]]] = [[[] for _ in clip.lines] for _ in thresholds]
        thought = []
        for taken_ns, found in clip.film:
            tracked = tracker.update(given(found), timestamp=taken_ns / 1e9 if self.timed else None)
            tracked = tracked[tracked.tracker_id >= 0] if len(tracked) else tracked
            for zones, lists in zip(gates, events, strict=True):
                for zone, counted in zip(zones, lists, strict=True):
                    counted.extend(_crossed(zone, tracked, taken_ns / 1e9))
            boxes = np.asarray(tracked.xyxy, np.float32).reshape(-1, 4) / (WIDTH, HEIGHT, WIDTH, HEIGHT)
            thought.append(_inside(boxes, clip))
        return [Counts(lists, np.array(thought)) for lists in events]

    def tuned(self, **changes: object) -> "Peer":
        """Return one with other knobs or attributes."""
        own = {
            key: value for key, value in changes.items() if key in {"threshold", "corners", "timed", "name"}
        }
        knobs = {key: value for key, value in changes.items() if key not in own}
        return replace(self, knobs={**self.knobs, **knobs}, **own)


def shipped_knobs(peer: Peer) -> Settings:
    """Return what its tracker does where it is not told otherwise."""
    defaults = signature(peer.kind).parameters.values()
    return {one.name: one.default for one in defaults if isinstance(one.default, int | float)} | {
        "timed": False
    }


AS_SHIPPED = Peer("ByteTrack + LineZone as shipped", ByteTrackTracker, {}, corners=True)
# What search.py found; LineZone counts frames, so that each rate has a threshold of its own.
_THRESHOLD = {5: 5, 10: 12, 30: 20}
BYTE_TRACK = Peer(
    "ByteTrack + LineZone, tuned",
    ByteTrackTracker,
    {
        "high_conf_det_threshold": 0.2,
        "track_activation_threshold": 0.2,
        "minimum_iou_threshold": 0.2,
        "lost_track_buffer": 60,
    },
    threshold=_THRESHOLD,
)
SORT = Peer(
    "SORT + LineZone, tuned",
    SORTTracker,
    {"minimum_consecutive_frames": 1, "minimum_iou_threshold": 0.2, "lost_track_buffer": 60},
    threshold=_THRESHOLD,
)
TUNED = (BYTE_TRACK, SORT)


def given(found: Detections) -> sv.Detections:
    """Return detections as peers take them: in pixels. Whatever its class, all is counted."""
    boxes = found.boxes_xyxy_n * np.array([WIDTH, HEIGHT, WIDTH, HEIGHT], np.float32)
    return sv.Detections(xyxy=boxes, confidence=found.scores, class_id=np.zeros(len(boxes), int))


def line_zone(
    line: Sequence[tuple[float, float]], threshold: int, mount: Mount, corners: bool
) -> sv.LineZone:
    """Return a line zone that counts what crosses a line, in fractions of the picture."""
    start, end = (sv.Point(x * WIDTH, y * HEIGHT) for x, y in line)
    anchor = sv.Position.BOTTOM_CENTER if mount == "oblique" else sv.Position.CENTER
    more = {} if corners else {"triggering_anchors": [anchor]}
    return sv.LineZone(start, end, minimum_crossing_threshold=threshold, **more)


def _crossed(zone: sv.LineZone, tracked: sv.Detections, seconds: float) -> list[Counted]:
    inwards, outwards = zone.trigger(tracked)
    return [(seconds, "out")] * int(np.sum(inwards)) + [(seconds, "in")] * int(np.sum(outwards))


def _inside(boxes: np.ndarray, clip: Clip) -> int:
    points, zone = anchors(boxes, clip.view.mount), clip.zone
    corners = zip(zone, np.roll(zone, -1, axis=0), strict=True)
    sides = [rightward(points, np.array(pair)) >= 0 for pair in corners]
    return int(np.all(sides, axis=0).sum())


def thread_ms(work: Callable[[], object]) -> float:
    """Return the milliseconds of this thread's CPU time that something takes."""
    begun = time.thread_time_ns()
    work()
    return (time.thread_time_ns() - begun) / 1e6
