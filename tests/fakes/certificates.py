"""Certificates made for one test."""

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)

_NOTHING = dict.fromkeys(
    (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "crl_sign", "encipher_only", "decipher_only",
    ),
    False,
)  # fmt: skip
_AUTHORITY: Mapping[x509.ExtensionType, bool] = {
    x509.BasicConstraints(ca=True, path_length=None): True,
    x509.KeyUsage(key_cert_sign=True, **_NOTHING): True,
}


class Authority:
    """A certificate authority in a folder of its own.

    Args:
        folder: is made.
        name: what it is called.
        begins, ends: when its certificate is valid; from yesterday till the day after tomorrow.
    """

    def __init__(
        self, folder: Path, name: str, begins: datetime | None = None, ends: datetime | None = None
    ) -> None:
        folder.mkdir()
        self._folder = folder
        self._name = _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = folder / "ca.pem"
        self._write(self.certificate, self._name, self._key.public_key(), _AUTHORITY, begins, ends)

    @property
    def self_signed(self) -> tuple[Path, Path]:
        """The authority's own certificate, and its key."""
        key_file = self._folder / "ca.key"
        key_file.write_bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return self.certificate, key_file

    def sign(
        self,
        name: str,
        *,
        begins: datetime | None = None,
        ends: datetime | None = None,
        passphrase: bytes = b"",
        address: str = "127.0.0.1",
        only_for: x509.ObjectIdentifier | None = None,
    ) -> tuple[Path, Path]:
        """Return certificate and key for a name, good for an address, and for any use if none is given."""
        certificate, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        key = ec.generate_private_key(ec.SECP256R1())
        here = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        extensions: dict[x509.ExtensionType, bool] = {here: False}
        if only_for is not None:
            extensions[x509.ExtendedKeyUsage([only_for])] = False
        self._write(certificate, _named(name), key.public_key(), extensions, begins, ends)
        lock: KeySerializationEncryption = (
            BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        )
        key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
        return certificate, key_file

    def _write(
        self,
        file: Path,
        subject: x509.Name,
        key: ec.EllipticCurvePublicKey,
        extensions: Mapping[x509.ExtensionType, bool],
        begins: datetime | None,
        ends: datetime | None,
    ) -> None:
        now = datetime.now(UTC)
        ends = ends or now + 2 * DAY
        begins = begins or min(now, ends) - DAY
        builder = (
            x509.CertificateBuilder(self._name, subject, key, x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
        )
        # without these, Python 3.13 trusts nobody
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        own = x509.SubjectKeyIdentifier.from_public_key(key)
        for extension, critical in {**extensions, issuer: False, own: False}.items():
            builder = builder.add_extension(extension, critical)
        file.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
