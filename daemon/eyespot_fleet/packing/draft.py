"""What a manifest can say by the network's file and the operator's wishes alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from eyespot.domain.errors import InputError


@dataclass(frozen=True, slots=True)
class Draft:
    """The part of a manifest that depends on the kind of network.

    Attributes:
        fields: `runtime`, `input`, `outputs`, and `decoder` where something is said of it.
        labels: content of the labels file; None where the network brings its own.
        licence: what the file says, in words.
        provenance: likewise.
        min_score: likewise.
        score_tolerance: of golden vectors.
    """

    fields: Mapping[str, Any] = field(repr=False)
    labels: bytes | None
    licence: str = ""
    provenance: str = ""
    min_score: float | None = None
    score_tolerance: float = 0.02


def given_roles(roles: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return the roles that the operator has given, if there are any.

    Raises:
        InputError: there are not as many as the network has outputs.
    """
    if roles and len(roles) != count:
        raise InputError(f"the network has {count} outputs, --roles names {len(roles)}; name each of them")
    return roles


def ask_for_roles(shapes: list[list[int]]) -> InputError:
    """Return the error for outputs that nobody can tell apart."""
    listed = ", ".join(map(str, shapes))
    return InputError(
        f"what its outputs {listed} are cannot be told; name them with --roles, in this order, such as "
        "boxes,classes,scores,count; models/README.md lists the decoders and their roles"
    )
