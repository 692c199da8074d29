"""Messages on their way to the broker."""

from dataclasses import dataclass
from enum import Enum


class Delivery(Enum):
    """How much a message may cost to deliver.

    LIVE: QoS 0, sent while connected, never queued. STATE: retained, QoS 1, the last value wins and
    is sent again on every connect. DURABLE: QoS 1, kept on disk until the broker has it.
    """

    LIVE = "live"
    STATE = "state"
    DURABLE = "durable"


@dataclass(frozen=True, slots=True)
class Message:
    """One message. Only `topics.gate` makes them: see there."""

    topic: str
    payload: bytes
    delivery: Delivery

    @property
    def retain(self) -> bool:
        """Whether the broker keeps it for later subscribers."""
        return self.delivery is Delivery.STATE

    @property
    def qos(self) -> int:
        """The MQTT quality of service, 0 or 1."""
        return 0 if self.delivery is Delivery.LIVE else 1
