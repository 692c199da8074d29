"""Asks one device over MQTT, and hears its answers."""

import re
import secrets
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from eyespot.domain.errors import BrokerError
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Subscription
from eyespot_fleet.listening import OnlyListening

PATIENCE_S: Final = 15.0
_STEP_S: Final = 0.05
_MOST_WAITING: Final = 256
_INFO: Final = "info"


class Asking(OnlyListening):
    """A conversation with one device. An `Ear` and `BrokerEvents`: any thread may call it.

    Args:
        prefix: topics begin with it.
        device: its id.
        clock: steady, in s.
        sleep: waits, in s.
    """

    def __init__(
        self,
        prefix: str,
        device: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__()
        self._root = f"{prefix}/{device}"
        self._id = f"fleet-{secrets.token_hex(6)}"
        self._answers_to = re.compile(rf"{re.escape(self._root)}/reply/{self._id}-([0-9]{{1,9}})")
        self._clock = clock
        self._sleep = sleep
        self._asked = 0
        self._says: deque[Message] = deque()
        self._answers: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._info: bytes | None = None
        self.subscriptions = [
            Subscription(f"{self._root}/reply/+", kept=False),
            Subscription(f"{self._root}/{_INFO}", kept=True),
        ]

    def ask(self, command: str, args: dict[str, object]) -> None:
        """Give a command; what was still to be heard of the one before is forgotten."""
        with self._lock:
            self._asked += 1
            self._answers.clear()
            payload = msgspec.json.encode({"req_id": f"{self._id}-{self._asked}", "args": args})
            self._says.append(Message(f"{self._root}/cmd/{command}", payload, Delivery.ANSWER))

    def answer(self, patience_s: float = PATIENCE_S) -> bytes | None:
        """Return what the device says next to that; None where it says nothing for so long."""
        return self._wait_for(lambda: self._answers.popleft() if self._answers else None, patience_s)

    def info(self) -> bytes:
        """Return what the device says of itself.

        Raises:
            BrokerError: it has never said anything.
        """
        told = self._wait_for(lambda: self._info, PATIENCE_S)
        if told is None:
            advice = "eyespot-fleet status tells who is there"
            raise BrokerError(f"nothing was ever heard of {self._root}; {advice}")
        return told

    def _wait_for(self, take: Callable[[], bytes | None], patience_s: float) -> bytes | None:
        until = self._clock() + patience_s
        while True:
            with self._lock:
                taken = take()
            if taken is not None or self._clock() > until:
                return taken
            self._sleep(_STEP_S)

    def carry(self, publish: Callable[[Message, int], bool]) -> None:
        """Hand over what there is to say; for the broker's thread."""
        with self._lock:
            while self._says and publish(self._says[0], 0):
                self._says.popleft()

    # --- ports.Ear ----------------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Take note of an answer, if it is one to what was asked last."""
        match = self._answers_to.fullmatch(heard.topic)
        with self._lock:
            if match and int(match[1]) == self._asked:
                self._answers.append(heard.payload)
            elif heard.topic == f"{self._root}/{_INFO}" and heard.payload:
                self._info = heard.payload

    def listening(self) -> None:
        """Take note that the broker passes on what happens."""
        with self._lock:
            self._trouble = ""
