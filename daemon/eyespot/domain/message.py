"""Messages on their way to the broker, and what it passes on."""

from dataclasses import dataclass
from enum import Enum
from typing import Literal

import msgspec

Traffic = Literal["events", "states", "health", "live", "standards", "answers"]  # by what it is for


class Delivery(Enum):
    """How much a message may cost to deliver.

    LIVE: QoS 0, sent while connected, never queued. ANSWER: QoS 1, to somebody who waits for it just now;
    goes with the connection. STATE: retained, QoS 1, the last value wins and is sent again on every
    connect. DURABLE: QoS 1, kept on disk until the broker has it.
    """

    LIVE = "live"
    ANSWER = "answer"
    STATE = "state"
    DURABLE = "durable"


class Message(msgspec.Struct, frozen=True):
    """One message. Only `topics.gate` makes them: see there.

    Attributes:
        correlation: what an answer gives back to whoever asked, as MQTT 5 has it.
    """

    topic: str
    payload: bytes
    delivery: Delivery
    correlation: bytes | None = None

    @property
    def retain(self) -> bool:
        """Whether the broker keeps it for later subscribers."""
        return self.delivery is Delivery.STATE

    @property
    def qos(self) -> int:
        """The MQTT quality of service, 0 or 1."""
        return 0 if self.delivery is Delivery.LIVE else 1

    @property
    def packet_bytes(self) -> int:
        """The size of its PUBLISH packet in MQTT 5 (MQTT 5.0, 2.1 and 3.3); in 3.1.1 it is one less."""
        properties = 1
        if self.correlation is not None:
            properties = _digits(3 + len(self.correlation)) + 3 + len(self.correlation)
        rest = 2 + len(self.topic.encode()) + 2 * self.qos + properties + len(self.payload)
        return 1 + _digits(rest) + rest


def _digits(number: int) -> int:
    """Return how many bytes MQTT writes a length in: seven bits in each."""
    return max(1, -(-number.bit_length() // 7))


@dataclass(frozen=True, slots=True)
class Heard:
    """One message as a subscriber received it.

    Attributes:
        retain: the broker had kept it, or was to keep it.
        answer_to: where an answer is wanted; MQTT 5 alone knows that.
        correlation: what the answer is to give back.
    """

    topic: str
    payload: bytes
    retain: bool
    qos: int
    answer_to: str | None = None
    correlation: bytes | None = None
