"""Where the files of a backup go, and as whose: what `install.sh` would have made of them."""

import os
import pwd
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from eyespot.config.outline import Outline, if_beside, outline
from eyespot.domain.errors import InputError
from eyespot.domain.placing import NOBODY_ELSE, PRIVATE, PRIVATE_FOLDER, Owner, for_the_service
from eyespot.host.identity import board
from eyespot.store.desired import NAME as DESIRED
from eyespot.store.identity import NAME as IDENTITY
from eyespot.store.identity import KeptId
from eyespot.store.settings import state_dir
from eyespot.trust import backup as form

_USER = "eyespot"
_FOR_THE_SERVICE, _FOR_ALL = 0o640, 0o644


@dataclass(frozen=True, slots=True)
class Place:
    """Where a small file goes, and as whose."""

    path: Path
    data: bytes
    mode: int
    owner: Owner = NOBODY_ELSE
    folder_mode: int = 0o755


@dataclass(frozen=True, slots=True)
class Places:
    """Where everything goes.

    Attributes:
        files: in the order in which they come into place: the configuration is the last.
        state: the folder of the database.
        state_owner: whose that is.
    """

    files: tuple[Place, ...]
    state: Path
    state_owner: Owner


def places(config: Path, files: Mapping[str, bytes], device: str, source: str) -> Places:
    """Return where the files of a backup go.

    Args:
        config: where its configuration goes.
        files: the small ones, by their names there.
        device: the id of the device.
        source: what to call the backup in messages.

    Raises:
        ConfigError: its configuration is no TOML.
        InputError: its configuration names a file that does not lie beside it.
    """
    named = outline(files[form.CONFIGURATION], f"{source}: {form.CONFIGURATION}")
    config = config.parent.resolve() / config.name
    state = state_dir(named.state, os.environ)
    owner = _owner_of_state(state)
    kept = msgspec.json.encode(KeptId(device, board()))
    found = {state / IDENTITY: Place(state / IDENTITY, kept, _FOR_ALL, owner)}
    for name, data in files.items():
        if name == form.DESIRED:
            place = Place(state / DESIRED, data, PRIVATE, owner)
        else:
            place = _place(config, name, named, data, source)
        found[place.path] = place
    last = found.pop(config)
    return Places((*found.values(), last), state, owner)


def _place(config: Path, name: str, named: Outline, data: bytes, source: str) -> Place:
    if name == form.ROOT_OF_TRUST:
        return Place(config.parent / name, data, _FOR_ALL)
    if name.startswith(form.CREDENTIALS):
        return Place(config.parent / name, data, PRIVATE, folder_mode=PRIVATE_FOLDER)
    path: Path | None = config
    if name != form.CONFIGURATION:
        wanted = getattr(named.mqtt, name)
        path = if_beside(config, wanted) if wanted else None
    if path is None:
        raise InputError(
            f"{source}: its configuration wants {name} elsewhere than beside {config}; "
            "name the place of the configuration with --config"
        )
    return Place(path, data, _FOR_THE_SERVICE, for_the_service())


def _owner_of_state(folder: Path) -> Owner:
    """The folder's own; of one that is yet to be made the service's."""
    if os.geteuid() != 0:
        return NOBODY_ELSE
    try:
        status = folder.stat()
        return Owner(status.st_uid, status.st_gid)
    except OSError:
        pass
    try:
        user = pwd.getpwnam(_USER)
    except KeyError:
        return NOBODY_ELSE
    return Owner(user.pw_uid, user.pw_gid)
