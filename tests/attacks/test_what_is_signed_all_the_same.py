"""Archives that are properly signed, and evil: whoever makes bundles may be a thief, too."""

import io
import tarfile
from pathlib import Path
from typing import Any

import pytest
import zstandard

from eyespot.domain.errors import TrustError
from fakes.repository import FakeRepository
from fakes.updates import Fitted


def archive(*members: tuple[str, bytes, bytes], **frame: Any) -> bytes:
    """Return a .tar.zst of members: name, kind as tar has it, content or where a link leads."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type = kind
            if kind == tarfile.REGTYPE:
                info.size = len(content)
            else:
                info.linkname = content.decode()
            tar.addfile(info, io.BytesIO(content))
    return zstandard.ZstdCompressor(write_checksum=True, **frame).compress(out.getvalue())


FIRST = ("manifest.json", tarfile.REGTYPE, b"{}")
EVIL = {
    "a way out": archive(FIRST, ("../../state.json", tarfile.REGTYPE, b"{}")),
    "an absolute path": archive(FIRST, ("/etc/passwd", tarfile.REGTYPE, b"x")),
    "a symbolic link": archive(FIRST, ("labels.txt", tarfile.SYMTYPE, b"/etc/passwd")),
    "a hard link": archive(FIRST, ("labels.txt", tarfile.LNKTYPE, b"manifest.json")),
    "a link for a folder": archive(FIRST, ("a", tarfile.SYMTYPE, b".."), ("a/b", tarfile.REGTYPE, b"x")),
    "a device": archive(FIRST, ("labels.txt", tarfile.CHRTYPE, b"")),
    "a bomb": archive(FIRST, ("model.tflite", tarfile.REGTYPE, bytes(600 << 20))),
    "a bomb that hides its size": zstandard.ZstdCompressor(
        write_checksum=True, write_content_size=False
    ).compress(bytes(64 << 20)),
    "many files": archive(FIRST, *((f"f{n}", tarfile.REGTYPE, b"") for n in range(5000))),
    "nothing": zstandard.ZstdCompressor(write_checksum=True).compress(b""),
    "no archive": b"\x00" * 1000,
    "half an archive": archive(FIRST)[:-5],
    "a manifest that says nothing": archive(FIRST),
}


@pytest.mark.parametrize("what", EVIL)
def test_an_archive_that_is_signed_and_evil_all_the_same_does_no_harm(tmp_path: Path, what: str) -> None:
    """Whoever makes bundles is not trusted with the device because somebody signed what they made."""
    repository = FakeRepository(tmp_path / "repository")
    repository.add(EVIL[what])
    repository.release()
    device = Fitted(tmp_path / "models", repository)
    around = set(tmp_path.rglob("*"))
    with pytest.raises(TrustError, match=r"^people@1\.0\.0-0123456789ab is refused: ") as caught:
        device.update()
    assert caught.value.code == "refused"
    assert device.record.staged is None
    assert device.proved == []
    assert not any((device.slots.folder / "staging").iterdir())
    assert not any((device.slots.folder / "parts").iterdir())
    came = set(tmp_path.rglob("*")) - around
    assert all(path.is_relative_to(device.slots.folder) for path in came)
    assert sum(path.stat().st_size for path in came if path.is_file()) < 100_000
