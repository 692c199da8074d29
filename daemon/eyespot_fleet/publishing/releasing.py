"""Bundles, and who shall run them."""

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import msgspec

from eyespot.domain.errors import InputError, foreign
from eyespot.trust.archive import SUFFIX
from eyespot.trust.desired import Desired, parse_desired
from eyespot_fleet.publishing.contents import Contents, read_contents
from eyespot_fleet.publishing.repository import Repository
from eyespot_fleet.publishing.roles import BUNDLES, DESIRED, TARGETS, desired_of, sites

_SCHEMA: Final = "eyespot.desired/1"
_OPTIONAL = ("rollout", "not_before_s", "jitter_s", "notes", "notes_url")
_MOST_TOLD = 20


@dataclass(frozen=True, slots=True)
class Change:
    """What a release changes of what the cohort has; None leaves it.

    Attributes:
        bundle: `name@version-sha12`, or as much of its beginning as only one has.
        percent: of the cohort's devices.
        again: a new rollout of the same bundle: devices try again what failed.
        rollout: the new rollout's id; else one is made up.
        not_before_s: UTC in s.
        jitter_s: devices spread over so many seconds.
    """

    percent: float
    bundle: str | None = None
    again: bool = False
    rollout: str | None = None
    not_before_s: int | None = None
    jitter_s: int | None = None
    notes: str | None = None
    notes_url: str | None = None


@dataclass(frozen=True, slots=True)
class Added:
    """A bundle of the repository.

    Attributes:
        target: its path among the targets.
        kept: whether it was there before.
    """

    contents: Contents
    target: str
    kept: bool


def add_bundle(
    repository: Repository, path: Path, site: str | None, check: Callable[[Path], Contents] = read_contents
) -> Added:
    """Take a packed bundle into the repository, after it was checked.

    Args:
        repository: is announced by the caller.
        path: of the `.tar.zst`.
        site: whose it is; None for all.
        check: says what it is, or raises.

    Raises:
        InputError: it is no sound bundle, another one is there by its name, or the key is not here.
        StorageError: it cannot be written.
    """
    if site is not None and site not in sites(repository.delegations):
        raise InputError(f"there is no site {site}; `eyespot-fleet publish site {site}` makes it one")
    if path.is_dir():
        raise InputError(f"{path} is a folder; `eyespot-fleet publish pack {path}` packs it")
    role, folder = (site, site) if site else (TARGETS, BUNDLES)
    signed = repository.targets(role)
    with repository.files.incoming(path) as copy:
        contents = check(copy)
        name = f"{folder}/{contents.bundle}{SUFFIX}"
        found = repository.files.described(copy, name)
        there = signed.targets.get(name)
        if there is not None and there.hashes != found.hashes:
            raise InputError(
                f"{contents.bundle} is there already, packed with other contents; give it the next version"
            )
        if there is None:
            repository.signers(role, repository.delegator(role))  # before anything is written
            found.unrecognized_fields["custom"] = asdict(contents)
            repository.files.keep(copy, found)
            signed.targets[name] = found
            repository.sign(role)
    return Added(contents, name, kept=there is not None)


def release(repository: Repository, cohort: str, change: Change) -> Desired:
    """Say what a cohort shall run.

    A rollout goes on as long as the bundle is the same; as it widens, no device falls out of it.

    Returns:
        What the cohort's devices are told; announced by the caller.

    Raises:
        InputError: there is no such bundle, nothing is released to the cohort yet, or the key is not here.
        StorageError: it cannot be written.
    """
    told = planned(repository, cohort, change)
    tell(repository, told)
    return told


def planned(repository: Repository, cohort: str, change: Change) -> Desired:
    """Return what a cohort is to be told; it is not told yet.

    Raises:
        InputError: there is no such bundle, or nothing is released to the cohort yet.
    """
    before = desired(repository, cohort)
    if change.bundle is not None:
        target = _find(repository, change.bundle, cohort)
    elif before is not None:
        target = before.target
    else:
        known = ", ".join(cohorts(repository)) or "none"
        raise InputError(f"nothing is released to the cohort {cohort} yet (known: {known}); name a bundle")
    return _desired(cohort, target, change, before)


def tell(repository: Repository, told: Desired) -> None:
    """Tell a cohort what to run; announced by the caller.

    Raises:
        InputError: the key is not here, or does not open.
        StorageError: it cannot be written.
    """
    role, name = teller(repository, told.cohort), _path(told.cohort)
    repository.signers(role, repository.delegator(role))  # before anything is written
    repository.targets(role).targets[name] = repository.files.put(name, msgspec.json.encode(told))
    repository.sign(role)


def teller(repository: Repository, cohort: str) -> str:
    """Return the role that tells a cohort what to run."""
    return desired_of(cohort) if cohort in sites(repository.delegations) else DESIRED


def desired(repository: Repository, cohort: str) -> Desired | None:
    """Return what a cohort is told to run; None where it is told nothing.

    Raises:
        InputError: it is missing.
        TrustError: it is damaged.
    """
    target = repository.targets(teller(repository, cohort)).targets.get(_path(cohort))
    return None if target is None else parse_desired(repository.files.content(target), cohort)


def cohorts(repository: Repository) -> tuple[str, ...]:
    """Return the cohorts that are told something."""
    own = sites(repository.delegations)
    shared = (name for name in repository.targets(DESIRED).targets if name not in map(_path, own))
    of_sites = (name for site in own for name in repository.targets(desired_of(site)).targets)
    return tuple(sorted(PurePosixPath(name).stem for name in (*shared, *of_sites)))


def bundles(repository: Repository, site: str | None = None) -> tuple[str, ...]:
    """Return the targets that are bundles, of all devices or of a site."""
    return tuple(repository.targets(site or TARGETS).targets)


def _desired(cohort: str, target: str, change: Change, before: Desired | None) -> Desired:
    same = before is not None and before.target == target
    goes_on = same and not change.again and change.rollout in {None, before.rollout if before else None}
    bundle = PurePosixPath(target).name.removesuffix(SUFFIX)
    name, _, rest = bundle.partition("@")
    version = rest.rpartition("-")[0]
    kept = msgspec.structs.asdict(before) if before is not None and goes_on else {"schema": _SCHEMA}
    given = {field: getattr(change, field) for field in _OPTIONAL if getattr(change, field) is not None}
    told = {
        "rollout": f"{version}-{secrets.token_hex(4)}",
        **kept,
        **given,
        "cohort": cohort,
        "bundle": name,
        "version": version,
        "target": target,
        "percent": change.percent,
    }
    with foreign(InputError, "this cannot be released"):
        return msgspec.convert(told, Desired)


def _find(repository: Repository, wanted: str, cohort: str) -> str:
    """Return the one target whose bundle is called so, or begins so."""
    own = bundles(repository, cohort) if cohort in sites(repository.delegations) else ()
    all_names = {PurePosixPath(name).name.removesuffix(SUFFIX): name for name in (*bundles(repository), *own)}
    found = [name for bundle, name in all_names.items() if bundle == wanted]
    found = found or [name for bundle, name in all_names.items() if bundle.startswith(wanted)]
    if len(found) != 1:
        told = ", ".join(sorted(all_names)[:_MOST_TOLD]) or "none; `eyespot-fleet publish add` adds one"
        many = f"{len(found)} bundles begin with" if found else "there is no bundle"
        raise InputError(f"{many} {wanted}; there are: {told}")
    return found[0]


def _path(cohort: str) -> str:
    return f"{DESIRED}/{cohort}.json"
