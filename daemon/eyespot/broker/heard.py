"""What a subscriber hears."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as a subscriber received it; `retain` when the broker had kept it."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
