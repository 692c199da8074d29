"""Enrols devices: all is looked through before anything is written, then folder after folder appears."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import msgspec

from eyespot.broker.credentials import credentials
from eyespot.broker.settings import endpoints
from eyespot.config import load
from eyespot.domain.errors import InputError
from eyespot_fleet.certificates.identity import SHORTEST, Identity, pem
from eyespot_fleet.disk import Shelf, read_file
from eyespot_fleet.enrolment.roster import Device
from eyespot_fleet.enrolment.sources import (
    CA_CERTIFICATE,
    CLIENT_CERTIFICATE,
    CLIENT_KEY,
    Authorities,
    Source,
)
from eyespot_fleet.enrolment.template import Template

FOLDER: Final = "eyespot"
"""The provisioning folder, as it lies on the boot partition."""

_CONFIG = "eyespot.toml"
_PASSWORD = "mqtt-password"  # noqa: S105 - the name of a file
_ROOT = "root.json"
_NAMES = {_CONFIG, CLIENT_CERTIFICATE, CLIENT_KEY, CA_CERTIFICATE, _PASSWORD, _ROOT}
_SECRET = {CLIENT_KEY, _PASSWORD}
_NAMED = {"ca_file": CA_CERTIFICATE, "cert_file": CLIENT_CERTIFICATE}

Outcome = Literal["new", "renewed", "changed", "unchanged"]
"""`renewed`: another certificate; `changed`: other contents, the same certificate."""


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for.

    Attributes:
        devices: who is to have a folder.
        template: what they share.
        source: where certificates come from.
        trusted: whom to trust; nobody means whom the device's system trusts. None: as the source says.
        root: contents of `root.json`, if there is to be one.
    """

    devices: Sequence[Device]
    template: Template
    source: Source
    trusted: Authorities | None
    root: bytes | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A device and what identifies it."""

    device: Device
    identity: Identity | None
    trusted: Authorities


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A device that has its folder."""

    id: str
    folder: Path
    outcome: Outcome
    identity: Identity | None


def prepare(order: Order, shelf: Shelf) -> list[Parcel]:
    """Return what is to be delivered; nothing is written.

    Raises:
        InputError: one line for each device that cannot have its folder.
    """
    parcels, problems = [], []
    for device in order.devices:
        try:
            parcel = _parcel(order, device, shelf.folder(device.id))
        except InputError as error:
            problems.append(str(error))
            continue
        parcels.append(parcel)
        secured = bool(parcel.identity or parcel.trusted)
        problems += order.template.problems(device, secured=secured)
    if problems:
        raise InputError("\n".join(dict.fromkeys(problems)))
    return parcels


def _parcel(order: Order, device: Device, folder: Path) -> Parcel:
    if folder.exists():
        strange = sorted({path.name for path in folder.iterdir()} - _NAMES)
        if strange:
            raise InputError(
                f"{folder / strange[0]}: what is this? Move it away; the folder is replaced as a whole"
            )
    identity = order.source.identity(device.id, folder)
    trusted = order.source.trusted(folder) if order.trusted is None else order.trusted
    return Parcel(device, identity, trusted)


def deliver(order: Order, parcels: Sequence[Parcel], shelf: Shelf) -> Iterator[Enrolled]:
    """Write the folders, and give each as soon as it is there, whole. The shelf is locked by us.

    Raises:
        StorageError: one cannot be written; those before it are there.
        ConfigError: one would not be taken by the device, which the checks before should have told.
    """
    for parcel in parcels:
        folder = shelf.folder(parcel.device.id)
        files = _files(order, parcel)
        outcome = _outcome(folder, files)
        if outcome != "unchanged":
            contents = {name: (data, 0o600 if name in _SECRET else 0o644) for name, data in files.items()}
            shelf.put(parcel.device.id, contents, _check)
        yield Enrolled(parcel.device.id, folder, outcome, parcel.identity)


def expiring(parcels: Sequence[Parcel], now: datetime) -> list[str]:
    """Return which certificates end soon, or have ended, one line each."""
    found = []
    for parcel in parcels:
        ends = parcel.identity.certificate.not_valid_after_utc if parcel.identity else None
        if ends and ends < now + timedelta(days=SHORTEST):
            verb = "ended" if ends < now else "ends"
            found.append(f"{parcel.device.id}: its certificate {verb} on {ends:%Y-%m-%d}: renew it")
    return found


def _files(order: Order, parcel: Parcel) -> dict[str, bytes]:
    files = {
        CLIENT_CERTIFICATE: pem(parcel.identity.chain) if parcel.identity else None,
        CLIENT_KEY: parcel.identity.key if parcel.identity else None,
        CA_CERTIFICATE: pem(parcel.trusted) or None,
        _PASSWORD: f"{parcel.device.password}\n".encode() if parcel.device.password else None,
        _ROOT: order.root,
    }
    given = {name: data for name, data in files.items() if data is not None}
    named = {key: name for key, name in _NAMED.items() if name in given}
    return {_CONFIG: order.template.filled(parcel.device, named), **given}


def _check(folder: Path) -> None:
    """Load the configuration and what it names as the device will, out of the folder where it still lies."""
    mqtt = load(folder / _CONFIG).config.mqtt
    if mqtt.cert_file:  # on the device the key is a credential, as the password is
        mqtt = msgspec.structs.replace(mqtt, key_file=str(folder / CLIENT_KEY))
    credentials(mqtt, tls=endpoints(mqtt)[0].tls, environ={"CREDENTIALS_DIRECTORY": str(folder)})


def _outcome(folder: Path, files: dict[str, bytes]) -> Outcome:
    if not folder.exists():
        return "new"
    there = {path.name: read_file(path) for path in folder.iterdir()}
    if there == files:
        return "unchanged"
    return "changed" if there.get(CLIENT_CERTIFICATE) == files.get(CLIENT_CERTIFICATE) else "renewed"
