"""The repository in the making: what each role has signed, changed and signed anew.

New versions are written beside the old ones, and are seen once `announce` has signed the snapshot and, last
of all, the timestamp. So whoever reads at any moment finds a whole repository, and what was signed where the
online keys are not is announced by whoever has these.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from securesystemslib.signer import Key, Signer
from tuf.api.metadata import Delegations, Metadata, MetaFile, Root, Snapshot, Targets, Timestamp

from eyespot.domain.errors import InputError
from eyespot_fleet.disk import alone_in
from eyespot_fleet.publishing.files import Files, no_repository
from eyespot_fleet.publishing.keys import Keys, file_name
from eyespot_fleet.publishing.loading import load
from eyespot_fleet.publishing.roles import (
    DAYS_FIELD,
    ROOT,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    add_role,
    delegated,
)

WARN_DAYS: Final = 14


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with a role.

    Attributes:
        expires: in UTC.
        keys: the names of the files of its keys.
    """

    role: str
    version: int
    expires: datetime
    days: int
    keys: tuple[str, ...]

    def ends_soon(self, now: datetime) -> bool:
        """Tell whether somebody has to see to it: no regular refresh lets it come to this."""
        return self.expires - now < timedelta(days=min(WARN_DAYS, self.days / 4))


class Repository:
    """What the roles have signed.

    Args:
        files: where it lies; locked by the caller.
        keys: that sign.
        now: in UTC.
        signed: what each role has signed last.
    """

    def __init__(self, files: Files, keys: Keys, now: datetime, signed: Mapping[str, Metadata[Any]]) -> None:
        self.files = files
        self.keys = keys
        self.now = now
        self._signed = dict(signed)
        self._published_root: Root | None = deepcopy(signed[ROOT].signed) if ROOT in signed else None

    @property
    def root(self) -> Root:
        """The word of root, as it is to be."""
        root: Root = self._signed[ROOT].signed
        return root

    @property
    def delegations(self) -> Delegations:
        """Whom `targets` has given paths to.

        Raises:
            InputError: nobody.
        """
        delegations = self.targets(TARGETS).delegations
        if delegations is None:
            raise InputError(f"{self.files.folder} was not made by `eyespot-fleet publish init`; make one")
        return delegations

    def targets(self, role: str) -> Targets:
        """Return the word of `targets` or of a role that it names.

        Raises:
            InputError: there is no such role.
        """
        if role not in self._signed:
            raise InputError(f"there is no role {role} in {self.files.folder}; is it the right repository?")
        signed: Targets = self._signed[role].signed
        return signed

    def begin(self, role: str, signed: Root | Targets | Snapshot | Timestamp, days: int) -> None:
        """Take up a role that has not signed yet; `sign` makes it version 1."""
        signed.version = 0
        signed.unrecognized_fields[DAYS_FIELD] = days
        self._signed[role] = Metadata(signed)

    def sign(self, role: str, also: Sequence[Signer] = ()) -> None:
        """Sign the next version of a role, and write it.

        Args:
            role: whose.
            also: signs as well, though the role's keys do not ask for it.

        Raises:
            InputError: the key is not here, or does not open.
            StorageError: it cannot be written.
        """
        metadata = self._signed[role]
        signers = [*self.signers(role, self.delegator(role)), *also]
        if role == ROOT and self._published_root is not None:
            signers += self.signers(ROOT, self._published_root)
        metadata.signed.version += 1
        metadata.signed.expires = self.now.replace(microsecond=0) + timedelta(days=self.days(role))
        metadata.signatures.clear()
        for signer in signers:
            metadata.sign(signer, append=True)
        self.files.write(role, metadata)
        if role == ROOT:
            self._published_root = deepcopy(metadata.signed)

    def signers(self, role: str, delegator: Root | Targets) -> list[Signer]:
        """Return as many of a role's keys as it takes.

        Raises:
            InputError: they are not here, or do not open.
        """
        named = delegator.get_delegated_role(role)
        found: list[Signer] = []
        missing: list[str] = []
        for key_id in named.keyids:
            if len(found) == named.threshold:
                break
            signer = self.keys.signer(role, delegator.get_key(key_id))
            if signer is None:
                missing.append(file_name(role, key_id))
            else:
                found.append(signer)
        if len(found) < named.threshold:
            raise InputError(
                f"{role} wants {named.threshold} of its keys, and {', '.join(missing)} cannot be found; "
                "name the folder that has it with --keys"
            )
        return found

    def can_sign(self, role: str) -> bool:
        """Tell whether the keys of a role are here.

        Raises:
            InputError: one is, and does not open.
        """
        delegator = self.delegator(role)
        named = delegator.get_delegated_role(role)
        here = (self.keys.signer(role, delegator.get_key(key_id)) for key_id in named.keyids)
        return sum(signer is not None for signer in here) >= named.threshold

    def announce(self, also: Mapping[str, Sequence[Signer]] | None = None) -> bool:
        """Let what was signed be seen: sign the snapshot, if it has anything new to say, and the timestamp.

        Args:
            also: role -> who signs as well.

        Returns:
            Whether it is seen; else the online keys are not here, and a `refresh` where they are does it.

        Raises:
            InputError: a key is here, and does not open.
            StorageError: it cannot be written.
        """
        if not (self.can_sign(SNAPSHOT) and self.can_sign(TIMESTAMP)):
            return False
        extra = also or {}
        snapshot: Snapshot = self._signed[SNAPSHOT].signed
        if self._meta() != snapshot.meta or self.is_due(SNAPSHOT) or SNAPSHOT in extra:
            snapshot.meta = self._meta()
            self.sign(SNAPSHOT, extra.get(SNAPSHOT, ()))
        timestamp: Timestamp = self._signed[TIMESTAMP].signed
        timestamp.snapshot_meta = MetaFile(snapshot.version)
        self.sign(TIMESTAMP, extra.get(TIMESTAMP, ()))
        return True

    @property
    def targets_roles(self) -> tuple[str, ...]:
        """The roles that sign targets."""
        return (TARGETS, *(self.delegations.roles or {}))

    @property
    def is_announced(self) -> bool:
        """Whether all that was signed can be seen."""
        snapshot, timestamp = self._signed[SNAPSHOT].signed, self._signed[TIMESTAMP].signed
        return bool(snapshot.meta == self._meta() and timestamp.snapshot_meta == MetaFile(snapshot.version))

    def is_due(self, role: str) -> bool:
        """Tell whether less than half of the time is left until a role's signatures end."""
        expires: datetime = self._signed[role].signed.expires
        return expires - self.now < timedelta(days=self.days(role)) / 2

    def days(self, role: str) -> int:
        """Return how many days the signatures of a role hold."""
        days: int = self._signed[role].signed.unrecognized_fields[DAYS_FIELD]
        return days

    def replace_key(self, role: str, key_id: str) -> None:
        """Put a new key in the place of one; it counts once the delegator and the role have signed.

        Raises:
            StorageError: the new key cannot be kept.
        """
        delegator, signer = self.delegator(role), self.keys.make(role)
        delegator.add_key(signer.public_key, role)
        delegator.revoke_key(key_id, role)

    def delegate(self, role: str, paths: list[str]) -> None:
        """Let a new role with a new key sign some paths; both it and `targets` have to sign then.

        Raises:
            StorageError: the new key cannot be kept.
        """
        key: Key = self.keys.make(role).public_key
        self.delegations.keys[key.keyid] = key
        add_role(self.delegations, delegated(role, paths, [key.keyid]))

    def delegator(self, role: str) -> Root | Targets:
        """Return the word of the role that names another one's keys."""
        return self.root if role in self.root.roles else self.targets(TARGETS)

    def standings(self) -> list[Standing]:
        """Return how it stands with each role."""
        found = []
        for role in (ROOT, TARGETS, SNAPSHOT, TIMESTAMP, *(self.delegations.roles or {})):
            signed, named = self._signed[role].signed, self.delegator(role).get_delegated_role(role)
            keys = tuple(file_name(role, key_id) for key_id in named.keyids)
            found.append(Standing(role, signed.version, signed.expires, self.days(role), keys))
        return found

    def _meta(self) -> dict[str, MetaFile]:
        return {f"{role}.json": MetaFile(self.targets(role).version) for role in self.targets_roles}


@contextmanager
def opened(folder: Path, keys: Keys, now: datetime) -> Iterator[Repository]:
    """Give a repository that nobody else writes to meanwhile.

    Raises:
        InputError: there is none, or it is damaged.
        StorageError: somebody else writes to it.
    """
    if not folder.is_dir():
        raise no_repository(folder)
    with alone_in(folder):
        files = Files(folder)
        yield Repository(files, keys, now, load(files))
