"""Stops the service for as long as something takes, through `systemctl`."""

import logging
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eyespot.domain.errors import EyespotError, StorageError, one_line

_log = logging.getLogger(__name__)

_UNIT = "eyespot.service"
_LIMIT_S = 900  # a start may wait for a network that goes to the sensor
_BOOTED = Path("/run/systemd/system")  # sd_booted(3)
_MARK = Path("/run/eyespot-restore")


def there_is_systemd() -> bool:
    """Return whether a systemd runs this machine."""
    return _BOOTED.is_dir()


@contextmanager
def stopped_service(mark: Path = _MARK) -> Iterator[bool]:
    """Keep the service stopped; afterwards it is started if it ran or had failed, also after an error.

    Yields:
        Whether it will be started. One that somebody had stopped stays so.

    Args:
        mark: a file that says so meanwhile, for the next one, should this process be killed.

    Raises:
        StorageError: it does not stop, or afterwards not start.
    """
    if not mark.exists() and _state() == "inactive":
        yield False
        return
    mark.touch()
    try:
        _systemctl("stop")
        yield True
    except BaseException:
        _start_in_spite_of_all()
        raise
    else:
        _systemctl("start")
    finally:
        mark.unlink(missing_ok=True)


def _start_in_spite_of_all() -> None:
    try:
        _systemctl("start")
    except StorageError as error:
        _log.error("%s", error)


def _state() -> str:
    return _systemctl("show", "--property", "ActiveState", "--value").strip()


def _systemctl(verb: str, *options: str) -> str:
    command = ["systemctl", "--no-ask-password", verb, *options, _UNIT]
    try:
        # a session of its own: Ctrl-C is for us
        done = subprocess.run(  # noqa: S603 - a fixed command
            command, capture_output=True, text=True, check=True, timeout=_LIMIT_S, start_new_session=True
        )
    except subprocess.CalledProcessError as error:
        words = one_line(EyespotError(error.stderr or f"exit code {error.returncode}"))
        raise StorageError(f"systemctl {verb} {_UNIT}: {words}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StorageError(f"systemctl {verb} {_UNIT}: {one_line(error)}") from error
    return done.stdout
