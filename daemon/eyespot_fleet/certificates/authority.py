"""The operator's own certificate authority: a folder with `ca.key` and `ca.crt`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from eyespot.domain.errors import InputError, foreign
from eyespot.trust.certificates import has_issued
from eyespot_fleet.certificates.identity import Identity, pem, read
from eyespot_fleet.certificates.issuing import (
    CLIENT,
    SERVER,
    Signer,
    Term,
    authority,
    issue,
    key_pem,
    new_key,
)
from eyespot_fleet.disk import make_folder, read_file, write_file

CERTIFICATE: Final = "ca.crt"
KEY: Final = "ca.key"


class Passphrase(Protocol):
    """Asked for the passphrase of the authority's key, when it is needed."""

    def chosen(self) -> bytes | None:
        """Return that of a new key; None: it has none."""

    def known(self) -> bytes:
        """Return that of a key which has one."""


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority, which may not be on disk yet.

    Attributes:
        folder: where it is kept.
        signer: its certificate and key.
        unsaved: the PEM of its key, where the folder lacks a part of it.
    """

    folder: Path
    signer: Signer
    unsaved: bytes | None

    @property
    def pem(self) -> bytes:
        """The certificate that others are to trust."""
        return pem([self.signer.certificate])

    @property
    def ends(self) -> datetime:
        """When its certificate ends, and with it all that it signed."""
        return self.signer.certificate.not_valid_after_utc

    def save(self) -> None:
        """Write what the folder lacks: the key, readable by its owner alone, before the certificate.

        Raises:
            StorageError: that is not possible.
        """
        if self.unsaved is not None:
            make_folder(self.folder, mode=0o700)
            write_file(self.folder / KEY, self.unsaved, mode=0o600)
            write_file(self.folder / CERTIFICATE, self.pem)

    def for_device(self, device_id: str, term: Term) -> Identity:
        """Return a new identity, by whose name mosquitto's use_identity_as_username knows the device."""
        return issue(self.signer, device_id, CLIENT, term)

    def for_broker(self, hosts: Sequence[str], term: Term) -> Identity:
        """Return a new identity of a server with these names and addresses."""
        return issue(self.signer, hosts[0][:64], SERVER, term, hosts)

    def has_signed(self, certificate: x509.Certificate) -> bool:
        """Tell whether a certificate is of this authority."""
        return has_issued(self.signer.certificate, certificate)

    def warnings(self, term: Term) -> list[str]:
        """Return what is to be seen to in time, one line each.

        Args:
            term: for how long certificates are wanted.
        """
        found = []
        if self.unsaved is not None:
            found.append(f"{self.folder}: a new authority is begun; nothing of another one trusts it")
        if self.ends < term.end:
            found.append(
                f"{self.folder / CERTIFICATE} ends on {self.ends:%Y-%m-%d}, and with it all that it signs: "
                "begin a new one in time (another --ca DIR, with --renew)"
            )
        key = self.folder / KEY
        if self.unsaved is None and key.stat().st_mode & 0o077:
            found.append(f"{key} can be read by others: chmod 600 it, and think about who may have it")
        return found


def open_authority(folder: Path, passphrase: Passphrase, term: Term) -> Authority:
    """Return the authority in a folder; a new one, not yet saved, where there is none.

    Args:
        folder: where it is kept.
        passphrase: asked when there is something to encrypt or to decrypt.
        term: of a new one; its begin is now.

    Raises:
        InputError: it is damaged, has ended, or does not open with the passphrase.
    """
    certificate, key = folder / CERTIFICATE, folder / KEY
    if not key.exists():
        if certificate.exists():
            raise InputError(
                f"{certificate} is there, but not {key}: put the key back, or name another folder"
            )
        return _new(folder, passphrase.chosen(), term)
    encrypted = read_file(key)
    private = _decrypted(encrypted, key, passphrase)
    if not certificate.exists():  # we were interrupted between the two
        return Authority(folder, Signer(authority(private, term), private), encrypted)
    opened = read(read_file(certificate), key_pem(private, None), str(certificate))
    _refuse_if_useless(opened.certificate, certificate, term.begin)
    return Authority(folder, Signer(opened.certificate, private), None)


def _new(folder: Path, passphrase: bytes | None, term: Term) -> Authority:
    key = new_key()
    return Authority(folder, Signer(authority(key, term), key), key_pem(key, passphrase))


def _decrypted(data: bytes, path: Path, passphrase: Passphrase) -> ec.EllipticCurvePrivateKey:
    is_encrypted = b"ENCRYPTED" in data
    secret = passphrase.known() if is_encrypted else None
    advice = "is the passphrase right?" if is_encrypted else "put back the one that eyespot-fleet made"
    with foreign(InputError, f"cannot open {path}; {advice}"):
        key = load_pem_private_key(data, secret)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputError(f"{path} is no EC key; {advice}")
    return key


def _refuse_if_useless(certificate: x509.Certificate, path: Path, now: datetime) -> None:
    if certificate.not_valid_after_utc <= now:
        raise InputError(
            f"{path} ended on {certificate.not_valid_after_utc:%Y-%m-%d}: begin a new one "
            "(another --ca DIR, with --renew), or set the clock right"
        )
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound as error:
        raise InputError(f"{path} is not a certificate authority's: {error}") from error
    if not constraints.ca:
        raise InputError(f"{path} is not a certificate authority's: it may not sign others")
