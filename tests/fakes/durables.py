"""Messages that wait for the broker, where only their numbers matter."""

from collections.abc import Sequence

from eyespot.domain.message import Delivery, Message
from eyespot.store.settings import Limits
from eyespot.topics.durables import Announced
from eyespot.topics.payloads import DropReason

AMPLE = Limits(most_bytes=2**40, most_age_ns=2**62)


class Numbers:
    """Implements `store.outbox.Durables`: payloads are what a test says, topics begin with `event`."""

    def readmit(self, topic: str, payload: bytes) -> Message:
        if not topic.startswith("event"):
            raise ValueError("not ours")
        return Message(topic, payload, Delivery.DURABLE)

    def announce(self, payloads: Sequence[bytes], reason: DropReason) -> Announced:
        lost = [payload for payload in payloads if not payload.startswith(b"no ")]
        if not payloads:
            return Announced((), 0)
        words = b"no %s to %s" % (payloads[0].removeprefix(b"no ").split()[0], payloads[-1])
        return Announced((Message("event", words, Delivery.DURABLE),), len(lost))

    def outdated(self, payloads: Sequence[bytes], most_age_ns: int) -> int:
        return sum(payload == b"old" for payload in payloads)
