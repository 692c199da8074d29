"""A model bundle whose network is run on the IMX500 sensor.

The camera's driver frees the network that runs before it looks at the next one, so everything that can be
known without the sensor is checked here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout
from eyespot.ports import ModelIdentity
from eyespot.trust.files import Remedy, read_checked, read_labels
from eyespot.trust.manifest import MOST_RATE_HZ, SensorManifest
from eyespot.trust.rpk import Rpk, check_rpk
from eyespot.trust.sensor_defaults import reading_of

FACTORY = "factory-imx500"  # its network comes from the system's package
_FACTORY_REMEDY = Remedy(
    "`sudo ./install.sh` copies it from the apt package imx500-models",
    "`sudo ./install.sh` copies it anew; if that does not help, the apt package imx500-models has another "
    "version of it: upgrade Eyespot, or make a bundle of your own",
)


@dataclass(frozen=True, slots=True)
class SensorBundle:
    """A bundle whose files are what its manifest says, and whose network the sensor may be given.

    Attributes:
        rpk: what the network's file says.
        network: the bytes that were checked; the driver gets these, not the file again.
        decoder: kind and settings of what reads the outputs; open ones are filled from the file.
        labels: class names by class index, in lower case; the file's where the bundle has none.
    """

    manifest: SensorManifest
    rpk: Rpk = field(repr=False)
    network: bytes = field(repr=False)
    decoder: Mapping[str, object]
    labels: tuple[str, ...]

    @property
    def identity(self) -> ModelIdentity:
        """Who the model is."""
        return self.manifest.identity(self.labels)

    @property
    def layout(self) -> Layout:
        """What a decoder has to know about the tensors."""
        outputs = {output.role: output.shape for output in self.manifest.outputs}
        return Layout(self.manifest.input.width, self.manifest.input.height, outputs, len(self.labels))

    @property
    def rate_hz(self) -> float | None:
        """Inferences a second that the network is made for; None where nobody says it."""
        if self.manifest.rate_hz is not None:
            return self.manifest.rate_hz
        told = self.rpk.intrinsics.inference_rate if self.rpk.intrinsics else None
        return min(told, MOST_RATE_HZ) if told else None


def read_sensor_bundle(folder: Path, manifest: SensorManifest) -> SensorBundle:
    """Return the bundle in a folder, with every file checked.

    Raises:
        ModelError: a file is missing, damaged or not what the manifest says, or the sensor must not have
            the network.
    """
    path = folder / manifest.network.file
    labels = None if manifest.labels is None else read_labels(folder, manifest.labels)
    network = read_checked(folder, manifest.network, _FACTORY_REMEDY if folder.name == FACTORY else Remedy())
    try:
        rpk = check_rpk(network)
        _check_fits(manifest, rpk)
        reading = reading_of(manifest, rpk, labels)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    return SensorBundle(manifest, rpk, network, reading.decoder, reading.labels)


def _check_fits(manifest: SensorManifest, rpk: Rpk) -> None:
    """Check that file and manifest have the same tensors."""
    told, has = manifest.input, rpk.network.input
    if (told.width, told.height) != (has.width, has.height):
        raise ModelError(
            f"its input is {has.width}x{has.height}, manifest.json says {told.width}x{told.height}; "
            "mend `$.input` there"
        )
    shapes = [output.shape for output in rpk.network.outputs]
    told_shapes = [output.shape for output in manifest.outputs]
    if told_shapes != shapes:
        raise ModelError(
            f"its outputs are {_listed(shapes)}, manifest.json says {_listed(told_shapes)}; "
            "mend `$.outputs` there: all of them, in the order of the file"
        )


def _listed(shapes: Sequence[tuple[int, ...]]) -> str:
    return ", ".join(str(list(shape)) for shape in shapes)
