"""Tracks made by hand for rules about places: who is where at each instant."""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from eyespot.domain.event import Event
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.domain.observation import Observation, Sight, no_detections
from eyespot.domain.track import Scene, Tracks

LABELS = ("person", "dog")
STEP_NS = SECOND_NS // 10
TIMELINE = Timeline(1_767_225_600 * SECOND_NS, synced=True)  # 2026-01-01T00:00:00Z
Place = tuple[float, float]
At = tuple[int, Place]  # id of a track, and where the centre of its box is


class Steps(Protocol):
    def step(self, scene: Scene, events: Sequence[Event]) -> list[Event]: ...


def scene(
    taken_ns: int,
    *tracks: At,
    seen: bool | Sequence[bool] = True,
    confirmed: bool | Sequence[bool] = True,
    kinds: int | Sequence[int] = 0,
    timeline: Timeline = TIMELINE,
    silent: bool = False,
    sight: Sight = "clear",
) -> Scene:
    """Tracks of 0.06 by 0.1 with their centres at given points; by id."""
    count, half = len(tracks), np.array([0.03, 0.05], np.float32)
    points = np.array([point for _, point in tracks], np.float32).reshape(-1, 2)
    columns = Tracks(
        ids=np.array([track for track, _ in tracks], np.int64),
        classes=np.array(np.broadcast_to(kinds, count), np.intp),
        boxes_xyxy_n=np.concatenate([points - half, points + half], axis=1).clip(0, 1),
        scores=np.ones(count, np.float32),
        seen=np.array(np.broadcast_to(seen, count), np.bool_),
        confirmed=np.array(np.broadcast_to(confirmed, count), np.bool_),
    )
    observation = None if silent else Observation(taken_ns, "m@1-abc", no_detections(), sight)
    return Scene(taken_ns, observation, columns, timeline)


def way(start: Place, end: Place, seconds: float) -> list[Place]:
    """Where somebody is every tenth of a second who walks straight on."""
    count = round(seconds * 10)
    return [tuple(a + (b - a) * n / count for a, b in zip(start, end, strict=True)) for n in range(count + 1)]


def walk(
    rule: Steps, places: Iterable[Place], *, track: int = 1, from_s: float = 0, **more: object
) -> list[Event]:
    """Let one track be at places, one each tenth of a second."""
    events: list[Event] = []
    for number, place in enumerate(places):
        at_ns = round(from_s * SECOND_NS) + number * STEP_NS
        events += rule.step(scene(at_ns, (track, place), **more), [])
    return events


def wait(rule: Steps, from_s: float, to_s: float, *tracks: At, **more: object) -> list[Event]:
    """Let tracks stay where they are, or let nobody be there; `to_s` excluded."""
    events: list[Event] = []
    for number in range(round(from_s * 10), round(to_s * 10)):
        events += rule.step(scene(number * STEP_NS, *tracks, **more), [])
    return events
