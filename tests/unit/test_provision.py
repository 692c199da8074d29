"""A good folder on the boot partition is imported; of a bad one nothing is, and all reasons are told."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eyespot.domain.errors import ConfigError, InputError
from fakes.boot_folders import NOW, OLD, PLAIN, SECRETS, TOML, Device, clock_at, good_files
from fakes.certificates import DAY, Authority
from fakes.disks import FrailDisk


@pytest.fixture(scope="module", name="authority")
def an_authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca") / "ours", "ours", NOW - DAY, NOW + 400 * DAY)


@pytest.fixture(scope="module", name="files")
def the_files(authority: Authority) -> dict[str, bytes]:
    return good_files(authority)


@pytest.fixture(name="device")
def a_device(tmp_path: Path) -> Device:
    return Device(tmp_path / "device")


# --- a good one ---------------------------------------------------------------------------------------------


def test_a_good_folder_is_imported_and_its_secrets_leave_the_card(
    device: Device, files: dict[str, bytes]
) -> None:
    device.put(files)
    device.start()
    assert device.has(files)
    assert not device.folder.exists()
    assert {path.name for path in (device.boot / "eyespot-imported").iterdir()} == files.keys() - SECRETS
    modes = {path.name: path.stat().st_mode & 0o777 for path in device.etc.rglob("*") if path.is_file()}
    assert modes == {
        "eyespot.toml": 0o640, "eyespot.toml.before": 0o640, "client.crt": 0o644, "ca.crt": 0o644,
        "root.json": 0o644, "mqtt-key": 0o600, "mqtt-password": 0o600,
    }  # fmt: skip
    assert device.in_force("eyespot.toml.before").decode() == OLD


def test_the_report_says_when_what_and_who_on_a_laptop(device: Device, files: dict[str, bytes]) -> None:
    device.put({**files, "notes.txt": b"", "._eyespot.toml": b"", "Thumbs.db": b"", "Client.kye": b""})
    (device.folder / "System Volume Information").mkdir()
    device.start()
    report = device.report()
    assert report.count("\r\n") == report.count("\n") == len(report.splitlines())
    assert "2026-06-01 12:00:00 UTC\r\n" in report
    assert "this device is eyespot-abcdef12\r\n" in report
    assert "ignored: Client.kye, notes.txt\r\n" in report
    assert "imported ca.crt, client.crt, client.key, eyespot.toml, mqtt-password, root.json\r\n" in report


def test_a_second_start_has_nothing_to_do(device: Device, files: dict[str, bytes]) -> None:
    device.put(files)
    device.start()
    before = device.report()
    device.start(FrailDisk(0, loses=True))  # not one step
    assert device.told == ["no folder waits for being imported: nothing to do"]
    assert device.report() == before


def test_a_later_folder_is_another_import(device: Device, files: dict[str, bytes]) -> None:
    device.put(files)
    device.start()
    device.put({"EYESPOT.TOML": TOML.replace("shop", "shop-2").encode()})  # its key is there already
    device.start()
    assert b"shop-2" in device.in_force("eyespot.toml")
    assert device.in_force("eyespot.toml.before").decode() == TOML
    assert device.in_force("client.crt") == files["client.crt"]
    assert (device.boot / "eyespot-imported-2").is_dir()


def test_one_card_in_two_boards_makes_two_devices(tmp_path: Path) -> None:
    for serial in ("10000000aaaaaaaa", "10000000bbbbbbbb"):
        device = Device(tmp_path / serial)
        (device.root / "proc/device-tree/serial-number").write_text(serial)
        device.put({"eyespot.toml": PLAIN.encode()})
        device.start()
        assert f"this device is eyespot-{serial[-8:]}" in device.told


def test_files_may_be_named_by_where_they_will_be(device: Device, files: dict[str, bytes]) -> None:
    absolute = TOML.replace("client.crt", str(device.etc / "client.crt"))
    device.put({**files, "eyespot.toml": absolute.encode()})
    device.start()
    assert not [line for line in device.told if "not be used" in line]


def test_what_is_imported_in_vain_is_told(device: Device, files: dict[str, bytes]) -> None:
    device.put({**files, "eyespot.toml": PLAIN.encode()})
    device.start()
    assert [line.split(" will not")[0] for line in device.told if "will not be used" in line] == [
        "warning: client.crt", "warning: ca.crt", "warning: mqtt-password",
    ]  # fmt: skip


# --- bad ones -----------------------------------------------------------------------------------------------

Harm = Callable[[dict[str, bytes], Authority], dict[str, bytes]]


def signed(authority: Authority, name: str, **options: datetime | bytes) -> dict[str, bytes]:
    certificate, key = authority.sign(name, **{"begins": NOW - DAY, **options})  # type: ignore[arg-type]
    return {"client.crt": certificate.read_bytes(), "client.key": key.read_bytes()}


BAD: dict[str, tuple[Harm, str]] = {
    "an unknown key in the configuration": (
        lambda f, _: {"eyespot.toml": f["eyespot.toml"] + b"usrname = 1\n"},
        'eyespot.toml:8: unknown key "usrname" in [mqtt]; did you mean "username"?',
    ),
    "a configuration that names a file which is not there": (
        lambda f, _: {"eyespot.toml": f["eyespot.toml"].replace(b"ca.crt", b"other.crt")},
        "eyespot.toml:6: ca_file: there is no file ",
    ),
    "a configuration that names the key": (
        lambda f, _: {"eyespot.toml": f["eyespot.toml"] + b'key_file = "client.key"\n'},
        "eyespot.toml:8: key_file: there is no file ",
    ),
    "a class that the model lacks": (
        lambda f, _: {
            "eyespot.toml": f["eyespot.toml"]
            + b'[[rules]]\nkind = "line"\nid = "d"\na = [0.1, 0.5]\nb = [0.9, 0.5]\nclasses = ["unicorn"]\n'
        },
        'eyespot.toml:13: classes: the model has no "unicorn"',
    ),
    "a key that is none": (lambda f, _: {"client.key": b""}, "client.key: no private key in PEM"),
    "a certificate of another key": (
        lambda f, a: {"client.key": signed(a, "other")["client.key"]},
        "client.key is the key of another certificate than client.crt",
    ),
    "a key with a passphrase": (
        lambda f, a: signed(a, "locked", passphrase=b"x"),
        "client.key: wants a passphrase",
    ),
    "an expired certificate": (
        lambda f, a: signed(a, "old", ends=NOW - DAY / 2),
        "client.crt has expired on 2026-06-01: get a new one",
    ),
    "a certificate of tomorrow": (
        lambda f, a: signed(a, "new", begins=NOW + DAY),
        "client.crt is valid from 2026-06-02 on only",
    ),
    "a key where anybody may read it": (
        lambda f, _: {"client.crt": f["client.crt"] + f["client.key"]},
        "client.crt has a private key in it",
    ),
    "an authority that is none": (lambda f, _: {"ca.crt": b"x"}, "ca.crt: no certificate in PEM"),
    "a root of trust that is none": (
        lambda f, _: {"root.json": b'{"signed": {"_type": "targets"}}'},
        "root.json: no root of The Update Framework",
    ),
    "a root of trust that nobody can sign": (
        lambda f, _: {"root.json": f["root.json"].replace(b'"threshold": 1', b'"threshold": 2')},
        'root.json: "root" wants 2 keys, and has 1',
    ),
    "a password of two lines": (
        lambda f, _: {"mqtt-password": b"a\nb\n"},
        "mqtt-password has more than one line",
    ),
    "a password with a byte order mark": (
        lambda f, _: {"mqtt-password": b"\xef\xbb\xbfa"},
        "mqtt-password begins with a byte order mark",
    ),
    "a file that is far too large": (
        lambda f, _: {"client.crt": b"x" * 70_000},
        "client.crt is larger than 64 KiB",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_folder_changes_nothing_and_says_why(
    name: str, device: Device, files: dict[str, bytes], authority: Authority
) -> None:
    harm, reason = BAD[name]
    device.put({**files, **harm(files, authority)})
    (line,) = device.refusal(ConfigError if "eyespot.toml" in reason else InputError)
    assert line.startswith(reason)
    assert f"- {line}\r\n" in device.report()
    assert not device.changed()
    assert device.secrets_on_the_card() == SECRETS
    assert device.folder.is_dir()


def test_all_reasons_are_told_at_once(device: Device, files: dict[str, bytes]) -> None:
    bad = {"eyespot.toml": b"x = 1\n", "root.json": b"{}", "ca.crt": b""}
    device.put({**files, **bad})
    lines = device.refusal(ConfigError)
    assert [line.split(":")[0] for line in lines] == ["eyespot.toml"] * 3 + ["root.json", "ca.crt"]
    assert [f"- {line}" in device.report().splitlines() for line in lines] == [True] * 5


def test_a_folder_without_configuration_is_refused_with_what_was_probably_meant(device: Device) -> None:
    device.put({"eyespot.toml.txt": b""})
    assert device.refusal(InputError) == [
        "eyespot.toml is missing: it says where the broker is, and what to count"
    ]
    assert 'ignored: eyespot.toml.txt (did you mean "eyespot.toml"?)' in device.report()


@pytest.mark.parametrize(("left", "missing"), [("client.crt", "client.key"), ("client.key", "client.crt")])
def test_certificate_and_key_come_together(
    left: str, missing: str, device: Device, files: dict[str, bytes]
) -> None:
    device.put({"eyespot.toml": PLAIN.encode(), left: files[left]})
    assert device.refusal(InputError) == [f"{left} is there, but no {missing}: they go together"]


def test_links_and_other_oddities_are_refused(
    device: Device, files: dict[str, bytes], tmp_path: Path
) -> None:
    outside = tmp_path / "shadow"
    outside.write_bytes(files["eyespot.toml"])
    device.put({})
    (device.folder / "eyespot.toml").symlink_to(outside)
    os.mkfifo(device.folder / "root.json")
    (device.folder / "ca.crt").mkdir()
    reasons = device.refusal(InputError)
    assert [reason.split(" is ")[0] for reason in reasons] == ["ca.crt", "eyespot.toml", "root.json"]
    assert "is a link: put the file itself there" in reasons[1]


def test_a_folder_that_is_a_link_is_refused(device: Device, files: dict[str, bytes], tmp_path: Path) -> None:
    device.put(files, tmp_path / "elsewhere")
    device.folder.symlink_to(tmp_path / "elsewhere")
    assert "is a link: put the folder itself there" in device.refusal(InputError)[0]
    assert not device.changed()


def test_a_clock_that_stood_still_does_not_keep_a_certificate_out(
    device: Device, files: dict[str, bytes]
) -> None:
    device.clock = clock_at(datetime(1970, 1, 1, tzinfo=UTC), synced=False)
    device.put(files)
    device.start()
    assert device.has(files)
    assert "1970-01-01 00:00:00 UTC, by a clock that is not set yet\r\n" in device.report()
