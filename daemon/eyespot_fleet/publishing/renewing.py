"""Signatures that end are made anew, and keys that are old, lost or stolen are replaced."""

from collections.abc import Sequence
from contextlib import suppress

from securesystemslib.signer import Signer

from eyespot.domain.errors import InputError
from eyespot_fleet.publishing.keys import file_name
from eyespot_fleet.publishing.repository import Repository
from eyespot_fleet.publishing.roles import ROOT, SNAPSHOT, TARGETS, TIMESTAMP


def refresh(repository: Repository) -> list[str]:
    """Sign anew what has less than half of its time left, where the keys are here, and announce it.

    Returns:
        What is to be seen to, one line each.

    Raises:
        InputError: the keys of snapshot or timestamp are not here, or do not open.
        StorageError: it cannot be written.
    """
    for role in (SNAPSHOT, TIMESTAMP):
        repository.signers(role, repository.root)
    troubles = []
    for role in (ROOT, *repository.targets_roles):
        if repository.is_due(role):
            try:
                if repository.can_sign(role):
                    repository.sign(role)
            except InputError as error:
                troubles.append(str(error))
    repository.announce()
    return troubles


def warnings(repository: Repository) -> list[str]:
    """Return which signatures end soon, or have ended, and what is not seen yet, one line each."""
    found = []
    for one in repository.standings():
        if one.ends_soon(repository.now):
            verb = "ended" if one.expires < repository.now else "ends"
            found.append(
                f"the word of {one.role} {verb} on {one.expires:%Y-%m-%d}: `eyespot-fleet publish refresh` "
                f"where {' or '.join(one.keys)} is"
            )
    if not repository.is_announced:
        found.append(
            "signed, but not announced yet: `eyespot-fleet publish refresh` where the online keys are"
        )
    return found


def keys_of(repository: Repository, role: str) -> list[tuple[str, str]]:
    """Return role and id of each key of a role.

    Raises:
        InputError: there is no such role.
    """
    there = [one.role for one in repository.standings()]
    if role not in there:
        raise InputError(f"there is no role {role}; there are: {', '.join(there)}")
    return [(role, key_id) for key_id in repository.delegator(role).get_delegated_role(role).keyids]


def find_key(repository: Repository, name: str) -> tuple[str, str]:
    """Return role and id of the key whose file has a name.

    Raises:
        InputError: no role has it.
    """
    wanted = name.removesuffix(".pem")
    there = [key for one in repository.standings() for key in keys_of(repository, one.role)]
    for role, key_id in there:
        if file_name(role, key_id).removesuffix(".pem") == wanted:
            return role, key_id
    names = ", ".join(file_name(*one).removesuffix(".pem") for one in there)
    raise InputError(f"no role has the key {name}; there are: {names}")


def replace(repository: Repository, keys: Sequence[tuple[str, str]]) -> None:
    """Put new keys in the place of old ones, sign all that they had signed anew, and announce it.

    Devices learn it from the next root, which enough of the old root keys and of the new ones sign. Old keys
    that are at hand sign once more beside the new ones, so that who reads meanwhile, or goes on after this
    broke off, is content with either root; the root is written last.

    Args:
        repository: to be changed.
        keys: role and id of each.

    Raises:
        InputError: a key that has to sign is not here.
        StorageError: it cannot be written.
    """
    _check_signers(repository, keys)
    old = {role: _at_hand(repository, role) for role, _ in keys}
    for role, key_id in keys:
        repository.replace_key(role, key_id)
    roles = {role for role, _ in keys}
    below = [role for role in repository.targets_roles if role in roles and role != TARGETS]
    for role in below:
        repository.sign(role, old[role])
    if below or TARGETS in roles:
        repository.sign(TARGETS, old.get(TARGETS, ()))
    if roles != {ROOT}:
        repository.announce(old)
    if roles & repository.root.roles.keys():
        repository.sign(ROOT)


def _check_signers(repository: Repository, keys: Sequence[tuple[str, str]]) -> None:
    """Check that all are here whose old keys have to sign, before anything is made."""
    replaced = {role for role, _ in keys}
    top = replaced & repository.root.roles.keys()
    needed = {ROOT} if top else set()
    if replaced - top:
        needed |= {TARGETS} - replaced
    if replaced != {ROOT}:
        needed |= {SNAPSHOT, TIMESTAMP} - replaced
    for role in sorted(needed):
        repository.signers(role, repository.root)


def _at_hand(repository: Repository, role: str) -> list[Signer]:
    delegator = repository.delegator(role)
    key_ids = delegator.get_delegated_role(role).keyids
    found = []
    for key_id in key_ids:
        with suppress(InputError):  # whose passphrase is lost has to be replaced all the same
            signer = repository.keys.signer(role, delegator.get_key(key_id))
            found += [signer] if signer is not None else []
    return found
