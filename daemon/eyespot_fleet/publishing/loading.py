"""A repository read from its files, and found whole and signed by those who may, before anything is added."""

from typing import Any

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, MetaFile, Root, Targets

from eyespot.domain.errors import InputError
from eyespot_fleet.publishing.files import Files, no_repository
from eyespot_fleet.publishing.roles import DAYS_FIELD, ROOT, SNAPSHOT, TARGETS, TIMESTAMP

_AGAIN = "put back a whole copy of the repository"


def load(files: Files) -> dict[str, Metadata[Any]]:
    """Return what each role has signed last.

    That goes for snapshot and timestamp, too: what they say of their own days is signed anew with the next.

    Raises:
        InputError: it is no repository, not whole, or signed by somebody else.
    """
    if not files.newest(ROOT):
        raise no_repository(files.folder)
    root = _last_root(files)
    found = {ROOT: root, **{role: _newest(files, role) for role in (TARGETS, SNAPSHOT, TIMESTAMP)}}
    for role in (TARGETS, SNAPSHOT, TIMESTAMP):
        _check_signed(files, role, root.signed, found[role])
    targets: Targets = found[TARGETS].signed
    for role in targets.delegations.roles or {} if targets.delegations else {}:
        found[role] = _newest(files, role)
        _check_signed(files, role, targets, found[role])
    _check_whole(files, found)
    return found


def _newest(files: Files, role: str) -> Metadata[Any]:
    return files.read(role, files.newest(role))


def _last_root(files: Files) -> Metadata[Root]:
    """Follow root from the first on, as a device does that has no other."""
    before = files.read(ROOT, 1)
    for version in range(1, files.newest(ROOT) + 1):
        root = files.read(ROOT, version)
        for delegator in (before, root):
            _check_signed(files, ROOT, delegator.signed, root)
        before = root
    return before


def _check_signed(files: Files, role: str, delegator: Root | Targets, metadata: Metadata[Any]) -> None:
    try:
        delegator.verify_delegate(role, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError) as error:
        name = f"{role}.json" if role == TIMESTAMP else f"{metadata.signed.version}.{role}.json"
        raise InputError(
            f"{files.folder}: {name} is not signed by the keys that it should be; {_AGAIN}"
        ) from error


def _check_whole(files: Files, found: dict[str, Metadata[Any]]) -> None:
    """Check that all is there that timestamp and roles speak of, as it is not after half a copy."""
    snapshot, timestamp = found[SNAPSHOT].signed, found[TIMESTAMP].signed
    announced = {f"{SNAPSHOT}.json": timestamp.snapshot_meta, **snapshot.meta}
    for role, metadata in found.items():
        version = announced.get(f"{role}.json", MetaFile()).version
        if version > metadata.signed.version:
            raise _gap(files, f"{version}.{role}.json")
        if DAYS_FIELD not in metadata.signed.unrecognized_fields:
            raise InputError(f"{files.folder} was not made by `eyespot-fleet publish init`; make one")
        if isinstance(metadata.signed, Targets):
            _check_targets(files, metadata.signed)


def _check_targets(files: Files, signed: Targets) -> None:
    for target in signed.targets.values():
        path = files.path_of(target)
        if not path.is_file() or path.stat().st_size != target.length:
            raise _gap(files, str(path.relative_to(files.folder)))


def _gap(files: Files, name: str) -> InputError:
    return InputError(f"{files.folder}: {name} is missing or cut short; {_AGAIN}")
