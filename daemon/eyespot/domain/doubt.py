"""What can be in doubt of what is seen: the names of health states, most of which end coverage."""

from typing import Literal, get_args

Doubt = Literal["too_dark", "covered", "defocused", "moved", "flow_changed"]
DOUBTS: tuple[Doubt, ...] = get_args(Doubt)
