"""Names as settings bear them."""

from typing import Annotated

from msgspec import Meta

from eyespot.domain.event import RULE_ID

DeviceId = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$", examples=["entrance-1"])]
RuleId = Annotated[str, Meta(pattern=f"^{RULE_ID}$")]
ClassName = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^A-Z]+$")]
ClassNames = Annotated[tuple[ClassName, ...], Meta(min_length=1, max_length=100)]
