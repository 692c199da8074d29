"""Which model looks, over time: what is staged is tried, and kept or left. Works in the main thread.

The record of the slots says which; it is written before anything looks with another model.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eyespot.app.choice import Choice, choose, good, utc_s
from eyespot.app.eye import glance, order, sealed
from eyespot.app.following import Follower
from eyespot.app.levels import Levels
from eyespot.app.trial import Trial, latency_of
from eyespot.config import Config, problems_with_rules
from eyespot.domain.errors import ModelError, StoreError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.notice import NOTICE, Notice
from eyespot.host.facts import memory_mb
from eyespot.pipeline import Pipeline
from eyespot.ports import Clock, HealthBoard, Readings
from eyespot.sources.screening import Wanted
from eyespot.sources.wire import Look
from eyespot.trust import slots as transitions
from eyespot.trust.notes import WorkerNote
from eyespot.trust.probation import RECENT_SPELLS, Terms, Verdict, spell_s
from eyespot.trust.slots import OutOfTurnError, Record, Staged
from eyespot.update.slots import Slots

_log = logging.getLogger(__name__)

_AGAIN_NS = 60 * SECOND_NS
_FRESH_NS = 10 * SECOND_NS
_READY_AT_LAST_NS = 600 * SECOND_NS
_PATIENCE_S, _PATIENCE_ON_SENSOR_S = 120.0, 1200.0

OnChange = Callable[[Record, WorkerNote | None], None]
Transition = Callable[[Record], Record]


class _Unwritten(NamedTuple):
    """A change that the disk did not take."""

    transition: Transition
    error: StoreError


class ModelLifecycle:
    """Watches over the model slots, and decides.

    Args:
        config: in force.
        choice: what looks at the beginning.
        slots: where the record is kept.
        pipeline: counts what is seen.
        follower: looks.
        readings: of what looks.
        health: knows `model_slots_failed`, `model_lost` and `swap_refused`.
        clock: for everything.
        on_change: is told the record, and the update worker's account, at first and when one has changed.
    """

    def __init__(
        self,
        *,
        config: Config,
        choice: Choice,
        slots: Slots,
        pipeline: Pipeline,
        follower: Follower,
        readings: Callable[[], Readings],
        health: HealthBoard,
        clock: Clock,
        on_change: OnChange,
    ) -> None:
        self._config = config
        self._looks_with = choice.bundle
        self._pinned = choice.pinned
        self._slots = slots
        self._pipeline = pipeline
        self._follower = follower
        self._readings = readings
        self._health = health
        self._clock = clock
        self._on_change = on_change
        self._paths = [slots.folder / name for name in ("state.json", "worker.json", "requests/body")]
        self._stamps: list[object] = []
        self._record = Record()
        self._levels = self._read_levels()
        self._trial: Trial | None = None
        self._unwritten: _Unwritten | None = None
        self._rests_until_ns = 0
        self._going_to = ""
        self._looks = self._looked_ns = 0
        self._staged_ns: int | None = None
        self._read()
        if self._record.trial is not None and self._record.trial.bundle == choice.model:
            self._trial = self._begin_trial(self._record.trial.bundle)

    def tick(self) -> None:
        """Do what there is to do; cheap when nothing is."""
        try:
            if self._has_changed():
                self._on_change(*self._read())
                self._obey()
            if self._may_write:
                self._write_again()
                self._take_up()
        except StoreError as error:
            self._fail(error)
        self._watch()

    @property
    def is_going_over(self) -> bool:
        """Whether another model is about to look."""
        return bool(self._going_to) and self._pipeline.seen.bundle != self._going_to

    def look_by(self, config: Config) -> Look:
        """Return how is to be looked by a configuration, with the model that looks.

        Raises:
            ModelError: its bundle is damaged by now.
        """
        return sealed(order(config, self._looks_with))

    def retune(self, config: Config) -> None:
        """Go by a configuration with other rules or scores.

        What one model saw by the old ones is not compared with what another sees by the new ones.
        """
        self._config = config
        self._levels = self._read_levels()
        if self._trial is not None:
            self._trial = self._begin_trial(self._trial.model)

    # --- what others have written -------------------------------------------------------------------------

    def _has_changed(self) -> bool:
        stamps = [_stamp(path) for path in self._paths]
        changed, self._stamps = stamps != self._stamps, stamps
        return changed

    def _read(self) -> tuple[Record, WorkerNote | None]:
        """Return what is written there; a record that cannot be read is as it was, such a note is none."""
        try:
            self._record = self._slots.record
        except StoreError as error:
            self._fail(error)
        try:
            return self._record, self._slots.worker_note()
        except StoreError as error:
            _log.info("%s", error)
            return self._record, None

    def _obey(self) -> None:
        """Do what an operator asks for."""
        for request in self._slots.take_requests("body"):
            if request.kind == "rollback" and not self._pinned:
                self._leave("an operator asked for it", transitions.go_back)

    # --- staged: tried or refused -------------------------------------------------------------------------

    def _take_up(self) -> None:
        """Begin to try what is staged, once there is something to compare it with."""
        staged = self._record.staged
        if staged is None or self._record.trial is not None:
            self._staged_ns = None
            return
        if self._staged_ns is None:
            self._staged_ns = self._clock.now_ns()
        if self._pinned:
            self._refuse(self._pinned)
        elif self._is_ready(self._staged_ns):
            self._try(staged)

    def _is_ready(self, since_ns: int) -> bool:
        now_ns = self._clock.now_ns()
        knows = self._levels.baseline.recent.spells >= RECENT_SPELLS
        looks_well = self._looks and now_ns - self._looked_ns < _FRESH_NS
        return (knows and looks_well) or now_ns - since_ns >= _READY_AT_LAST_NS

    def _try(self, staged: Staged) -> None:
        try:
            look, wanted = self._wanted(str(self._slots.bundle_folder(staged.bundle)))
        except ModelError as error:
            self._refuse(one_line(error))
            return
        reason = problems_with_rules(self._config.rules, wanted.model.labels, wanted.tells)
        if reason:
            self._refuse(reason)
            return
        self._levels.keep()
        self._write(transitions.activate)
        self._trial = self._begin_trial(staged.bundle)
        self._go_over(look, wanted)

    def _refuse(self, reason: str) -> None:
        _log.warning("a staged model is refused: %s", reason)
        self._write(partial(transitions.refuse, reason=reason, at_s=utc_s(self._clock)))

    # --- on probation: kept or left -----------------------------------------------------------------------

    def _begin_trial(self, model: str) -> Trial:
        on_sensor = self._config.camera.source == "imx500"
        patience_s = _PATIENCE_ON_SENSOR_S if on_sensor else _PATIENCE_S
        terms = Terms(self._config.update.probation_s, patience_s)
        return Trial(model, self._levels.baseline, terms, self._readings().model_error, self._clock)

    def _watch(self) -> None:
        """Note what is seen, and judge the model that is on probation."""
        seen, readings = self._pipeline.seen, self._readings()
        if seen.looks != self._looks:
            self._looks, self._looked_ns = seen.looks, self._clock.now_ns()
        if self._trial is None:
            self._levels.add(seen, latency_of(readings))
            self._see_to_going_over(seen.bundle)
            return
        memory = memory_mb() if readings.memory_mb is None else readings.memory_mb
        self._act_on(self._trial.judge(seen, readings, memory, self._follower), self._trial)

    def _act_on(self, verdict: Verdict, trial: Trial) -> None:
        if verdict.outcome == "passed":
            _log.log(NOTICE, "%s has proven itself%s", trial.model, verdict.reason and f" ({verdict.reason})")
            self._trial = None
            self._levels.begin_anew()
            self._write_or_keep(partial(transitions.commit, at_s=utc_s(self._clock)))
        elif verdict.outcome == "failed":
            hangs = trial.has_shown_nothing and not self._follower.refusal and not self._follower.losses
            self._leave(verdict.reason, transitions.roll_back)
            if hangs:
                self._follower.renew()

    def _leave(self, reason: str, transition: Callable[[Record, str, int], Record]) -> None:
        """Go back to the model of before, which looks again as soon as it is loaded."""
        _log.warning("%s is left: %s", self._record.current or "the factory model", reason)
        self._trial = None
        self._write_or_keep(lambda record: transition(record, reason, utc_s(self._clock)))
        try:
            choice = self._chosen()
            self._go_over(*self._wanted(choice.bundle))
        except (ModelError, StoreError) as error:
            self._health.raise_state("model_lost", one_line(error))
        else:
            choice.tell(self._health)

    def _chosen(self) -> Choice:
        if self._unwritten is not None:
            return good(self._slots, self._unwritten.error)
        return choose(self._config, self._slots, self._clock)

    # --- going over ---------------------------------------------------------------------------------------

    def _wanted(self, bundle: str) -> tuple[Look, Wanted]:
        look = sealed(order(self._config, bundle))
        return look, Wanted(*glance(look))

    def _go_over(self, look: Look, wanted: Wanted) -> None:
        before, after = self._pipeline.model.bundle, wanted.model.bundle
        _log.log(
            NOTICE,
            "the model changes from %s to %s",
            before,
            after,
            extra=Notice.MODEL_CHANGED.of(model=after),
        )
        self._going_to, self._looks_with = after, look.bundle
        self._pipeline.expect(wanted.model)
        self._follower.follow(look, wanted)

    def _see_to_going_over(self, bundle: str) -> None:
        """Name it where the way back is refused, too."""
        if not self._going_to:
            return
        if bundle == self._going_to:
            self._going_to = ""
            self._health.clear_state("swap_refused")
        elif self._follower.refusal:
            self._health.raise_state("swap_refused", self._follower.refusal)

    def _read_levels(self) -> Levels:
        update = self._config.update
        return Levels(
            self._slots.folder, spell_s(update.probation_s), classes_of_interest(self._config), self._clock
        )

    # --- the record ---------------------------------------------------------------------------------------

    @property
    def _may_write(self) -> bool:
        return self._clock.now_ns() >= self._rests_until_ns

    def _write(self, transition: Transition) -> None:
        """Change the record.

        Raises:
            StoreError: it stays as it was.
        """
        try:
            self._record = self._slots.change(transition)
        except OutOfTurnError as error:
            _log.info("the record of the model slots says otherwise by now: %s", error)
            self._record = self._slots.record
        self._health.clear_state("model_slots_failed")

    def _write_or_keep(self, transition: Transition) -> None:
        """Change the record, later where it cannot be changed now: what looks does not wait for a disk."""
        self._unwritten = None
        try:
            self._write(transition)
        except StoreError as error:
            self._unwritten = _Unwritten(transition, error)
            self._fail(error)

    def _write_again(self) -> None:
        if self._unwritten is not None:
            self._write_or_keep(self._unwritten.transition)

    def _fail(self, error: StoreError) -> None:
        self._rests_until_ns = self._clock.now_ns() + _AGAIN_NS
        self._health.raise_state("model_slots_failed", one_line(error))


def classes_of_interest(config: Config) -> frozenset[str] | None:
    """Return the classes that rules use; None where one uses all, or there is none."""
    named = [rule.classes for rule in config.rules]
    if not named or None in named:
        return None
    return frozenset(label for classes in named for label in classes or ())


def _stamp(path: Path) -> object:
    """Return what changes when a file is replaced, or a folder gets one."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
