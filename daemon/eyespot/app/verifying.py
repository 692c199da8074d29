"""`eyespot models verify`: a bundle's folder or archive, looked at as an update would."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.app.anatomy import read_usable
from eyespot.app.golden import Verdict, prove
from eyespot.domain.errors import ModelError, StorageError
from eyespot.domain.paths import is_folder
from eyespot.trust.archive import unpack
from eyespot.trust.packed import check_packed


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that a device would take.

    Attributes:
        bundle: its id.
        tried: how far it was tried, in words.
    """

    bundle: str
    tried: str


def verify(path: Path, *, golden: bool) -> Verified:
    """Check a bundle; nothing of it is run in this process.

    Args:
        path: its folder, or an archive of it.
        golden: whether its network is tried, too, in another process.

    Raises:
        ModelError: it is refused; says why.
        StorageError: there is no room to unpack it.
    """
    if is_folder(path, ModelError):
        return _verified(path, golden=golden)
    try:
        stream = path.open("rb")
    except OSError as error:
        raise ModelError(f"cannot read it: {error.strerror}; name a bundle's folder or archive") from error
    with stream, TemporaryDirectory(prefix="eyespot-") as work:
        try:
            unpack(stream, Path(work))
        except OSError as error:
            raise StorageError(f"cannot unpack {path}: {error.strerror}; make room in {work}") from error
        return _verified(Path(work), golden=golden)


def words(verdict: Verdict) -> str:
    """Return how a bundle was tried."""
    if not verdict.runtime:
        return "its network was looked through; golden vectors can only run on the sensor"
    return (
        f"{verdict.runtime} finds what its {verdict.pictures} golden vectors say: "
        f"{verdict.p50_ms:g} ms an inference (p50), {verdict.memory_mb or '?'} MB"
    )


def _verified(folder: Path, *, golden: bool) -> Verified:
    if golden:
        tried = words(prove(folder))
    else:
        check_packed(folder)
        tried = "its network was not run; --golden does that"
    return Verified(read_usable(folder).identity.bundle, tried)
