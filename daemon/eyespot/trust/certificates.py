"""Certificates and keys in PEM: what they are, and whether they belong together. Bytes in, verdict out.

Needs `cryptography`, whose memory the running body does without: import this only where it is needed.
"""

from collections.abc import Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from eyespot.domain.errors import InputError, foreign
from eyespot.trust.lifetime import Lifetime

if not hasattr(x509.Certificate, "not_valid_after_utc"):  # Debian 12 has one of 2022
    raise ImportError("needs cryptography 43 or newer")

Certificate = x509.Certificate


def read_certificates(pem: bytes) -> tuple[Certificate, ...]:
    """Return the certificates in a PEM file, in their order.

    Raises:
        InputError: there is none, or one is damaged.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError as error:  # its own words point to its web pages
        raise InputError("no certificate in PEM (-----BEGIN CERTIFICATE-----), or a damaged one") from error


def read_key(pem: bytes) -> PublicKeyTypes:
    """Return the public half of a private key in PEM.

    Raises:
        InputError: it is none, or wants a passphrase.
    """
    with foreign(InputError, "no private key in PEM (-----BEGIN PRIVATE KEY-----)"):
        try:
            return load_pem_private_key(pem, password=None).public_key()
        except TypeError as error:  # that is how the library says it
            raise InputError("wants a passphrase; take it off: openssl pkey -in OLD -out NEW") from error


def belong_together(certificate: Certificate, key: PublicKeyTypes) -> bool:
    """Return whether a certificate is for a key, of which this is the public half.

    Raises:
        InputError: the certificate has a kind of key that nobody knows.
    """
    with foreign(InputError, "cannot use the key in the certificate"):
        return certificate.public_key() == key


def has_issued(issuer: Certificate, issued: Certificate) -> bool:
    """Return whether a certificate names this one as its issuer, and bears its signature."""
    try:
        issued.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):  # another name; a kind of key; another signature
        return False
    return True


def broken_link(chain: Sequence[Certificate], authorities: Sequence[Certificate]) -> str:
    """Return what is wrong with who signed whom; empty where nothing is.

    Args:
        chain: our certificate, then each the one that issued the one before.
        authorities: who may have issued the last one. Where none of them bears the issuer's name, another
            authority has, which is as well: whom we trust need not be who vouches for us.
    """
    for issued, issuer in pairwise(chain):
        if not has_issued(issuer, issued):
            return f'"{_name(issuer)}" follows "{_name(issued)}", but has not issued it: mend the order'
    last = chain[-1]
    named = [one for one in authorities if one.subject == last.issuer]
    if named and not any(has_issued(one, last) for one in named):
        return f'says that "{_name(named[0])}" has issued it, but its signature is another\'s'
    return ""


def lifetime_of_chain(chain: Sequence[Certificate]) -> Lifetime:
    """Return when all certificates of a chain are valid."""
    return Lifetime(
        max(one.not_valid_before_utc for one in chain), min(one.not_valid_after_utc for one in chain)
    )


def lifetime_of_authorities(authorities: Sequence[Certificate]) -> Lifetime:
    """Return when any of them is valid; more is not known, as only one of them is needed."""
    return Lifetime(
        min(one.not_valid_before_utc for one in authorities),
        max(one.not_valid_after_utc for one in authorities),
    )


def _name(certificate: Certificate) -> str:
    return certificate.subject.rfc4514_string()
