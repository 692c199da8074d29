"""Both ends of the socket between eye and body, and what a test does at each of them."""

import queue
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from eyespot.app import sight
from eyespot.app.sight import Sight
from eyespot.domain.observation import Observation, Tells
from eyespot.domain.recovery import Step
from eyespot.host.clock import ManualClock, SystemClock
from eyespot.ports import CameraLedger, Clock, ModelIdentity, Readings, Tell, View, silent
from eyespot.sources import link
from eyespot.sources.datagrams import Datagrams
from eyespot.sources.eye import EyeSource
from eyespot.sources.link import BodyLink
from eyespot.sources.screening import Wanted
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.supervisor.health import Health
from eyespot.supervisor.threads import Watched
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native, Vitals, stamp
from fakes.script import MODEL, seen
from fakes.waiting import PATIENCE_S, until

CAMERA = CameraSettings(source="imx500")
CLIP = CameraSettings(source="video", file="clip.mp4", pace="fast")
THREE = ModelIdentity("m", "m", "1", None, ("person", "dog", "cat"), 0.35)
WHO = Identity("shop", "Shop", "UTC", "a machine", "0", "3", "overhead", publishes_frames=False)
EVERY_STEP = (Step.RESTART, Step.RELOAD, Step.RENEW)


def look(camera: CameraSettings = CAMERA, bundle: str = "factory") -> Look:
    return Look(camera, bundle, None)


class PushedClock(SystemClock):
    """The machine's clock; whoever sleeps by it pushes it on instead."""

    def __init__(self) -> None:
        super().__init__()
        self._pushed = ManualClock()

    def now_ns(self) -> int:
        return super().now_ns() + self._pushed.now_ns()

    def sleep(self, seconds: float) -> None:
        self._pushed.sleep(seconds)


class Ledger:
    """Wants these waits, then none."""

    def __init__(self, waits: Iterable[float] = ()) -> None:
        self.waits = list(waits)
        self.asked = 0

    def power_up(self) -> float:
        self.asked += 1
        return self.waits.pop(0) if self.waits else 0.0

    def reboot(self) -> float:
        raise AssertionError


class Body:
    """A body's end: an `EyeSource` and its board of troubles.

    Attributes:
        seen: all that was taken.
        ends: of those who connected to it; closed with it.
    """

    def __init__(
        self,
        folder: Path,
        order: Look | None = None,
        *,
        clock: Clock | None = None,
        ledger: CameraLedger | None = None,
        model: ModelIdentity = MODEL,
        goes_back: bool = False,
        tells: Tells = "objects",
    ) -> None:
        self.path = folder / "eye"
        self.clock = clock or ManualClock(10**12)
        self.health = Health(self.clock)
        self._native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
        self.seen: list[Observation] = []
        self.ends: list[Datagrams] = []
        self.source = EyeSource(
            self.path,
            order or look(),
            Wanted(model, tells),
            steps=EVERY_STEP,
            clock=self.clock,
            health=self.health,
            ledger=ledger,
            goes_back=goes_back,
        )
        self.source.open()

    def close(self) -> None:
        for end in self.ends:
            end.close()
        self.source.close()

    @property
    def troubles(self) -> dict[str, str]:
        """What stands on the board; all that the eye says of itself passes the gate meanwhile."""
        self._tell()
        return {trouble.name: trouble.reason for trouble in self.health.troubles()}

    def _tell(self) -> None:
        at = stamp(self.clock.timeline(), self.clock.now_ns())
        vitals = Vitals(0, 0, 0.0, 0, 0, self.source.readings, {}, None, None, None)
        self._native.health(vitals, self.health.troubles(), at)
        self._native.info(WHO, self.source.view, MODEL, at)

    def take(self, timeout_s: float = 0) -> Observation | None:
        observation = self.source.take(timeout_s)
        if observation is not None:
            self.seen.append(observation)
        return observation

    def until(self, true: Callable[[], object], what: str) -> None:
        """Take until something is true."""
        give_up = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < give_up, f"never: {what}"
            self.take(0.01)

    def passes(self, seconds: int) -> None:
        """Let time pass, and look after the eye meanwhile."""
        for _ in range(seconds):
            self.clock.sleep(1)
            self.turn()

    def turn(self, times: int = 5) -> None:
        """Do all that there is to do, without waiting."""
        for _ in range(times):
            self.take()


class Puppet:
    """A source that gives what it is fed: an observation, or an error."""

    model, steps = MODEL, EVERY_STEP

    def __init__(self, *, paced: bool = True) -> None:
        self.paced = paced
        self.view: View | None = None
        self.readings = Readings()
        self.done: list[str] = []
        self._fed: queue.SimpleQueue[Observation | Exception] = queue.SimpleQueue()

    def feed(self, *lines: Observation | Exception) -> None:
        for line in lines:
            self._fed.put(line)

    def open(self, tell: Tell = silent) -> None:
        self.done.append("open")
        self.view = View("picamera", 640, 480, 10)

    def take(self, timeout_s: float) -> Observation | None:
        try:
            line = self._fed.get(timeout=min(timeout_s, 0.02))
        except queue.Empty:
            return None
        if isinstance(line, Exception):
            raise line
        return line

    def recover(self, step: Step, tell: Tell = silent) -> None:
        self.done.append(step.value)

    def close(self) -> None:
        self.done.append("close")


class Eye:
    """An eye's end, in threads of its own until the context ends; it looks with puppets.

    Attributes:
        looked: the orders that it followed, each with its puppet.
        opening: what stands in for loading: takes the order, may raise.
    """

    def __init__(
        self, path: Path, clock: Clock, patch: pytest.MonkeyPatch, opening: Callable[[Look], object] = bool
    ) -> None:
        patch.setattr(link, "_AGAIN_S", 0.02)
        patch.setattr(link, "_SLICE_S", 0.02)
        patch.setattr(sight, "_SLICE_S", 0.02)
        patch.setattr(sight, "open_source", self._open)
        self.looked: list[tuple[Look, Puppet]] = []
        self.opening = opening
        self.link = BodyLink(path, clock)
        self.sight = Sight(self.link, clock)
        self.threads = [Watched("link", self.link, clock), Watched("camera", self.sight, clock)]

    @property
    def puppet(self) -> Puppet:
        until(lambda: self.looked, "the eye looks")
        return self.looked[-1][1]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sight.stop()
        self.link.stop()
        for thread in self.threads:
            assert thread.join(PATIENCE_S)
            assert not thread.bug

    def _open(self, order: Look, *_: object) -> Puppet:
        self.opening(order)
        puppet = Puppet(paced=order.camera.paced)
        self.looked.append((order, puppet))
        return puppet


def stream(body: Body, puppet: Puppet, count: int) -> list[Observation]:
    """Feed so many observations of now."""
    fed = [seen(body.clock.now_ns()) for _ in range(count)]
    puppet.feed(*fed)
    return fed


class Pair:
    """A body and an eye, in one folder."""

    def __init__(self, folder: Path, clock: PushedClock, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.clock, self.patch = folder, clock, patch
        self._bodies: list[Body] = []

    def body(self, order: Look | None = None, **more: object) -> Body:
        """Return a body; one that was there is closed before."""
        self.close()
        self._bodies.append(Body(self.folder, order, clock=self.clock, **more))
        return self._bodies[-1]

    def close(self) -> None:
        for body in self._bodies:
            body.close()

    def eye(self, **more: object) -> Eye:
        return Eye(self.folder / "eye", self.clock, self.patch, **more)


def see_one(body: Body, eye: Eye) -> None:
    count = len(body.seen)

    def comes() -> bool:
        stream(body, eye.puppet, 1)  # again, as one gives way while a body has only just come
        return len(body.seen) > count

    body.until(comes, "an observation")
