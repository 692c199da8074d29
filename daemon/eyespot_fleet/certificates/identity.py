"""A certificate and its key, in memory and as PEM."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from eyespot.domain.errors import InputError
from eyespot.trust.certificates import (
    Certificate,
    belong_together,
    broken_link,
    lifetime_of_chain,
    read_certificates,
    read_key,
)

SHORTEST = 90  # days; who ends sooner is told


@dataclass(frozen=True, slots=True)
class Identity:
    """Certificates and a key that belongs to the first.

    Attributes:
        chain: the certificate, perhaps followed by those of authorities in between.
        key: as PEM, without a passphrase.
    """

    chain: tuple[Certificate, ...]
    key: bytes

    @property
    def certificate(self) -> Certificate:
        """The certificate itself."""
        return self.chain[0]

    @property
    def name(self) -> str:
        """The common name; empty where there is none."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""


def pem(certificates: Sequence[Certificate]) -> bytes:
    """Return certificates as PEM; what else stood in their file, a key perhaps, is not in it."""
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def read(chain: bytes, key: bytes, place: str) -> Identity:
    """Return what two files hold.

    Args:
        chain: PEM, the certificate first.
        key: PEM.
        place: what to call them in messages.

    Raises:
        InputError: one of them is not PEM, or they do not belong together.
    """
    try:
        identity = Identity(read_certificates(chain), key)
        together = belong_together(identity.certificate, read_key(key))
    except InputError as error:
        raise InputError(f"{place}: {error}") from error
    if not together:
        raise InputError(f"{place}: the key does not belong to the certificate")
    return identity


def useless(identity: Identity, authorities: Sequence[Certificate], now: datetime) -> str:
    """Return why no broker would take this from a device; empty where one would.

    Args:
        identity: of the device.
        authorities: whom the device trusts, which may have issued it.
        now: UTC.
    """
    if not _is_for_clients(identity.certificate):
        return "is not for clients: its extendedKeyUsage lacks clientAuth"
    age = lifetime_of_chain(identity.chain).at(now, clock_is_right=True)
    return age.words if age.verdict == "fail" else broken_link(identity.chain, authorities)


def _is_for_clients(certificate: Certificate) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return True
    allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
    return not allowed.isdisjoint(usages)
