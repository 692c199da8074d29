"""Reads what rules have kept: it may be of another version, or damaged."""

from typing import TypeVar

import msgspec

_Form = TypeVar("_Form", bound=msgspec.Struct)


def kept_as(form: type[_Form], snapshot: dict[str, object], whose: str) -> _Form:
    """Return a snapshot in the form in which a rule keeps it.

    Args:
        form: of what is kept.
        snapshot: as it came back from the disk.
        whose: what to call the rule, as "a zone".

    Raises:
        ValueError: it has another form, in words.
    """
    try:
        return msgspec.convert(snapshot, form)
    except msgspec.ValidationError as error:
        raise ValueError(f"not a snapshot of {whose}: {error}") from error
