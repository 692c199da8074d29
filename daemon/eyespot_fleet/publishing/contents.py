"""What a packed bundle is, by what is in it."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from eyespot.domain.errors import InputError, ModelError, StorageError
from eyespot.trust.archive import unpack
from eyespot.trust.bundle import read_bundle
from eyespot.trust.manifest import CpuManifest
from eyespot.trust.packed import check_packed


@dataclass(frozen=True, slots=True)
class Contents:
    """What a packed bundle is; devices find it beside the target's digest.

    Attributes:
        bundle: `name@version-sha12`.
        runtime: `tflite` or `imx500`.
        unpacked_bytes: of all its files.
    """

    bundle: str
    runtime: str
    unpacked_bytes: int


def read_contents(path: Path) -> Contents:
    """Unpack a bundle, check it as a device does before it runs the network, and forget it.

    Raises:
        InputError: it is none, or a file of it is not what its manifest says.
        StorageError: there is no room to unpack it.
    """
    try:
        with TemporaryDirectory(prefix="eyespot-fleet-") as scratch, path.open("rb") as file:
            folder = Path(scratch)
            unpack(file, folder)
            runtime = "tflite" if isinstance(check_packed(folder), CpuManifest) else "imx500"
            size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
            return Contents(read_bundle(folder).identity.bundle, runtime, size)
    except ModelError as error:
        raise InputError(f"this bundle is refused: {error}") from error
    except OSError as error:
        raise StorageError(f"cannot unpack the bundle: {error.strerror}; make room for it") from error
