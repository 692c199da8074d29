"""What one frame costs beside the inference: decode, track, rules, topics, encode, hand-over."""

import statistics
import time
from collections.abc import Sequence

import numpy as np

from eyespot.decoders import build
from eyespot.domain.instants import SECOND_NS, Timeline
from eyespot.frames import Frame, Pixels, Tensor
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import View
from eyespot.rules.line import Line, LineSettings
from eyespot.sources.inferring import CpuModel, InferringSource
from eyespot.store.intake import Intake
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from eyespot.trust.bundle import find_bundle, read_bundle

FRAMES = 300
RATE_HZ = 15
PERSON = 4
NOTHING, CERTAIN = -8.0, 1.0


class Tensors:
    """An engine that returns prepared tensors: so many objects that drift, jittering, through the frame."""

    runtime = "none"

    def __init__(self, count: int) -> None:
        random = np.random.default_rng(0)
        cells = random.permutation(19 * 19)[:count]
        drift = np.cumsum(random.normal(0, 0.15, (FRAMES, count, 2)), axis=0).clip(-6, 6)
        self._frames = []
        for shift in drift:
            encodings = np.zeros((1, 1917, 4), np.float32)
            logits = np.full((1, 1917, 24), NOTHING, np.float32)
            encodings[0, cells * 3, :2] = shift
            logits[0, cells * 3, PERSON] = CERTAIN
            self._frames.append((encodings, logits))

    def infer(self, pixels: Pixels) -> Sequence[Tensor]:
        return self._frames.pop()


class Blank:
    """A frame source of one picture."""

    paced = False
    sensor = None

    def __init__(self) -> None:
        self._number = 0
        self._pixels = np.zeros((300, 300, 3), np.uint8)

    def open(self, width: int, height: int, resize: str, tell: object) -> View:
        return View("blank", 640, 480, RATE_HZ)

    def take(self, timeout_s: float) -> Frame:
        self._number += 1
        return Frame(self._number * SECOND_NS // RATE_HZ, self._pixels)

    def close(self) -> None:
        """Nothing is open."""


def cpu_ms_per_frame(count: int) -> float:
    """Return the median CPU time, by the thread's clock, with so many objects and boxes published."""
    bundle = read_bundle(find_bundle("factory"))
    model, manifest = bundle.identity, bundle.manifest
    decoder = build(manifest.decoder, bundle.layout, floor=model.min_score / 2, nms_iou=manifest.nms_iou)
    source = InferringSource(
        Blank(), CpuModel(Tensors(count), decoder, model, (300, 300), "stretch"), clock=ManualClock()
    )
    source.open()
    line = Line(LineSettings(id="door", a=(0.5, 1), b=(0.5, 0)), model.labels, "overhead")
    native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
    pipeline = Pipeline(model, Tracker(model.min_score), {"door": line}, native, publishes_frames=True)
    intake, timeline, spent = Intake(), Timeline(0, synced=True), []
    for _ in range(FRAMES):
        begun = time.thread_time()
        observation = source.take(0)
        assert observation is not None
        intake.post(pipeline.step(observation.taken_ns, observation, timeline))
        spent.append(time.thread_time() - begun)
    assert pipeline.tracks_alive > count / 2
    return statistics.median(spent) * 1000
