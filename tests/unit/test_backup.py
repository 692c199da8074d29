"""A device goes into a file and comes out of it, whole; what was there before is never lost."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from eyespot.app.backup import backup
from eyespot.app.plan import given_id
from eyespot.app.restore import Restored, look_through, restore
from eyespot.domain.errors import ConfigError, InputError, StorageError
from eyespot.host import identity
from eyespot.store.database import Change, Database
from eyespot.store.desired import DesiredRecord, DesiredStore
from eyespot.store.settings import StateSettings
from eyespot.trust.backup import BackupReader
from fakes.backups import CONFIG, count, packed

EXPLAINS = """
[mqtt]
url = "mqtts://broker"
username = "shop"
ca_file = "{etc}/ca.crt"
cert_file = "{etc}/tls/client.crt"
key_file = "{etc}/tls/client.key"
password_file = "{elsewhere}"
[camera]
source = "video"
file = "/srv/door.mp4"
[model]
bundle = "/srv/fruit"
"""


@pytest.fixture(autouse=True)
def board_a(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    be(monkeypatch, tmp_path, "a")


def be(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, board: str) -> Path:
    """Become a board with a serial number and a state folder of its own; return its configuration's place."""
    serial = tmp_path / f"serial-{board}"
    serial.write_text(f"10000000abcdef0{board}")
    monkeypatch.setattr(identity, "_SERIAL", str(serial))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / f"state-{board}"))
    etc = tmp_path / f"etc-{board}"
    etc.mkdir(exist_ok=True)
    return etc / "eyespot.toml"


def kept_in(folder: Path) -> tuple[int, Mapping[str, bytes], int]:
    with closing(Database.open(folder)) as database:
        assert database.damage is None
        return database.seq(), database.snapshots(), database.count()


def put_back(file: Path, config: Path) -> Restored:
    return restore(file, config, managed=False, tell=lambda _: None)


def make(tmp_path: Path, total: int = 3, text: bytes = CONFIG) -> Path:
    """Count so far on board a, and return a backup of it."""
    (tmp_path / "etc-a" / "eyespot.toml").parent.mkdir(exist_ok=True)
    (tmp_path / "etc-a" / "eyespot.toml").write_bytes(text)
    count(tmp_path / "state-a", total)
    file = tmp_path / f"backup-{total}.tar.gz"
    backup(tmp_path / "etc-a" / "eyespot.toml", file)
    return file


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_board_goes_on_with_everything_and_under_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path)
    before = kept_in(tmp_path / "state-a")
    config = be(monkeypatch, tmp_path, "b")
    assert given_id(None, StateSettings()) == "eyespot-abcdef0b"
    assert put_back(file, config).kept == ()
    assert config.read_bytes() == CONFIG
    assert kept_in(tmp_path / "state-b") == before
    assert given_id(None, StateSettings()) == "eyespot-abcdef0a"


def test_a_card_cloned_from_it_has_an_id_of_its_own_and_so_has_what_is_restored_from_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path)
    put_back(file, be(monkeypatch, tmp_path, "b"))
    shutil.copytree(tmp_path / "state-b", tmp_path / "state-c")
    be(monkeypatch, tmp_path, "c")
    assert given_id(None, StateSettings()) == "eyespot-abcdef0c"


def test_what_was_restored_can_be_backed_up_and_keeps_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path)
    config = be(monkeypatch, tmp_path, "b")
    put_back(file, config)
    assert backup(config, tmp_path / "again").device == "eyespot-abcdef0a"
    assert look_through(tmp_path / "again", config).device == "eyespot-abcdef0a"


def test_what_is_desired_comes_along_and_what_was_desired_here_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = (DesiredStore(tmp_path / f"state-{board}") for board in "ab")
    here.keep(DesiredRecord(good='{"config": {}}'))
    file = make(tmp_path)
    config = be(monkeypatch, tmp_path, "b")
    put_back(file, config)
    assert there.read() == DesiredRecord(good='{"config": {}}')


def test_where_nothing_was_desired_nothing_is_afterwards_and_the_other_is_kept_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path)
    config = be(monkeypatch, tmp_path, "b")
    there = DesiredStore(tmp_path / "state-b")
    there.keep(DesiredRecord(good='{"config": {"rules": []}}'))
    assert tmp_path / "state-b" / "config_desired.json.before" in put_back(file, config).kept
    assert there.read() == DesiredRecord()


def test_a_configured_id_comes_with_the_configuration(tmp_path: Path) -> None:
    file = make(tmp_path, text=CONFIG + b'[device]\nid = "shop"\n')
    assert look_through(file, tmp_path / "etc-a" / "eyespot.toml").device == "shop"


def test_an_id_that_cannot_be_read_is_an_error_and_no_other_id(tmp_path: Path) -> None:
    (tmp_path / "state-a").mkdir()
    (tmp_path / "state-a" / "device.json").write_text("{")
    with pytest.raises(StorageError, match=r"device.json cannot be read: .*set \[device\] id"):
        given_id(None, StateSettings())
    assert given_id("shop", StateSettings()) == "shop"


def test_what_the_configuration_names_beside_it_comes_along_and_the_rest_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    etc, elsewhere = tmp_path / "etc-a", tmp_path / "password"
    files = {"ca.crt": b"ca", "tls/client.crt": b"cert", "root.json": b"{}", "credentials/mqtt-password": b""}
    for name, data in {**files, "credentials/x.before": b"old", "tls/other.pem": b"none of ours"}.items():
        (etc / name).parent.mkdir(exist_ok=True)
        (etc / name).write_bytes(data)
    elsewhere.write_bytes(b"secret")
    text = EXPLAINS.format(etc=etc, elsewhere=elsewhere).encode()
    said = look_through(make(tmp_path, text=text), etc / "eyespot.toml")
    assert said.left_out == (
        f"key_file {etc}/tls/client.key, as there is no such file",
        f"password_file {elsewhere}, as it is not beside eyespot.toml",
        "file /srv/door.mp4",
        "bundle /srv/fruit",
    )
    shutil.rmtree(etc)
    put_back(tmp_path / "backup-3.tar.gz", etc / "eyespot.toml")
    assert contents(etc) == {**files, "eyespot.toml": text}
    modes = {path.name: path.stat().st_mode & 0o777 for path in etc.rglob("*")}
    assert modes == {
        "eyespot.toml": 0o640, "ca.crt": 0o640, "client.crt": 0o640, "root.json": 0o644,
        "mqtt-password": 0o600, "credentials": 0o700, "tls": 0o755,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["/etc/shadow", "../../shadow", "..", ".", "link/shadow", "x\\u0000"])
def test_nothing_is_restored_to_elsewhere(name: str, tmp_path: Path) -> None:
    etc = tmp_path / "etc-a"
    (etc / "link").symlink_to("/etc")
    text = f'[mqtt]\nurl = "mqtts://broker"\nca_file = "{name}"\n'.encode()
    file = tmp_path / "hostile"
    file.write_bytes(packed({"eyespot.toml": text, "ca_file": b"root::0", "eyespot.db": b""}))
    with pytest.raises(InputError, match="wants ca_file elsewhere than beside"):
        put_back(file, etc / "eyespot.toml")
    assert contents(etc) == {}


def test_what_was_in_place_before_is_kept(tmp_path: Path) -> None:
    first = make(tmp_path, 3)
    etc, state = tmp_path / "etc-a", tmp_path / "state-a"
    count(state, 7)
    (etc / "eyespot.toml").write_text("# mine")
    restored = put_back(first, etc / "eyespot.toml")
    assert restored.kept == (state / "eyespot.db.before-1", etc / "eyespot.toml.before")
    assert (etc / "eyespot.toml.before").read_text() == "# mine"
    assert kept_in(state)[0] == 3
    count(state, 9)
    assert put_back(first, etc / "eyespot.toml").kept == (state / "eyespot.db.before-2",)
    (state / "eyespot.db.before-1").rename(state / "eyespot.db")
    assert kept_in(state)[0] == 7


def test_restored_twice_is_restored_once(tmp_path: Path) -> None:
    file = make(tmp_path)
    shutil.rmtree(tmp_path / "state-a")
    for _ in range(2):
        assert put_back(file, tmp_path / "etc-a" / "eyespot.toml").kept == ()


def test_what_a_killed_daemon_left_in_its_log_is_kept_and_harms_nothing(tmp_path: Path) -> None:
    file = make(tmp_path, 3)
    state = tmp_path / "state-a"
    program = """
import os, sys
from pathlib import Path
from eyespot.store.database import Change, Database
database = Database.open(Path(sys.argv[1]))
database.commit(Change([], [], {"door": b"8 in"}, 8))
os._exit(9)
"""
    subprocess.run([sys.executable, "-c", program, str(state)], check=False)
    assert (state / "eyespot.db-wal").stat().st_size
    put_back(file, tmp_path / "etc-a" / "eyespot.toml")
    assert kept_in(state)[0] == 3
    (state / "eyespot.db.before-1").replace(state / "eyespot.db")
    assert kept_in(state)[:2] == (8, {"door": b"8 in"})


def test_a_damaged_database_in_place_does_not_stop_a_restore(tmp_path: Path) -> None:
    file, state = make(tmp_path), tmp_path / "state-a"
    (state / "eyespot.db").write_bytes(b"no database" * 999)
    (state / "eyespot.db-wal").write_bytes(b"no log" * 999)
    put_back(file, tmp_path / "etc-a" / "eyespot.toml")
    assert kept_in(state)[0] == 3
    assert (state / "eyespot.db.damaged-1").read_bytes() == b"no database" * 999


def test_a_state_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    file, state, etc = make(tmp_path), tmp_path / "state-a", tmp_path / "etc-a"
    (etc / "eyespot.toml").write_text("# mine")
    with closing(Database.open(state)) as database:
        database.commit(Change([], [], {}, 8))
        with pytest.raises(StorageError, match="another eyespot uses the state folder"):
            put_back(file, etc / "eyespot.toml")
        assert database.seq() == 8
    assert contents(etc) == {"eyespot.toml": b"# mine"}
    assert sorted(path.name for path in state.iterdir()) == ["eyespot.db", "eyespot.lock"]


def test_a_copy_is_made_while_somebody_writes_and_is_of_one_instant(tmp_path: Path) -> None:
    make(tmp_path)
    with closing(Database.open(tmp_path / "state-a")) as database:
        for total in range(4, 30):
            state = b'{"since_utc_ns":0,"state":{"counts":{"person":{"in":%d}}}}' % total
            database.commit(Change([], [], {"door": state}, total))
            said = backup(tmp_path / "etc-a" / "eyespot.toml", tmp_path / f"{total}.tar.gz")
            assert (said.seq, said.rules) == (total, {"door": {"person": {"in": total}}})


def test_the_owner_of_the_state_stays_its_owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    file, owner = make(tmp_path), 54321
    (tmp_path / "state-b").mkdir()
    for path in (tmp_path / "state-b", *(tmp_path / "state-a").iterdir()):
        os.chown(path, owner, owner)
    backup(tmp_path / "etc-a" / "eyespot.toml", tmp_path / "second")  # leaves nothing of root's there
    config = be(monkeypatch, tmp_path, "b")
    put_back(file, config)
    for folder in ("state-a", "state-b"):
        assert {path.stat().st_uid for path in (tmp_path / folder).iterdir()} == {owner}
    assert config.stat().st_uid == 0


def test_a_backup_is_for_its_owner_alone_and_replaces_nothing(tmp_path: Path) -> None:
    file = make(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    whole = file.read_bytes()
    with pytest.raises(StorageError, match="is there already; name another file"):
        backup(tmp_path / "etc-a" / "eyespot.toml", file)
    assert file.read_bytes() == whole
    assert not list(tmp_path.glob(".eyespot-*"))


def test_without_counts_there_is_no_backup(tmp_path: Path) -> None:
    config = tmp_path / "etc-a" / "eyespot.toml"
    config.write_bytes(CONFIG)
    with pytest.raises(StorageError, match="nothing was counted yet, or"):
        backup(config, tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_damaged_database_is_no_backup(tmp_path: Path) -> None:
    make(tmp_path)
    (tmp_path / "state-a" / "eyespot.db").write_bytes(b"no database" * 999)
    with pytest.raises(StorageError, match=r"eyespot.db is damaged: .*; restart eyespot"):
        backup(tmp_path / "etc-a" / "eyespot.toml", tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_configuration_with_mistakes_is_backed_up_but_not_what_is_none(tmp_path: Path) -> None:
    make(tmp_path, text=b'[camera]\nsuorce = 1\n[mqtt]\nca_file = "/nonexistent"\n')
    config = tmp_path / "etc-a" / "eyespot.toml"
    for text in (b"[camera", b'[state]\ndri = "/srv"\n', b"\xff", b"[mqtt]\nca_file = 3\n"):
        config.write_bytes(text)
        with pytest.raises(ConfigError, match=r"eyespot.toml: .*; see `eyespot check`"):
            backup(config, tmp_path / "x")
    config.unlink()
    with pytest.raises(StorageError, match=r"cannot read .*eyespot.toml: .*No such file"):
        backup(config, tmp_path / "x")


def harmed(file: Path, harm: str) -> Path:
    """Return a backup whose archive is whole, and whose database is not what this version makes."""
    with file.open("rb") as source:
        reader = BackupReader(source, "")
        files = {**reader.small_files(), "eyespot.db": b"".join(reader.database())}
    database = file.with_name("harmed.db")
    database.write_bytes(files["eyespot.db"])
    with closing(sqlite3.connect(database)) as connection:
        connection.executescript(harm)
    files["eyespot.db"] = database.read_bytes()
    file.write_bytes(packed(files))
    return file


@pytest.mark.parametrize(
    "harm",
    ["PRAGMA user_version = 99", "CREATE TRIGGER t AFTER INSERT ON outbox BEGIN DELETE FROM numbers; END"],
)
def test_a_database_of_another_version_is_refused_before_anything_changes(harm: str, tmp_path: Path) -> None:
    file, state = harmed(make(tmp_path), harm), tmp_path / "state-a"
    before = contents(state)
    with pytest.raises(InputError, match="restore it with the version of eyespot that made it"):
        put_back(file, tmp_path / "etc-a" / "eyespot.toml")
    assert contents(state) == before


def test_what_needs_more_room_than_there_is_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(1, 1, 1))
    with pytest.raises(StorageError, match="no room in"):
        put_back(file, tmp_path / "etc-a" / "eyespot.toml")


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    for file in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match="name a backup"):
            put_back(file, tmp_path / "etc-a" / "eyespot.toml")


# --- killed, and on a full disk -----------------------------------------------------------------------------

KILLS = """
import os, shutil, sys
from pathlib import Path
from eyespot.app.backup import backup
from eyespot.app.restore import restore
from fakes.backups import CONFIG, count

work = Path(sys.argv[1])
config, state = work / "etc" / "eyespot.toml", Path(os.environ["STATE_DIRECTORY"])
CHANGES = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "sqlite3.connect"}

def put_back():
    restore(work / "backup.tar.gz", config, managed=False, tell=lambda _: None)

def begin():
    shutil.rmtree(state, ignore_errors=True)
    shutil.rmtree(config.parent, ignore_errors=True)
    config.parent.mkdir()
    config.write_bytes(b"# mine")
    count(state, 8)

def killed_before(change):
    left = [change]
    def watch(event, _):
        left[0] -= event in CHANGES
        if left[0] < 0:
            os._exit(9)
    sys.addaudithook(watch)

config.parent.mkdir()
config.write_bytes(CONFIG)
count(state, 3)
backup(config, work / "backup.tar.gz")
change, code = 0, 9
while code:
    begin()
    if not (child := os.fork()):
        killed_before(change)
        put_back()
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    left_by_kill = sorted(path.name for path in state.iterdir())
    assert "eyespot.db" in left_by_kill, left_by_kill
    put_back()
    assert config.read_bytes() == CONFIG
    assert config.with_name("eyespot.toml.before").read_bytes() == b"# mine"
    names = {path.name for folder in (state, config.parent) for path in folder.iterdir()}
    wanted = {"eyespot.db", "eyespot.db.before-1", "eyespot.lock", "device.json", "config_desired.json"}
    wanted |= {"eyespot.toml", "eyespot.toml.before"}
    assert names == wanted, (change, names ^ wanted)
    change += 1
print(change)
"""


def test_killed_anywhere_and_begun_again_it_finishes_and_has_lost_nothing(tmp_path: Path) -> None:
    tests = str(Path(__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", KILLS, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": tests},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
    state = tmp_path / "state-a"
    assert kept_in(state)[0] == 3
    (state / "eyespot.db.before-1").replace(state / "eyespot.db")
    assert kept_in(state)[0] == 8


@contextmanager
def disk_of(folder: Path, kib: int) -> Iterator[None]:
    """Mount a disk of so many KiB at a folder; skip the test where that is not allowed."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kib}k", "small", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root can mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_on_a_full_disk_everything_stays_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, small = make(tmp_path), tmp_path / "small"
    config = tmp_path / "etc-a" / "eyespot.toml"
    config.write_text("# mine")
    monkeypatch.setattr(sys.modules["eyespot.app.restore"], "_SPARE_BYTES", 0)
    monkeypatch.setenv("STATE_DIRECTORY", str(small))
    with disk_of(small, 128):
        count(small, 8)
        before = contents(small)
        free = os.statvfs(small).f_bavail * 4096
        for room in (0, 4, 8):  # KiB; the database takes 4, the id and what is desired come after it
            (small / "filler").write_bytes(bytes(free - room * 1024))
            with pytest.raises(StorageError, match=r"make room|No space left"):
                put_back(file, config)
            (small / "filler").unlink()
            assert contents(small) == before
            assert config.read_text() == "# mine"
        (small / "filler").write_bytes(bytes(free - 12 * 1024))
        put_back(file, config)
        (small / "filler").unlink()
        assert kept_in(small)[0] == 3


def test_a_backup_onto_a_full_disk_leaves_nothing_there(tmp_path: Path) -> None:
    make(tmp_path)
    with disk_of(tmp_path / "small", 8):
        with pytest.raises(StorageError, match=r"make room|No space left|disk is full"):
            backup(tmp_path / "etc-a" / "eyespot.toml", tmp_path / "small" / "x.tar.gz")
        assert not list((tmp_path / "small").iterdir())
