"""Who signs what: the roles of the repository, and the paths of the targets that each may sign.

The Update Framework, specification 1.0.34. `targets` signs `bundles/*` and names the others; `desired` signs
`desired/*` and nothing else. A site is a cohort with keys of its own: the role `NAME` signs `NAME/*`, the
role `NAME.desired` signs `desired/NAME.json`, and both end the search: nobody else's word counts there.
"""

from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec
from tuf.api.metadata import DelegatedRole, Delegations

from eyespot.domain.errors import InputError, foreign
from eyespot.trust.desired import SHARED, CohortName

ROOT: Final = "root"
TARGETS: Final = "targets"
SNAPSHOT: Final = "snapshot"
TIMESTAMP: Final = "timestamp"
DESIRED: Final = "desired"
BUNDLES: Final = SHARED

TopLevel = Literal["root", "targets", "snapshot", "timestamp"]
Custody = Literal["offline", "online"]

# How many days a role's signatures hold; in its metadata, so that an unattended refresh keeps to it.
DAYS_FIELD: Final = "x-eyespot-days"

ROOT_KEYS: Final = 3
ROOT_THRESHOLD: Final = 2

_OF_SITE = f".{DESIRED}"
_RESERVED = frozenset((*get_args(TopLevel), DESIRED, BUNDLES))


def custody(role: str) -> Custody:
    """Return where the key of a role is to be kept: `online` ones sign without anybody who types."""
    own = role in {SNAPSHOT, TIMESTAMP, DESIRED} or role.endswith(_OF_SITE)
    return "online" if own else "offline"


def desired_of(site: str) -> str:
    """Return the role that says what the devices of a site shall run."""
    return f"{site}{_OF_SITE}"


def check_site(name: str, there: Iterable[str]) -> None:
    """Check that a site can have a name.

    Raises:
        InputError: it is taken, or no name.
    """
    with foreign(InputError, f"a site cannot be called {name!r}: want a-z, 0-9 and hyphens"):
        msgspec.convert(name, CohortName)
    if name in _RESERVED:
        raise InputError(f"a site cannot be called {name}: that is a part of every repository")
    if name in there:
        raise InputError(f"there is a site {name} already; add a bundle for it with --site {name}")


def delegated(role: str, paths: list[str], key_ids: list[str]) -> DelegatedRole:
    """Return a role whose word on its paths is the last one."""
    return DelegatedRole(role, key_ids, threshold=1, terminating=True, paths=paths)


def add_role(delegations: Delegations, role: DelegatedRole) -> None:
    """Add a role, before `desired`, whose paths cover those of sites: the first that has a path is heard."""
    roles = {**(delegations.roles or {}), role.name: role}
    delegations.roles = dict(sorted(roles.items(), key=lambda item: item[0] == DESIRED))


def sites(delegations: Delegations) -> tuple[str, ...]:
    """Return the names of the sites."""
    return tuple(role for role in delegations.roles or {} if desired_of(role) in (delegations.roles or {}))
