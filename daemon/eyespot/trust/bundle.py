"""A model bundle: a folder of data that is checked before anything of it is loaded.

Size and sha256 come first because a runtime may crash on a damaged network, or run on with wrong weights.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from eyespot.domain.errors import ModelError, foreign
from eyespot.domain.layout import Layout
from eyespot.domain.paths import is_folder
from eyespot.ports import ModelIdentity
from eyespot.trust.files import read_checked, read_labels, read_whole
from eyespot.trust.manifest import (
    MANIFEST,
    MOST_MANIFEST_BYTES,
    CpuManifest,
    Manifest,
    SensorManifest,
    parse_manifest,
)
from eyespot.trust.sensor_bundle import FACTORY as SENSOR_FACTORY
from eyespot.trust.sensor_bundle import SensorBundle, read_sensor_bundle
from eyespot.trust.tflite import is_tflite

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class CpuBundle:
    """A bundle whose files are what its manifest says, and whose network is run on the CPU.

    Attributes:
        network: the bytes that were checked; engines load these, not the file again.
        labels: class names by class index, in lower case, aliases applied.
    """

    manifest: CpuManifest
    labels: tuple[str, ...]
    network: bytes = field(repr=False)

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is."""
        return self.manifest.identity(self.labels)

    @property
    def decoder(self) -> Mapping[str, object]:
        """Kind and settings of what reads the outputs."""
        return self.manifest.decoder

    @property
    def layout(self) -> Layout:
        """What a decoder has to know about the tensors."""
        outputs = {output.role: output.shape for output in self.manifest.outputs}
        return Layout(self.manifest.input.width, self.manifest.input.height, outputs, len(self.labels))


Bundle = CpuBundle | SensorBundle


def find_bundle(name: str, *, on_sensor: bool = False) -> Path:
    """Return the folder of a bundle.

    Args:
        name: "factory" for the model that comes with Eyespot, else the path of a folder.
        on_sensor: whether "factory" is the one for the IMX500 sensor.

    Raises:
        ModelError: there is no such folder.
    """
    if name == "factory":
        own = SENSOR_FACTORY if on_sensor else "factory"
        packaged = _PACKAGE / "models" / own
        # an editable install reads the checkout's
        folder = packaged if packaged.is_dir() else _PACKAGE.parents[1] / "models" / own
    else:
        with foreign(ModelError, f"cannot find the bundle {name}; name its folder by a full path"):
            folder = Path(name).expanduser()
    if not is_folder(folder, ModelError):
        raise ModelError(f'{folder} is no folder; name a model bundle\'s folder, or "factory"')
    return folder


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of the bundle in a folder.

    Raises:
        ModelError: it is missing, damaged, or for another version of Eyespot.
    """
    return parse_manifest(read_whole(folder / MANIFEST, MOST_MANIFEST_BYTES))


def read_bundle(folder: Path) -> Bundle:
    """Return the bundle in a folder, with every file checked.

    Raises:
        ModelError: a file is missing, damaged or not what the manifest says.
    """
    manifest = read_manifest(folder)
    if isinstance(manifest, SensorManifest):
        return read_sensor_bundle(folder, manifest)
    labels = read_labels(folder, manifest.labels)
    network = read_checked(folder, manifest.network)
    if not is_tflite(network):
        raise ModelError(f"{folder / manifest.network.file} is no TensorFlow Lite model; pack another one")
    return CpuBundle(manifest, labels, network)
