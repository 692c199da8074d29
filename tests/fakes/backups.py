"""Backups as a friend or an enemy would make them."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec

from eyespot.store.database import Change, Database, Row
from eyespot.trust.backup import CONFIGURATION, DATABASE, Manifest, Member, write_backup

CONFIG = b'[camera]\nsource = "scene"\n[mqtt]\nurl = "mqtt://localhost"\n'
FILES = {
    CONFIGURATION: CONFIG,
    "credentials/mqtt-password": b"open sesame\n",
    DATABASE: b"what was counted" * 9,
}
EVENT = "eyespot/v1/shop/rule/door/event"


def manifest(files: Mapping[str, bytes] = FILES) -> Manifest:
    """Return one that tells the truth about the files."""
    return Manifest(
        made="2026-01-01T00:00:00.000Z",
        eyespot="0.1.0",
        device="shop",
        hardware="Raspberry Pi 5 Model B Rev 1.0",
        board="0" * 64,
        rules={"door": {"person": {"in": 3, "out": 2}}},
        seq=5,
        waiting=1,
        files=tuple(
            Member(name, len(data), hashlib.sha256(data).hexdigest()) for name, data in files.items()
        ),
    )


def packed(files: Mapping[str, bytes] = FILES, said: Manifest | None = None) -> bytes:
    """Return a backup."""
    out = io.BytesIO()
    write_backup(out, said or manifest(files), lambda name: io.BytesIO(files[name]))
    return out.getvalue()


def packed_by_tar(
    *members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT, said: Manifest | None = None
) -> bytes:
    """Return what Python's own tar makes of these members, behind a manifest, without its padding."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        data = msgspec.json.encode(said or manifest())
        for info, content in ((named("eyespot-backup/manifest.json"), data), *members):
            if info.isreg():
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
        end = archive.offset
    return gzip.compress(out.getvalue()[: end + 1024])


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    """Return the header of a member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def with_manifest(data: bytes) -> bytes:
    """Return an archive with these bytes for a manifest, and nothing else."""
    info = named("eyespot-backup/manifest.json")
    info.size = len(data)
    return gzip.compress(info.tobuf() + data + bytes(-len(data) % 512))


def count(folder: Path, total: int) -> None:
    """Leave a state folder as a device does that has counted so far, its newest event undelivered."""
    with closing(Database.open(folder)) as database:
        state = b'{"since_utc_ns":0,"state":{"counts":{"person":{"in":%d,"out":0}}}}' % total
        rows = [Row(total, EVENT, b"%d" % total)]
        database.commit(Change(rows, range(total), {"door": state}, total))
