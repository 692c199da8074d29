"""A bundle's folder into one file, after everything was checked that a device will check."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eyespot.app import prove
from eyespot.app.golden import Verdict
from eyespot.app.verifying import words
from eyespot.domain.errors import InputError, ModelError, StorageError
from eyespot.domain.placing import new_file, put
from eyespot.trust import archive
from eyespot.trust.bundle import Bundle, read_bundle
from eyespot.trust.sensor_bundle import SensorBundle
from eyespot.trust.sensor_defaults import contradictions


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed bundle.

    Attributes:
        file: where it is.
        bundle: its id.
        sha256: of the file.
        verdict: how it was tried.
    """

    file: Path
    bundle: str
    size_bytes: int
    sha256: str
    verdict: Verdict

    @property
    def tried(self) -> str:
        """In words, how it was tried."""
        return words(self.verdict)

    def as_object(self) -> dict[str, Any]:
        """Return it for JSON."""
        tried = {name: getattr(self.verdict, name) for name in ("runtime", "pictures", "p50_ms", "memory_mb")}
        return {**asdict(self), "file": str(self.file), "verdict": tried}


def pack(folder: Path, output: Path | None, *, despite_file: bool = False) -> Packed:
    """Check a bundle, and pack it.

    Args:
        folder: of the bundle.
        output: a file, which appears whole or not at all; by default the bundle's id in this folder.
        despite_file: whether the manifest may contradict what the network's file says of itself.

    Raises:
        InputError: the bundle would be refused by devices, or contradicts its file.
        StorageError: the file cannot be written.
    """
    try:
        verdict = prove(folder)
        bundle = read_bundle(folder)
        if not despite_file:
            _check_contradictions(bundle)
        file = output or Path(f"{bundle.identity.bundle}{archive.SUFFIX}")
        _write(folder, file)
    except ModelError as error:
        raise InputError(str(error)) from error
    with file.open("rb") as packed:
        sha256 = hashlib.file_digest(packed, "sha256").hexdigest()
    return Packed(file, bundle.identity.bundle, file.stat().st_size, sha256, verdict)


def _check_contradictions(bundle: Bundle) -> None:
    if isinstance(bundle, SensorBundle):
        for words in contradictions(bundle.manifest, bundle.rpk, bundle.labels):
            raise InputError(f"{words}; mend the manifest, or pack it with --despite-file if it is right")


def _write(folder: Path, file: Path) -> None:
    new = file.with_name(f".{file.name}.new")
    try:
        with new_file(new, 0o644) as stream:
            archive.pack(folder, stream)
        put(new, file)
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error.strerror}; name another place") from error
