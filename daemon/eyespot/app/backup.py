"""`eyespot backup`: what makes a device this one goes into one file; the service need not stop for it.

The ledger of power-ups stays: it belongs to the camera and the machine. Models and videos stay, too: they are
large, and come from elsewhere.
"""

import hashlib
import io
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import msgspec

import eyespot
from eyespot.app.plan import given_id
from eyespot.config.outline import Outline, if_beside, outline
from eyespot.domain.errors import StorageError, one_line
from eyespot.domain.instants import rfc3339
from eyespot.domain.placing import new_file, put
from eyespot.host.clock import SystemClock
from eyespot.host.identity import board, hardware
from eyespot.pipeline.places import ROW as PLACES
from eyespot.rules import Snapshot
from eyespot.store.desired import NAME as DESIRED
from eyespot.store.desired import DesiredRecord
from eyespot.store.moving import Contents, copy_database, sha256
from eyespot.store.settings import state_dir
from eyespot.trust import backup as form

STDIO = Path("-")
_Files = dict[str, bytes]


def backup(config: Path, output: Path) -> form.Manifest:
    """Write a backup.

    Args:
        config: the configuration; what it names in its own folder is taken along.
        output: a new file, which appears whole or not at all; or `STDIO`.

    Returns:
        What the backup says of itself.

    Raises:
        ConfigError: the configuration is no TOML.
        StorageError: nothing was counted yet, or something cannot be read or written.
    """
    if output == STDIO:
        with _working("the backup"), TemporaryDirectory(prefix="eyespot-") as work:
            return _write(config, sys.stdout.buffer, Path(work) / form.DATABASE)
    if output.exists():
        raise StorageError(f"{output} is there already; name another file, or remove it")
    with _working(output), TemporaryDirectory(prefix=".eyespot-", dir=output.absolute().parent) as work:
        new = Path(work) / "backup"
        with new_file(new) as file:
            manifest = _write(config, file, Path(work) / form.DATABASE)
        _read_back(new)
        put(new, output)
    return manifest


@contextmanager
def _working(output: object) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"cannot write {output}: {one_line(error)}; name another place") from error


def _write(config: Path, output: BinaryIO, copy: Path) -> form.Manifest:
    text = _read(config)
    named = outline(text, str(config))
    files, left_out = _files(config, named)
    state = state_dir(named.state, os.environ)
    files = {form.CONFIGURATION: text, **files, form.DESIRED: _desired(state)}
    contents = copy_database(state, copy)
    members = [form.Member(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()]
    members.append(form.Member(form.DATABASE, copy.stat().st_size, sha256(copy)))
    manifest = _manifest(named, contents, left_out, members)
    form.write_backup(
        output, manifest, lambda name: io.BytesIO(files[name]) if name in files else copy.open("rb")
    )
    return manifest


def _manifest(
    named: Outline, contents: Contents, left_out: list[str], members: list[form.Member]
) -> form.Manifest:
    clock = SystemClock()
    return form.Manifest(
        made=rfc3339(clock.timeline().utc_ns(clock.now_ns())),
        eyespot=eyespot.__version__,
        device=given_id(named.device.id, named.state),
        hardware=hardware(),
        board=board(),
        rules={rule: _totals(kept) for rule, kept in contents.snapshots.items() if rule != PLACES},
        seq=contents.seq,
        waiting=contents.waiting,
        left_out=tuple(left_out),
        files=tuple(members),
    )


def _files(config: Path, named: Outline) -> tuple[_Files, list[str]]:
    """Return the files that go along, by their names there; and what does not, in words."""
    files: _Files = {}
    left_out: list[str] = []
    for key in form.NAMED:
        if (name := getattr(named.mqtt, key)) is None:
            continue
        path = if_beside(config, name)
        if path is None:
            left_out.append(f"{key} {name}, as it is not beside {config.name}")
        elif path.exists():
            files[key] = _read(path)
        else:
            left_out.append(f"{key} {name}, as there is no such file")
    if (root := config.parent / form.ROOT_OF_TRUST).exists():
        files[form.ROOT_OF_TRUST] = _read(root)
    files.update(_credentials(config.parent / form.CREDENTIALS))
    if named.camera.file is not None:
        left_out.append(f"file {named.camera.file}")
    if named.model.bundle != "factory":
        left_out.append(f"bundle {named.model.bundle}")
    return files, [_printable(words) for words in left_out]


def _desired(state: Path) -> bytes:
    """Return what is desired over MQTT; also where nothing is, so that a restore takes that back, too."""
    path = state / DESIRED
    return _read(path) if path.exists() else msgspec.json.encode(DesiredRecord())


def _credentials(folder: Path) -> Iterator[tuple[str, bytes]]:
    try:
        paths = sorted(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        raise StorageError(f"cannot read {folder}: {one_line(error)}; ask as root") from error
    for path in paths:
        if re.fullmatch(form.CREDENTIAL, path.name) and path.is_file():
            yield f"{form.CREDENTIALS}{path.name}", _read(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(form.MOST_BYTES + 1)
    except OSError as error:
        raise StorageError(f"cannot read {path}: {one_line(error)}; ask as root") from error
    if len(data) > form.MOST_BYTES:
        raise StorageError(f"{path} is larger than {form.MOST_BYTES} bytes, too large for a backup")
    return data


def _totals(kept: bytes) -> form.Totals:
    """Return what a rule has counted, for people; empty where it counts nothing."""
    try:
        counts = msgspec.json.decode(kept, type=Snapshot).state.get("counts", {})
        totals = msgspec.convert(counts, form.Totals)
    except ValueError:  # a rule that cannot use it begins at zero, and says so
        return {}
    return {_printable(label): ways for label, ways in totals.items()}


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)


def _read_back(new: Path) -> None:
    """See that a restore would take it."""
    with new.open("rb") as file:
        reader = form.BackupReader(file, str(new))
        reader.small_files()
        for _ in reader.database():
            pass
