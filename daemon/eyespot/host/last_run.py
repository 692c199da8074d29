"""How the last run of the service ended: its unit leaves that in the runtime folder, by `ExecStopPost=`."""

import logging
import re
from pathlib import Path
from typing import NamedTuple

from eyespot.domain.paths import read_small

_log = logging.getLogger(__name__)

NAME = "last-run"
_MOST_BYTES = 256
# $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS of systemd.exec(5); the latter two are not always there
_FORM = re.compile(r"([a-z-]{1,32})(?: ([a-z]{1,16}) ([A-Z0-9+]{1,16}))?\s*", re.ASCII)
_NO_CRASH = {"success", "exec-condition"}
# usage and configuration: somebody has to do something about it, so whoever starts it now has
_GAVE_UP = {"64", "78"}
_RESULTS = {
    "watchdog": "it hung, so the watchdog ended it",
    "oom-kill": "memory ran out, so the kernel ended it",
    "timeout": "it took too long to start or to stop",
    "protocol": "it ended before it was ready",
    "resources": "systemd lacked the means to start it",
}


class LastRun(NamedTuple):
    """How a run ended.

    Attributes:
        crashed: False where it was stopped, came to its end, or waits for people to mend something.
        words: what happened.
    """

    crashed: bool
    words: str


def take_last_run(folder: Path) -> LastRun | None:
    """Return how the last run ended, once: what says so is removed.

    Args:
        folder: the runtime folder; empty after a reboot.

    Returns:
        None where nobody says anything. What cannot be read was a crash.
    """
    path = folder / NAME
    left = read_small(path, _MOST_BYTES)
    try:
        path.unlink()
    except FileNotFoundError:
        return None
    except OSError as error:  # it will be counted again, which is the safe side
        _log.warning("%s cannot be removed: %s", path, error.strerror)
    return _judge(left or b"")


def _judge(left: bytes) -> LastRun:
    found = _FORM.fullmatch(left.decode("ascii", "replace"))
    if found is None:
        return LastRun(crashed=True, words="nobody knows how it ended")
    result, how, status = found.groups("")
    crashed = result not in _NO_CRASH and not (how == "exited" and status in _GAVE_UP)
    return LastRun(crashed, _RESULTS.get(result) or _in_words(result, how, status))


def _in_words(result: str, how: str, status: str) -> str:
    if how == "exited":
        return f"exit code {status}"
    return f"killed by signal {status}" if how else result
