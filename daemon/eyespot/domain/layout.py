"""What a decoder has to know about a model's tensors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eyespot.domain.errors import ModelError
from eyespot.domain.observation import Floats

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tensors of a model.

    Any of the outputs may have a leading side of 1, the batch: networks on a CPU have it, those on a
    sensor do not. Decoders never see it.

    Attributes:
        width: of the input, in pixels.
        height: of the input, in pixels.
        outputs: role -> shape, in the order in which an engine returns the tensors.
        labels: how many class names there are.
    """

    width: int
    height: int
    outputs: Mapping[str, Shape]
    labels: int

    def sides(self, role: str, rank: int) -> Shape:
        """Return the sides of an output, of which there are as many as the rank says.

        Raises:
            ModelError: there is no such output.
        """
        shape = self.outputs.get(role, ())
        if len(shape) == rank:
            return shape
        if len(shape) == rank + 1 and shape[0] == 1:
            return shape[1:]
        raise ModelError(f'no output has the role "{role}" and {rank} sides; mend `$.outputs`')

    def reader(self, shapes: Mapping[str, Shape]) -> "TensorReader":
        """Return what takes these roles, of these shapes without the batch, out of a model's tensors.

        Raises:
            ModelError: the model has other outputs.
        """
        same = self.outputs.keys() == shapes.keys()
        if not same or not all(_fits(self.outputs[role], shape) for role, shape in shapes.items()):
            raise ModelError(
                f"the decoder wants the outputs {_listed(shapes)}, the manifest has "
                f"{_listed(self.outputs)}; make its outputs, decoder and labels fit each other"
            )
        order = list(self.outputs)
        return TensorReader(tuple((order.index(role), shape) for role, shape in shapes.items()))

    @property
    def size(self) -> Floats:
        """Width and height of the input in pixels, (2,)."""
        return np.array([self.width, self.height], np.float32)


@dataclass(frozen=True, slots=True)
class TensorReader:
    """Takes outputs out of a model's tensors.

    Attributes:
        wanted: place among the tensors and shape without the batch, of each output.
    """

    wanted: tuple[tuple[int, Shape], ...]

    def read(self, tensors: Sequence[NDArray[np.generic]]) -> list[Floats]:
        """Return the outputs as float32 in the wanted order and shapes; not copied where that can be.

        Raises:
            ModelError: the tensors are not those of the manifest.
        """
        if len(tensors) != len(self.wanted):
            raise ModelError(
                f"the model gave {len(tensors)} tensors, not {len(self.wanted)} as its manifest says"
            )
        return [_shaped(tensors[place], shape) for place, shape in self.wanted]


def _shaped(tensor: NDArray[np.generic], shape: Shape) -> Floats:
    if not _fits(tensor.shape, shape):
        raise ModelError(
            f"the model gave a tensor of shape {list(tensor.shape)}, not {list(shape)} as its manifest says"
        )
    return np.asarray(tensor, np.float32).reshape(shape)


def _fits(shape: Shape, wanted: Shape) -> bool:
    return shape in {wanted, (1, *wanted)}


def _listed(outputs: Mapping[str, Shape]) -> str:
    return ", ".join(f"{role} {list(shape)}" for role, shape in outputs.items())
