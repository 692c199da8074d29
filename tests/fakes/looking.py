"""A body's main thread with slots, a pipeline and whatever looks, in a time that passes at once."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from eyespot.app.choice import Choice, Chooser
from eyespot.app.eye import glance, order
from eyespot.app.lifecycle import ModelLifecycle, classes_of_interest
from eyespot.broker.settings import MqttSettings
from eyespot.config import Config
from eyespot.config.settings import ModelSettings
from eyespot.domain.observation import Detections, Observation
from eyespot.host.clock import ManualClock
from eyespot.pipeline import Pipeline
from eyespot.ports import ModelIdentity, Readings
from eyespot.rules.line import LineSettings
from eyespot.sources.screening import Wanted
from eyespot.sources.settings import CameraSettings
from eyespot.sources.wire import Look
from eyespot.store.settings import StateSettings
from eyespot.supervisor.health import Health
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from eyespot.trust.notes import WorkerNote
from eyespot.trust.slots import Record
from eyespot.update.settings import UpdateSettings
from eyespot.update.slots import Slots

Sees = Callable[[ModelIdentity], int]  # how many persons a model sees in a look


def everybody(_: ModelIdentity) -> int:
    return 1


class Looking:
    """What looks: it goes over to what it is told to, unless it refuses, or is hung.

    Attributes:
        told: the orders.
        losses: of the process that looks, since the newest.
        refuses: bundle ids that it cannot look with, and why.
        hangs: whether it goes over to nothing.
        renewed: how often another process was wanted.
    """

    def __init__(self, model: ModelIdentity) -> None:
        self.model = model
        self.told: list[Look] = []
        self.refusal = ""
        self.losses = 0
        self.refuses: dict[str, str] = {}
        self.hangs = False
        self.renewed = 0

    def follow(self, look: Look, wanted: Wanted) -> None:
        self.told.append(look)
        self.losses, self.refusal = 0, self.refuses.get(wanted.model.bundle, "")
        if not self.hangs and not self.refusal:
            self.model = wanted.model

    def renew(self) -> None:
        self.renewed += 1


class House:
    """One life of a body, as far as models matter.

    Args:
        config: see `config_in`.
        clock: moved by this.
        chooser: of a process that goes on; None: the process is new.
    """

    def __init__(self, config: Config, clock: ManualClock, chooser: Chooser | None = None) -> None:
        self.clock = clock
        self.health = Health(clock)
        self.chooser = chooser or Chooser(clock, {})
        self.choice: Choice = self.chooser.choose(config)
        self.choice.tell(self.health)
        assert self.choice.slots
        self.slots: Slots = self.choice.slots
        model, _ = glance(order(config, self.choice.bundle))
        native = Native(Gate("eyespot/v1/shop"), "0" * 16, 0)
        interest = classes_of_interest(config)
        self.pipeline = Pipeline(model, Tracker(model.min_score), {}, native, classes=interest)
        self.looking = Looking(model)
        self.readings = Readings(inference_ms=(5.0, 10.0), memory_mb=100.0)
        self.changes: list[tuple[Record, WorkerNote | None]] = []
        self.lifecycle = ModelLifecycle(
            config=config,
            choice=self.choice,
            slots=self.slots,
            pipeline=self.pipeline,
            follower=self.looking,
            readings=lambda: self.readings,
            health=self.health,
            clock=clock,
            on_change=lambda record, note: self.changes.append((record, note)),
        )

    @property
    def looks(self) -> str:
        """Which model looks."""
        return self.looking.model.bundle

    @property
    def record(self) -> Record:
        return self.slots.record

    @property
    def troubles(self) -> dict[str, str]:
        return {trouble.name: trouble.reason for trouble in self.health.troubles()}

    def passes(
        self,
        seconds: float,
        sees: Sees = everybody,
        until: Callable[[], object] = bool,
        every_s: float = 0.5,
    ) -> None:
        """Let time pass, and the model look every so often."""
        for _ in range(round(seconds / every_s)):
            self.clock.sleep(every_s)
            self._look(sees(self.looking.model))
            self.lifecycle.tick()
            if until():
                return

    def _look(self, persons: int) -> None:
        model, now_ns = self.looking.model, self.clock.now_ns()
        boxes = np.tile(np.array([0.1, 0.1, 0.2, 0.2], np.float32), (persons, 1))
        classes = np.full(persons, model.labels.index("person"), np.intp)
        found = Detections(boxes, np.full(persons, 0.9, np.float32), classes)
        self.pipeline.step(now_ns, Observation(now_ns, model.bundle, found), self.clock.timeline())


def config_in(folder: Path, bundle: str = "factory", classes: tuple[str, ...] = ("person",)) -> Config:
    """Return a configuration with a line, whose state is kept in a folder, and a probation of a minute."""
    return Config(
        camera=CameraSettings(source="scene"),
        model=ModelSettings(bundle=bundle),
        mqtt=MqttSettings(url="mqtt://localhost"),
        state=StateSettings(dir=str(folder)),
        update=UpdateSettings(probation_s=60),
        rules=(LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=classes),),
    )
