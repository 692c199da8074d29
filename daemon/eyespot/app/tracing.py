"""Where people went, wired for one life of the daemon."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from eyespot.config import Config
from eyespot.host.facts import enough_disk_mb, read_facts
from eyespot.ports import Clock, Handover
from eyespot.store.settings import TrajectoriesSettings
from eyespot.store.trajectories.keeper import Keeper
from eyespot.supervisor.health import Health
from eyespot.supervisor.tracing_desk import TracingDesk
from eyespot.topics.native import Native


class Tracing:
    """Keeps where people went, and tells it.

    Args:
        state: the folder of the device's state.
        config: in force just now.
        health, native, post, clock: of this life.

    Attributes:
        note: takes each scene; for the thread that counts.
        desk: for the commands thread.
        end: keeps what is left, once no thread is.
    """

    def __init__(
        self,
        state: Path,
        config: Callable[[], Config],
        *,
        health: Health,
        native: Native,
        post: Callable[[Handover], None],
        clock: Clock,
    ) -> None:
        def settings() -> TrajectoriesSettings:
            return config().trajectories

        keeper = Keeper(state, settings, health, clock, has_room=partial(_has_room, state))
        self.note = keeper.gathering.note
        self.desk = TracingDesk(keeper, settings, native=native, post=post, clock=clock, health=health)
        self.end = keeper.keep


def _has_room(state: Path) -> bool:
    """Return whether the disk has room for more than counts; where nobody knows, it has."""
    host = read_facts(state)
    if host.disk_free_mb is None or host.disk_mb is None:
        return True
    return host.disk_free_mb >= enough_disk_mb(host.disk_mb)
