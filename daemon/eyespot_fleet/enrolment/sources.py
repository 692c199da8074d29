"""Where the certificate of a device comes from."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from eyespot.domain.errors import InputError
from eyespot.trust.certificates import Certificate, read_certificates
from eyespot_fleet.certificates.authority import CERTIFICATE, Authority
from eyespot_fleet.certificates.identity import Identity, read, useless
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.disk import read_file

CLIENT_CERTIFICATE: Final = "client.crt"
CLIENT_KEY: Final = "client.key"
CA_CERTIFICATE: Final = "ca.crt"


Authorities = tuple[Certificate, ...]


class Source(Protocol):
    """Gives each device its identity."""

    def identity(self, device_id: str, folder: Path) -> Identity | None:
        """Return who a device is to be, None for nobody in particular.

        Args:
            device_id: which device.
            folder: its provisioning folder, if it has one.

        Raises:
            InputError: what there is cannot be used.
        """

    def trusted(self, folder: Path) -> Authorities:
        """Return whom the device is to trust; nobody means whom its system trusts."""


@dataclass(frozen=True, slots=True)
class Own:
    """Certificates of the operator's own authority; who has one keeps it.

    Attributes:
        authority: who signs.
        term: of new ones.
        renew: everybody gets a new one.
    """

    authority: Authority
    term: Term
    renew: bool

    def identity(self, device_id: str, folder: Path) -> Identity:
        """Return a device's identity."""
        held = None if self.renew else _held(folder)
        if held is None:
            return self.authority.for_device(device_id, self.term)
        advice = f"--renew makes new ones, or remove {folder.parent} for this device to have one"
        place = str(folder / CLIENT_CERTIFICATE)
        if held.name != device_id:
            raise InputError(f'{place}: is that of "{held.name}"; {advice}')
        if not self.authority.has_signed(held.certificate):
            raise InputError(f"{place}: is not of the authority in {self.authority.folder}; {advice}")
        return held

    def trusted(self, folder: Path) -> Authorities:  # noqa: ARG002 - as the others have it
        """Return the authority's own certificate: it may sign the broker's, too."""
        return (self.authority.signer.certificate,)


@dataclass(frozen=True, slots=True)
class Given:
    """Certificates of somebody else: `<id>.crt` and `<id>.key` in a folder, perhaps `ca.crt`.

    Attributes:
        certificates: the folder.
        now: the time.
    """

    certificates: Path
    now: datetime

    def identity(self, device_id: str, folder: Path) -> Identity:
        """Return a device's identity."""
        certificate = self.certificates / f"{device_id}.crt"
        given = read(read_file(certificate), read_file(certificate.with_suffix(".key")), str(certificate))
        reason = useless(given, self.trusted(folder), self.now)
        if reason:
            raise InputError(f"{certificate} {reason}")
        return given

    def trusted(self, folder: Path) -> Authorities:  # noqa: ARG002 - as the others have it
        """Return what lies beside the certificates."""
        path = self.certificates / CERTIFICATE
        return read_authorities(path) if path.exists() else ()


@dataclass(frozen=True, slots=True)
class Held:
    """Nobody gives certificates: who has one keeps it."""

    def identity(self, device_id: str, folder: Path) -> Identity | None:  # noqa: ARG002 - as the others have it
        """Return a device's identity."""
        return _held(folder)

    def trusted(self, folder: Path) -> Authorities:
        """Return what was trusted before."""
        path = folder / CA_CERTIFICATE
        return read_authorities(path) if path.exists() else ()


def read_authorities(path: Path) -> Authorities:
    """Return the certificates in a PEM file.

    Raises:
        InputError: there is none.
    """
    try:
        return read_certificates(read_file(path))
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _held(folder: Path) -> Identity | None:
    certificate = folder / CLIENT_CERTIFICATE
    if not certificate.exists():
        return None
    return read(read_file(certificate), read_file(folder / CLIENT_KEY), str(certificate))
