"""Key files: encrypted, found by what the repository says, opened by the right passphrase alone."""

import getpass
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from eyespot.domain.errors import InputError
from eyespot_fleet.commands.passphrases import ONLINE_VARIABLE, VARIABLE, Given
from eyespot_fleet.publishing.keys import KeyFiles, file_name


class Known:
    """One passphrase for all."""

    def __init__(self, passphrase: bytes) -> None:
        self._passphrase = passphrase

    def chosen(self, kept: str) -> bytes:
        return self._passphrase

    def known(self, path: Path) -> Iterator[bytes]:
        yield self._passphrase


def given(both: Path | None = None, online: Path | None = None) -> Given:
    return Given(Namespace(passphrase_file=both, online_passphrase_file=online))


def test_a_key_signs_for_who_has_file_and_passphrase(tmp_path: Path) -> None:
    key = KeyFiles([tmp_path], Known(b"sesame")).make("targets").public_key
    path = tmp_path / "offline" / file_name("targets", key.keyid)
    assert path.read_bytes().startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for folder in (tmp_path, tmp_path / "offline"):  # as where offline/ itself has become a stick
        signer = KeyFiles([tmp_path / "elsewhere", folder], Known(b"sesame")).signer("targets", key)
        assert signer is not None
        key.verify_signature(signer.sign(b"word"), b"word")
    assert KeyFiles([tmp_path], Known(b"sesame")).signer("snapshot", key) is None
    with pytest.raises(InputError, match=r"cannot open .*pem: is the passphrase right, and the file whole\?"):
        KeyFiles([tmp_path], Known(b"barley")).signer("targets", key)


def test_keys_that_sign_unattended_lie_apart(tmp_path: Path) -> None:
    keys = KeyFiles([tmp_path], Known(b"sesame"))
    for role in ("root", "targets", "north", "snapshot", "timestamp", "desired", "north.desired"):
        keys.make(role)
    online = {path.name.rsplit("-", 1)[0] for path in (tmp_path / "online").iterdir()}
    assert online == {"snapshot", "timestamp", "desired", "north.desired"}


def test_a_file_that_is_damaged_bare_or_another_one_is_refused(tmp_path: Path) -> None:
    keys = KeyFiles([tmp_path], Known(b"sesame"))
    key, other = keys.make("targets").public_key, keys.make("targets").public_key
    path, another = (tmp_path / "offline" / file_name("targets", one.keyid) for one in (key, other))
    whole = path.read_bytes()
    bare = load_pem_private_key(whole, b"sesame")
    from_elsewhere = another.read_bytes()
    for wrong, told in (
        (whole[:100], "is the passphrase right, and the file whole"),
        (b"", "is the passphrase right, and the file whole"),
        (unencrypted(bare), "put back what was made"),
        (from_elsewhere, "holds another key than its name says"),
    ):
        path.write_bytes(wrong)
        with pytest.raises(InputError, match=told):
            KeyFiles([tmp_path], Known(b"sesame")).signer("targets", key)


def test_passphrases_come_from_files_then_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", Namespace(isatty=lambda: False))
    both, online = tmp_path / "both", tmp_path / "online"
    both.write_bytes(b"sesame\n")
    online.write_bytes(b"barley\n")
    assert [given(both).chosen(kept) for kept in ("offline", "online")] == [b"sesame", b"sesame"]
    assert [given(both, online).chosen(kept) for kept in ("offline", "online")] == [b"sesame", b"barley"]
    monkeypatch.setenv(VARIABLE, "from the environment")
    monkeypatch.setenv(ONLINE_VARIABLE, "for the others")
    assert list(given().known(Path("x.pem"))) == [b"from the environment", b"for the others"]
    assert list(given(both).known(Path("x.pem"))) == [b"sesame", b"for the others"]


def test_who_gave_no_passphrase_is_asked_and_what_is_typed_opens_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable in (VARIABLE, ONLINE_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "stdin", Namespace(isatty=lambda: True))
    typed = ["one", "two", "three", "four"]
    monkeypatch.setattr(getpass, "getpass", lambda _: typed.pop(0))
    passphrases = given()
    assert next(passphrases.known(Path("a.pem"))) == b"one"
    assert list(passphrases.known(Path("b.pem"))) == [b"one", b"two", b"three", b"four"]
    monkeypatch.setattr(sys, "stdin", Namespace(isatty=lambda: False))
    with pytest.raises(
        InputError, match=r"the keys want a passphrase: --passphrase-file FILE, \$EYESPOT_FLEET_"
    ):
        next(given().known(Path("a.pem")))


def unencrypted(key: object) -> bytes:
    assert isinstance(key, Ed25519PrivateKey)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
