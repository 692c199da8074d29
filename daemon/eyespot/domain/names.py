"""Names as settings of rules bear them."""

from typing import Annotated

from msgspec import Meta

from eyespot.domain.event import RULE_ID

RuleId = Annotated[str, Meta(pattern=f"^{RULE_ID}$")]
ClassName = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[^A-Z]+$")]
ClassNames = Annotated[tuple[ClassName, ...], Meta(min_length=1, max_length=100)]
