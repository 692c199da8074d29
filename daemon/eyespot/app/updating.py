"""`eyespot update`: one run of the update worker, wired."""

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from eyespot.app.choice import FACTORY, slots_folder, utc_s
from eyespot.app.golden import prove
from eyespot.app.plan import given_id
from eyespot.broker.credentials import credential
from eyespot.config import Config, Loaded, load
from eyespot.config.loading import beside
from eyespot.domain.errors import ConfigError, InputError, StoreError, foreign, one_line
from eyespot.host.clock import SystemClock
from eyespot.host.identity import board
from eyespot.host.timezone import zone_of
from eyespot.store.identity import NAME as IDENTITY
from eyespot.store.identity import kept_id
from eyespot.trust.notes import WorkerNote
from eyespot.trust.tuf_root import check_root
from eyespot.update.account import Account
from eyespot.update.decision import Device
from eyespot.update.now import Now
from eyespot.update.settings import FOLDER
from eyespot.update.slots import Slots

ROOT_OF_TRUST = "root.json"

_CONFIGURATION = "eyespot.toml"  # of the unit's credentials, as _IDENTITY: files that its user may not read
_MOST_ROOT_BYTES = 128_000
_MIB, _A_DAY_S = 1024 * 1024, 86_400
_CLOCK = SystemClock()

Show = Callable[[WorkerNote], None]


def update(config: Path, show: Show, environ: Mapping[str, str] = os.environ) -> WorkerNote:
    """Look for a model once, and take it as far as the body can take over.

    Args:
        config: the configuration's file.
        show: gets what the worker says, as it goes.
        environ: of the process.

    Returns:
        What there is to be said at the end.

    Raises:
        ConfigError: the configuration cannot be used, or tuf is not installed.
        UpdateError: it went wrong.
    """
    try:
        loaded = load(config, credential(_CONFIGURATION, environ))
        root = None if loaded.config.update.url is None else read_root(loaded)
    except ConfigError as error:
        _put_off(error, environ)
        raise
    return _run(loaded.config, root, show, environ)


def read_root(loaded: Loaded) -> bytes:
    """Return the `root.json` with which trust begins.

    Raises:
        ConfigError: there is none, or it cannot be one.
    """
    named = loaded.config.update.root_file
    path = Path(named or beside(Path(loaded.file).parent.absolute(), ROOT_OF_TRUST))
    place = loaded.at("update", "root_file" if named else "url")
    with foreign(ConfigError, f"{place}: cannot read the repository's first root.json"):
        data = path.read_bytes() if path.stat().st_size <= _MOST_ROOT_BYTES else b""
    try:
        check_root(data)
    except InputError as error:
        raise ConfigError(f"{place}: {path} cannot be used: {error}") from error
    return data


def _run(config: Config, root: bytes | None, show: Show, environ: Mapping[str, str]) -> WorkerNote:
    with foreign(ConfigError, "`eyespot update` needs tuf: pip install 'eyespot[update]'"):
        # Only here: the running body does without the memory of tuf.
        from eyespot.update.feed import Feed  # noqa: PLC0415 - see above
        from eyespot.update.fetcher import Fetcher  # noqa: PLC0415 - see above
        from eyespot.update.wire import Wire  # noqa: PLC0415 - see above
        from eyespot.update.worker import Source, Worker  # noqa: PLC0415 - see above
    slots = Slots.open(slots_folder(config, environ))
    source = None
    if config.update.url is not None and root is not None:
        fetcher = Fetcher(Wire())
        source = Source(Feed(config.update.url, root, slots.folder, fetcher), fetcher)
    of = device(config, environ)
    return Worker(slots, config.update, of, source, prove=prove, now=_now, show=show).run()


def device(config: Config, environ: Mapping[str, str]) -> Device:
    """Return which device this is, as far as updates go.

    Raises:
        StorageError: it was restored with an id that cannot be read.
    """
    sources = {"imx500": "imx500", "replay": None}
    bundle = config.model.bundle
    return Device(
        id=config.device.id or _handed_id(environ) or given_id(None, config.state, environ),
        zone=zone_of(config.device),
        runtime=sources.get(config.camera.source, "tflite"),  # type: ignore[arg-type]
        memory_mb=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _MIB,
        pinned=""
        if bundle == FACTORY
        else f"the configuration names {bundle}, so that none is taken from elsewhere",
    )


def _handed_id(environ: Mapping[str, str]) -> str | None:
    """Return the id that the device was restored with, where the unit hands that on."""
    handed = credential(IDENTITY, environ)
    return None if handed is None else kept_id(handed.parent, board())


def _put_off(error: ConfigError, environ: Mapping[str, str]) -> None:
    """Let no request wait that cannot be done: whoever watches the folder would start us again and again."""
    if not environ.get(FOLDER):
        return
    slots = Slots(Path(environ[FOLDER]))
    with suppress(StoreError):
        slots.take_requests("worker")
        account = Account(slots, lambda: _now().utc_s)
        account.say("failed", code="configuration", reason=one_line(error))
        account.wake_at(_now().utc_s + _A_DAY_S)  # a change of the configuration wakes it anyway


def _now() -> Now:
    return Now(utc_s(_CLOCK), _CLOCK.timeline().synced)
