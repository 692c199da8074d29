"""`eyespot restore`: a machine goes on where the one of the backup stopped.

Everything is verified first, and written beside its place; then only names change, that of the configuration
last. Who is killed meanwhile, and begins again, finds what is in place already, and finishes.
"""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.app.backup import STDIO
from eyespot.app.places import Place, Places, places
from eyespot.domain.errors import InputError, StorageError, one_line
from eyespot.domain.placing import (
    NOBODY_ELSE,
    PRIVATE_FOLDER,
    Owner,
    keep,
    make_folder,
    new_file,
    put,
    staged,
)
from eyespot.host.service import stopped_service, there_is_systemd
from eyespot.store.moving import held, look_into, replace_database
from eyespot.supervisor.signals import held_back
from eyespot.trust.backup import DATABASE, BackupReader, Manifest

_SPARE_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it.

    Attributes:
        kept: where that is kept which was in place before.
        started: whether the service was started again.
    """

    kept: tuple[Path, ...]
    started: bool


def look_through(file: Path, config: Path) -> Manifest:
    """Verify a backup, and that it could be restored; nothing is written but a temporary file.

    Raises:
        EyespotError: as `restore`.
    """
    with (
        _opened(file, config) as (reader, _),
        _working("a temporary file"),
        TemporaryDirectory(prefix="eyespot-") as work,
    ):
        _extract(reader, Path(work) / DATABASE)
    return reader.manifest


def restore(file: Path, config: Path, *, managed: bool, tell: Callable[[Manifest], None]) -> Restored:
    """Verify a backup, and put what is in it in place.

    Args:
        file: the backup, or `STDIO`.
        config: where its configuration goes; what belongs to that goes into the same folder.
        managed: whether it is the service's: then that is stopped meanwhile, where there is systemd.
        tell: is told what it is before anything changes.

    Raises:
        InputError: it is no backup, damaged, of a newer version, or of a configuration in another folder.
        ConfigError: its configuration is no TOML.
        StorageError: somebody uses the state folder, something cannot be written, or the service does not
            stop or start.
    """
    with _opened(file, config) as (reader, where), _working(where.state), ExitStack() as leftovers:
        make_folder(where.state, PRIVATE_FOLDER, where.state_owner)
        database = where.state / f".{DATABASE}.new"
        leftovers.callback(database.unlink, missing_ok=True)
        _extract(reader, database, where.state_owner)
        tell(reader.manifest)
        *others, config_file = [_stage(place, leftovers) for place in where.files]
        with held_back(), _stopped(managed=managed) as started:
            with held(where.state, where.state_owner):
                kept = [_put(place, new) for place, new in others]
                kept.append(replace_database(where.state, database))
            kept.append(_put(*config_file))
    return Restored(tuple(path for path in kept if path is not None), started)


@contextmanager
def _opened(file: Path, config: Path) -> Iterator[tuple[BackupReader, Places]]:
    """Read the beginning of a backup, up to its database."""
    try:
        source = sys.stdin.buffer if file == STDIO else file.open("rb")
    except OSError as error:
        raise InputError(f"{file}: {one_line(error)}; name a backup") from error
    with source:
        reader = BackupReader(source, str(file))
        yield reader, places(config, reader.small_files(), reader.manifest.device, str(file))


@contextmanager
def _stopped(*, managed: bool) -> Iterator[bool]:
    if managed and there_is_systemd():
        with stopped_service() as starts:
            yield starts
    else:
        yield False


@contextmanager
def _working(where: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot write {where}: {one_line(error)}; see to the disk, and ask as root"
        ) from error


def _stage(place: Place, leftovers: ExitStack) -> tuple[Place, Path]:
    make_folder(place.path.parent, place.folder_mode)
    new = staged(place.path, place.data, place.mode, place.owner)
    leftovers.callback(new.unlink, missing_ok=True)
    return place, new


def _put(place: Place, new: Path) -> Path | None:
    """Put a staged file into its place; return where the other one is kept that was there."""
    kept = None
    if place.path.is_file() and place.path.read_bytes() != place.data:
        kept = place.path.with_name(f"{place.path.name}.before")
        keep(place.path, kept.name)
    put(new, place.path)
    return kept


def _extract(reader: BackupReader, new: Path, owner: Owner = NOBODY_ELSE) -> None:
    """Write the database of a backup into a new file, and verify it.

    Raises:
        InputError: it is damaged.
        StorageError: there is no room for it.
        OSError: it cannot be written.
    """
    size = reader.manifest.files[-1].size
    if shutil.disk_usage(new.parent).free < size + _SPARE_BYTES:
        raise StorageError(f"no room in {new.parent}: the database has {size} bytes; make room")
    with new_file(new, owner=owner) as file:
        for chunk in reader.database():
            file.write(chunk)
    look_into(new)
