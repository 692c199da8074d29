"""A certificate and its key, in memory and as PEM."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization as pem
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from eyespot.domain.errors import InputError, foreign

SHORTEST = 90  # days; who ends sooner is told


@dataclass(frozen=True, slots=True)
class Identity:
    """A certificate and the key that belongs to it.

    Attributes:
        chain: the certificate as PEM, perhaps followed by those of authorities in between.
        key: as PEM (PKCS #8), without a passphrase.
    """

    certificate: x509.Certificate
    chain: bytes
    key: bytes

    @property
    def name(self) -> str:
        """The common name; empty where there is none."""
        names = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""


def read(chain: bytes, key: bytes, place: str) -> Identity:
    """Return what two files hold.

    Args:
        chain: PEM, the certificate first.
        key: PEM.
        place: what to call them in messages.

    Raises:
        InputError: one of them is not PEM, or they do not belong together.
    """
    with foreign(InputError, f"{place}: cannot read the certificate; want PEM"):
        certificate = x509.load_pem_x509_certificates(chain)[0]
    with foreign(InputError, f"{place}: cannot read the key; want PEM without a passphrase"):
        private = pem.load_pem_private_key(key, None)
    if _public(private) != _public(certificate):
        raise InputError(f"{place}: the key does not belong to the certificate")
    return Identity(certificate, chain, key)


def _public(owner: PrivateKeyTypes | x509.Certificate) -> bytes:
    return owner.public_key().public_bytes(pem.Encoding.DER, pem.PublicFormat.SubjectPublicKeyInfo)


def refuse_if_useless(identity: Identity, place: str, now: datetime) -> None:
    """Refuse what no broker would take from a device.

    Raises:
        InputError: the certificate is not for clients, or not valid now.
    """
    certificate = identity.certificate
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        pass
    else:
        allowed = {ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
        if allowed.isdisjoint(usages):
            raise InputError(
                f"{place}: the certificate is not for clients (extendedKeyUsage lacks clientAuth)"
            )
    if certificate.not_valid_after_utc < now:
        raise InputError(f"{place}: the certificate ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
    if certificate.not_valid_before_utc > now:
        begin = f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC"
        raise InputError(f"{place}: the certificate is valid from {begin} on; is the clock right?")
