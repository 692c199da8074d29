"""The commands of the repository, as an operator and as a program run them."""

import fcntl
import json
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eyespot.trust import archive
from eyespot_fleet.__main__ import main
from eyespot_fleet.commands import repository_options
from eyespot_fleet.commands.passphrases import ONLINE_VARIABLE, VARIABLE
from fakes.bundles import write_travelling


@pytest.fixture(name="here", autouse=True)
def an_operators_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "locked away")
    monkeypatch.setenv(ONLINE_VARIABLE, "unattended")
    return tmp_path


@pytest.fixture(name="bundle")
def a_packed_bundle(here: Path) -> str:
    folder = here / "people"
    folder.mkdir()
    write_travelling(folder, name="people", version="1.2.0")
    with (here / "people.tar.zst").open("wb") as stream:
        archive.pack(folder, stream)
    return "people.tar.zst"


def told(capsys: pytest.CaptureFixture[str], *command: str, code: int = 0) -> str:
    """Return what a command says: where it ends well on stdout, else on stderr."""
    assert main(command) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return (captured.err if code else captured.out).strip()


def test_from_a_new_repository_to_a_release_and_its_halt(
    capsys: pytest.CaptureFixture[str], bundle: str
) -> None:
    said = told(capsys, "publish", "init")
    assert "Take offline/ of the keys away from this machine" in said
    target = told(capsys, "publish", "add", bundle)
    assert target.startswith("bundles/people@1.2.0-")
    assert target.endswith(".tar.zst: added")
    assert told(capsys, "publish", "add", bundle).endswith("there already")
    released = told(capsys, "release", "people", "--percent", "5", "--jitter", "6h", "--notes", "sees cats")
    assert released.startswith("people 1.2.0 to 5 % of the cohort default, rollout 1.2.0-")
    assert released.endswith(": a new cohort")
    assert "to 0 % of the cohort default (halted)" in told(capsys, "release", "--percent", "0")
    shown = json.loads(told(capsys, "publish", "show", "--json"))
    assert shown["bundles"] == [target.removesuffix(": added")]
    assert (
        shown["desired"]["default"].items() >= {"percent": 0, "jitter_s": 21600, "notes": "sees cats"}.items()
    )
    assert [one["role"] for one in shown["roles"]] == ["root", "targets", "snapshot", "timestamp", "desired"]


def test_a_release_at_a_time_is_at_that_time_in_utc(capsys: pytest.CaptureFixture[str], bundle: str) -> None:
    told(capsys, "publish", "init")
    told(capsys, "publish", "add", bundle)
    for text, hour in (("2030-12-24T22:00", 22), ("2030-12-24T22:00+01:00", 21)):
        command = ("release", "people", "--percent", "5", "--not-before", text, "--json")
        released = json.loads(told(capsys, *command))
        assert released["not_before_s"] == datetime(2030, 12, 24, hour, tzinfo=UTC).timestamp()


def test_the_server_refreshes_without_the_keys_that_are_locked_away(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    told(capsys, "publish", "init")
    (here / "keys" / "offline").rename(here / "stick")
    monkeypatch.delenv(VARIABLE)
    assert "signed; the first of it ends on" in told(capsys, "publish", "refresh")
    refused = told(capsys, "publish", "add", bundle, code=65)
    assert refused.startswith("targets wants 1 of its keys, and targets-")
    monkeypatch.setenv(VARIABLE, "locked away")
    told(capsys, "publish", "add", bundle, "--keys", "stick")
    captured = capsys.readouterr()
    assert "signed, but not announced yet" not in captured.err


def test_what_ends_soon_is_warned_of_and_fails_an_unattended_refresh(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "publish", "init", "--offline-days", "60")
    (here / "keys" / "offline").rename(here / "stick")

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Later":
            return cls.fromtimestamp((datetime.now(UTC) + timedelta(days=47)).timestamp(), UTC)

    monkeypatch.setattr(repository_options, "datetime", Later)
    warned = told(capsys, "publish", "refresh", code=1).splitlines()
    assert [line.split(" ends ")[0] for line in warned] == [
        "warning: the word of root",
        "warning: the word of targets",
    ]
    told(capsys, "publish", "refresh", "--keys", "stick", "--keys", "keys")


def test_a_key_is_replaced_by_role_or_by_its_file(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    told(capsys, "publish", "init")
    stolen = next((here / "keys" / "online").glob("desired-*")).name
    assert told(capsys, "publish", "revoke", stolen).endswith(f"in the place of {stolen}")
    assert told(capsys, "publish", "revoke", stolen, code=65).startswith(
        f"no role has the key {stolen}; there are"
    )
    lost = min((here / "keys" / "offline").glob("root-*"))
    lost.unlink()
    assert lost.name in told(capsys, "publish", "revoke", lost.stem)
    rotated = told(capsys, "publish", "rotate", "root", "timestamp").splitlines()
    assert [line.split(":")[0] for line in rotated] == ["root", "timestamp"]
    assert "there is no role nobody; there are: root, targets" in told(
        capsys, "publish", "rotate", "nobody", code=65
    )


def test_a_key_whose_passphrase_is_lost_is_replaced(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told(capsys, "publish", "init")
    monkeypatch.setenv(ONLINE_VARIABLE, "another one")
    assert "is the passphrase right" in told(capsys, "publish", "refresh", code=65)
    told(capsys, "publish", "rotate", "snapshot", "timestamp", "desired")
    told(capsys, "publish", "refresh")


def test_without_two_root_keys_no_key_is_replaced(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    told(capsys, "publish", "init")
    for lost in sorted((here / "keys" / "offline").glob("root-*"))[:2]:
        lost.unlink()
    there = sorted(path.name for path in (here / "keys").rglob("*.pem"))
    refused = told(capsys, "publish", "rotate", "timestamp", code=65)
    assert refused.startswith("root wants 2 of its keys, and root-")
    assert sorted(path.name for path in (here / "keys").rglob("*.pem")) == there


def test_what_cannot_be_done_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], here: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    def refused(*command: str, code: int = 65) -> str:
        said = told(capsys, *command, code=code)
        assert len(said.splitlines()) == 1
        return said

    assert "repository is no repository; --repository says where" in refused("publish", "show")
    told(capsys, "publish", "init")
    assert "repository is there already" in refused("publish", "init")
    assert "there is no bundle people; there are: none; `eyespot-fleet publish add`" in refused(
        "release", "people", "--percent", "5"
    )
    assert "cannot read nothing.tar.zst" in refused("publish", "add", "nothing.tar.zst")
    assert "people is a folder; `eyespot-fleet publish pack people`" in refused("publish", "add", "people")
    (here / "cat.tar.zst").write_bytes(b"meow")
    assert "this bundle is refused" in refused("publish", "add", "cat.tar.zst")
    assert "there is no site north; `eyespot-fleet publish site north`" in refused(
        "publish", "add", bundle, "--site", "north"
    )
    monkeypatch.setenv(ONLINE_VARIABLE, "wrong")
    assert "is the passphrase right" in refused("publish", "refresh")
    lock = os.open("repository", os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert "another eyespot-fleet writes to repository; wait for it" in refused("publish", "show", code=74)
    os.close(lock)


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        ("metadata/1.root.json", "repository is no repository"),
        ("metadata/timestamp.json", "cannot read repository/metadata/timestamp.json"),
        ("metadata/2.snapshot.json", "2.snapshot.json is missing or cut short; put back a whole copy"),
        ("metadata/2.targets.json", "2.targets.json is missing or cut short; put back a whole copy"),
        ("targets/bundles/*", ".tar.zst is missing or cut short; put back a whole copy"),
    ],
)
def test_half_a_copy_of_a_repository_is_refused(
    capsys: pytest.CaptureFixture[str], here: Path, bundle: str, missing: str, words: str
) -> None:
    told(capsys, "publish", "init")
    told(capsys, "publish", "add", bundle)
    (path,) = (here / "repository").glob(missing)
    path.unlink()
    assert words in told(capsys, "publish", "refresh", code=65)


def test_a_damaged_file_is_named(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    told(capsys, "publish", "init")
    path = here / "repository" / "metadata" / "1.targets.json"
    whole = path.read_bytes()
    another = path.with_name("1.snapshot.json").read_bytes()
    for damaged in (
        whole[: len(whole) // 2],
        b"",
        b"null",
        b"\xff",
        whole.replace(b'"version":1', b'"version":9'),
        another,
    ):
        path.write_bytes(damaged)
        assert "targets.json is " in told(capsys, "publish", "show", code=65)


@pytest.mark.parametrize(
    "wrong",
    [
        ("--percent", "101"), ("--percent", "nan"), ("--percent", "5", "--jitter", "soon"),
        ("--percent", "5", "--jitter", "31d"), ("--percent", "5", "--cohort", "../x"),
        ("--percent", "5", "--not-before", "tomorrow"), (),
    ],
)  # fmt: skip
def test_a_release_that_makes_no_sense_is_wrong_usage(wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(("release", "people", *wrong))
    assert ended.value.code == 64


def test_a_repository_can_be_moved_as_plain_files(
    capsys: pytest.CaptureFixture[str], here: Path, bundle: str
) -> None:
    told(capsys, "publish", "init")
    shutil.copytree(here / "repository", here / "copy")
    told(capsys, "publish", "add", bundle, "--repository", "copy")
    assert json.loads(told(capsys, "publish", "show", "--json"))["bundles"] == []
    assert json.loads(told(capsys, "publish", "show", "--json", "--repository", "copy"))["bundles"] != []
