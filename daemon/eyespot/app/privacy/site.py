"""What an audit looks at: the configuration, and the two services where they run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from eyespot.app.selftest.world import BODY, EYE, World
from eyespot.host.processes import Process, processes_of


@dataclass(frozen=True, slots=True)
class Site:
    """What an audit looks at.

    Attributes:
        world: the machine, and the configuration.
        eye: the processes of what looks; none where it does not run.
        body: the processes of what talks; none where it does not run.
        state: the folder in which the body keeps what it keeps.
        day: today in UTC, since 1970.
    """

    world: World
    eye: Sequence[Process]
    body: Sequence[Process]
    state: Path
    day: int


def running(service: str, root: Path) -> Sequence[Process]:
    """Return the processes of one of our services; none where it does not run."""
    return processes_of(f"{service}.service", root)


__all__ = ["BODY", "EYE", "Site", "running"]
