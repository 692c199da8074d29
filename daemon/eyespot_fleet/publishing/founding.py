"""A new repository, with its keys."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from tuf.api.metadata import Delegations, Role, Root, Snapshot, Targets, Timestamp

from eyespot_fleet.disk import new_folder
from eyespot_fleet.publishing.files import Files
from eyespot_fleet.publishing.keys import Keys
from eyespot_fleet.publishing.repository import Repository
from eyespot_fleet.publishing.roles import (
    DESIRED,
    ROOT,
    ROOT_KEYS,
    ROOT_THRESHOLD,
    SNAPSHOT,
    TARGETS,
    TIMESTAMP,
    check_site,
    desired_of,
    sites,
)

DAYS: Final = 60
OFFLINE_DAYS: Final = 365


@dataclass(frozen=True, slots=True)
class Terms:
    """How many days signatures hold: of the keys that sign unattended, and of those that are locked away."""

    online: int = DAYS
    offline: int = OFFLINE_DAYS


def found(folder: Path, keys: Keys, now: datetime, terms: Terms) -> None:
    """Make a repository, with new keys for each role; nothing is in it yet.

    Args:
        folder: of it; new or empty.
        keys: that keep the new ones.
        now: in UTC.
        terms: for how long signatures hold.

    Raises:
        InputError: there is something in the folder.
        StorageError: repository or keys cannot be written.
    """
    with new_folder(folder) as new:
        repository = Repository(Files(new), keys, now, {})
        repository.files.make()
        repository.begin(ROOT, _root(keys), terms.offline)
        repository.begin(TARGETS, Targets(delegations=Delegations({}, {})), terms.offline)
        repository.begin(SNAPSHOT, Snapshot(), terms.online)
        repository.begin(TIMESTAMP, Timestamp(), terms.online)
        repository.begin(DESIRED, Targets(), terms.online)
        repository.delegate(DESIRED, [f"{DESIRED}/*"])
        for role in (ROOT, TARGETS, DESIRED):
            repository.sign(role)
        repository.announce()


def add_site(repository: Repository, site: str) -> None:
    """Give a cohort keys of its own, which alone say what its devices run.

    Raises:
        InputError: the name is taken, or the key of `targets` is not here.
        StorageError: it cannot be written.
    """
    check_site(site, sites(repository.delegations))
    repository.signers(TARGETS, repository.root)  # before anything is made
    for role, path, like in (
        (site, f"{site}/*", TARGETS),
        (desired_of(site), f"{DESIRED}/{site}.json", DESIRED),
    ):
        repository.begin(role, Targets(), repository.days(like))
        repository.delegate(role, [path])
        repository.sign(role)
    repository.sign(TARGETS)


def _root(keys: Keys) -> Root:
    thresholds = {ROOT: ROOT_THRESHOLD, TARGETS: 1, SNAPSHOT: 1, TIMESTAMP: 1}
    root = Root(roles={role: Role([], threshold) for role, threshold in thresholds.items()})
    for role in thresholds:
        for _ in range(ROOT_KEYS if role == ROOT else 1):
            root.add_key(keys.make(role).public_key, role)
    return root
