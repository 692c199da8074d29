"""A broker that answers only when the test says so."""

from eyespot.domain.message import Message
from eyespot.ports import Beat, BrokerEvents


class Wire:
    """Implements `ports.Broker`; nothing happens by itself.

    Attributes:
        online: whether it takes messages.
        sent: every message that it took, with its token, in order.
    """

    def __init__(self) -> None:
        self.online = True
        self.sent: list[tuple[int, Message]] = []
        self._answered: set[int] = set()

    @property
    def payloads(self) -> list[bytes]:
        """What it took, in order."""
        return [message.payload for _, message in self.sent]

    def unanswered(self) -> list[tuple[int, Message]]:
        """Return what has QoS 1 and was not returned before."""
        new = [(token, m) for token, m in self.sent if m.qos and token not in self._answered]
        self._answered.update(token for token, _ in new)
        return new

    def attach(self, events: BrokerEvents, will: Message) -> None:
        """Tests call the events themselves."""

    def run(self, beat: Beat) -> None:
        """There is nothing to run."""

    def publish(self, message: Message, token: int) -> bool:
        if self.online:
            self.sent.append((token, message))
        return self.online

    def stop(self, farewell: Message, timeout_s: float) -> None:
        """There is nothing to stop."""
