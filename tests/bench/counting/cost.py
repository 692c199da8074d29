"""What a frame costs: CPU milliseconds of one thread, tracker and two lines, all taking turns."""

import gc
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
from contestants import LABELS, MIN_SCORE, Peer, given, line_zone, thread_ms

from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.track import Scene
from eyespot.rules.line import Line, LineSettings
from eyespot.tracking.tracker import Tracker

COUNTS = (5, 20, 100, 300)
RATE_HZ = 15
WARM_UP = 20
LINES = (((0.5, 0.95), (0.5, 0.05)), ((0.1, 0.5), (0.9, 0.5)))
Step = Callable[[int, Detections], object]


def milliseconds(peers: list[Peer], frames: int) -> Mapping[tuple[str, int], tuple[float, float]]:
    """Return p50 and p99 per frame, by contestant and number of objects."""
    result: dict[tuple[str, int], tuple[float, float]] = {}
    for count in COUNTS:
        steps = {"Eyespot": _eyespot(), **{peer.name: _peer(peer) for peer in peers}}
        spent: dict[str, list[float]] = {name: [] for name in steps}
        for number, found in enumerate(crowd(count, frames + WARM_UP)):
            taken_ns = number * SECOND_NS // RATE_HZ
            for name, step in steps.items():
                spent[name].append(thread_ms(lambda step=step, at=taken_ns, boxes=found: step(at, boxes)))
        for name, each in spent.items():
            p50, p99 = np.percentile(each[WARM_UP:], [50, 99])
            result[name, count] = float(p50), float(p99)
    return result


def crowd(count: int, frames: int) -> Iterator[Detections]:
    """Yield so many people who walk about, on a grid that keeps them apart; one in ten is missed."""
    random = np.random.default_rng(count)
    columns = int(np.ceil(np.sqrt(count)))
    cell = 1 / columns
    homes = (np.stack(np.divmod(np.arange(count), columns), axis=1) + 0.5) * cell
    phases, pace = random.uniform(0, 2 * np.pi, (count, 2)), random.uniform(0.5, 1.5, (count, 2))
    size = np.array([0.4, 0.6]) * cell
    for number in range(frames):
        swing = 0.3 * cell * np.sin(phases + pace * number / RATE_HZ)
        centres = homes + swing + random.normal(0, 0.03, (count, 2)) * size
        seen = random.random(count) > 0.1
        boxes = np.concatenate([centres - size / 2, centres + size / 2], axis=1)[seen]
        scores = random.uniform(0.45, 0.75, len(boxes)).astype(np.float32)
        yield Detections(np.clip(boxes, 0, 1).astype(np.float32), scores, np.zeros(len(boxes), np.intp))


def growth_kb(frames: int) -> float:
    """Return by how much memory grows from a tenth of so many frames on, while people come and go."""
    step, size = _eyespot(), np.array([0.06, 0.2])
    before = 0.0
    for number in range(frames):
        if number == frames // 10:
            before = _resident_kb()
        shares = (number / 100 + np.array([0.0, 0.3, 0.6])) % 1.2  # each goes away, and comes anew
        centres = np.stack([shares, np.array([0.3, 0.5, 0.7])], axis=1)[shares < 1]
        boxes = np.clip(np.concatenate([centres - size / 2, centres + size / 2], axis=1), 0, 1)
        scores = np.full(len(boxes), 0.6, np.float32)
        step(
            number * SECOND_NS // 10,
            Detections(boxes.astype(np.float32), scores, np.zeros(len(boxes), np.intp)),
        )
    return _resident_kb() - before


def _resident_kb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1000


def _eyespot() -> Step:
    tracker = Tracker(MIN_SCORE)
    lines = [
        Line(LineSettings(id=f"line{n}", a=a, b=b), LABELS, "overhead") for n, (a, b) in enumerate(LINES)
    ]

    def step(taken_ns: int, found: Detections) -> None:
        tracks = tracker.step(taken_ns, found)
        scene = Scene(taken_ns, Observation(taken_ns, "bench", found), tracks)
        for line in lines:
            line.step(scene, [])

    return step


def _peer(peer: Peer) -> Step:
    tracker = peer.kind(frame_rate=float(RATE_HZ), **peer.knobs)
    zones = [line_zone(line, 5, "overhead", corners=peer.corners) for line in LINES]

    def step(taken_ns: int, found: Detections) -> None:
        tracked = tracker.update(given(found), timestamp=taken_ns / SECOND_NS if peer.timed else None)
        tracked = tracked[tracked.tracker_id >= 0] if len(tracked) else tracked
        for zone in zones:
            zone.trigger(tracked)

    return step
