"""What was packed is unpacked; whatever else comes along as a bundle is refused, and harms nothing."""

import io
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from eyespot.domain.errors import ModelError
from eyespot.trust import ustar
from eyespot.trust.archive import pack, unpack
from eyespot.trust.packed import check_packed
from fakes.bundles import FURTHER, NETWORK, write_travelling

MB = 1 << 20


def packed(folder: Path) -> bytes:
    out = io.BytesIO()
    pack(folder, out)
    return out.getvalue()


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def but_the_manifest(folder: Path) -> dict[str, bytes]:
    return {name: data for name, data in contents(folder).items() if name != "manifest.json"}


@contextmanager
def unpacked(data: bytes, most_bytes: int = 64 * MB) -> Iterator[Path]:
    """Unpack, and see that nothing came to lie outside of the folder."""
    with TemporaryDirectory() as around:
        folder = Path(around) / "bundle"
        folder.mkdir()
        try:
            unpack(io.BytesIO(data), folder, most_bytes)
        finally:
            assert [path.name for path in Path(around).iterdir()] == ["bundle"]
            assert not any(path.is_symlink() for path in folder.rglob("*"))
        yield folder


@pytest.fixture(name="bundle", scope="module")
def a_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_travelling(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(name="whole", scope="module")
def an_archive(bundle: Path) -> bytes:
    return packed(bundle)


@given(
    network=st.binary(max_size=70_000), notes=st.dictionaries(st.from_regex(r"\A[a-z]{1,9}\Z"), st.binary())
)
def test_what_was_packed_is_unpacked_and_good(network: bytes, notes: dict[str, bytes]) -> None:
    further = {**FURTHER, **{f"more/{name}": ("other", data) for name, data in notes.items()}}
    with TemporaryDirectory() as name:
        bundle = write_travelling(Path(name), NETWORK + network, further=further)
        with unpacked(packed(bundle)) as folder:
            assert check_packed(folder) == check_packed(bundle)
            assert contents(folder) == contents(bundle)


def test_the_same_bundle_gives_the_same_bytes_and_the_manifest_comes_first(
    bundle: Path, whole: bytes, tmp_path: Path
) -> None:
    assert packed(write_travelling(tmp_path)) == whole == packed(bundle)
    with tarfile.open(fileobj=io.BytesIO(zstandard.decompress(whole))) as archive:
        names = archive.getnames()
        assert {(member.mode, member.mtime, member.uid) for member in archive.getmembers()} == {(0o644, 0, 0)}
    assert names == ["manifest.json", *sorted(names[1:])]
    assert set(names[1:]) == {*FURTHER, "model.tflite", "labels.txt"}


def test_what_lies_in_the_folder_unnamed_is_not_packed(tmp_path: Path, whole: bytes) -> None:
    folder = write_travelling(tmp_path)
    (folder / "id_ed25519").write_text("secret")
    assert packed(folder) == whole


def test_a_file_that_changed_while_it_was_packed_is_named(tmp_path: Path) -> None:
    folder = write_travelling(tmp_path)
    (folder / "NOTICE").write_bytes(b"Made for Tests.\n")
    with pytest.raises(ModelError, match=r"NOTICE is not what manifest\.json says"):
        packed(folder)


@given(st.data())
def test_an_archive_that_was_cut_off_is_refused(whole: bytes, data: st.DataObject) -> None:
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    with pytest.raises(ModelError, match=r"cut off|no archive that zstd"), unpacked(cut):
        pass


@given(st.data())
def test_no_changed_byte_gives_another_bundle(bundle: Path, whole: bytes, data: st.DataObject) -> None:
    harmed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        harmed[data.draw(st.integers(0, len(harmed) - 1))] ^= data.draw(st.integers(1, 255))
    with suppress(ModelError), unpacked(bytes(harmed)) as folder:
        check_packed(folder)
        assert contents(folder) == contents(bundle)


@given(st.data())
def test_a_changed_archive_with_a_right_checksum_is_refused_or_has_the_same_files(
    bundle: Path, whole: bytes, data: st.DataObject
) -> None:
    """Who signs nothing can still pack. A word of the manifest may be another: a signature tells that."""
    harmed = bytearray(zstandard.decompress(whole))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(harmed) - 1) | st.integers(0, 600))
        harmed[at] ^= data.draw(st.integers(1, 255))
    with suppress(ModelError), unpacked(squeezed(bytes(harmed))) as folder:
        check_packed(folder)
        assert but_the_manifest(folder) == but_the_manifest(bundle)


@given(st.binary(max_size=3000))
def test_noise_is_refused(noise: bytes) -> None:
    for data in (noise, squeezed(noise or b"x")):
        with pytest.raises(ModelError), unpacked(data):
            pass


def squeezed(tar: bytes, **options: bool | int) -> bytes:
    return zstandard.ZstdCompressor(**{"write_checksum": True, **options}).compress(tar)  # type: ignore[arg-type]


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", data: bytes = b"") -> bytes:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, len(data)
    return info.tobuf(tarfile.GNU_FORMAT) + data + ustar.padding(len(data))


FIRST = member("manifest.json", data=b"{}")


def archive(*members: bytes, end: bytes = ustar.END) -> bytes:
    return squeezed(b"".join((FIRST, *members)) + end)


def larger_than_it_is() -> bytes:
    info = tarfile.TarInfo("model.tflite")
    info.size = 8**11 - 1
    return info.tobuf()


def negative() -> bytes:
    info = tarfile.TarInfo("model.tflite")
    info.size = -1024
    return info.tobuf(tarfile.GNU_FORMAT)


def wide() -> bytes:
    """Return the beginning of a frame whose window has 128 MiB."""
    flags, window, size = 0x84, 17 << 3, 1000
    return b"\x28\xb5\x2f\xfd" + bytes([flags, window]) + size.to_bytes(4, "little") + bytes(50)


PLAIN = "a bundle has plain files only"
STRANGE = "a bundle has no such names"
ATTACKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "a path that leads out": (lambda: archive(member("../evil", data=b"x")), STRANGE),
    "one that leads out later": (lambda: archive(member("golden/../../evil", data=b"x")), STRANGE),
    "an absolute path": (lambda: archive(member("/etc/cron.d/evil", data=b"x")), STRANGE),
    "a hidden file": (lambda: archive(member(".ssh/evil", data=b"x")), STRANGE),
    "a folder in a folder": (lambda: archive(member("a/b/c", data=b"x")), STRANGE),
    "a name with a line end": (lambda: archive(member("NOTICE\n", data=b"x")), STRANGE),
    "a name with a backslash": (lambda: archive(member("..\\evil", data=b"x")), STRANGE),
    "a link": (lambda: archive(member("NOTICE", tarfile.SYMTYPE, "/etc/shadow")), f"a link in it; {PLAIN}"),
    "a link to a folder": (
        lambda: archive(member("golden", tarfile.SYMTYPE, "/tmp"), member("golden/x", data=b"x")),
        f"a link in it; {PLAIN}",
    ),
    "a hard link": (lambda: archive(member("NOTICE", tarfile.LNKTYPE, "manifest.json")), "a hard link in it"),
    "a device": (lambda: archive(member("NOTICE", tarfile.CHRTYPE)), "a device in it"),
    "a disk": (lambda: archive(member("NOTICE", tarfile.BLKTYPE)), "a device in it"),
    "a pipe": (lambda: archive(member("NOTICE", tarfile.FIFOTYPE)), "a pipe in it"),
    "a folder": (lambda: archive(member("golden", tarfile.DIRTYPE)), "a folder in it"),
    "a sparse file": (lambda: archive(member("NOTICE", tarfile.GNUTYPE_SPARSE)), PLAIN),
    "a long name in a member of its own": (lambda: archive(member("a" * 200, data=b"x")), PLAIN),
    "an extended header": (lambda: archive(member("pax", tarfile.XHDTYPE, data=b"9 path=x\n")), PLAIN),
    "a file twice": (lambda: archive(member("a", data=b"1"), member("a", data=b"2")), "'a' twice"),
    "the manifest twice": (lambda: archive(FIRST), "'manifest.json' twice"),
    "a file for a folder": (
        lambda: archive(member("golden", data=b"1"), member("golden/a", data=b"2")),
        "a file that is a folder to 'golden/a'",
    ),
    "something else first": (lambda: squeezed(member("model.tflite") + ustar.END), "not with manifest.json"),
    "nothing at all": (lambda: squeezed(ustar.END), "nothing in it"),
    "no end": (lambda: archive(end=b""), "ends too early"),
    "half an end": (lambda: archive(end=bytes(512)), "ends too early"),
    "something behind the end": (lambda: archive(end=ustar.END + b"x"), "something behind its end"),
    "a member behind the end": (lambda: archive(end=ustar.END + FIRST), "something behind its end"),
    "something in the end": (lambda: archive(end=bytes(1023) + b"x"), "something behind its end"),
    "a second frame": (lambda: archive() + archive(), "something behind its end"),
    "a frame that is skipped": (lambda: archive() + b"\x50\x2a\x4d\x18\0\0\0\0", "something behind its end"),
    "one byte behind it": (lambda: archive() + b"x", "something behind its end"),
    "a thousand files": (lambda: archive(*(member(f"f{n}") for n in range(1000))), "more than 80 files"),
    "a member that is larger than all": (lambda: archive(larger_than_it_is()), "ends too early"),
    "a member of less than nothing": (lambda: archive(negative()), PLAIN),
    "a member that says too much": (lambda: archive(member("a", data=bytes(65 * MB))), "more than 67108864"),
    "no size": (lambda: squeezed(FIRST + ustar.END, write_content_size=False), "does not say how large"),
    "no checksum": (lambda: squeezed(FIRST + ustar.END, write_checksum=False), "has no checksum"),
    "a window of 128 MB": (wide, "wants too much memory"),
    "gzip": (lambda: b"\x1f\x8b\x08" + bytes(40), "no archive that zstd has packed"),
}


@pytest.mark.parametrize(("attack", "words"), ATTACKS.values(), ids=ATTACKS.keys())
def test_an_archive_that_pack_does_not_write_is_refused(attack: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ModelError, match=words) as caught, unpacked(attack()):
        pass
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("most", [64 * MB, 512 * MB], ids=["too large", "as large as may be"])
def test_a_bomb_takes_no_memory(most: int) -> None:
    bomb = archive(member("model.tflite", data=bytes(100 * MB)))
    assert len(bomb) < 20_000
    tracemalloc.start()
    with suppress(ModelError), unpacked(bomb, most):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12 * MB


def test_a_stream_that_gives_a_byte_at_a_time_is_read_like_any_other(whole: bytes, tmp_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 1))

    unpack(Slow(whole), tmp_path)
    check_packed(tmp_path)


def test_an_archive_of_tars_own_making_is_as_good(bundle: Path, tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as written:
        for name in ("manifest.json", *sorted(set(contents(bundle)) - {"manifest.json"})):
            written.add(bundle / name, name)
        end = written.offset
    unpack(io.BytesIO(squeezed(out.getvalue()[: end + 1024])), tmp_path)
    check_packed(tmp_path)
