"""The broker's certificate, in a folder of its own: `broker.crt`, `broker.key` and `ca.crt`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography import x509

from eyespot.domain.errors import InputError
from eyespot_fleet.certificates.authority import CERTIFICATE as CA_CERTIFICATE
from eyespot_fleet.certificates.authority import Authority
from eyespot_fleet.certificates.identity import SHORTEST, Identity, pem, read
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.disk import make_folder, read_file, write_file

CERTIFICATE: Final = "broker.crt"
KEY: Final = "broker.key"


@dataclass(frozen=True, slots=True)
class Certified:
    """The broker's certificate; `kept` if it was there."""

    certificate: x509.Certificate
    kept: bool


def certify(
    folder: Path, authority: Authority, hosts: Sequence[str], term: Term, *, renew: bool
) -> Certified:
    """Give the broker a certificate for these names, unless it has one that is good for a while.

    Raises:
        StorageError: it cannot be written.
    """
    held = None if renew else _held(folder, authority, hosts, term)
    identity = held or authority.for_broker(hosts, term)
    authority.save()
    make_folder(folder, 0o700)
    if held is None:
        write_file(folder / KEY, identity.key, 0o600)
        write_file(folder / CERTIFICATE, pem(identity.chain))
    write_file(folder / CA_CERTIFICATE, authority.pem)
    return Certified(identity.certificate, held is not None)


def _held(folder: Path, authority: Authority, hosts: Sequence[str], term: Term) -> Identity | None:
    """Return the identity in a folder, if it is still good."""
    try:
        held = read(read_file(folder / CERTIFICATE), read_file(folder / KEY), str(folder))
    except InputError:  # not there, or we were interrupted between key and certificate
        return None
    names = held.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    good = (
        held.certificate.not_valid_after_utc > term.begin + timedelta(days=SHORTEST)
        and authority.has_signed(held.certificate)
        and {str(name.value) for name in names} == set(hosts)
    )
    return held if good else None
