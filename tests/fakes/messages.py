"""One of each message that an eye sends."""

import numpy as np

from eyespot.domain.observation import Detections, Labels, Observation, Optics, Poses, Shares
from eyespot.ports import Readings, SensorReadings, View
from eyespot.sources import crossing, wire

NOW_NS = 10**12


def floats(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 1, shape).astype(np.float32)


def boxes(count: int) -> Detections:
    return Detections(floats(count, 4), floats(count), np.arange(count) % 3)


EVERY_MESSAGE: dict[str, wire.FromEye] = {
    "hello": wire.Hello(),
    "may power up": wire.MayPowerUp(),
    "opened": crossing.opened(View("picamera", 640, 480, 10.0, "litert 1", "full", (0.0, 0.0, 1.0, 0.5))),
    "status": crossing.status(Readings((1.5, 2.5), SensorReadings(dnn_ms=9.5, missed=3), 7, "loading")),
    "idle": crossing.status(Readings()),
    "trouble": wire.Trouble("source_failed", "unplugged"),
    "ended": wire.Ended(None),
    "objects": crossing.seen(Observation(NOW_NS, "m", boxes(5))),
    "dark": crossing.seen(Observation(NOW_NS, "m", boxes(0), "dark")),
    "optics": crossing.seen(
        Observation(NOW_NS, "m", boxes(0), optics=Optics(12.3, 20.4, 2.0, 96.4, brightness=47.1))
    ),
    "labels": crossing.seen(Observation(NOW_NS, "m", Labels(floats(2), np.array([2, 0])))),
    "shares": crossing.seen(Observation(NOW_NS, "m", Shares(floats(3)))),
    "poses": crossing.seen(Observation(NOW_NS, "m", Poses(floats(2, 17, 3), floats(2)))),
}
