"""What is under way to the broker, what comes next, and what it would not have."""

from collections import deque
from collections.abc import Callable, Collection, Mapping

import msgspec

from eyespot.domain.errors import StorageError
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Delivery, Message
from eyespot.ports import Broker, Clock
from eyespot.store.budget import Budget
from eyespot.store.outbox import Outbox

WINDOW = 20
# After a crash what was under way comes again, and so does what the broker had before the disk knew.
MOST_SETTLED = 10
_LIVE = 0
_STATE = 0
_ANSWER = -1
_MOST_ANSWERS = 20
# A whole fleet may come back at once with a week's events: what is new leaves at once, a backlog in turn.
_BURST, _DRAINED_A_SECOND = 200, 100


class _State(msgspec.Struct, frozen=True):
    """The last value of a retained topic.

    Attributes:
        made_after: id of the newest durable message when this value was made.
    """

    message: Message
    made_after: int


class _Flight(msgspec.Struct, frozen=True):
    """A message under way; `key` is its id in the outbox, 0 for a state, -1 for an answer."""

    message: Message
    key: int


class _Behind(msgspec.Struct, frozen=True):
    """What was left behind before it is tried again: up to that id, only messages on these topics wait."""

    up_to: int = 0
    topics: frozenset[str] = frozenset()


class Courier:
    """Sends messages, and knows what the broker has. Called by one thread, never waits.

    At most 20 messages are unanswered at any time, and one for each retained topic, so that values arrive
    in order. Durable messages leave in the order in which they were made; after a reconnection all
    that are unanswered are sent again, and every state.

    Args:
        broker: the way out.
        outbox: where durable messages wait.
        clock: for the rate at which a backlog leaves.
        budget: counts what leaves, and says what has to wait.

    Attributes:
        online: whether the broker is connected.
        searching: whether the last `pump` ended before it had found what comes next; to be called again soon.
    """

    def __init__(self, broker: Broker, outbox: Outbox, clock: Clock, budget: Budget) -> None:
        self._broker = broker
        self._budget = budget
        self._outbox = outbox
        self._states: dict[str, _State] = {}
        self._due: dict[str, _State] = {}  # those that the broker does not have
        self._answers: deque[Message] = deque(maxlen=_MOST_ANSWERS)
        self._flights: dict[int, _Flight] = {}
        self._token = _LIVE
        self._sent_up_to = self._highest = 0
        self._blocked: set[str] = set()
        self._held: set[str] = set()  # durable ones that were refused, also if they are not blocked any more
        self._behind = _Behind()
        self._complaints: dict[str, str] = {}
        self._clock = clock
        self._allowance = float(_BURST)
        self._allowed_ns = clock.now_ns()
        self.online = self.searching = False

    @property
    def complaints(self) -> Mapping[str, str]:
        """Topics that the broker refuses, with its reasons, until it takes a message on them."""
        return self._complaints

    @property
    def under_way(self) -> Collection[int]:
        """Ids of the durable messages that the broker may have: unanswered, also at the last cut."""
        return {flight.key for flight in self._flights.values() if flight.key > 0}

    @property
    def caught_up(self) -> bool:
        """Whether every durable message has been sent, or is on a topic that the broker refuses."""
        return self._sent_up_to >= self._outbox.newest

    @property
    def all_left(self) -> bool:
        """Whether nothing is left to send but what the broker refuses."""
        if self._answers or not self.caught_up:
            return False
        return not self._due or all(
            topic in self._blocked or self._budget.holds(state.message) for topic, state in self._due.items()
        )

    @property
    def idle(self) -> bool:
        """Whether nothing is under way, either."""
        return not self._flights and self.all_left

    def connected(self) -> None:
        """Begin again: nothing is under way, every state is due, every refusal is tried once more."""
        self.online = True
        self._flights.clear()
        self._due = dict(self._states)
        self.retry_refused()
        self._behind = _Behind()  # what was under way is to be sent again, too

    def disconnected(self) -> None:
        """Send nothing until connected again; whoever waited for an answer waits no more."""
        self.online = False
        self._answers.clear()

    def retry_refused(self) -> None:
        """Try topics again that the broker refused: somebody may have allowed them."""
        self._behind = _Behind(self._sent_up_to, frozenset(self._held)) if self.caught_up else _Behind()
        self._held.clear()
        self._blocked.clear()
        self._sent_up_to = 0

    def accept(self, message: Message) -> None:
        """Take a message: a live one leaves now or never, the others with the next `pump`."""
        if not self._budget.admits(message):
            return
        if message.delivery is Delivery.DURABLE:
            self._outbox.add(message)
        elif message.delivery is Delivery.STATE:
            state = _State(message, self._outbox.newest)
            self._states[message.topic] = self._due[message.topic] = state
        elif self.online and message.delivery is Delivery.ANSWER:
            self._answers.append(message)
        elif self.online and self._broker.publish(message, _LIVE):
            self._budget.spend(message)

    def acknowledged(self, token: int) -> None:
        """Note that the broker has a message."""
        flight = self._flights.pop(token, None)
        if flight is None or flight.key == _ANSWER:
            return
        topic = flight.message.topic
        self._complaints.pop(topic, None)
        self._blocked.discard(topic)
        if flight.key != _STATE:
            self._outbox.delivered(flight.key)
        elif not flight.message.payload and topic not in self._due:
            del self._states[topic]  # the broker has removed it: nothing to repeat

    def refused(self, token: int, reason: str) -> None:
        """Note that the broker will not have a message: its topic waits, and keeps what it has.

        Of an answer nothing is kept and nothing said: whoever asked may have chosen its topic.
        """
        flight = self._flights.pop(token, None)
        if flight is None or flight.key == _ANSWER:
            return
        topic = flight.message.topic
        self._blocked.add(topic)
        self._complaints[topic] = reason
        if flight.key == _STATE:
            self._due[topic] = self._states[topic]
        else:
            self._held.add(topic)

    def pump(self) -> None:
        """Send as much as may be under way at once.

        Raises:
            StorageError: the outbox cannot be read; states leave nevertheless.
        """
        self._allow()
        self.searching = False
        try:
            self._send_all(self._next)
        except StorageError:
            self._send_all(self._next_state)
            raise

    def _allow(self) -> None:
        now_ns = self._clock.now_ns()
        grown = (now_ns - self._allowed_ns) / SECOND_NS * _DRAINED_A_SECOND
        self._allowance, self._allowed_ns = min(_BURST, self._allowance + grown), now_ns

    def _send_all(self, choose: Callable[[], _Flight | None]) -> None:
        unsure = min(self._outbox.settled, MOST_SETTLED)  # a disk that fails must not hold up what leaves
        while self.online and len(self._flights) + unsure < WINDOW:
            flight = _Flight(self._answers[0], _ANSWER) if self._answers else choose()
            if flight is None or not self._send(flight):
                return

    def _next_state(self) -> _Flight | None:
        state = self._due_state()
        return None if state is None else _Flight(state.message, _STATE)

    def _next(self) -> _Flight | None:
        if self._allowance < 1:
            return self._next_state()
        state = self._due_state() if self._due else None
        if state is not None and state.made_after - self._sent_up_to > WINDOW:
            return _Flight(state.message, _STATE)  # a long backlog does not hold up the present
        durable = self._next_durable()
        if state is None or (durable is not None and durable.key <= state.made_after):
            return durable
        return _Flight(state.message, _STATE)

    def _due_state(self) -> _State | None:
        flying = {flight.message.topic for flight in self._flights.values() if flight.key == _STATE}
        busy = flying | self._blocked
        free = (state for topic, state in self._due.items() if topic not in busy)
        return next((state for state in free if not self._budget.holds(state.message)), None)

    def _next_durable(self) -> _Flight | None:
        self._pass_over()
        while not self.caught_up:
            key, message = self._outbox.after(self._sent_up_to, self._blocked)
            if message is not None and not self._is_flying(key):
                return _Flight(message, key)
            self._sent_up_to = key
            if message is None:
                self.searching = not self.caught_up
                break
        return None

    def _pass_over(self) -> None:
        """Go on from where we were, once all that was left behind is refused again."""
        if self._outbox.announced <= self._sent_up_to and self._behind.topics <= self._blocked:
            self._sent_up_to = max(self._sent_up_to, self._behind.up_to)

    def _is_flying(self, key: int) -> bool:
        return key <= self._highest and any(flight.key == key for flight in self._flights.values())

    def _send(self, flight: _Flight) -> bool:
        self._token += 1
        if not self._broker.publish(flight.message, self._token):
            return False
        self._budget.spend(flight.message)
        self._flights[self._token] = flight
        if flight.key == _ANSWER:
            self._answers.popleft()
        elif flight.key == _STATE:
            del self._due[flight.message.topic]
        else:
            self._sent_up_to = flight.key
            self._highest = max(self._highest, flight.key)
            self._allowance -= 1
        return True
