"""What the broker tells of a fleet: where each device stands, and whether it is there."""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Subscription
from eyespot.topics.commands import DESIRED
from eyespot_fleet.listening import OnlyListening
from eyespot_fleet.rollout.standing import Detail

SETTLED_S = 3.0
_DETAIL, _STATUS = "model/detail", "status"
_LOOK = b'{"check": true}'
_DEVICE = "[a-z0-9][a-z0-9-]{0,62}"

Publish = Callable[[Message, int], bool]


class _Status(msgspec.Struct, frozen=True):
    state: str


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a device.

    Attributes:
        detail: None until it has said anything of its model that can be read.
        moved_s: when it last said something new, or came or went.
    """

    detail: Detail | None = None
    online: bool = False
    moved_s: float = 0.0


class Watch(OnlyListening):
    """Takes note of what devices say. A `ports.Ear` and `ports.BrokerEvents`: any thread may call it.

    Of what is kept, mosquitto 2.0 hands out a thousand messages at once with QoS 1, and five megabytes with
    QoS 0; the rest is dropped. So all are asked together for their short `status` and for news of their
    models; what each has said of its model so far is asked for device by device.

    Args:
        prefix: topics begin with it; the device's id follows.
        clock: steady, in s.

    Attributes:
        subscriptions: to what it listens; grows with the devices that it hears of.
    """

    def __init__(self, prefix: str, clock: Callable[[], float]) -> None:
        self._prefix = prefix
        self._topic = re.compile(rf"{re.escape(prefix)}/({_DEVICE})/({_DETAIL}|{_STATUS})")
        self._clock = clock
        super().__init__()
        self._known: dict[str, Known] = {}
        self._listens_since_s: float | None = None
        self._hints: deque[str] = deque()
        self._met: set[str] = set()
        self.subscriptions = [
            Subscription(f"{prefix}/+/{_DETAIL}", kept=False, qos=0),
            Subscription(f"{prefix}/+/{_STATUS}", kept=True, qos=0),
        ]

    @property
    def hears(self) -> bool:
        """Whether what is known is true: the broker tells us what happens, and has told all it had kept."""
        with self._lock:
            since_s = self._listens_since_s
        return since_s is not None and self._clock() - since_s >= SETTLED_S

    def known(self) -> Mapping[str, Known]:
        """Return what is known of each device, by its id."""
        with self._lock:
            return dict(self._known)

    def hint(self, devices: Iterable[str]) -> None:
        """Have devices be told to look; those that are away do so when they come."""
        with self._lock:
            self._hints.extend(devices)

    def carry(self, publish: Publish) -> None:
        """Hand over as many hints as the broker takes just now; for its thread."""
        with self._lock:
            while self._hints:
                topic = f"{self._prefix}/{self._hints[0]}/{DESIRED}"
                if not publish(Message(topic, _LOOK, Delivery.ANSWER), 0):
                    return
                self._hints.popleft()

    # --- ports.Ear ----------------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Take note of a message; what cannot be read is as if it had not been said."""
        match = self._topic.fullmatch(heard.topic)
        if match is None:
            return
        device, suffix = match.groups()
        with self._lock:
            if suffix == _DETAIL and not heard.payload:
                self._known.pop(device, None)  # somebody has removed it from the broker
                return
            self._listen_to(device)
            known = self._known.get(device, Known())
            said = _detailed(known, heard.payload) if suffix == _DETAIL else _present(known, heard.payload)
            self._known[device] = said if said is known else replace(said, moved_s=self._clock())

    def listening(self) -> None:
        """Take note that the broker passes on what happens."""
        with self._lock:
            self._listens_since_s, self._trouble = self._clock(), ""

    def disconnected(self, reason: str) -> None:
        """Take note that nothing is heard."""
        with self._lock:
            self._listens_since_s, self._trouble = None, reason

    def _listen_to(self, device: str) -> None:
        if device not in self._met:
            self._met.add(device)
            self.subscriptions.append(Subscription(f"{self._prefix}/{device}/{_DETAIL}", kept=True, qos=0))


def _detailed(known: Known, payload: bytes) -> Known:
    """Return what is known once it has said this; the same object where it is nothing new."""
    try:
        detail = msgspec.json.decode(payload, type=Detail)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return known
    return known if detail == known.detail else replace(known, detail=detail)


def _present(known: Known, payload: bytes) -> Known:
    try:
        online = msgspec.json.decode(payload, type=_Status).state == "online"
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return known
    return known if online is known.online else replace(known, online=online)
