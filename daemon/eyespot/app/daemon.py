"""`eyespot run`: lives, one after the other, until a signal, an end or an error."""

import gc
import logging
import os
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eyespot.app.choice import Chooser
from eyespot.app.plan import Plan, eye_socket, plan
from eyespot.app.restarts import Restarts
from eyespot.app.service import serve
from eyespot.app.steward import Steward
from eyespot.app.twin import Twin
from eyespot.app.update_runs import UpdateRuns
from eyespot.broker.credentials import credentials
from eyespot.broker.paho import PahoBroker
from eyespot.broker.settings import endpoints
from eyespot.config import Loaded
from eyespot.domain.errors import EyespotError, ModelError, ModelRefused, one_line
from eyespot.domain.notice import NOTICE, Fields, Notice
from eyespot.host.clock import SystemClock, may_soon_be_set
from eyespot.host.memory import give_back_large_blocks
from eyespot.host.systemd import Notifier
from eyespot.ports import Broker, Clock, HealthBoard
from eyespot.store.database_file import check_folder
from eyespot.supervisor.signals import Wish, held_back, next_wish
from eyespot.supervisor.supervisor import Outcome

_log = logging.getLogger(__name__)


class _Prepared(NamedTuple):
    """What a life begins with: all that can be wrong with a configuration has been tried."""

    loaded: Loaded
    plan: Plan
    broker: Broker


def _prepare(loaded: Loaded, clock: Clock, chooser: Chooser, *, goes_back: bool = False) -> _Prepared:
    planned = _plan(loaded, clock, chooser, goes_back=goes_back)
    mqtt = planned.config.mqtt
    if goes_back:  # else there is nothing better than to count without them, and to say so
        check_folder(planned.state_dir)
        credentials(mqtt, tls=endpoints(mqtt)[0].tls, environ=os.environ)
    broker = PahoBroker(mqtt, planned.device, waits_for_clock=partial(may_soon_be_set, clock))
    return _Prepared(loaded, planned, broker)


def _plan(loaded: Loaded, clock: Clock, chooser: Chooser, *, goes_back: bool) -> Plan:
    """Plan with the model that looks; one on probation that cannot even be loaded gives way."""
    while True:
        choice = chooser.choose(loaded.config)
        try:
            returns = goes_back and not choice.on_trial  # else whoever judges the trial acts
            return plan(loaded, clock, eye_socket(), choice=choice, goes_back=returns)
        except ModelError as error:
            if not chooser.gives_up(choice, one_line(error)):
                raise


class _Reloader:
    """On SIGHUP plans anew. A configuration that is broken changes nothing, and is named on `health`."""

    def __init__(self, twin: Twin, model: str, clock: Clock, manager: Notifier, chooser: Chooser) -> None:
        self._twin = twin
        self._chooser = chooser
        self._model = model
        self._clock = clock
        self._manager = manager
        self.prepared: _Prepared | None = None

    def attempt(self, health: HealthBoard) -> bool:
        """Return whether there is a new plan to live by."""
        self._manager.reloading()
        try:
            self.prepared = self._twin.prepared(
                lambda loaded: _prepare(loaded, self._clock, self._chooser, goes_back=True)
            )
        except EyespotError as error:
            refused = Notice.CONFIGURATION_REFUSED.of(reason=one_line(error))
            _log.error("the changed configuration is not in force: %s", error, extra=refused)
            health.raise_state("reload_refused", _refusal(error))
            self._manager.ready("the changed configuration was refused")
            return False
        self._tell_taken_up(self.prepared.plan.model.bundle)
        return True

    def _tell_taken_up(self, model: str) -> None:
        taken_up = Notice.CONFIGURATION_TAKEN_UP.of(model=model)
        _log.log(NOTICE, "the changed configuration is taken up", extra=taken_up)
        if model != self._model:
            changed = Notice.MODEL_CHANGED.of(model=model)
            _log.log(NOTICE, "the model changes from %s to %s", self._model, model, extra=changed)


def run(config: Path, about: Callable[[Fields], None] = lambda _: None) -> int:
    """Count and publish until stopped.

    Args:
        config: its file.
        about: is told which device this is and with which model it looks, for the logs.

    Returns:
        The exit code: 0, 70 after a bug, or 75 where it is to be started again.

    Raises:
        EyespotError: whatever ended it, or kept it from beginning.
    """
    give_back_large_blocks()
    clock, manager = SystemClock(), Notifier()
    with held_back():
        restarts = Restarts(config, clock, manager, next_wish)
        if not restarts.wait():
            return 0
        with restarts.last_word(), closing(UpdateRuns(config, clock)) as updates:
            steward = Steward(clock, unattended=restarts.unattended)
            with steward.listening():
                beside = _Beside(restarts, updates, Twin(config, clock), steward, config)
                return _lives(about, clock, manager, beside)


class _Beside(NamedTuple):
    """What goes on beside every life."""

    restarts: Restarts
    updates: UpdateRuns
    twin: Twin
    steward: Steward
    file: Path

    def tick(self, health: HealthBoard) -> None:
        """Let it go on."""
        self.restarts.tick(health)
        self.updates.tick()
        self.twin.tick(health)
        self.steward.tick()

    def next_wish(self, timeout_s: float) -> Wish | None:
        """Wait for a signal; what is wanted over MQTT counts as one."""
        return next_wish(timeout_s) or self.steward.wish()


def _lives(about: Callable[[Fields], None], clock: Clock, manager: Notifier, beside: _Beside) -> int:
    chooser = Chooser(clock)
    twin = beside.twin
    prepared: _Prepared | None = twin.prepared(lambda loaded: _prepare(loaded, clock, chooser))
    before: Loaded | None = None
    refusal = ""
    outcome = Outcome.RELOAD
    live = partial(
        serve,
        clock=clock,
        manager=manager,
        next_wish=beside.next_wish,
        each_tick=beside.tick,
        twin=twin,
        steward=beside.steward,
        file=beside.file,
    )
    while prepared is not None and outcome is Outcome.RELOAD:
        device, model = prepared.plan.device, prepared.plan.model.bundle
        about({"device": device, "model": model})
        beside.updates.follow(prepared.plan.config)
        reloader = _Reloader(twin, model, clock, manager, chooser)
        try:
            outcome = live(prepared.plan, prepared.broker, reload=reloader.attempt, refusal=refusal)
        except ModelRefused as error:
            refused = Notice.CONFIGURATION_REFUSED.of(reason=one_line(error))
            _log.error("the changed configuration is in force no more: %s", error, extra=refused)
            refusal = _refusal(error)
            prepared = _way_back(before, prepared, clock, chooser)
        else:
            refusal = ""
            before = prepared.loaded
            prepared = reloader.prepared
        gc.collect()  # the parts of a life know each other, so that its model would stay for long
    return outcome.exit_code


def _way_back(before: Loaded | None, refused: _Prepared, clock: Clock, chooser: Chooser) -> _Prepared:
    """Return the life of before; where it cannot be lived any more, the refused one, with its trouble."""
    try:
        return _prepare(before or refused.loaded, clock, chooser)
    except EyespotError as error:
        _log.error("the configuration of before cannot be used any more: %s", error)
        return _prepare(refused.loaded, clock, chooser)


def _refusal(error: EyespotError) -> str:
    return f"the configuration of before is in force: {one_line(error)}"
