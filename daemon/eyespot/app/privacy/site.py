"""What an audit looks at: the configuration, and the two services where they run."""

from dataclasses import dataclass
from pathlib import Path

from eyespot.app.selftest.world import BODY, EYE, World
from eyespot.host.processes import Process, main_process


@dataclass(frozen=True, slots=True)
class Site:
    """What an audit looks at.

    Attributes:
        world: the machine, and the configuration.
        eye: the process that looks; None where it does not run.
        body: the process that talks; None where it does not run.
        state: the folder in which the body keeps what it keeps.
        day: today in UTC, since 1970.
    """

    world: World
    eye: Process | None
    body: Process | None
    state: Path
    day: int


def running(service: str, root: Path) -> Process | None:
    """Return the main process of one of our services; None where it does not run."""
    number = main_process(f"{service}.service")
    return Process(number, root) if number else None


__all__ = ["BODY", "EYE", "Site", "running"]
