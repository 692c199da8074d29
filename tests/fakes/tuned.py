"""A life of the daemon as far as a configuration can be retuned in it: real parts, no thread, no broker."""

import threading

from eyespot.app.lifecycle import classes_of_interest
from eyespot.app.plan import Plan
from eyespot.app.retuning import Parts, Retuning
from eyespot.config import Config
from eyespot.domain.message import Message
from eyespot.domain.observation import Observation
from eyespot.host.clock import ManualClock
from eyespot.host.facts import HostFacts
from eyespot.pipeline import Pipeline
from eyespot.ports import Handover, Readings
from eyespot.supervisor.health import Health
from eyespot.supervisor.reporter import Gauges, Rates, Reporter
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native
from eyespot.tracking.tracker import Tracker
from fakes.brokers import ROOT
from fakes.looking import Looking
from fakes.walkers import Walker, film


class Tuned:
    """One life.

    Attributes:
        posted: all messages.
        forgotten: rules whose totals are not kept any longer.
        looking: what looks.
    """

    def __init__(self, plan: Plan, clock: ManualClock) -> None:
        self.clock = clock
        self.health = Health(clock)
        self.posted: list[Message] = []
        self.forgotten: list[str] = []
        self.native = Native(Gate(ROOT), "0" * 16, 0)
        self.looking = Looking(plan.model)
        self.tracker = Tracker(plan.model.min_score)
        self.pipeline = Pipeline(
            plan.model,
            self.tracker,
            plan.rules,
            self.native,
            publishes_frames=plan.config.topics.frame,
            classes=classes_of_interest(plan.config),
        )
        self.reporter = Reporter(
            identity=identity(plan.config),
            gauges=Gauges(
                model=lambda: self.pipeline.model,
                view=lambda: None,
                rates=lambda: Rates(0, 0, 0, Readings(), {}),
                host=lambda: HostFacts(None, None, None, None),
                voltage_is_low=lambda: None,
            ),
            native=self.native,
            health=self.health,
            post=self.post,
            clock=clock,
        )
        self.retuning = Retuning(plan, self._parts())
        self.post(self.pipeline.begin({}, clock.now_ns(), clock.timeline()))

    def _parts(self) -> Parts:
        return Parts(
            pipeline=self.pipeline,
            lifecycle=None,
            follower=self.looking,
            reporter=self.reporter,
            post=self.post,
            turn=threading.Lock(),
            identity=identity,
            health=self.health,
            clock=self.clock,
        )

    def post(self, handover: Handover) -> None:
        self.posted += handover.messages
        self.forgotten += [rule for rule, state in handover.snapshots.items() if not state]

    def walks(self, walker: Walker, from_s: float = 0.0, to_s: float | None = None) -> None:
        """Let somebody walk through the picture, or a part of that way."""
        for taken_ns, found in film([walker], 10, to_s or walker.to_s):
            if taken_ns >= from_s * 1e9:
                bundle = self.pipeline.model.bundle
                self.post(
                    self.pipeline.step(taken_ns, Observation(taken_ns, bundle, found), self.clock.timeline())
                )


def identity(config: Config) -> Identity:
    return Identity(
        "shop",
        "Shop",
        "UTC",
        "a machine",
        "0.1",
        "3.11",
        config.camera.mount,
        publishes_frames=config.topics.frame,
    )
