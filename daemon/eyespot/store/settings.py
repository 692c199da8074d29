"""The `[state]` table: where counts are kept."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from eyespot.domain.errors import ConfigError, foreign
from eyespot.domain.instants import SECOND_NS

_OF_THE_SYSTEM = Path("/var/lib/eyespot")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait for the broker, and for how long; then the oldest give way."""

    most_bytes: int
    most_age_ns: int


class StateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where counts are kept, and how much may wait for the broker.

    Attributes:
        dir: a folder. Default: $STATE_DIRECTORY, else /var/lib/eyespot as root, else
            $XDG_STATE_HOME/eyespot, that is ~/.local/state/eyespot.
        outbox_mb: how much of the disk events may take that the broker does not have yet; then the oldest
            give way. 256 MB are a week of one event a second.
        outbox_days: for how long they may wait.
    """

    dir: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)] | None = None
    outbox_mb: Annotated[int, msgspec.Meta(ge=1, le=65_536)] = 256
    outbox_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] = 30

    @property
    def limits(self) -> Limits:
        """How much may wait, and for how long."""
        return Limits(self.outbox_mb * 1_000_000, self.outbox_days * 86_400 * SECOND_NS)


class TrajectoriesSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whether it is kept on the device where people went, to try rules on it.

    Attributes:
        keep: keep it always. Off, as it says where each person was.
        hours: for how long each way is kept, at most.
        mb: how much of the disk they may take; then the oldest give way.
        aim: let an operator switch it on for at most a day, which ends by itself. Where neither this nor
            `keep` is set, what was kept is removed.
    """

    keep: bool = False
    hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 24
    mb: Annotated[int, msgspec.Meta(ge=1, le=1024)] = 32
    aim: bool = True


def state_dir(settings: StateSettings, environ: Mapping[str, str]) -> Path:
    """Return the folder in which state is kept; it need not exist yet.

    Args:
        settings: its `dir` wins.
        environ: the process's environment. systemd.exec(5) has $STATE_DIRECTORY, a list with colons of
            which the first counts; the XDG Base Directory Specification has $XDG_STATE_HOME.

    Raises:
        ConfigError: it is in somebody's home, and nobody knows where that is.
    """
    if settings.dir is not None:
        return _at_home(settings.dir)
    given = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    if os.geteuid() == 0:
        return _OF_THE_SYSTEM
    of_the_user = environ.get("XDG_STATE_HOME", "")
    return (Path(of_the_user) if of_the_user else _at_home("~/.local/state")) / "eyespot"


def _at_home(path: str) -> Path:
    with foreign(ConfigError, f"cannot keep state in {path}; set [state] dir to a full path"):
        return Path(path).expanduser()
