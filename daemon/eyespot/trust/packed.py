"""A bundle that travels: its manifest names every file, and nothing else is there.

Files are compared in pieces, so that it costs little memory however large they are; none is loaded.
"""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from eyespot.domain.errors import ModelError, foreign
from eyespot.trust.bundle import read_manifest
from eyespot.trust.manifest import MANIFEST, CpuManifest, Manifest
from eyespot.trust.manifest_files import AnyFile

Runtime = Literal["tflite", "imx500"]

_CHUNK = 64 * 1024
_ALLOWED = frozenset((stat.S_IFREG, stat.S_IFDIR))


def check_packed(folder: Path) -> Manifest:
    """Return the manifest of a bundle, after everything was checked that needs no runtime.

    Raises:
        ModelError: a file is missing, damaged, or not named in the manifest; or the manifest leaves out what
            a device is protected by.
    """
    manifest = read_manifest(folder)
    check_shippable(manifest)
    parts = {part.file: part for part in manifest.parts}
    there = set(_files(folder))
    for odd in sorted(there - parts.keys() - {MANIFEST}):
        raise ModelError(f"{folder / odd} is not named in {MANIFEST}; name it under `files`, or take it out")
    for part in parts.values():
        _check(folder, part)
    return manifest


def check_shippable(manifest: Manifest) -> None:
    """Check that a manifest says what a device is protected by that gets the bundle from elsewhere.

    Raises:
        ModelError: it does not.
    """
    if manifest.min_daemon is None:
        raise ModelError(f"{MANIFEST} says no `min_daemon`, the oldest Eyespot that can use it; add it")
    if isinstance(manifest, CpuManifest) and manifest.golden is None:
        raise ModelError(f"{MANIFEST} has no `golden`: nobody can tell whether the network works; add it")


def check_fits(manifest: Manifest, runtime: Runtime, memory_mb: int) -> None:
    """Check that a device can run the network.

    Args:
        manifest: of the bundle.
        runtime: what the device looks with.
        memory_mb: that it has in all.

    Raises:
        ModelError: it cannot; says why.
    """
    who = f"{manifest.name}@{manifest.version}"
    own: Runtime = "tflite" if isinstance(manifest, CpuManifest) else "imx500"
    if own != runtime:
        on = {"tflite": "the processor", "imx500": "the IMX500 sensor"}
        raise ModelError(f"{who} is for {on[own]}, this device looks with {on[runtime]}; offer it another")
    if manifest.needs.memory_mb > memory_mb:
        raise ModelError(
            f"{who} needs {manifest.needs.memory_mb} MB of memory, this device has {memory_mb}; "
            "offer it another"
        )


def read_part(folder: Path, part: AnyFile) -> Iterator[bytes]:
    """Yield a file in pieces; only what was read to its end is what the manifest says.

    Raises:
        ModelError: it is missing, no plain file, or another one.
    """
    path = folder / part.file
    doubt = ModelError(f"{path} is not what {MANIFEST} says; put the whole bundle back")
    digest, size = hashlib.sha256(), 0
    for piece in _pieces(path):
        digest.update(piece)
        size += len(piece)
        if size > part.size_bytes:
            raise doubt
        yield piece
    if size != part.size_bytes or digest.hexdigest() != part.sha256:
        raise doubt


def _check(folder: Path, part: AnyFile) -> None:
    for _ in read_part(folder, part):
        pass


def _pieces(path: Path) -> Iterator[bytes]:
    if not os.path.lexists(path):
        raise ModelError(f"{path} is missing; put the whole bundle back")
    with foreign(ModelError, f"cannot read {path}; put the whole bundle back"):
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb", buffering=0) as file:
            while piece := file.read(_CHUNK):
                yield piece


def _files(folder: Path, inside: str = "") -> Iterator[str]:
    """Yield the path of every file in a folder and in those below it, and of any folder further down."""
    with foreign(ModelError, f"cannot look into {folder / inside}"):
        entries = sorted(os.scandir(folder / inside), key=lambda entry: entry.name)
    for entry in entries:
        path = f"{inside}{entry.name}"
        if stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode) not in _ALLOWED:
            raise ModelError(f"{folder / path} is no plain file; a bundle has nothing else")
        if entry.is_dir(follow_symlinks=False) and not inside:
            yield from _files(folder, f"{path}/")
        else:
            yield path
