"""What it costs that another process looks: from the eye's hand into the body's."""

import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from eyespot.domain.observation import Detections, Observation
from eyespot.host.clock import SystemClock
from eyespot.sources.eye import EyeSource
from eyespot.sources.link import BodyLink
from eyespot.sources.screening import Wanted
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.supervisor.health import Health
from fakes.eyes import Puppet
from fakes.script import MODEL

ROUNDS = 300
EVERY_S = 0.01  # so that the body waits, as it does in daily life, and the quota lets it pass
BOXES = (10, 100)


def _observation(boxes: int, now_ns: int) -> Observation:
    chance = np.random.default_rng(0)
    corners = chance.uniform(0, 0.5, (boxes, 2)).astype(np.float32)
    scores = chance.uniform(0.4, 1, boxes).astype(np.float32)
    return Observation(
        now_ns, "m", Detections(np.hstack([corners, corners + 0.2]), scores, np.zeros(boxes, np.intp))
    )


def _hop_ms(body: EyeSource, link: BodyLink, boxes: int) -> float:
    """Return the median time from `put` to what `take` returns."""
    put_s: list[float] = []

    def look() -> None:
        for _ in range(ROUNDS):
            time.sleep(EVERY_S)
            observation = _observation(boxes, time.clock_gettime_ns(time.CLOCK_BOOTTIME))
            put_s.append(time.perf_counter())
            link.put(observation, 1)

    looking = threading.Thread(target=look)
    looking.start()
    spent = []
    while len(spent) < ROUNDS:
        if body.take(1) is not None:
            spent.append(time.perf_counter() - put_s[len(spent)])
    looking.join()
    return statistics.median(spent) * 1000


def hop_ms() -> Iterator[tuple[int, float]]:
    """Yield the number of boxes, and the median time in ms; both ends are in this process."""
    clock = SystemClock()
    with TemporaryDirectory() as folder:
        path, order = Path(folder) / "eye", Look(CameraSettings(source="picamera"), "factory", None)
        body = EyeSource(
            path, order, Wanted(MODEL, "objects"), steps=(), clock=clock, health=Health(clock), ledger=None
        )
        body.open()
        link = BodyLink(path, clock)
        link.source, link.follows = Puppet(), order
        linking = threading.Thread(target=link.run, args=[lambda: None])
        linking.start()
        while body.view is None and link._order is None:
            body.take(0.1)
        body.take(0.5)
        for boxes in BOXES:
            yield boxes, _hop_ms(body, link, boxes)
        link.stop()
        linking.join()
        body.close()
