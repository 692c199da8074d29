"""Certificates of the operator's own authority: OpenSSL takes them for what they are for, and for no more."""

import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from eyespot.domain.errors import InputError
from eyespot_fleet.certificates.authority import Authority, open_authority
from eyespot_fleet.certificates.identity import pem, read
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.certificates.server import certify

NOW = datetime.now(UTC)
TERM = Term(NOW, 3650)
LONG = Term(NOW, 7300)


class Passphrase:
    """That of somebody who knows one, or none."""

    def __init__(self, text: bytes | None = None) -> None:
        self._text = text

    def chosen(self) -> bytes | None:
        return self._text

    def known(self) -> bytes:
        assert self._text is not None
        return self._text


def authority(folder: Path, term: Term = LONG, passphrase: bytes | None = None) -> Authority:
    opened = open_authority(folder, Passphrase(passphrase), term)
    opened.save()
    return opened


def openssl_says(ours: Authority, chain: Sequence[x509.Certificate], folder: Path, *options: str) -> str:
    file = folder / "shown.pem"
    file.write_bytes(pem(chain))
    command = ["openssl", "verify", "-x509_strict", "-CAfile", ours.folder / "ca.crt", *options, file]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    return told.stdout + told.stderr


def test_a_devices_certificate_is_for_clients_alone(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca")
    chain = ours.for_device("door-1", TERM).chain
    assert openssl_says(ours, chain, tmp_path, "-purpose", "sslclient").endswith("OK\n")
    assert "unsuitable certificate purpose" in openssl_says(ours, chain, tmp_path, "-purpose", "sslserver")


@pytest.mark.parametrize("name", ["b.example", "192.0.2.7", "2001:db8::7"])
def test_a_brokers_certificate_is_for_its_names_alone(tmp_path: Path, name: str) -> None:
    ours = authority(tmp_path / "ca")
    chain = ours.for_broker([name, "also.example"], TERM).chain
    option = "-verify_hostname" if name == "b.example" else "-verify_ip"
    purpose = ("-purpose", "sslserver")
    assert openssl_says(ours, chain, tmp_path, *purpose, option, name).endswith("OK\n")
    assert "mismatch" in openssl_says(ours, chain, tmp_path, *purpose, "-verify_hostname", "c.example")
    assert "unsuitable certificate purpose" in openssl_says(ours, chain, tmp_path, "-purpose", "sslclient")


def test_a_certificate_of_another_authority_is_not_taken_for_ours(tmp_path: Path) -> None:
    ours, theirs = authority(tmp_path / "ours"), authority(tmp_path / "theirs")
    identity = theirs.for_device("door-1", TERM)
    assert theirs.has_signed(identity.certificate)
    assert not ours.has_signed(identity.certificate)
    assert not openssl_says(ours, identity.chain, tmp_path).endswith("OK\n")


def test_serial_numbers_and_keys_are_not_used_twice(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca")
    made = [ours.for_device("door-1", TERM) for _ in range(20)]
    assert len({one.certificate.serial_number for one in made}) == len({one.key for one in made}) == 20
    assert min(one.certificate.serial_number.bit_length() for one in made) > 100


def test_certificates_end_with_their_authority_and_that_is_said(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca", Term(NOW, 100))
    assert ours.for_device("door-1", TERM).certificate.not_valid_after_utc == ours.ends
    begun, warning = ours.warnings(TERM)
    assert "a new authority is begun" in begun
    assert f"ends on {NOW + timedelta(days=100):%Y-%m-%d}" in warning
    assert ours.warnings(Term(NOW, 99)) == [begun]


def test_an_authority_that_has_ended_is_refused(tmp_path: Path) -> None:
    authority(tmp_path / "ca", Term(NOW - timedelta(days=100), 99))
    with pytest.raises(InputError, match=r"ca\.crt ended on .*: begin a new one"):
        open_authority(tmp_path / "ca", Passphrase(), LONG)


def test_an_authority_is_the_same_when_it_is_opened_again(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca")
    again = open_authority(tmp_path / "ca", Passphrase(), LONG)
    assert again.pem == ours.pem
    assert again.has_signed(ours.for_device("door-1", TERM).certificate)
    assert (tmp_path / "ca" / "ca.key").stat().st_mode & 0o777 == 0o600


def test_two_authorities_have_two_names(tmp_path: Path) -> None:
    subjects = {authority(tmp_path / name).signer.certificate.subject for name in ("a", "b")}
    assert len(subjects) == 2


def test_a_key_that_others_can_read_is_told(tmp_path: Path) -> None:
    authority(tmp_path / "ca")
    (tmp_path / "ca" / "ca.key").chmod(0o640)
    (warning,) = open_authority(tmp_path / "ca", Passphrase(), LONG).warnings(TERM)
    assert "ca.key can be read by others: chmod 600" in warning


def test_an_encrypted_key_opens_with_its_passphrase_alone(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca", passphrase=b"open sesame")
    assert b"ENCRYPTED" in (tmp_path / "ca" / "ca.key").read_bytes()
    assert authority(tmp_path / "ca", passphrase=b"open sesame").pem == ours.pem
    with pytest.raises(InputError, match="is the passphrase right"):
        open_authority(tmp_path / "ca", Passphrase(b"open barley"), LONG)


def test_a_run_that_ended_between_key_and_certificate_goes_on_with_the_key(tmp_path: Path) -> None:
    authority(tmp_path / "ca")
    key = (tmp_path / "ca" / "ca.key").read_bytes()
    (tmp_path / "ca" / "ca.crt").unlink()
    ours = authority(tmp_path / "ca")
    assert (tmp_path / "ca" / "ca.key").read_bytes() == key
    assert openssl_says(ours, ours.for_device("x", TERM).chain, tmp_path).endswith("OK\n")


def test_half_an_authority_or_another_one_is_refused(tmp_path: Path) -> None:
    ours, theirs = authority(tmp_path / "ours"), authority(tmp_path / "theirs")
    key = ours.folder / "ca.key"
    kept = key.read_bytes()
    for wrong, told in (
        (None, "put the key back"),
        (b"nonsense", "put back the one"),
        ((theirs.folder / "ca.key").read_bytes(), "does not belong to the certificate"),
    ):
        key.write_bytes(wrong) if wrong else key.unlink()
        with pytest.raises(InputError, match=told):
            open_authority(ours.folder, Passphrase(), LONG)
    key.write_bytes(kept)
    device = ours.for_device("door-1", TERM)
    (ours.folder / "ca.crt").write_bytes(pem(device.chain))
    key.write_bytes(device.key)
    with pytest.raises(InputError, match="it may not sign others"):
        open_authority(ours.folder, Passphrase(), LONG)


def test_a_key_is_read_with_its_own_certificate_only(tmp_path: Path) -> None:
    ours = authority(tmp_path / "ca")
    one, other = ours.for_device("one", TERM), ours.for_device("other", TERM)
    assert read(pem(one.chain), one.key, "here").name == "one"
    with pytest.raises(InputError, match=r"^here: the key does not belong to the certificate$"):
        read(pem(one.chain), other.key, "here")
    with pytest.raises(InputError, match="wants a passphrase"):
        read(pem(one.chain), authority(tmp_path / "locked", passphrase=b"x").unsaved or b"", "here")


def test_a_broker_keeps_a_certificate_that_is_good_and_gets_a_new_one_else(tmp_path: Path) -> None:
    ours, folder = authority(tmp_path / "ca"), tmp_path / "broker"

    def certificate(*hosts: str, by: Authority = ours, days: int = 3650, renew: bool = False) -> object:
        return certify(folder, by, hosts, Term(NOW, days), renew=renew).certificate

    first = certificate("b.example", "192.0.2.7")
    assert certificate("192.0.2.7", "b.example") == first
    assert certificate("b.example") != first
    second = certificate("b.example", renew=True)
    (folder / "broker.key").write_bytes(ours.for_broker(["b.example"], TERM).key)
    third = certificate("b.example")
    assert third != second
    assert certificate("b.example", by=authority(tmp_path / "next")) != third
    short = certificate("b.example", days=30, renew=True)
    assert certificate("b.example") != short
    assert (folder / "broker.key").stat().st_mode & 0o777 == 0o600
