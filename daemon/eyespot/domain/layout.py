"""What a decoder has to know about a model's tensors."""

from collections.abc import Mapping
from dataclasses import dataclass

from eyespot.domain.errors import ModelError

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """The tensors of a model.

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

    def places(self, shapes: Mapping[str, Shape]) -> list[int]:
        """Return where the outputs with these roles stand, once they have these shapes.

        Raises:
            ModelError: the model has other outputs.
        """
        if dict(self.outputs) != dict(shapes):
            raise ModelError(
                f"the decoder wants the outputs {_listed(shapes)}, the manifest has "
                f"{_listed(self.outputs)}; make its outputs, decoder and labels fit each other"
            )
        order = list(self.outputs)
        return [order.index(role) for role in shapes]


def _listed(outputs: Mapping[str, Shape]) -> str:
    return ", ".join(f"{role} {list(shape)}" for role, shape in outputs.items())
