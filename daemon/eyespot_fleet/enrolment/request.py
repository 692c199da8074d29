"""What an operator asks for, in files and flags, and one run of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from eyespot.domain.errors import InputError
from eyespot.trust.tuf_root import check_root
from eyespot_fleet.certificates.authority import Authority, Passphrase, open_authority
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.disk import Shelf, read_file
from eyespot_fleet.enrolment.enrolling import FOLDER, Enrolled, Order, deliver, expiring, prepare
from eyespot_fleet.enrolment.roster import read_roster
from eyespot_fleet.enrolment.sources import Authorities, Given, Held, Own, Source, read_authorities
from eyespot_fleet.enrolment.template import read_template

SYSTEM: Final = "system"
"""Stands for the certificate authorities of the device's system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted.

    Attributes:
        roster: CSV file.
        template: TOML file.
        out: where the folders go.
        ca: folder of an own authority.
        certs: folder of given certificates.
        trust: PEM file of whom the devices trust, or SYSTEM.
        root: file for `root.json`.
        renew: new certificates for all, of the own authority.
        days: for how long these are valid.
        ca_days: for how long a new authority is valid.
    """

    roster: Path
    template: Path
    out: Path
    ca: Path | None
    certs: Path | None
    trust: str | None
    root: Path | None
    renew: bool
    days: int
    ca_days: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of it.

    Attributes:
        enrolled: the devices of the list, in its order.
        warnings: what to look at, one line each.
        authority: who signed, if it was an own one.
    """

    enrolled: tuple[Enrolled, ...]
    warnings: tuple[str, ...]
    authority: Authority | None


def enrol(
    request: Request, passphrase: Passphrase, now: datetime, tell: Callable[[int, int], None]
) -> Summary:
    """Write a provisioning folder `<out>/<id>/eyespot` for each device.

    Args:
        request: what is wanted.
        passphrase: asked for that of the authority's key.
        now: the time.
        tell: called with how many of how many are done.

    Raises:
        InputError: list, certificates or other files are wrong; nothing was written.
        ConfigError: the template is wrong; nothing was written.
        StorageError: the disk is full, say; what was written is whole.
    """
    devices = read_roster(request.roster)
    template = read_template(request.template)
    authority = open_authority(request.ca, passphrase, Term(now, request.ca_days)) if request.ca else None
    source = _source(request, authority, now)
    order = Order(devices, template, source, _trusted(request.trust), _root(request.root))
    shelf = Shelf(request.out, FOLDER)
    enrolled = []
    with shelf.locked():
        parcels = prepare(order, shelf)
        warnings = [*template.warnings(devices), *expiring(parcels, now)]
        if authority:
            warnings += authority.warnings(Term(now, request.days))
            authority.save()
        for done in deliver(order, parcels, shelf):
            enrolled.append(done)
            tell(len(enrolled), len(parcels))
    return Summary(tuple(enrolled), tuple(warnings), authority)


def _source(request: Request, authority: Authority | None, now: datetime) -> Source:
    if authority:
        return Own(authority, Term(now, request.days), request.renew)
    return Given(request.certs, now) if request.certs else Held()


def _trusted(trust: str | None) -> Authorities | None:
    if trust is None:
        return None
    return () if trust == SYSTEM else read_authorities(Path(trust))


def _root(path: Path | None) -> bytes | None:
    if path is None:
        return None
    data = read_file(path)
    try:
        check_root(data)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    return data
