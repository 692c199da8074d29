"""`eyespot run`: lives, one after the other, until a signal, an end or an error."""

import logging
from pathlib import Path

from eyespot.app.plan import Plan, plan
from eyespot.app.service import serve
from eyespot.broker.paho import PahoBroker
from eyespot.config import load
from eyespot.domain.errors import EyespotError, one_line
from eyespot.host.clock import SystemClock
from eyespot.host.systemd import Notifier
from eyespot.ports import Clock, HealthBoard
from eyespot.supervisor.signals import held_back, next_wish
from eyespot.supervisor.supervisor import Outcome

_log = logging.getLogger(__name__)


class _Reloader:
    """On SIGHUP plans anew. A configuration that is broken changes nothing, and is named on `health`."""

    def __init__(self, config: Path, clock: Clock, manager: Notifier) -> None:
        self._config = config
        self._clock = clock
        self._manager = manager
        self.planned: Plan | None = None

    def attempt(self, health: HealthBoard) -> bool:
        """Return whether there is a new plan to live by."""
        self._manager.reloading()
        try:
            self.planned = plan(load(self._config), self._clock)
        except EyespotError as error:
            _log.error("the changed configuration is not in force: %s", error)
            health.raise_state(
                "reload_refused", f"the configuration of before is in force: {one_line(error)}"
            )
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
    clock, manager = SystemClock(), Notifier()
    with held_back():
        current: Plan | None = plan(load(config), clock)
        outcome = Outcome.RELOAD
        while current and outcome is Outcome.RELOAD:
            broker = PahoBroker(current.config.mqtt, current.device)
            reloader = _Reloader(config, clock, manager)
            outcome = serve(
                current,
                broker,
                clock=clock,
                manager=manager,
                reload=reloader.attempt,
                next_wish=next_wish,
            )
            current = reloader.planned
    return outcome.exit_code
