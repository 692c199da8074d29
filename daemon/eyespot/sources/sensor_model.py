"""A model that the IMX500 sensor can run."""

from dataclasses import dataclass

from eyespot.decoders import Decoder
from eyespot.domain.geometry import Region
from eyespot.domain.layout import Shape
from eyespot.domain.observation import Found
from eyespot.ports import ModelIdentity
from eyespot.sources.sensor_network import Pixels4, roi_of
from eyespot.trust.sensor_bundle import SensorBundle


@dataclass(frozen=True, slots=True)
class SensorModel:
    """What is swapped together.

    Attributes:
        bundle: its files, checked.
        decoder: makes something of its tensors.
        identity: whose work the observations are.
    """

    bundle: SensorBundle
    decoder: Decoder[Found]
    identity: ModelIdentity

    @property
    def shapes(self) -> tuple[Shape, ...]:
        """Of its outputs, in the order in which they come."""
        return tuple(output.shape for output in self.bundle.manifest.outputs)

    def roi_px(self, wanted: Region | None) -> Pixels4:
        """Return the part of the frame that it is to see; see `roi_of`."""
        entrance = self.bundle.manifest.input
        return roi_of(wanted, entrance.resize, entrance.width / entrance.height)
