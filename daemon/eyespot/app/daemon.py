"""`eyespot run`: lives, one after the other, until a signal, an end or an error."""

import gc
import logging
from functools import partial
from pathlib import Path
from typing import NamedTuple

from eyespot.app.plan import Plan, eye_socket, plan
from eyespot.app.restarts import Restarts
from eyespot.app.service import serve
from eyespot.broker.paho import PahoBroker
from eyespot.config import Loaded, load
from eyespot.domain.errors import EyespotError, ModelRefused, one_line
from eyespot.host.clock import SystemClock
from eyespot.host.memory import give_back_large_blocks
from eyespot.host.systemd import Notifier
from eyespot.ports import Broker, Clock, HealthBoard
from eyespot.store.database import check_folder
from eyespot.supervisor.signals import held_back, next_wish
from eyespot.supervisor.supervisor import Outcome

_log = logging.getLogger(__name__)


class _Prepared(NamedTuple):
    """What a life begins with: all that can be wrong with a configuration has been tried."""

    loaded: Loaded
    plan: Plan
    broker: Broker


def _prepare(loaded: Loaded, clock: Clock, *, goes_back: bool = False) -> _Prepared:
    planned = plan(loaded, clock, eye_socket(), goes_back=goes_back)
    check_folder(planned.state_dir)
    return _Prepared(loaded, planned, PahoBroker(planned.config.mqtt, planned.device))


class _Reloader:
    """On SIGHUP plans anew. A configuration that is broken changes nothing, and is named on `health`."""

    def __init__(self, config: Path, clock: Clock, manager: Notifier) -> None:
        self._config = config
        self._clock = clock
        self._manager = manager
        self.prepared: _Prepared | None = None

    def attempt(self, health: HealthBoard) -> bool:
        """Return whether there is a new plan to live by."""
        self._manager.reloading()
        try:
            self.prepared = _prepare(load(self._config), self._clock, goes_back=True)
        except EyespotError as error:
            _log.error("the changed configuration is not in force: %s", error)
            health.raise_state("reload_refused", _refusal(error))
            self._manager.ready("the changed configuration was refused")
            return False
        return True


def run(config: Path) -> int:
    """Count and publish until stopped.

    Returns:
        The exit code: 0, or 70 after a bug.

    Raises:
        EyespotError: whatever ended it, or kept it from beginning.
    """
    give_back_large_blocks()
    clock, manager = SystemClock(), Notifier()
    with held_back():
        restarts = Restarts(config, clock, manager, next_wish)
        if not restarts.wait():
            return 0
        with restarts.last_word():
            return _lives(config, clock, manager, restarts)


def _lives(config: Path, clock: Clock, manager: Notifier, restarts: Restarts) -> int:
    prepared: _Prepared | None = _prepare(load(config), clock)
    before: Loaded | None = None
    refusal = ""
    outcome = Outcome.RELOAD
    live = partial(serve, clock=clock, manager=manager, next_wish=next_wish, each_tick=restarts.tick)
    while prepared is not None and outcome is Outcome.RELOAD:
        reloader = _Reloader(config, clock, manager)
        try:
            outcome = live(prepared.plan, prepared.broker, reload=reloader.attempt, refusal=refusal)
        except ModelRefused as error:
            _log.error("the changed configuration is in force no more: %s", error)
            refusal = _refusal(error)
            prepared = _way_back(before, prepared, clock)
        else:
            refusal = ""
            before = prepared.loaded
            prepared = reloader.prepared
        gc.collect()  # the parts of a life know each other, so that its model would stay for long
    return outcome.exit_code


def _way_back(before: Loaded | None, refused: _Prepared, clock: Clock) -> _Prepared:
    """Return the life of before; where it cannot be lived any more, the refused one, with its trouble."""
    try:
        return _prepare(before or refused.loaded, clock)
    except EyespotError as error:
        _log.error("the configuration of before cannot be used any more: %s", error)
        return _prepare(refused.loaded, clock)


def _refusal(error: EyespotError) -> str:
    return f"the configuration of before is in force: {one_line(error)}"
