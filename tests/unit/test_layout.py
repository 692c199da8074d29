import pytest

from eyespot.domain.errors import ModelError
from eyespot.domain.layout import Layout

LAYOUT = Layout(32, 16, {"boxes": (1, 9, 4), "count": (1,)}, 2)


def test_sides_are_told_without_the_batch() -> None:
    assert LAYOUT.sides("boxes", 2) == (9, 4)
    assert LAYOUT.sides("boxes", 3) == (1, 9, 4)
    assert LAYOUT.sides("count", 1) == (1,)


@pytest.mark.parametrize(("role", "rank"), [("boxes", 1), ("boxes", 4), ("scores", 2)])
def test_an_output_of_another_rank_is_named(role: str, rank: int) -> None:
    with pytest.raises(ModelError, match=f'role "{role}" and {rank} sides'):
        LAYOUT.sides(role, rank)
