"""What a doubt does to coverage, and how it is put into words."""

from collections.abc import Container

from eyespot.domain.bucket import Worth
from eyespot.domain.doubt import Doubt
from eyespot.domain.observation import Sight


def worth(sight: Sight, doubts: Container[Doubt]) -> Worth:
    """Return what a look is worth while something is in doubt.

    Numbers that are not as usual are news, and no reason to believe them less.
    """
    if sight == "clear" and "defocused" in doubts:
        return "defocused"
    return "moved" if sight == "clear" and "moved" in doubts else sight


def two_digits(figure: float) -> str:
    """Return a figure as people read it."""
    return f"{float(f'{figure:.2g}'):g}"
