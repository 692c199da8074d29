"""Makes certificates: RFC 5280, and what OpenSSL's X509_V_FLAG_X509_STRICT asks for, as Python 3.13 sets it.

Keys are EC P-256: every TLS library has it, and a signature costs a Pi Zero little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from eyespot_fleet.certificates.identity import Identity

CLIENT: Final = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER: Final = ExtendedKeyUsageOID.SERVER_AUTH

# Clocks differ: what was signed a minute ago must not be of the future elsewhere.
_BEFORE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Term:
    """From when on, and for how long, a certificate is valid."""

    begin: datetime
    days: int

    @property
    def end(self) -> datetime:
        """When it ends."""
        return self.begin + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate authority in memory."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a key that nobody has seen."""
    return ec.generate_private_key(ec.SECP256R1())


def authority(key: ec.EllipticCurvePrivateKey, term: Term) -> x509.Certificate:
    """Return a certificate by which its own key may sign others, and these no more."""
    key_id = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    # The id keeps two authorities of one operator apart.
    name = _named(f"eyespot-fleet CA {key_id.digest.hex()[:8]}")
    builder = (
        _begun(name, name, key, term.begin, term.end)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(key_id, critical=False)
    )
    return builder.sign(key, hashes.SHA256())


def issue(
    signer: Signer,
    name: str,
    usage: x509.ObjectIdentifier,
    term: Term,
    hosts: Sequence[str] = (),
) -> Identity:
    """Return a new key with a certificate for it, which ends with the signer's own at the latest.

    Args:
        signer: whose word it is.
        name: the common name, at most 64 characters.
        usage: CLIENT or SERVER.
        term: for how long.
        hosts: names and addresses of a server.
    """
    key = new_key()
    end = min(term.end, signer.certificate.not_valid_after_utc)
    builder = (
        _begun(_named(name), signer.certificate.subject, key, term.begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority_key_id(signer.certificate), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(signer.key, hashes.SHA256())
    return Identity((certificate,), key_pem(key, None))


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes | None) -> bytes:
    """Return a key as PEM (PKCS #8), encrypted where there is a passphrase."""
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - _BEFORE)
        .not_valid_after(end)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _authority_key_id(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(key_id.value)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)
