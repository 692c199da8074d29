"""A device that can be told everything, over a real pipeline, without threads but that of a diagnosis."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eyespot.app.diagnosis import Sources, gather
from eyespot.app.orders import Orders
from eyespot.app.steward import Steward
from eyespot.app.tallies import Tallies
from eyespot.app.tracing import Tracing
from eyespot.config import Config, load
from eyespot.domain.event import Event
from eyespot.domain.message import Heard
from eyespot.domain.observation import Detections, Observation
from eyespot.domain.track import Scene
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, ModelIdentity
from eyespot.rules import RuleSettings, build
from eyespot.rules.line import LineSettings
from eyespot.rules.share import ShareSettings
from eyespot.supervisor.diagnosing import Diagnosing
from eyespot.topics.commands import Command
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.tracking.tracker import Tracker
from eyespot.update.commands import Verdict
from fakes.brokers import ROOT
from fakes.daemon import write_config
from fakes.desk import Desk
from fakes.waiting import until
from fakes.walkers import Walker, film

MODEL = ModelIdentity("m@1.0.0-0123456789ab", "m", "1.0.0", None, ("person", "dog"), 0.35)
DOOR = LineSettings(id="door", a=(0.5, 1.0), b=(0.5, 0.0), classes=("person",))  # left to right is in
GATE = LineSettings(id="gate", a=(0.5, 1.0), b=(0.5, 0.0))
SCALE = ShareSettings(id="scale")


class Office(Desk):
    """Such a device.

    Args:
        folder: for its configuration.
        rules: what it counts.
        unattended: whether somebody starts the process again.
        wired: as of `Desk`.
    """

    def __init__(self, folder: Path, *rules: RuleSettings, unattended: bool = False, **wired: Any) -> None:
        super().__init__(do=self._do, **wired)
        self.file = folder / "eyespot.toml"
        if not self.file.exists():
            write_config(folder, camera={"source": "scene"}, url="mqtt://localhost")
        self._read: tuple[int, Config] | None = None
        self.environ: dict[str, str] = {}
        self.steward = Steward(self.clock, unattended=unattended)
        self.handovers: list[Handover] = []
        self.adjusted: list[tuple[float, str | None]] = []
        native = Native(Gate(ROOT), "0" * 16, 0)
        built = {one.id: build(one, MODEL.labels, "overhead") for one in rules or (DOOR, GATE, SCALE)}
        turn = threading.Lock()
        self.tallies = Tallies(
            lambda: self.config,
            lambda: self.pipeline.model.bundle,
            native=native,
            post=self._post,
            turn=turn,
            clock=self.clock,
        )
        self.pipeline = Pipeline(MODEL, Tracker(MODEL.min_score), built, native, watch=self._watch)
        self.pipeline.begin({}, self.clock.now_ns(), self.clock.timeline())
        self.diagnosing = Diagnosing(self._gather, native=native, post=self._post, clock=self.clock)
        self.tracing = Tracing(
            folder / "state",
            self._config_by_time,
            health=self.health,
            native=native,
            post=self._post,
            clock=self.clock,
        )
        self.orders = Orders(
            self.pipeline,
            self.steward,
            self.diagnosing,
            post=self._post,
            turn=turn,
            clock=self.clock,
            adjust=self._adjust,
            tallies=self.tallies,
            tracing=self.tracing.desk,
        )

    def _watch(self, scene: Scene, labels: tuple[str, ...], events: Sequence[Event]) -> None:
        self.tallies.note(events)
        self.tracing.note(scene, labels)

    def _adjust(self, min_score: float, req_id: str | None) -> Verdict:
        self.adjusted.append((min_score, req_id))
        return Verdict("ok", "in force, on trial")

    def _do(self, command: Command, heard: Heard) -> Verdict:
        return self.orders.do(command, heard)

    def _gather(self) -> Any:
        return gather(Sources(self.file, self.config, self.steward.ring, self.steward.day, self.environ))

    @property
    def config(self) -> Config:
        return load(self.file).config

    def _config_by_time(self) -> Config:
        """The same, read anew when the file is another one: it is asked for several times a second."""
        changed_ns = self.file.stat().st_mtime_ns
        if self._read is None or self._read[0] != changed_ns:
            self._read = changed_ns, self.config
        return self._read[1]

    def _post(self, handover: Handover) -> None:
        self.handovers.append(handover)
        self.posted.extend(handover.messages)

    def looks(self, taken_ns: int, found: Detections) -> Handover:
        """See something."""
        seen = Observation(taken_ns, MODEL.bundle, found)
        return self.pipeline.step(taken_ns, seen, self.clock.timeline())

    def walks(self, times: int = 1) -> list[Handover]:
        """Let somebody walk from left to right, so many times."""
        handovers = []
        for _ in range(times):
            begun_ns = self.clock.now_ns()
            for taken_ns, found in film([Walker((0.1, 0.5), (0.9, 0.5), 0, 8)], 10, 8):
                handovers.append(self.looks(begun_ns + taken_ns, found))
            self.clock.sleep(20)
            handovers.append(self.pipeline.step(self.clock.now_ns(), None, self.clock.timeline()))
        return handovers

    def gathered(self) -> None:
        """Wait for all pieces of the diagnosis that is under way."""
        until(lambda: not self.diagnosing.gathers, "a diagnosis")

    def diagnosed(self) -> list[dict[str, Any]]:
        """Return all pieces of the diagnosis that is under way."""
        self.gathered()
        for _ in range(20):
            self.diagnosing.tick()
        return [reply for reply in self.replies if "piece" in reply]
