"""One simulated device: it connects, tells its states, tells its crossings, and comes back."""

import secrets
from collections import deque
from collections.abc import Callable

from eyespot.broker.backoff import SETTLED_S, Backoff
from eyespot.broker.credentials import Credentials
from eyespot.broker.settings import Endpoint
from eyespot.domain.message import Message
from eyespot_fleet.simulating.connection import Connection
from eyespot_fleet.simulating.speaking import Speaker

_HEALTH_S = 60.0
_MOST_KEPT = 100


class Device:
    """Says what a real one says. Crossings are kept until the broker has them, in order.

    Args:
        prefix: of the topics.
        name: its id, also that of its client.
        every_s: between two crossings.
        random: gives a number in 0..1.
        utc_ns: the time.

    Attributes:
        connection: None while there is none.
        due_s: when it wants to dial, on the clock of `now_s`; only where there is no connection.
        sent: crossings that it has made.
        acknowledged: those that the broker has.
        dropped: those that gave way as the broker was away for too long.
        refused: messages that the broker did not take.
        opened_s: when it was accepted last; None before.
        dialled: how often.
    """

    def __init__(
        self, prefix: str, name: str, every_s: float, random: Callable[[], float], utc_ns: Callable[[], int]
    ) -> None:
        self.connection: Connection | None = None
        self.due_s = 0.0
        self.sent = self.acknowledged = self.dropped = self.refused = self.dialled = 0
        self.opened_s: float | None = None
        self._name = name
        self._every_s = every_s
        self._utc_ns = utc_ns
        self._backoff = Backoff(random)
        self._speaker = Speaker(prefix, name, secrets.token_hex(8), utc_ns())
        self._will = self._speaker.will()
        self._next_s = random() * every_s
        self._health_s = random() * _HEALTH_S
        self._kept: deque[tuple[int, Message]] = deque()
        self._greeted = False

    def begin(self, now_s: float) -> None:
        """Take note of when it begins."""
        self._next_s += now_s
        self._health_s += now_s

    def dial(self, where: Endpoint, login: Credentials, now_s: float) -> bool:
        """Try to connect; return whether there is a connection to be turned now."""
        self.dialled += 1
        self._greeted = False
        self.connection = Connection(self._name, where, login, self._will)
        if self.connection.dial():
            return True
        self.lose(now_s)
        return False

    def lose(self, now_s: float) -> None:
        """Close what there is, and wait as a real device does."""
        if self.connection is None:
            return
        self.connection.close()
        if self._greeted and self.opened_s is not None and now_s - self.opened_s > SETTLED_S:
            self._backoff.reset()
        self.connection = None
        self.due_s = now_s + self._backoff.next_s()

    def turn(self, now_s: float) -> None:
        """Take the broker's word; greet where it has just accepted us."""
        line = self.connection
        if line is None:
            return
        while line.acknowledged:
            self._take(line.acknowledged.popleft())
        self.refused, line.refused = self.refused + line.refused, 0
        if line.opened and not self._greeted:
            self._greeted, self.opened_s = True, now_s
            for message in self._speaker.states(self._utc_ns()):
                line.publish(message, 0)
            for token, message in self._kept:
                line.publish(message, token)

    def farewell(self) -> None:
        """Say that it goes, as a real one that is stopped."""
        if self.connection is not None and self._greeted:
            self.connection.publish(self._will, 0)

    def speak(self, now_s: float) -> None:
        """Say what there is to say by now; about ten times a second."""
        line = self.connection if self._greeted else None
        if now_s >= self._health_s:
            self._health_s = now_s + _HEALTH_S
            if line is not None:
                line.publish(self._speaker.health(self._utc_ns()), 0)
        if self._every_s and now_s >= self._next_s:
            self._next_s = max(self._next_s + self._every_s, now_s)
            self._cross(line)

    def _cross(self, line: Connection | None) -> None:
        message = self._speaker.event(self._utc_ns())
        self.sent += 1
        self._kept.append((self.sent, message))
        if len(self._kept) > _MOST_KEPT:
            self._kept.popleft()
            self.dropped += 1
        if line is not None:
            line.publish(message, self.sent)
            line.publish(self._speaker.rule_state(self._utc_ns()), 0)

    def _take(self, token: int) -> None:
        if self._kept and token >= self._kept[0][0] and token:
            self._kept.popleft()
            self.acknowledged += 1
