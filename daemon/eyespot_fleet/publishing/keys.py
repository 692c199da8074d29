"""The keys: Ed25519, each in a file of its own, PKCS #8 in PEM, encrypted with a passphrase.

A file is called after its role and its key, `targets-4f2a91cc.pem`, so that the repository's metadata tells
which file is wanted; nothing is decrypted to find out.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from securesystemslib.signer import CryptoSigner, Key, Signer

from eyespot.domain.errors import InputError, one_line
from eyespot_fleet.disk import make_folder, read_file, write_file
from eyespot_fleet.publishing.roles import Custody, custody

_FOLDERS = ("", "offline", "online")


class Keys(Protocol):
    """Where keys are."""

    def signer(self, role: str, key: Key) -> Signer | None:
        """Return what signs with a key; None where the key is not here.

        Raises:
            InputError: it is here, and does not open.
        """

    def make(self, role: str) -> Signer:
        """Make a new key for a role, and keep it.

        Raises:
            StorageError: it cannot be kept.
        """


class Passphrases(Protocol):
    """Asked for passphrases when there is something to encrypt or to decrypt."""

    def chosen(self, kept: Custody) -> bytes:
        """Return that of new keys which are kept so."""

    def known(self, path: Path) -> Iterator[bytes]:
        """Give those that may open a file, the likeliest first."""


def file_name(role: str, key_id: str) -> str:
    """Return the name of a key's file."""
    return f"{role}-{key_id[:8]}.pem"


class KeyFiles:
    """Keys in folders, such as that of the machine and an offline medium.

    Args:
        folders: are searched, and `offline` and `online` in them; new keys go into those of the first.
        passphrases: that open them.
    """

    def __init__(self, folders: Sequence[Path], passphrases: Passphrases) -> None:
        self._folders = folders
        self._passphrases = passphrases
        self._opened: dict[str, Signer] = {}

    def signer(self, role: str, key: Key) -> Signer | None:
        """Return what signs with a key; None where no folder has its file.

        Raises:
            InputError: no passphrase opens it, or it is another key.
        """
        if key.keyid not in self._opened:
            path = self._find(file_name(role, key.keyid))
            if path is None:
                return None
            signer = CryptoSigner(self._decrypted(path))
            if signer.public_key.keyid != key.keyid:
                raise InputError(f"{path} holds another key than its name says; put the right one back")
            self._opened[key.keyid] = signer
        return self._opened[key.keyid]

    def make(self, role: str) -> Signer:
        """Make a new key for a role, in a file that its owner alone can read.

        Raises:
            StorageError: it cannot be written.
        """
        kept = custody(role)
        private = Ed25519PrivateKey.generate()
        signer = CryptoSigner(private)
        encryption = BestAvailableEncryption(self._passphrases.chosen(kept))
        folder = self._folders[0] / kept
        make_folder(folder, mode=0o700)
        pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        write_file(folder / file_name(role, signer.public_key.keyid), pem, mode=0o600)
        self._opened[signer.public_key.keyid] = signer
        return signer

    def _find(self, name: str) -> Path | None:
        paths = (folder / inner / name for folder in self._folders for inner in _FOLDERS)
        return next((path for path in paths if path.is_file()), None)

    def _decrypted(self, path: Path) -> Ed25519PrivateKey:
        data = read_file(path)
        for passphrase in self._passphrases.known(path):
            try:
                key = load_pem_private_key(data, passphrase)
            except ValueError:  # which says no more than that either is wrong
                continue
            except (TypeError, UnsupportedAlgorithm) as error:
                raise InputError(f"cannot open {path}: {one_line(error)}; put back what was made") from error
            if not isinstance(key, Ed25519PrivateKey):
                raise InputError(f"{path} is no Ed25519 key; put back what was made")
            return key
        raise InputError(f"cannot open {path}: is the passphrase right, and the file whole?")
