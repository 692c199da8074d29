"""Certificates and passwords that change on disk are taken up whole, or not at all."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from eyespot.broker.renewal import Renewal
from eyespot.broker.settings import MqttSettings, problems
from fakes.certificates import Authority
from fakes.tls import DeviceFiles


def renewal_of(files: DeviceFiles) -> Renewal:
    return Renewal(files.settings("mqtts://broker.example", "shop"), tls=True, environ={})


@pytest.fixture(name="files")
def some_files(tmp_path: Path) -> DeviceFiles:
    return DeviceFiles(tmp_path, Authority(tmp_path / "ca", "ours"))


def password_of(renewal: Renewal) -> str | None:
    assert renewal.credentials is not None
    return renewal.credentials.password


def settle(renewal: Renewal) -> bool:
    """Look twice, as does who waits until nothing changes any more."""
    return renewal.renew() or renewal.renew()


def test_what_does_not_change_is_not_read_again(files: DeviceFiles) -> None:
    renewal = renewal_of(files)
    before = renewal.credentials
    assert not settle(renewal)
    assert not renewal.renew(at_once=True)
    assert renewal.credentials is before


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.put_pair("second"),
        lambda files: files.put("password", b"second"),
        lambda files: files.put("ca.crt", Authority(files.folder / "b", "b").certificate.read_bytes()),
        lambda files: (files.folder / "password").write_text("written over"),
    ],
    ids=["certificate and key", "password", "authority", "in place"],
)
def test_a_change_is_taken_up_once_it_has_settled(
    files: DeviceFiles, change: Callable[[DeviceFiles], object]
) -> None:
    renewal = renewal_of(files)
    before = renewal.credentials
    change(files)
    assert not renewal.renew()
    assert renewal.renew()
    assert renewal.credentials is not before
    assert not settle(renewal)


def test_the_next_attempt_to_connect_need_not_wait_for_that(files: DeviceFiles) -> None:
    renewal = renewal_of(files)
    files.put("password", b"second")
    assert renewal.renew(at_once=True)
    assert password_of(renewal) == "second"


def test_a_link_that_points_elsewhere_is_a_change(files: DeviceFiles) -> None:
    for name in ("one", "two"):
        files.put(name, name.encode())
    files.folder.joinpath("password").unlink()
    files.folder.joinpath("password").symlink_to("one")
    renewal = renewal_of(files)
    files.folder.joinpath("link").symlink_to("two")
    (files.folder / "link").replace(files.folder / "password")
    assert settle(renewal)
    assert password_of(renewal) == "two"


@pytest.mark.parametrize("first", ["client.crt", "client.key"])
def test_a_certificate_without_its_key_changes_nothing_and_is_named_when_the_key_does_not_follow(
    files: DeviceFiles, first: str
) -> None:
    renewal = renewal_of(files)
    before = renewal.credentials
    new = dict(zip(("client.crt", "client.key"), files.pair("second"), strict=True))
    files.put(first, new.pop(first))
    assert not renewal.renew(at_once=True)
    assert renewal.refusal == ""  # the other half may be on its way
    assert not renewal.renew()
    assert "cannot use cert_file" in renewal.refusal
    assert "the ones before stay in force" in renewal.refusal
    assert renewal.credentials is before
    renewal.taken()
    assert renewal.refusal  # the broker has taken the old ones, which says nothing of the new
    for name, data in new.items():
        files.put(name, data)
    assert settle(renewal)
    assert renewal.refusal == ""
    assert renewal.credentials is not before


@pytest.mark.parametrize(
    ("name", "words"),
    [("ca.crt", "cannot use ca_file"), ("client.key", "cannot use cert_file"), ("password", "password_file")],
)
def test_a_file_that_is_gone_or_empty_changes_nothing_and_is_named(
    files: DeviceFiles, name: str, words: str
) -> None:
    renewal = renewal_of(files)
    before = renewal.credentials
    files.put(name, b"")
    assert not settle(renewal)
    assert words in renewal.refusal
    (files.folder / name).unlink()
    assert not settle(renewal)
    assert words in renewal.refusal
    assert renewal.credentials is before


def test_new_ones_that_the_broker_does_not_take_and_those_before_are_tried_in_turn(
    files: DeviceFiles,
) -> None:
    renewal = renewal_of(files)
    old = renewal.credentials
    renewal.taken()
    files.put_pair("second")
    assert settle(renewal)
    new = renewal.credentials
    for _ in range(2):
        renewal.turned_away("it does not accept our certificate")
        assert renewal.credentials is old
        renewal.turned_away("it is busy")
        assert renewal.credentials is new
    renewal.turned_away("it does not accept our certificate")
    renewal.taken()
    assert renewal.refusal.endswith("no connection with the new: it does not accept our certificate")
    assert renewal.credentials is new  # the next time somebody may have told the broker
    renewal.taken()
    assert renewal.refusal == ""
    renewal.turned_away("it is busy")
    assert renewal.credentials is new


def test_ones_that_were_never_taken_are_nothing_to_return_to(files: DeviceFiles) -> None:
    renewal = renewal_of(files)
    renewal.turned_away("login denied")
    files.put("password", b"second")
    assert settle(renewal)
    renewal.turned_away("login denied")
    assert password_of(renewal) == "second"


def test_an_authority_that_was_taken_out_is_not_trusted_again(files: DeviceFiles) -> None:
    renewal = renewal_of(files)
    renewal.taken()
    files.put("ca.crt", Authority(files.folder / "b", "another").certificate.read_bytes())
    assert settle(renewal)
    new = renewal.credentials
    renewal.turned_away("its certificate is not trusted")
    assert renewal.credentials is new


def test_a_byte_order_mark_is_not_part_of_the_password(files: DeviceFiles) -> None:
    files.put("password", "\ufeffgeheim\r\n".encode())
    assert password_of(renewal_of(files)) == "geheim"


def test_credentials_of_the_service_are_looked_at_too(files: DeviceFiles) -> None:
    certificate, key = files.pair("second")
    files.put("client.crt", certificate)
    files.put("mqtt-key", key)
    files.put("mqtt-password", b"of the service")
    settings = MqttSettings(url="mqtts://b", username="shop", cert_file=str(files.folder / "client.crt"))
    renewal = Renewal(settings, tls=True, environ={"CREDENTIALS_DIRECTORY": str(files.folder)})
    files.put("mqtt-password", b"another")
    assert settle(renewal)
    assert password_of(renewal) == "another"
    files.put("client.crt", files.pair("third")[0])
    assert not settle(renewal)
    assert "sudo systemctl restart eyespot" in renewal.refusal


@pytest.mark.parametrize("first", ["client.crt", "client.key"])
def test_who_begins_between_certificate_and_key_has_none_until_the_other_comes(
    files: DeviceFiles, first: str
) -> None:
    new = dict(zip(("client.crt", "client.key"), files.pair("second"), strict=True))
    files.put(first, new.pop(first))
    renewal = renewal_of(files)
    assert renewal.credentials is None
    assert "cannot use cert_file" in renewal.refusal
    assert "the ones before" not in renewal.refusal
    assert not renewal.renew(at_once=True)
    for name, data in new.items():
        files.put(name, data)
    assert renewal.renew(at_once=True)
    assert renewal.credentials is not None
    assert renewal.refusal == ""


def test_who_begins_with_files_of_no_use_is_told_what_is_wrong_with_the_next(files: DeviceFiles) -> None:
    files.put("password", b"")
    renewal = renewal_of(files)
    files.put("password", b"second")
    files.put("ca.crt", b"junk")
    assert not settle(renewal)
    assert renewal.credentials is None
    assert "cannot use ca_file" in renewal.refusal
    renewal.turned_away("there was no connection")
    assert renewal.credentials is None


def test_a_reason_does_not_tell_where_key_and_password_lie_nor_what_is_in_them(tmp_path: Path) -> None:
    public, hidden = tmp_path / "public", tmp_path / "hidden-place"
    public.mkdir()
    hidden.mkdir()
    files = DeviceFiles(hidden, Authority(tmp_path / "ca", "ours"))
    (public / "client.crt").write_bytes(files.pair("second")[0])
    settings = msgspec.structs.replace(
        files.settings("mqtts://b", "shop"), ca_file=None, cert_file=str(public / "client.crt")
    )
    told = [Renewal(settings, tls=True, environ={}).refusal]
    for data in (b"", b"\xffsecret"):
        files.put("password", data)
        told.append(Renewal(settings, tls=True, environ={}).refusal)
    for name in ("password", "client.key"):
        (hidden / name).unlink()
        told.append(Renewal(settings, tls=True, environ={}).refusal)
        files.put("password", b"first")
    told += [text for _, text in problems(settings)]
    assert "key_file" in told[0]
    assert len(told) == 6
    assert all(told)
    assert not any("hidden-place" in text or "0xff" in text for text in told)
