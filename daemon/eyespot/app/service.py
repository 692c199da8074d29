"""One life of the daemon: threads and what they share, from the opened store to the last farewell."""

import os
import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from eyespot.app import announcing, parts
from eyespot.app.certificates import CertificateWatch
from eyespot.app.choice import slots_folder
from eyespot.app.diagnosis import Sources, gather
from eyespot.app.following import Follower, InThisProcess, ThroughTheEye
from eyespot.app.last_hour import door_in, last_hour
from eyespot.app.lifecycle import ModelLifecycle
from eyespot.app.model_desk import ModelDesk
from eyespot.app.orders import Orders
from eyespot.app.plan import Plan
from eyespot.app.retuning import Parts, Retuning
from eyespot.app.self_audit import SelfAuditing, look_at_itself
from eyespot.app.steward import Steward
from eyespot.app.tallies import Tallies
from eyespot.app.tracing import Tracing
from eyespot.app.twin import Life, Twin
from eyespot.domain.event import Event
from eyespot.domain.track import Scene
from eyespot.host.door import Door
from eyespot.host.facts import read_facts, voltage_is_low
from eyespot.host.identity import boot_id
from eyespot.host.reboot import ask_for_reboot
from eyespot.ports import Broker, Clock, HealthBoard
from eyespot.sources.eye import EyeSource
from eyespot.store.database import Database
from eyespot.store.ledger import FileLedger
from eyespot.store.shelter import open_database
from eyespot.store.worker import StoreWorker
from eyespot.supervisor.announcer import Announcer
from eyespot.supervisor.describer import Describer
from eyespot.supervisor.diagnosing import Diagnosing
from eyespot.supervisor.doubt_watch import DoubtWatch
from eyespot.supervisor.mailbox import Mailbox
from eyespot.supervisor.reporter import Gauges, Rates, Reporter
from eyespot.supervisor.signals import Wish
from eyespot.supervisor.source_worker import SourceWorker
from eyespot.supervisor.supervisor import Outcome, ServiceManager, StopStep, Supervisor
from eyespot.supervisor.threads import Watched
from eyespot.supervisor.vision_worker import VisionWorker
from eyespot.topics.diagnosis import Piece
from eyespot.topics.durables import Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native
from eyespot.update.commands import Verdict
from eyespot.update.slots import Slots

# From SIGTERM to exit it may take 2 s in all. A file that has ended may wait longer for the broker.
_PATIENCE_S = 0.4
_PATIENCE_AT_END_S = 10.0


def serve(
    plan: Plan,
    broker: Broker,
    *,
    clock: Clock,
    manager: ServiceManager,
    reload: Callable[[HealthBoard], bool],
    next_wish: Callable[[float], Wish | None],
    refusal: str = "",
    each_tick: Callable[[HealthBoard], None] = lambda _: None,
    twin: Twin | None = None,
    steward: Steward | None = None,
    file: Path = Path(),
) -> Outcome:
    """Live by a plan until stopped, or until a new plan is to be lived by.

    Args:
        plan: what was built; its source is closed afterwards.
        broker: the way out.
        clock: for everything.
        manager: is told how it goes.
        reload: called on SIGHUP; whether to make way for a new life.
        next_wish: waits for a signal, at most that many seconds.
        refusal: why a newer configuration is not in force; empty where this is the newest.
        each_tick: called several times a second, by the main thread.
        twin: takes the configuration that is desired; None: nobody does.
        steward: does what the device is told to do to itself; None: nobody who outlives this life.
        file: the configuration's.

    Raises:
        FolderInUseError: another process uses the state folder.
        StorageError: the disk failed to the end, so that counts are lost.
        EyespotError: whatever ended a thread.
    """
    with closing(open_database(plan.state_dir)) as database:
        steward = steward or Steward(clock, unattended=False)
        life = _Life(plan, broker, database, clock, refusal, twin=twin, steward=steward, file=file)
        with closing(Door(door_in(plan.state_dir), life.last_hour)) as door:

            def tick(health: HealthBoard) -> None:
                each_tick(health)
                door.tick()

            try:
                return life.supervisor(manager, reload, next_wish, tick).run()
            finally:
                life.tracing.end()


class _Life:
    """The parts of one life, wired; `tracing` is to be ended after it."""

    def __init__(
        self,
        plan: Plan,
        broker: Broker,
        database: Database,
        clock: Clock,
        refusal: str,
        *,
        twin: Twin | None,
        steward: Steward,
        file: Path,
    ) -> None:
        self._plan = plan
        self._broker = broker
        self._clock = clock
        self._twin = twin
        self._steward = steward
        self._file = file
        self._health = parts.begun_health(clock, refusal, plan.state_dir)
        self._certificates = CertificateWatch(plan.config.mqtt, self._health, clock)
        gate = Gate(plan.root)
        native = Native(gate, secrets.token_hex(8), database.seq())
        self._store = self._make_store(database, Durables(gate, native.boot_id, clock))
        self._ledger = FileLedger(plan.state_dir, boot_id(), clock)
        self._looks = plan.source(self._health, self._ledger)
        self._mailbox = Mailbox(overwrites=self._looks.paced)
        self._source = self._make_source_worker()
        self._turn = threading.Lock()
        self._tallies = self._make_tallies(native)
        self.tracing = self._make_tracing(native)
        self._pipeline = parts.pipeline(plan, native, gate, self._watch)
        self._doubts = DoubtWatch(self._health, lambda: self._pipeline.doubts)
        self._reporter = self._make_reporter(native)
        self._announcer = self._make_announcer(gate)
        self._models = self._make_model_desk(native)
        self._models.listen(broker, *announcing.ear(self._models.commands, self._announcer))
        self._follower = self._make_follower()
        self._lifecycle = self._make_lifecycle()
        broker.attach(self._store, self._reporter.status("offline"))
        self._store.post(self._pipeline.begin(database.snapshots(), clock.now_ns(), clock.timeline()))
        parts.name_what_was_reset(self._pipeline, self._health)
        self._reporter.begin()
        self._retuning = self._make_retuning()
        if twin is not None:
            twin.begin(self._for_twin(native))

    def _for_twin(self, native: Native) -> Life:
        return Life(
            native,
            self._store.post,
            retuning=self._retuning,
            answers=lambda: self._store.answers,
            seen=lambda: self._mailbox.received,
        )

    def _make_retuning(self) -> Retuning:
        through = Parts(
            pipeline=self._pipeline,
            lifecycle=self._lifecycle,
            follower=self._follower,
            reporter=self._reporter,
            post=self._store.post,
            turn=self._turn,
            identity=partial(parts.identity, self._plan.device),
            health=self._health,
            clock=self._clock,
        )
        return Retuning(self._plan, through)

    def _watch(self, scene: Scene, labels: tuple[str, ...], events: Sequence[Event]) -> None:
        self._steward.hour.note(scene, labels)
        self.tracing.note(scene, labels)
        self._tallies.note(events)

    def last_hour(self) -> bytes:
        """Return the tracks of the last hour, and the rules in force, for `eyespot why`."""
        return last_hour(self._steward.hour, self._retuning.config, self._looks.view, self._clock)

    def supervisor(
        self,
        manager: ServiceManager,
        reload: Callable[[HealthBoard], bool],
        next_wish: Callable[[float], Wish | None],
        each_tick: Callable[[HealthBoard], None],
    ) -> Supervisor:
        """Return who watches over the threads of this life."""

        def tick() -> None:
            each_tick(self._health)  # first, so that the first words on health have it
            self._certificates.tick()
            self._doubts.tick()
            if (view := self._looks.view) is not None:
                self._pipeline.expect_rate(view.rate_hz)
            if self._lifecycle is not None:
                self._lifecycle.tick()
            self._reporter.tick()

        describer = Describer(self._rates, lambda: self._pipeline.tracks_alive, self._health, self._clock)
        vision = VisionWorker(self._pipeline, self._mailbox, self._store.post, self._clock, self._turn)
        threads = {
            name: Watched(name, worker, self._clock)
            for name, worker in (
                ("store", self._store),
                ("broker", self._broker),
                ("vision", vision),
                ("source", self._source),
                ("commands", self._models.commands),
            )
        }
        return Supervisor(
            threads=list(threads.values()),
            stop=self._stop_steps(threads),
            manager=manager,
            tick=tick,
            describe=describer.describe,
            reload=lambda: reload(self._health),
            next_wish=next_wish,
            clock=self._clock,
        )

    def _stop_steps(self, threads: dict[str, Watched]) -> list[StopStep]:
        asks: dict[str, Callable[[float], None]] = {
            "source": self._stop_source,
            "commands": self._models.commands.stop,
            "vision": lambda _: None,  # goes on until the mailbox, which the source has closed, is empty
            # without the broker's thread nothing would leave, however long the store waits
            "store": lambda patience_s: self._store.stop(patience_s if threads["broker"].running else 0),
            "broker": lambda patience_s: self._broker.stop(self._reporter.status("offline"), patience_s),
        }
        return [StopStep(ask, threads[name], _PATIENCE_S, _PATIENCE_AT_END_S) for name, ask in asks.items()]

    def _stop_source(self, _: float) -> None:
        self._doubts.tick()  # for the last words on health
        self._reporter.stopping()
        self._source.stop()

    def _make_store(self, database: Database, durables: Durables) -> StoreWorker:
        limits, budget = self._plan.config.state.limits, parts.budget(self._plan, self._clock)
        return StoreWorker(
            database, self._broker, self._health, durables, self._clock, limits=limits, budget=budget
        )

    def _make_tracing(self, native: Native) -> Tracing:
        return Tracing(
            self._plan.state_dir,
            lambda: self._retuning.config,
            health=self._health,
            native=native,
            post=self._store.post,
            clock=self._clock,
        )

    def _make_announcer(self, gate: Gate) -> Announcer:
        return announcing.announcer(
            self._plan,
            self._pipeline,
            gate=gate,
            post=self._store.post,
            answers=lambda: self._store.answers,
            turn=self._turn,
            clock=self._clock,
        )

    def _make_source_worker(self) -> SourceWorker:
        camera = self._plan.config.camera
        return SourceWorker(
            self._looks,
            self._mailbox,
            self._health,
            self._clock,
            stall_s=camera.stall_s if self._looks.steps else None,
            reboot=lambda: ask_for_reboot(self._ledger),
            leave=self._ledger.power_up if self._plan.looks_itself and camera.wears else None,
        )

    def _make_lifecycle(self) -> ModelLifecycle | None:
        choice = self._plan.choice
        choice.tell(self._health)
        if choice.slots is None:
            return None
        return ModelLifecycle(
            config=self._plan.config,
            choice=choice,
            slots=choice.slots,
            pipeline=self._pipeline,
            follower=self._follower,
            readings=lambda: self._source.readings,
            health=self._health,
            clock=self._clock,
            on_change=self._models.tell,
        )

    def _make_follower(self) -> Follower:
        if isinstance(self._looks, EyeSource):
            return ThroughTheEye(self._looks, self._source)
        return InThisProcess(self._looks, self._source, self._plan.look, self._clock)

    def _make_tallies(self, native: Native) -> Tallies:
        return Tallies(
            lambda: self._retuning.config,
            lambda: self._pipeline.model.bundle,
            native=native,
            post=self._store.post,
            turn=self._turn,
            clock=self._clock,
        )

    def _make_model_desk(self, native: Native) -> ModelDesk:
        post = self._store.post
        diagnosing = Diagnosing(self._gather, native=native, post=post, clock=self._clock)
        orders = Orders(
            self._pipeline,
            self._steward,
            diagnosing,
            post=post,
            turn=self._turn,
            clock=self._clock,
            adjust=self._adjust,
            tallies=self._tallies,
            tracing=self.tracing.desk,
        )
        auditing = SelfAuditing(
            partial(look_at_itself, self._file, looks=self._plan.looks_itself),
            native=native,
            post=post,
            clock=self._clock,
        )

        def each_second() -> None:
            diagnosing.tick()
            auditing.tick()
            self._tallies.tick()
            self.tracing.desk.tick()
            self._announcer.tick()

        return ModelDesk(
            self._plan,
            self._plan.choice.slots or Slots(slots_folder(self._plan.config)),
            lambda: self._pipeline.model,
            native=native,
            post=post,
            turn=self._turn,
            health=self._health,
            clock=self._clock,
            answered=self._steward.answered,
            desire=self._twin.hear if self._twin is not None else lambda _: None,
            do=orders.do,
            each_second=each_second,
        )

    def _adjust(self, min_score: float, req_id: str | None) -> Verdict:
        if self._twin is None:
            return Verdict("refused", "here nothing can be desired")
        return Verdict(*self._twin.adjust(min_score, req_id))

    def _gather(self) -> Sequence[Piece]:
        ring, day = self._steward.ring, self._steward.day
        return gather(Sources(self._file, self._retuning.config, ring, day, os.environ))

    def _make_reporter(self, native: Native) -> Reporter:
        return Reporter(
            identity=parts.identity(self._plan.device, self._plan.config),
            gauges=Gauges(
                model=lambda: self._pipeline.model,
                view=lambda: self._looks.view,
                rates=self._rates,
                host=lambda: read_facts(self._plan.state_dir),
                voltage_is_low=voltage_is_low,
            ),
            native=native,
            health=self._health,
            post=self._store.post,
            clock=self._clock,
            every_s=self._plan.config.topics.health_s,
            note=self._steward.day.note,
        )

    def _rates(self) -> Rates:
        readings = self._source.readings
        return Rates(
            observations=self._mailbox.received,
            dropped=self._mailbox.dropped + readings.dropped,
            backlog=self._store.backlog,
            readings=readings,
            recoveries=self._source.recoveries,
            bytes_today=self._store.bytes_today,
        )
