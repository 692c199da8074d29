"""What rules keep over a restart: its bounds, and how it is read, as it may be damaged or of another version.

What is beyond the bounds would be refused on its way out, each time.
"""

from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

KeptUtc = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # ns since 1970; the year 2262 is the last
KeptLabel = Annotated[str, Meta(max_length=64)]
KeptBundle = Annotated[str, Meta(max_length=160)]
KeptTrack = Annotated[int, Meta(ge=0, le=2**53)]
KeptPart = Annotated[float, Meta(ge=-16, le=16)]  # of the frame; a box may reach over its edges

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
