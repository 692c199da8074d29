"""`eyespot models list|install|rollback|approve|check`: a look at the slots, and requests.

Nothing here changes the slots: the update worker and the body do.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eyespot.config import Config, load
from eyespot.domain.errors import ConfigError, InputError, StoreError, foreign
from eyespot.domain.placing import new_file
from eyespot.host.clock import SystemClock
from eyespot.store.settings import state_dir
from eyespot.trust.archive import SUFFIX, pack
from eyespot.trust.notes import Request, WorkerNote
from eyespot.trust.slots import NONE_BEFORE, Record
from eyespot.update.commands import CAN_BE_APPROVED, after_rollback
from eyespot.update.commit import FOR_ALL, storing
from eyespot.update.letters import Addressee
from eyespot.update.reports import in_short
from eyespot.update.settings import models_dir
from eyespot.update.slots import Slots

_PINNED = 'the configuration names the model; set [model] bundle = "factory" to let the slots choose'


@dataclass(frozen=True, slots=True)
class Installed:
    """A bundle on the disk.

    Attributes:
        used_as: what it is to the device: "current", "good", "previous", "staged"; nothing where it waits to
            be removed.
    """

    bundle: str
    size_bytes: int
    used_as: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SlotsView:
    """What is in the slots.

    Attributes:
        pinned: the bundle that the configuration names instead; None where the slots decide.
        free_bytes: on the disk of the slots.
    """

    folder: Path
    record: Record
    note: WorkerNote | None
    installed: tuple[Installed, ...]
    pinned: str | None
    cohort: str
    free_bytes: int


def list_models(config: Path) -> SlotsView:
    """Look at the slots.

    Raises:
        ConfigError: the configuration cannot be used.
        StoreError: the slots cannot be read.
    """
    settings = load(config).config
    slots = _slots(settings)
    record = slots.record
    with foreign(StoreError, f"cannot read {slots.folder}"):
        there = next(folder for folder in (slots.folder, *slots.folder.parents) if folder.exists())
        free = os.statvfs(there)
        installed = tuple(_installed(slots, record))
    return SlotsView(
        slots.folder,
        record,
        slots.worker_note(),
        installed,
        None if settings.model.bundle == "factory" else settings.model.bundle,
        settings.update.cohort,
        free.f_bavail * free.f_frsize,
    )


def install_model(config: Path, bundle: Path) -> str:
    """Ask the update worker to take a bundle from here, signed by nobody; return what comes of it, in words.

    Raises:
        ConfigError: the configuration does not allow that.
        InputError: there is no such bundle.
        ModelError: it is none.
        StoreError: it cannot be asked.
    """
    settings = load(config).config
    if not settings.update.allow_unsigned:
        raise ConfigError(
            "nobody has signed a local bundle: set [update] allow_unsigned = true to take it all the same"
        )
    with foreign(InputError, f"cannot read {bundle}"):
        path = bundle.resolve(strict=True)
        if not (path.is_dir() or path.name.endswith(SUFFIX)):
            raise InputError(f"{bundle} is neither the folder of a bundle nor a {SUFFIX} of one")
    handed = _handed_over(_slots(settings), path)
    _ask(settings, "worker", Request(kind="install", path=str(handed), at_s=_now_s()))
    return f"asked the update worker to try {path}; `eyespot models list` says what comes of it"


def roll_back_model(config: Path) -> str:
    """Ask the body to go back to the model before; return what will look then, in words.

    Raises:
        ConfigError: the configuration names the model.
        InputError: there is none to go back to.
        StoreError: it cannot be asked.
    """
    settings = load(config).config
    if settings.model.bundle != "factory":
        raise ConfigError(_PINNED)
    record = _slots(settings).record
    after = after_rollback(record)
    if after is None:
        raise InputError(NONE_BEFORE)
    _ask(settings, "body", Request(kind="rollback", at_s=_now_s()))
    return f"{after} will look instead of {record.current}, as soon as eyespot.service runs"


def update_models(config: Path, kind: Literal["check", "approve"]) -> str:
    """Ask the update worker to look now, or to take what waits; return what comes of it, in words.

    Raises:
        ConfigError: no repository is named.
        InputError: nothing waits.
        StoreError: it cannot be asked.
    """
    settings = load(config).config
    if settings.update.url is None:
        raise ConfigError("no repository is named: set [update] url")
    asked = "to look" if kind == "check" else f"to take {_waiting(_slots(settings))}"
    _ask(settings, "worker", Request(kind=kind, at_s=_now_s()))
    return f"asked the update worker {asked}; `eyespot models list` says what comes of it"


def _handed_over(slots: Slots, path: Path) -> Path:
    """Copy a bundle to where the update worker can read it: it sees no homes, and nothing but the slots."""
    place = slots.part(f"install:{path}")
    with storing(place), new_file(place, FOR_ALL) as file:
        if path.is_dir():
            pack(path, file)
        else:
            with path.open("rb") as archive:
                shutil.copyfileobj(archive, file)
    return place


def _waiting(slots: Slots) -> str:
    note = slots.worker_note()
    offer = None if note is None else note.offer
    if offer is None or offer.waits_for not in CAN_BE_APPROVED:
        raise InputError("nothing waits to be approved; `eyespot models check` looks for something")
    return in_short(f"{offer.name} {offer.version}")


def _slots(settings: Config) -> Slots:
    return Slots(models_dir(state_dir(settings.state, os.environ), os.environ))


def _ask(settings: Config, to: Addressee, request: Request) -> None:
    _slots(settings).post_request(to, request)


def _installed(slots: Slots, record: Record) -> Iterator[Installed]:
    roles = {
        "current": record.current,
        "good": record.good,
        "previous": record.previous,
        "staged": record.staged and record.staged.bundle,
    }
    bundles = slots.folder / "bundles"
    for folder in sorted(bundles.iterdir()) if bundles.is_dir() else ():
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        used_as = tuple(role for role, bundle in roles.items() if bundle == folder.name)
        yield Installed(folder.name, size, used_as)


def _now_s() -> int:
    clock = SystemClock()
    return max(0, clock.timeline().utc_ns(clock.now_ns()) // 10**9)
