"""Bounds of what is kept over a restart: what is beyond them would be refused on its way out, each time."""

from typing import Annotated

from msgspec import Meta

KeptUtc = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]  # ns since 1970; the year 2262 is the last
KeptLabel = Annotated[str, Meta(max_length=64)]
KeptBundle = Annotated[str, Meta(max_length=160)]
KeptTrack = Annotated[int, Meta(ge=0, le=2**53)]
KeptPart = Annotated[float, Meta(ge=-16, le=16)]  # of the frame; a box may reach over its edges
