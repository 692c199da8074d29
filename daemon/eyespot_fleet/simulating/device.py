"""One simulated device: it connects, tells its states, tells its crossings, and comes back."""

import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.backoff import SETTLED_S, Backoff
from eyespot.broker.session import Ending
from eyespot.broker.version import Version
from eyespot.domain.message import Heard, Message
from eyespot.ports import Subscription
from eyespot_fleet.simulating.speaking import HEALTH_S, Speaker

_MOST_KEPT = 100
_MOST_ANSWERING_S = 10.0
_STATE = 0  # the token of what need not be kept


class Line(Protocol):
    """A connection to the broker.

    Attributes:
        opened: the broker has accepted it.
        ending: why it is over, once it is.
        acknowledged: tokens of messages that the broker has, in order, to be taken.
        heard: what came, to be taken.
        refused: how many messages the broker did not take.
    """

    opened: bool
    ending: Ending
    acknowledged: deque[int]
    heard: deque[Heard]
    refused: int

    @property
    def socket(self) -> Any: ...  # noqa: D102 - see `Connection`
    @property
    def unanswered(self) -> int: ...  # noqa: D102
    @property
    def wants_to_write(self) -> bool: ...  # noqa: D102

    def dial(self) -> bool: ...  # noqa: D102
    def turn(self, *, readable: bool) -> None: ...  # noqa: D102
    def keep_alive(self) -> None: ...  # noqa: D102
    def publish(self, message: Message, token: int) -> None: ...  # noqa: D102
    def close(self, *, politely: bool = False) -> None: ...  # noqa: D102


Connect = Callable[[str, Message, Sequence[Subscription], MQTTProtocolVersion], Line]


class Device:
    """Says what a real one says. Crossings are kept until the broker has them, in order.

    Args:
        prefix: of the topics.
        name: its id, also that of its client.
        every_s: between two crossings; 0: there are none.
        connect: makes its connections, not dialled yet.
        random: gives a number in 0..1, for when it begins.
        jitter: the same, for when it comes back.
        utc_ns: the time.

    Attributes:
        line: the connection; None while there is none.
        due_s: when it wants to dial, on the clock of `now_s`; only where there is no connection.
        sent: crossings that it has made.
        acknowledged: those that the broker has.
        dropped: those that gave way as the broker was away for too long.
        refused: messages that the broker did not take.
        answered: commands.
        opened_s: when it was accepted last; None before.
        dialled: how often.
        reason: why its last connection ended; empty before.
    """

    def __init__(
        self,
        prefix: str,
        name: str,
        every_s: float,
        *,
        connect: Connect,
        random: Callable[[], float],
        jitter: Callable[[], float],
        utc_ns: Callable[[], int],
    ) -> None:
        self.line: Line | None = None
        self.due_s = 0.0
        self.sent = self.acknowledged = self.dropped = self.refused = self.answered = self.dialled = 0
        self.opened_s: float | None = None
        self.reason = ""
        self._name = name
        self._every_s = every_s
        self._connect = connect
        self._utc_ns = utc_ns
        self._backoff = Backoff(jitter)
        self._version = Version()
        self._speaker = Speaker(prefix, name, secrets.token_hex(8), utc_ns())
        self._will = self._speaker.offline(utc_ns())
        self._next_s = random() * every_s
        self._health_s = random() * HEALTH_S
        self._kept: dict[int, Message] = {}
        self._announcement = _STATE
        self._greeted = False
        self._dialled_s = 0.0

    def begin(self, now_s: float) -> None:
        """Take note of when it begins."""
        self._next_s += now_s
        self._health_s += now_s

    def dial(self, now_s: float) -> None:
        """Try to connect; where that goes well there is a `line` to be turned now."""
        self.dialled += 1
        self._greeted, self._dialled_s = False, now_s
        self.line = self._connect(self._name, self._will, self._speaker.subscriptions, self._version.now)
        if not self.line.dial():
            self.lose(now_s)

    def is_over(self, now_s: float) -> bool:
        """Whether its connection has ended, or never gets to anything."""
        if self.line is None:
            return False
        late = not self.line.opened and now_s - self._dialled_s > _MOST_ANSWERING_S
        return late or self.line.socket is None

    def lose(self, now_s: float) -> None:
        """Close what there is, and wait as a real device does."""
        line = self.line
        if line is None:
            return
        line.close()
        if self._greeted and self.opened_s is not None and now_s - self.opened_s > SETTLED_S:
            self._backoff.reset()
        self.line, self.reason = None, line.ending.reason
        at_once = self._version.learn(line.ending, opened=line.opened)
        self.due_s = now_s if at_once else now_s + self._backoff.next_s(alone=line.ending.alone)

    def turn(self, now_s: float) -> None:
        """Take the broker's word; greet where it has just accepted us; answer."""
        line = self.line
        if line is None:
            return
        while line.acknowledged:
            self._take(line.acknowledged.popleft())
        self.refused, line.refused = self.refused + line.refused, 0
        if line.opened and not self._greeted:
            self._greet(line, now_s)
        while line.heard:
            if (answer := self._speaker.answer(line.heard.popleft(), self._utc_ns())) is not None:
                line.publish(answer, _STATE)
                self.answered += 1

    def farewell(self) -> None:
        """Say that it goes, as a real one that is stopped."""
        if self.line is not None and self._greeted:
            self.line.publish(self._speaker.offline(self._utc_ns()), _STATE)

    def speak(self, now_s: float) -> None:
        """Say what there is to say by now; about ten times a second."""
        line = self.line if self._greeted else None
        if now_s >= self._health_s:
            self._health_s = now_s + HEALTH_S
            if line is not None:
                line.publish(self._speaker.health(self._utc_ns()), _STATE)
        if self._every_s and now_s >= self._next_s:
            self._next_s = max(self._next_s + self._every_s, now_s)
            self._cross(line)

    def _greet(self, line: Line, now_s: float) -> None:
        self._greeted, self.opened_s = True, now_s
        for message in self._speaker.states(self._utc_ns()):
            line.publish(message, _STATE)
        for token, message in self._kept.items():
            line.publish(message, token)

    def _cross(self, line: Line | None) -> None:
        message = self._speaker.event(self._utc_ns())
        self.sent += 1
        self._kept[self.sent] = message
        if len(self._kept) > _MOST_KEPT:
            self._give_way()
        if line is not None:
            line.publish(message, self.sent)
            line.publish(self._speaker.rule_state(self._utc_ns()), _STATE)

    def _give_way(self) -> None:
        """Let the two that are oldest give way to one that says so."""
        (_, oldest), (token, older), *others = self._kept.items()
        announced = self._speaker.dropped((oldest, older), self._utc_ns())
        self.dropped += announced.lost
        self._announcement = token
        self._kept = dict([(token, announced.messages[0]), *others])

    def _take(self, token: int) -> None:
        if self._kept.pop(token, None) is not None and token != self._announcement:
            self.acknowledged += 1
