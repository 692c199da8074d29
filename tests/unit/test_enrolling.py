"""From list and template to folders that devices take; run again, who has a certificate keeps it."""

import errno
import json
import os
import shutil
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from eyespot.app.provision import provision
from eyespot.config import load
from eyespot.domain.errors import ConfigError, EyespotError, InputError, StorageError
from eyespot_fleet.certificates.authority import Authority, open_authority
from eyespot_fleet.certificates.identity import pem
from eyespot_fleet.certificates.issuing import Term
from eyespot_fleet.disk import Shelf
from eyespot_fleet.enrolment.request import Request, Summary, enrol

ROOT = Path(__file__).parents[2]
NOW = datetime.now(UTC)
TEMPLATE = (
    (ROOT / "config" / "eyespot.toml").read_text().replace("mqtt://localhost:1883", "mqtts://b.example")
)
ROLES = {role: {"keyids": ["k"], "threshold": 1} for role in ("root", "timestamp", "snapshot", "targets")}
SIGNED = {"_type": "root", "spec_version": "1.0.31", "version": 1, "expires": "2027-01-01T00:00:00Z"}
ROOT_JSON = json.dumps({"signed": {**SIGNED, "keys": {"k": {}}, "roles": ROLES}, "signatures": []})
NAMES = {"eyespot.toml", "client.crt", "client.key", "ca.crt"}


class Unasked:
    """Has no passphrase, and nobody wants one."""

    def chosen(self) -> None:
        return None

    def known(self) -> bytes:
        raise AssertionError


class Desk:
    """An operator's folder: list and template in it, runs over it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "sd"
        self.write("eyespot.toml", TEMPLATE)
        self.write("devices.csv", "id,name\ndoor-1,Süd\ndoor-2,\n")

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def run(self, now: datetime = NOW, **wanted: Any) -> Summary:
        usual: dict[str, Any] = {
            "roster": self.folder / "devices.csv",
            "template": self.folder / "eyespot.toml",
            "out": self.out,
            "ca": self.folder / "ca",
            "certs": None,
            "trust": None,
            "root": None,
            "renew": False,
            "days": 3650,
            "ca_days": 7300,
        }
        return enrol(Request(**usual | wanted), Unasked(), now, lambda _done, _total: None)

    def outcomes(self, **wanted: Any) -> list[str]:
        return [one.outcome for one in self.run(**wanted).enrolled]

    def refusal(self, kind: type[EyespotError], **wanted: Any) -> list[str]:
        before = self.files()
        with pytest.raises(kind) as refused:
            self.run(**wanted)
        assert self.files() == before, "something was written"
        return str(refused.value).replace(f"{self.folder}/", "").splitlines()

    def files(self) -> dict[str, bytes]:
        """Return every file there is, hidden ones, too."""
        return {str(p.relative_to(self.out)): p.read_bytes() for p in self.out.rglob("*") if p.is_file()}

    def read(self, name: str) -> bytes:
        return (self.out / name).read_bytes()

    def authority(self) -> Authority:
        return open_authority(self.folder / "ca", Unasked(), Term(NOW, 1))


@pytest.fixture(name="desk")
def a_desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_each_device_has_a_folder_with_what_is_its_own(desk: Desk) -> None:
    assert desk.outcomes() == ["new", "new"]
    assert {path.name for path in (desk.out / "door-1" / "eyespot").iterdir()} == NAMES
    mqtt = {"url": "mqtts://b.example", "ca_file": "ca.crt", "cert_file": "client.crt"}
    for device, own in ((1, {"id": "door-1", "name": "Süd"}), (2, {"id": "door-2"})):
        written = desk.read(f"door-{device}/eyespot/eyespot.toml").decode()
        assert tomllib.loads(written) == tomllib.loads(TEMPLATE) | {"device": own, "mqtt": mqtt}
        comments = [line for line in TEMPLATE.splitlines() if line.lstrip().startswith("#")]
        assert [line for line in written.splitlines() if line in comments] == comments
        assert load(desk.out / f"door-{device}" / "eyespot" / "eyespot.toml").config.device.id == own["id"]
    assert len({one.identity.name for one in desk.run().enrolled if one.identity}) == 2
    assert (desk.out / "door-1" / "eyespot" / "client.key").stat().st_mode & 0o777 == 0o600
    assert desk.read("door-1/eyespot/client.key") != desk.read("door-2/eyespot/client.key")


def test_a_template_without_a_device_and_one_of_another_device_do_as_well(desk: Desk) -> None:
    lines = 'mqtt.url = "mqtts://b.example"\ncamera = {source = "scene"}\n'
    for template in (lines, f'{lines}[device]\nid = "other"\ntimezone = "UTC"\n'):
        desk.write("eyespot.toml", template)
        desk.run()
        (expected := tomllib.loads(template)).setdefault("device", {}).update(id="door-1", name="Süd")
        expected["mqtt"] |= {"ca_file": "ca.crt", "cert_file": "client.crt"}
        assert tomllib.loads(desk.read("door-1/eyespot/eyespot.toml").decode()) == expected


def test_run_again_nothing_changes_and_who_is_new_is_added(desk: Desk) -> None:
    desk.run()
    before = desk.files()
    assert desk.outcomes() == ["unchanged", "unchanged"]
    assert desk.files() == before
    desk.write("devices.csv", "id,name\ndoor-3,\ndoor-1,Süd\n")
    assert desk.outcomes() == ["new", "unchanged"]
    assert {name: data for name, data in desk.files().items() if "door-3" not in name} == before


def test_a_changed_name_keeps_the_certificate_and_renewing_does_not(desk: Desk) -> None:
    desk.run()
    before = desk.files()
    desk.write("devices.csv", "id,name\ndoor-1,Nord\ndoor-2,\n")
    assert desk.outcomes() == ["changed", "unchanged"]
    changed = {name for name, data in desk.files().items() if before[name] != data}
    assert changed == {"door-1/eyespot/eyespot.toml"}
    assert desk.outcomes(renew=True) == ["renewed", "renewed"]
    after = desk.files()
    assert {name for name in after if after[name] == before[name]} == {
        *(f"door-{n}/eyespot/ca.crt" for n in (1, 2)),
        "door-2/eyespot/eyespot.toml",
    }


def test_passwords_root_and_whom_to_trust_come_along(desk: Desk) -> None:
    desk.write("devices.csv", "id,username,password,url\ndoor-1,me,secret,mqtts://c.example\n")
    root = desk.write("root.json", ROOT_JSON)
    desk.run(root=root)
    assert {path.name for path in (desk.out / "door-1" / "eyespot").iterdir()} == NAMES | {
        "mqtt-password",
        "root.json",
    }
    assert desk.read("door-1/eyespot/mqtt-password") == b"secret\n"
    assert (desk.out / "door-1" / "eyespot" / "mqtt-password").stat().st_mode & 0o777 == 0o600
    mqtt = tomllib.loads(desk.read("door-1/eyespot/eyespot.toml").decode())["mqtt"]
    assert (mqtt["url"], mqtt["username"]) == ("mqtts://c.example", "me")
    assert "password" not in str(mqtt)


def test_a_device_imports_what_it_was_given(desk: Desk) -> None:
    desk.write("devices.csv", "id,username,password\ndoor-1,me,secret\n")
    desk.run(root=desk.write("root.json", ROOT_JSON))
    device = desk.folder / "device"
    shutil.copytree(desk.out / "door-1" / "eyespot", device / "boot" / "firmware" / "eyespot")
    etc = device / "etc" / "eyespot"
    (etc / "credentials").mkdir(parents=True)
    provision(lambda _: None, device)
    imported = {str(path.relative_to(etc)): path.read_bytes() for path in etc.rglob("*") if path.is_file()}
    given = {name.rpartition("/")[2]: data for name, data in desk.files().items()}
    assert imported.pop("credentials/mqtt-key") == given.pop("client.key")
    assert imported.pop("credentials/mqtt-password") == given.pop("mqtt-password")
    assert imported.items() >= given.items()


def test_a_broker_with_a_public_certificate_is_trusted_as_the_system_does(desk: Desk) -> None:
    desk.run(trust="system")
    assert "door-1/eyespot/ca.crt" not in desk.files()
    assert "ca_file" not in tomllib.loads(desk.read("door-1/eyespot/eyespot.toml").decode())["mqtt"]


def test_without_an_authority_who_has_a_certificate_keeps_it(desk: Desk) -> None:
    desk.run()
    before = desk.files()
    desk.write("devices.csv", "id,name\ndoor-1,Süd\ndoor-3,\n")
    assert desk.outcomes(ca=None) == ["unchanged", "new"]
    assert {name: data for name, data in desk.files().items() if "door-3" not in name} == before
    assert set(desk.files()) - set(before) == {"door-3/eyespot/eyespot.toml"}


def given_certificates(desk: Desk, *ids: str) -> Path:
    ours = open_authority(desk.folder / "theirs", Unasked(), Term(NOW, 7300))
    desk.write("certs/ca.crt", ours.pem)
    for name in ids:
        identity = ours.for_device(name, Term(NOW, 365))
        desk.write(f"certs/{name}.crt", pem(identity.chain))
        desk.write(f"certs/{name}.key", identity.key)
    return desk.folder / "certs"


def test_given_certificates_are_taken_and_replaced_when_others_are_given(desk: Desk) -> None:
    certs = given_certificates(desk, "door-1", "door-2")
    assert desk.outcomes(ca=None, certs=certs) == ["new", "new"]
    assert desk.read("door-2/eyespot/client.crt") == (certs / "door-2.crt").read_bytes()
    assert desk.read("door-2/eyespot/ca.crt") == (certs / "ca.crt").read_bytes()
    given_certificates(desk, "door-2")
    (certs / "ca.crt").write_bytes(desk.read("door-2/eyespot/ca.crt"))
    assert desk.outcomes(ca=None, certs=certs) == ["unchanged", "renewed"]


def test_every_certificate_that_cannot_be_used_is_told(desk: Desk) -> None:
    certs = given_certificates(desk, "door-2", "door-3", "door-4")
    ours = open_authority(desk.folder / "theirs", Unasked(), Term(NOW, 7300))
    broker = ours.for_broker(["door-3"], Term(NOW, 365))
    desk.write("certs/door-3.crt", pem(broker.chain))
    desk.write("certs/door-3.key", broker.key)
    (certs / "door-4.key").write_bytes((certs / "door-2.key").read_bytes())
    desk.write("devices.csv", "id\ndoor-1\ndoor-2\ndoor-3\ndoor-4\n")
    later = NOW + timedelta(days=400)
    assert desk.refusal(InputError, ca=None, certs=certs, now=later) == [
        "cannot read certs/door-1.crt: No such file or directory",
        f"certs/door-2.crt has expired on {NOW + timedelta(days=365):%Y-%m-%d}: get a new one",
        "certs/door-3.crt is not for clients: its extendedKeyUsage lacks clientAuth",
        "certs/door-4.crt: the key does not belong to the certificate",
    ]
    early = NOW - timedelta(days=2)
    assert "certs/door-2.crt is valid from" in desk.refusal(InputError, ca=None, certs=certs, now=early)[1]


def test_a_certificate_that_ends_soon_or_has_ended_is_told(desk: Desk) -> None:
    desk.run(days=30)
    (first, *_) = desk.run().warnings
    assert first == f"door-1: its certificate ends on {NOW + timedelta(days=30):%Y-%m-%d}: renew it"
    assert "door-1: its certificate ended on" in desk.run(now=NOW + timedelta(days=31)).warnings[0]
    desk.run(renew=True)
    assert desk.run().warnings == ()


def lost_key(desk: Desk) -> None:
    (desk.out / "door-1" / "eyespot" / "client.key").unlink()


def copied_folder(desk: Desk) -> None:
    shutil.copytree(desk.out / "door-1", desk.out / "door-2", dirs_exist_ok=True)


def other_authority(desk: Desk) -> None:
    shutil.rmtree(desk.folder / "ca")


def note_of_somebody(desk: Desk) -> None:
    desk.write("sd/door-1/eyespot/notes.txt", "mine")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lost_key, "cannot read sd/door-1/eyespot/client.key: No such file"),
        (copied_folder, 'sd/door-2/eyespot/client.crt: is that of "door-1"; --renew makes new ones'),
        (other_authority, "sd/door-1/eyespot/client.crt: is not of the authority in ca"),
        (note_of_somebody, "sd/door-1/eyespot/notes.txt: what is this? Move it away"),
    ],
)
def test_a_folder_that_is_not_as_we_left_it_is_not_replaced(
    desk: Desk, change: Callable[[Desk], None], told: str
) -> None:
    desk.run()
    change(desk)
    assert desk.refusal(InputError)[0].startswith(told)


@pytest.mark.parametrize("key", ["ca_file", "cert_file", "key_file", "password_file"])
def test_a_template_may_not_name_files_that_no_device_has_yet(desk: Desk, key: str) -> None:
    desk.write("eyespot.toml", TEMPLATE.replace("[mqtt]\n", f'[mqtt]\n{key} = "client.crt"\n'))
    (told,) = desk.refusal(ConfigError)
    line = TEMPLATE[: TEMPLATE.index("[mqtt]\n")].count("\n") + 2
    assert told.startswith(f"eyespot.toml:{line}: {key}: leave it out")


@pytest.mark.parametrize(
    ("name", "text", "kind", "told"),
    [
        ("eyespot.toml", "[mqtt]\nurl = 1\n", ConfigError, "eyespot.toml:2: url: want text"),
        ("eyespot.toml", b"# \xff", ConfigError, "eyespot.toml:1: not UTF-8"),
        ("eyespot.toml", "[mqtt\n", ConfigError, "eyespot.toml:1: "),
        ("devices.csv", "id\nA\n", InputError, "devices.csv:2: id: "),
        ("devices.csv", "id,url\na,mqtt://b\n", InputError, "devices.csv:2: url: certificates need TLS"),
        ("devices.csv", "id,password\na,b\n", InputError, "devices.csv:2: password: a password without"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(
    desk: Desk, name: str, text: str | bytes, kind: type[EyespotError], told: str
) -> None:
    desk.write(name, text)
    assert any(line.startswith(told) for line in desk.refusal(kind))
    assert not desk.out.exists()
    assert not (desk.folder / "ca").exists()


def test_a_missing_template_and_other_files_are_told(desk: Desk) -> None:
    desk.write("bad", "nonsense")
    desk.write("targets.json", '{"signed": {"_type": "targets"}}')
    assert "--template" in desk.refusal(ConfigError, template=desk.folder / "none.toml")[0]
    assert "bad: no certificate in PEM" in desk.refusal(InputError, trust=str(desk.folder / "bad"))[0]
    assert "no root of The Update Framework" in desk.refusal(InputError, root=desk.folder / "bad")[0]
    assert "no root of The Update Framework" in desk.refusal(InputError, root=desk.folder / "targets.json")[0]


def test_a_password_that_crosses_the_network_in_the_clear_is_told(desk: Desk) -> None:
    desk.write("eyespot.toml", TEMPLATE.replace("mqtts://", "mqtt://"))
    desk.write("devices.csv", "id,username,password\ndoor-1,me,secret\n")
    (warning,) = desk.run(ca=None).warnings
    assert "the password crosses the network in the clear" in warning


def test_when_the_disk_fills_up_what_is_there_is_whole_and_the_next_run_goes_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.authority().save()
    with monkeypatch.context() as full:
        full.setattr(os, "fsync", failing_from(10))
        with pytest.raises(StorageError, match=r"door-2/eyespot: No space left on device; mend that and run"):
            desk.run()
    before = desk.files()
    assert {name.rpartition("/")[2] for name in before if name.startswith("door-1")} == NAMES
    assert all(name.startswith("door-1") for name in before)
    assert desk.outcomes() == ["unchanged", "new"]


def failing_from(call: int) -> Callable[[int], None]:
    calls = iter(range(call))

    def fsync(_: int) -> None:
        if next(calls, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


def test_two_at_once_do_not_mix(desk: Desk) -> None:
    with Shelf(desk.out, "eyespot").locked():
        assert "another eyespot-fleet writes" in desk.refusal(StorageError)[0]
