"""Swaps two models back and forth while counting goes on under load, and looks what that costs.

python check_swaps.py alone|eye; `eye`: what looks is at the other end of a real socket.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

from ai_edge_litert.interpreter import Interpreter

from eyespot.app import eye as app_eye
from eyespot.app import swapping as app_swapping
from eyespot.app.eye import glance, open_source, sealed
from eyespot.app.following import Follower, InThisProcess, ThroughTheEye
from eyespot.app.sight import Sight
from eyespot.domain.geometry import Resize
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.observation import Observation
from eyespot.host.clock import SystemClock
from eyespot.host.facts import memory_mb
from eyespot.host.memory import give_back_large_blocks
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, ObservationSource, Tell, View, silent
from eyespot.rules import build
from eyespot.rules.line import LineSettings
from eyespot.sources.eye import EyeSource
from eyespot.sources.link import BodyLink
from eyespot.sources.scene import SceneSource
from eyespot.sources.screening import Wanted
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.supervisor.health import Health
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.threads import Watched
from eyespot.supervisor.vision_worker import VisionWorker
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from fakes.bundles import write_bundle
from fakes.slots import LABELS, factory_network
from fakes.waiting import until

SWAPS = 100
RATE_HZ = 10
PERIOD_NS = SECOND_NS // RATE_HZ
PAUSE_FRAMES = 4  # between two swaps
WARM_FRAMES = 1000  # counting itself takes some MiB until then
MOST_GROWTH_MB = 2.0
MOST_TIMES_BARE = 2.5  # what loading costs, of what the runtime itself takes of it
KEEPS_UP = 0.002  # a machine that loses no more than this share of frames by itself

T = TypeVar("T")

STILL_S = 20.0  # of the scene; its own pictures would fill a cache meanwhile
LOAD = "while True: pass"


class StillScene(SceneSource):
    """Shows one picture of the scene again and again, at its pace."""

    def fit(self, width: int, height: int, resize: Resize, tell: Tell = silent) -> View:
        view = super().fit(width, height, resize, tell)
        assert self._stage
        picture = self._stage.draw(STILL_S)
        self._stage.draw = lambda _: picture
        return view


class Noting(Mailbox):
    """A mailbox that keeps when each observation was taken, and by which model."""

    def __init__(self) -> None:
        super().__init__(overwrites=True)
        self.noted: list[tuple[int, str]] = []

    def put(self, observation: Observation, timeout_s: float) -> bool:
        self.noted.append((observation.taken_ns, observation.bundle))
        return super().put(observation, timeout_s)


class Body:
    """What counts: a source's thread, and a pipeline's."""

    def __init__(self, source: ObservationSource, clock: SystemClock) -> None:
        self.mailbox = Noting()
        self.worker = SourceWorker(source, self.mailbox, Health(clock), clock)
        line = LineSettings(id="middle", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))
        native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
        rules = {"middle": build(line, source.model.labels, "overhead")}
        self.pipeline = Pipeline(source.model, Tracker(source.model.min_score), rules, native)
        self.events: list[dict[str, object]] = []
        self._post(self.pipeline.begin({}, clock.now_ns(), clock.timeline()))
        vision = VisionWorker(self.pipeline, self.mailbox, self._post, clock)
        self._threads = [Watched("vision", vision, clock), Watched("source", self.worker, clock)]

    @contextmanager
    def counting(self) -> Iterator[None]:
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.worker.stop()
            for thread in reversed(self._threads):
                assert thread.join(10), thread.name
                assert not thread.bug, thread.name

    def _post(self, handover: Handover) -> None:
        events = (json.loads(m.payload) for m in handover.messages if m.topic.endswith("/event"))
        self.events += events


def swapped(body: Body, follower: Follower, looks: Sequence[Look]) -> tuple[list[float], list[int]]:
    """Swap so often; return what the process held in memory after each, in MiB, and when each began."""
    held, begun_ns = [], []
    until(lambda: len(body.mailbox.noted) > WARM_FRAMES, "it looks", 600)
    for number in range(SWAPS):
        look = looks[(number + 1) % 2]
        wanted = Wanted(*glance(look))
        body.pipeline.expect(wanted.model)
        begun_ns.append(time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        follower.follow(look, wanted)
        until(
            lambda bundle=wanted.model.bundle: body.pipeline.model.bundle == bundle, f"swap {number + 1}", 60
        )
        goal = len(body.mailbox.noted) + PAUSE_FRAMES
        until(lambda goal=goal: len(body.mailbox.noted) >= goal, "it looks on")
        held.append(memory_mb() or 0.0)
        assert not follower.refusal, follower.refusal
    return held, begun_ns


@contextmanager
def alone(look: Look, clock: SystemClock, _: Path) -> Iterator[tuple[Body, Follower]]:
    """What looks is in the same process and the same thread that hands on what was seen."""
    source = open_source(look, clock)
    body = Body(source, clock)
    yield body, InThisProcess(source, body.worker, look, clock)


@contextmanager
def eye(look: Look, clock: SystemClock, folder: Path) -> Iterator[tuple[Body, Follower]]:
    """What looks is an eye, with a socket between."""
    path = folder / "eye.sock"
    source = EyeSource(
        path, look, Wanted(*glance(look)), steps=(), clock=clock, health=Health(clock), ledger=None
    )
    source.open()
    link = BodyLink(path, clock)
    sight = Sight(link, clock)
    threads = [Watched("link", link, clock), Watched("camera", sight, clock)]
    for thread in threads:
        thread.start()
    body = Body(source, clock)
    yield body, ThroughTheEye(source, body.worker)
    sight.stop()
    link.stop()
    for thread in threads:
        assert thread.join(10), thread.name
        assert not thread.bug, thread.name


@dataclass
class Frames:
    """How many frames were seen, and how many nobody saw."""

    seen: int = 0
    lost: int = 0

    @property
    def share_lost(self) -> float:
        return self.lost / max(self.seen + self.lost, 1)


def counted(noted: Sequence[tuple[int, str]], begun_ns: Sequence[int]) -> tuple[Frames, Frames]:
    """Count from the beginning of each swap to the first look of the new model, and all else."""
    at_swaps, elsewhere, begins, swapping = Frames(), Frames(), list(begun_ns), False
    for (before_ns, before), (after_ns, after) in pairwise(noted):
        if begins and after_ns >= begins[0]:
            del begins[0]
            swapping = True
        frames = at_swaps if swapping else elsewhere
        frames.seen += 1
        frames.lost += round((after_ns - before_ns) / PERIOD_NS) - 1
        swapping = swapping and before == after
    return at_swaps, elsewhere


def timed(loads: Callable[..., T], took_ms: list[float]) -> Callable[..., T]:
    """Return what loads, and notes how long that kept a processor busy."""

    def timing(*arguments: object) -> T:
        begun_s = time.thread_time()
        loaded = loads(*arguments)
        took_ms.append((time.thread_time() - begun_s) * 1e3)
        return loaded

    return timing


def bare_ms() -> list[float]:
    """Return how long the runtime alone keeps a processor busy until the network has run once."""

    network = factory_network()

    def load() -> None:
        interpreter = Interpreter(model_content=network, num_threads=1)
        interpreter.allocate_tensors()
        interpreter.invoke()

    took_ms: list[float] = []
    for _ in range(20):
        timed(load, took_ms)()
    return took_ms


def say(line: str) -> None:
    sys.stdout.write(line + "\n")


def main(way: str) -> None:
    """Swap, then say what it cost."""
    app_eye.SceneSource = StillScene
    loading_ms: list[float] = []
    app_swapping.going_over = timed(app_swapping.going_over, loading_ms)
    give_back_large_blocks()
    clock, begun = SystemClock(), time.monotonic()
    with TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        looks = [look_with(folder / version, version) for version in ("1.0.1", "1.0.2")]
        load = stack.enter_context(subprocess.Popen([sys.executable, "-c", LOAD]))
        stack.callback(load.kill)
        body, follower = stack.enter_context({"alone": alone, "eye": eye}[way](looks[0], clock, folder))
        bare = median(bare_ms())
        with body.counting():
            held, begun_ns = swapped(body, follower, looks)
    at_swaps, elsewhere = counted(body.mailbox.noted, begun_ns)
    splits = [event for event in body.events if event["kind"] == "split"]
    early, late = median(held[20:40]), median(held[80:])
    say(f"{way}: {SWAPS} swaps in {time.monotonic() - begun:.0f} s under load, {len(splits)} splits")
    for where, frames in (("at swaps", at_swaps), ("elsewhere", elsewhere)):
        say(f"frames {where}: {frames.seen} seen, {frames.lost} lost")
    loading = median(loading_ms)
    say(f"loading: {loading:.0f} ms of a processor, at most {max(loading_ms):.0f}; the runtime: {bare:.0f}")
    say(f"memory at swaps 21-40: {early:.1f} MB, from 81 on: {late:.1f} MB")
    assert len(splits) == SWAPS
    assert [(one["from"], one["to"]) for one in splits[1:]] == [
        (one["to"], other["to"]) for one, other in pairwise(splits)
    ]
    assert loading < MOST_TIMES_BARE * bare, "for so long the new model may keep the old one waiting"
    if elsewhere.share_lost > KEEPS_UP:
        say(f"SKIP lost frames are not judged: {elsewhere.share_lost:.1%} are lost without any swap")
    else:
        assert at_swaps.lost == 0
    assert late <= early + MOST_GROWTH_MB


def look_with(folder: Path, version: str) -> Look:
    """Return an order for the factory's network under another version."""
    folder.mkdir()
    write_bundle(folder, factory_network(), LABELS, version=version)
    return sealed(Look(CameraSettings(source="scene", rate_hz=RATE_HZ), str(folder), None))


if __name__ == "__main__":
    main(sys.argv[1])
