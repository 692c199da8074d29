"""What a packed bundle is, by what is in it."""

import tarfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import zstandard

from eyespot.domain.errors import ModelError, foreign
from eyespot.trust.bundle import CpuBundle, read_bundle

SUFFIX: Final = ".tar.zst"


@dataclass(frozen=True, slots=True)
class Packed:
    """A packed bundle.

    Attributes:
        bundle: `name@version-sha12`.
        runtime: `tflite` or `imx500`.
        unpacked_bytes: of all its files.
    """

    bundle: str
    runtime: str
    unpacked_bytes: int


def inspect(path: Path) -> Packed:
    """Unpack a bundle, check it as a device does before it loads it, and forget it.

    Raises:
        ModelError: it is none, or a file of it is not what its manifest says.
    """
    with TemporaryDirectory(prefix="eyespot-fleet-") as scratch:
        folder = Path(scratch)
        with foreign(ModelError, f"{path.name} is no packed bundle"), path.open("rb") as file:
            stream = zstandard.ZstdDecompressor().stream_reader(file)
            with tarfile.open(fileobj=stream, mode="r|") as archive:
                archive.extractall(folder, filter="data")
        bundle = read_bundle(folder)
        size = sum(one.stat().st_size for one in folder.rglob("*") if one.is_file())
    runtime = "tflite" if isinstance(bundle, CpuBundle) else "imx500"
    return Packed(bundle.identity.bundle, runtime, size)
