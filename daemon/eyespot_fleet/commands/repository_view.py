"""A repository as text, and as an object for programs."""

from collections.abc import Iterator
from typing import Any

import msgspec

from eyespot.trust.desired import Desired
from eyespot_fleet.publishing.releasing import bundles, cohorts, desired
from eyespot_fleet.publishing.renewing import warnings
from eyespot_fleet.publishing.repository import Repository
from eyespot_fleet.publishing.roles import sites


def as_object(repository: Repository) -> dict[str, Any]:
    """Return who signs until when, what can be released, and what is."""
    told = {cohort: desired(repository, cohort) for cohort in cohorts(repository)}
    roles = [
        {
            "role": one.role,
            "version": one.version,
            "expires": f"{one.expires:%Y-%m-%dT%H:%M:%SZ}",
            "days": one.days,
            "keys": list(one.keys),
        }
        for one in repository.standings()
    ]
    return {
        "repository": str(repository.files.folder),
        "announced": repository.is_announced,
        "warnings": warnings(repository),
        "roles": roles,
        "bundles": _bundles(repository),
        "desired": {cohort: msgspec.to_builtins(one) for cohort, one in told.items()},
    }


def as_text(repository: Repository) -> str:
    """Return the same for people."""
    return "\n".join(_lines(repository))


def _lines(repository: Repository) -> Iterator[str]:
    yield "signed by"
    for one in repository.standings():
        yield f"  {one.role:<20} until {one.expires:%Y-%m-%d}  {', '.join(one.keys)}"
    yield "bundles"
    for target in _bundles(repository) or ["none yet"]:
        yield f"  {target}"
    yield "released"
    told = [desired(repository, cohort) for cohort in cohorts(repository)]
    for released in told:
        if released is not None:
            yield f"  {in_words(released)}"
    if not told:
        yield "  nothing yet"


def in_words(released: Desired) -> str:
    """Return a rollout in one line."""
    where = f"{released.percent:g} % of the cohort {released.cohort}"
    halted = " (halted)" if not released.percent else ""
    return f"{released.bundle} {released.version} to {where}{halted}, rollout {released.rollout}"


def _bundles(repository: Repository) -> list[str]:
    own = (target for site in sites(repository.delegations) for target in bundles(repository, site))
    return [*bundles(repository), *own]
