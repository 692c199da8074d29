"""The last word of a device that does not run: retained on `health` and `status`, for who looks from afar."""

import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from eyespot.app.plan import device_id
from eyespot.broker.errand import Errand
from eyespot.config import Loaded, load_address
from eyespot.domain.errors import ConfigError, EyespotError, ModelError, StorageError, foreign, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.host.facts import read_facts
from eyespot.ports import Clock, Readings
from eyespot.store.database_file import FolderInUseError
from eyespot.store.settings import state_dir
from eyespot.supervisor.signals import Wish
from eyespot.topics.gate import Gate
from eyespot.topics.native import Native, Trouble, Vitals, stamp

_log = logging.getLogger(__name__)

_LAST_WORD_S = 8.0  # most of it for a small machine to start a process
_TURN_S = 0.2

NextWish = Callable[[float], Wish | None]


def word(config: Path, name: str, reason: str, clock: Clock) -> Errand | None:
    """Return the messages that say why the device does not run, ready to be taken to the broker.

    Args:
        config: the configuration, of which as little as possible is used.
        name: of the state on `health`.
        reason: in one line.
        clock: for the instant.

    Returns:
        None where the configuration does not even say who is to be told.
    """
    try:
        with foreign(EyespotError, "no word can be left"):  # whatever it is: waiting must go on
            return _errand(load_address(config), name, reason, clock)
    except EyespotError as error:
        _log.warning("the broker cannot be told: %s", one_line(error))
        return None


def _errand(loaded: Loaded, name: str, reason: str, clock: Clock) -> Errand:
    settings, device = loaded.config.mqtt, device_id(loaded.config)
    root = f"{settings.prefix}/{device}"
    at = stamp(clock.timeline(), clock.now_ns())
    native = Native(Gate(root), secrets.token_hex(8), 0)
    messages = (
        native.status("offline", at, at.utc_ns),
        native.health(_vitals(loaded), [Trouble(name, reason, at.utc_ns)], at),
    )
    return Errand(settings, device, root, messages)


@contextmanager
def last_word(config: Path, clock: Clock, next_wish: NextWish) -> Iterator[None]:
    """Tell the broker of an error that ends the daemon, if it can be told within some seconds.

    Args:
        config: the configuration.
        clock: for the seconds.
        next_wish: a signal to stop cuts it short.

    Raises:
        EyespotError: the error.
    """
    try:
        yield
    except FolderInUseError:
        raise  # who uses it speaks for the device
    except EyespotError as error:
        if errand := word(config, _state(error), one_line(error), clock):
            _see_off(errand, clock, next_wish)
        raise


def _see_off(errand: Errand, clock: Clock, next_wish: NextWish) -> None:
    until_ns = clock.now_ns() + round(_LAST_WORD_S * SECOND_NS)
    errand.start()
    while errand.under_way and clock.now_ns() < until_ns and next_wish(_TURN_S) is not Wish.STOP:
        pass
    errand.end()


def _state(error: EyespotError) -> str:
    """Return the state on `health` that an error is."""
    match error:
        case ConfigError() | ModelError():
            return "configuration_refused"
        case StorageError():
            return "storage_failed"
        case _:
            return "source_failed"


def _vitals(loaded: Loaded, environ: Mapping[str, str] = os.environ) -> Vitals:
    """Return how a device is that does nothing."""
    host = read_facts(state_dir(loaded.config.state, environ))
    return Vitals(
        uptime_s=0,
        observations=0,
        observations_hz=0.0,
        dropped=0,
        backlog=0,
        readings=Readings(),
        recoveries={},
        memory_mb=host.memory_mb,
        disk_free_mb=host.disk_free_mb,
        temperature_c=host.temperature_c,
    )
