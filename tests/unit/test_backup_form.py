"""What is read is what was written; whatever else comes along as a backup is refused."""

import gzip
import io
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.errors import InputError
from eyespot.trust.backup import CONFIGURATION, DATABASE, MOST_BYTES, BackupReader, Manifest, Member
from fakes.backups import CONFIG, FILES, manifest, named, packed, packed_by_tar, with_manifest

FOLDER = "eyespot-backup/"


def read(data: bytes) -> tuple[Manifest, Mapping[str, bytes]]:
    reader = BackupReader(io.BytesIO(data), "x.tar.gz")
    files = reader.small_files()
    return reader.manifest, {**files, DATABASE: b"".join(reader.database())}


@given(config=st.binary(max_size=2000), database=st.binary(max_size=100_000))
def test_what_was_written_is_read(config: bytes, database: bytes) -> None:
    files = {CONFIGURATION: config, DATABASE: database}
    assert read(packed(files)) == (manifest(files), files)


def test_anybody_can_unpack_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(packed())) as archive:
        assert archive.getnames() == [f"{FOLDER}{name}" for name in ("manifest.json", *FILES)]
        assert {member.mode for member in archive.getmembers()} == {0o600}


@given(st.data())
def test_a_backup_that_was_cut_off_is_refused(data: st.DataObject) -> None:
    whole = packed()
    with pytest.raises(InputError, match=r"x.tar.gz: .*cut off"):
        read(whole[: data.draw(st.integers(0, len(whole) - 1))])


@given(st.data())
def test_no_changed_byte_changes_what_is_read(data: st.DataObject) -> None:
    harmed = bytearray(packed())
    harmed[data.draw(st.integers(0, len(harmed) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(InputError):
        assert read(bytes(harmed)) == (manifest(), FILES)  # a byte of gzip's header that means nothing


@given(st.binary(max_size=5000))
def test_noise_is_refused(noise: bytes) -> None:
    for data in (noise, gzip.compress(noise), with_manifest(noise)):
        with pytest.raises(InputError):
            read(data)


def members(config: tuple[tarfile.TarInfo, bytes] | None = None) -> list[tuple[tarfile.TarInfo, bytes]]:
    own = [(named(FOLDER + name), data) for name, data in FILES.items()]
    return own if config is None else [config, *own[1:]]


def test_plain_files_may_come_from_another_tar() -> None:
    assert read(packed_by_tar(*members())) == (manifest(), FILES)


PATH = FOLDER + CONFIGURATION
STRANGE = f"instead of the file {CONFIGURATION}"
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path that leads out": (lambda: packed_by_tar(*members((named("../../etc/passwd"), CONFIG))), STRANGE),
    "an absolute path": (lambda: packed_by_tar(*members((named("/" + PATH), CONFIG))), STRANGE),
    "a link": (lambda: packed_by_tar(*members((named(PATH, tarfile.SYMTYPE, "/etc/shadow"), b""))), STRANGE),
    "a hard link": (
        lambda: packed_by_tar(*members((named(PATH, tarfile.LNKTYPE, "/etc/shadow"), b""))),
        STRANGE,
    ),
    "a device": (lambda: packed_by_tar(*members((named(PATH, tarfile.BLKTYPE), b""))), STRANGE),
    "a folder": (lambda: packed_by_tar((named(FOLDER, tarfile.DIRTYPE), b""), *members()), STRANGE),
    "a long name in a member of its own": (
        lambda: packed_by_tar(*members((named(FOLDER + "a" * 200), CONFIG)), form=tarfile.GNU_FORMAT),
        STRANGE,
    ),
    "an extended header": (
        lambda: packed_by_tar(*members((named("ä" * 200), CONFIG)), form=tarfile.PAX_FORMAT),
        STRANGE,
    ),
    "another order": (lambda: packed_by_tar(*reversed(members())), STRANGE),
    "a member more": (lambda: packed_by_tar(*members(), (named(FOLDER + "more"), b"x")), "behind its end"),
    "a member less": (
        lambda: packed_by_tar(*members()[:-1]),
        "a damaged header instead of the file eyespot.db",
    ),
    "another content": (
        lambda: packed_by_tar(*members((named(PATH), CONFIG.swapcase()))),
        "is not what the manifest says",
    ),
    "a longer content": (
        lambda: packed_by_tar(*members((named(PATH), CONFIG + b"\n"))),
        "has 59 bytes, the manifest says 58",
    ),
    "something behind it": (lambda: gzip.compress(gzip.decompress(packed()) + b"x"), "behind its end"),
    "a second archive behind it": (lambda: packed() + packed(), "behind its end"),
    "a list of files": (packed_by_tar, "a damaged header instead of the file eyespot.toml"),
}


@pytest.mark.parametrize(("attack", "words"), ATTACKS.values(), ids=ATTACKS.keys())
def test_an_archive_that_backup_does_not_write_is_refused(attack: Callable[[], bytes], words: str) -> None:
    with pytest.raises(InputError, match=rf"^x.tar.gz: .*{words}"):
        read(attack())


LIES: dict[str, dict[str, object]] = {
    "a name that leads out": {
        "files": [("eyespot.toml", 1), ("credentials/../../shadow", 1), ("eyespot.db", 1)]
    },
    "a name that is not known": {"files": [("eyespot.toml", 1), ("authorized_keys", 1), ("eyespot.db", 1)]},
    "a name with a line end": {"files": [("eyespot.toml", 1), ("ca_file\n", 1), ("eyespot.db", 1)]},
    "a name twice": {"files": [("eyespot.toml", 1), ("eyespot.toml", 1), ("eyespot.db", 1)]},
    "no configuration": {"files": [("ca_file", 1), ("eyespot.db", 1)]},
    "no database": {"files": [("eyespot.toml", 1), ("ca_file", 1)]},
    "a configuration of 2 MB": {"files": [("eyespot.toml", 2 * MOST_BYTES), ("eyespot.db", 1)]},
    "a database of 2 GB": {"files": [("eyespot.toml", 1), ("eyespot.db", 2 * 1024**3)]},
    "a file of less than nothing": {"files": [("eyespot.toml", -1), ("eyespot.db", 1)]},
    "colours for the terminal": {"hardware": "\x1b[31mPi"},
    "a rule that is a path": {"rules": {"../x": {}}},
    "a device that is a path": {"device": "a/b"},
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES.keys())
def test_a_manifest_that_says_what_none_says_is_refused(lie: dict[str, object]) -> None:
    said = msgspec.to_builtins(manifest()) | lie
    if "files" in lie:
        said["files"] = [{"name": name, "size": size, "sha256": "0" * 64} for name, size in said["files"]]
    with pytest.raises(InputError, match="not the manifest of a backup"):
        read(with_manifest(msgspec.json.encode(said)))


def test_a_backup_of_a_newer_eyespot_is_told_as_such() -> None:
    said = {"schema": "eyespot.backup/2", "eyespot": "9.0", "files": {"all": "new"}}
    with pytest.raises(InputError, match=r"made by eyespot '9.0' in a form .*; upgrade this one first"):
        read(with_manifest(msgspec.json.encode(said)))


@pytest.mark.parametrize("claims", [MOST_BYTES, 2**33 - 1], ids=["as large as may be", "larger"])
def test_a_bomb_takes_no_memory(claims: int) -> None:
    info = named(FOLDER + "manifest.json")
    info.size = claims
    press = zlib.compressobj(wbits=31)
    bomb = press.compress(info.tobuf()) + b"".join(press.compress(bytes(MOST_BYTES)) for _ in range(200))
    tracemalloc.start()
    try:
        with pytest.raises(InputError):
            read(bomb + press.flush())
        assert tracemalloc.get_traced_memory()[1] < 8 * MOST_BYTES
    finally:
        tracemalloc.stop()


def test_a_database_that_is_longer_than_it_was_said_to_be_is_not_read() -> None:
    said = msgspec.structs.replace(manifest(), files=(*manifest().files[:-1], Member(DATABASE, 10, "0" * 64)))
    with pytest.raises(InputError, match="has 144 bytes, the manifest says 10"):
        read(packed_by_tar(*members(), said=said))
