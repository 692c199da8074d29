import numpy as np
import pytest

from eyespot.domain.observation import Detections, Labels, Poses, Shares


def zeros(*shape: int) -> np.ndarray:
    return np.zeros(shape, np.float32)


@pytest.mark.parametrize(
    ("kind", "shapes"),
    [
        (Detections, [(2, 4), (2,), (3,)]),
        (Detections, [(2, 5), (2,), (2,)]),
        (Labels, [(2,), (3,)]),
        (Labels, [(2, 1), (2, 1)]),
        (Shares, [(2, 2)]),
        (Poses, [(2, 16, 3), (2,)]),
        (Poses, [(2, 17, 3), (3,)]),
        (Poses, [(2, 17, 3), (2, 1)]),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(kind: type, shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="want"):
        kind(*(zeros(*shape) for shape in shapes))
