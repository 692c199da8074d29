"""Listens to all devices of a prefix for browsers, and says to devices what is desired of them."""

import re
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import msgspec

from eyespot.domain.event import RULE_ID
from eyespot.domain.message import Delivery, Heard, Message
from eyespot.ports import Subscription
from eyespot.topics.commands import REQ_ID
from eyespot_fleet.listening import OnlyListening
from eyespot_fleet.view.browsers import NOTHING, Browser
from eyespot_fleet.view.frames import observation_in
from eyespot_fleet.view.journal import BUCKET, STAY, STEP, Journal, Kind
from eyespot_fleet.view.seen import Sightings

MOST_DEVICES: Final = 1000
MOST_STATES: Final = 256  # of one device
MOST_BYTES: Final = 128 * 1024  # of one message; what mosquitto's examples let pass
MOST_KEPT_BYTES: Final = 64 * 1024 * 1024
MOST_BROWSERS: Final = 16
MOST_WISHES: Final = 64

_DEVICE: Final = "[a-z0-9][a-z0-9-]{0,62}"
_STATUS: Final = "status"
_KEPT: Final = ("info", "health", "config/reported", "config/desired", "model/state", "model/detail")
_ASKED_FOR: Final = (*_KEPT, "rule/+/state")
_PASSING: Final = ("rule/+/bucket", "rule/+/event", "model/event", "reply/+")  # kept by no broker
_STATE_BYTES: Final = 250  # of a state beside its name and payload, about

Order = Literal["update", "rollback"]


class Bridge(OnlyListening):
    """Takes note of what devices say, and passes it on. An `Ear` and `BrokerEvents`: any thread may call it.

    All are asked together for their short `status` and for frames as they come; what a device has told so far
    is asked for device by device, as in `status.survey`.

    Args:
        prefix: topics begin with it; the device's id follows.

    Attributes:
        seen: what devices have noticed.
        subscriptions: to what it listens; grows with the devices that it hears of.
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix
        self.seen = Sightings()
        passing = f"rule/{RULE_ID}/(?:bucket|event)|model/event|reply/{REQ_ID}"
        states = f"{'|'.join((_STATUS, *_KEPT))}|rule/{RULE_ID}/state"
        self._topic = re.compile(rf"{re.escape(prefix)}/({_DEVICE})/(frame|{passing}|{states})")
        self._kept: dict[str, dict[str, bytes]] = {}
        self._kept_bytes = 0
        self._browsers: set[Browser] = set()
        self._wishes: deque[Message] = deque()
        self._journal = Journal()
        self._awaited: deque[tuple[str, str]] = deque(maxlen=MOST_WISHES)
        self.subscriptions = [
            Subscription(f"{prefix}/+/{_STATUS}", kept=True, qos=0),
            Subscription(f"{prefix}/+/frame", kept=False, qos=0),
            *(Subscription(f"{prefix}/+/{suffix}", kept=False) for suffix in _PASSING),
        ]

    def open(self, browser: Browser) -> bool:
        """Tell a browser all that is known, and from now on what is new; False where too many look on."""
        with self._lock:
            if len(self._browsers) >= MOST_BROWSERS:
                return False
            self._browsers.add(browser)
            for device, states in self._kept.items():
                for name, payload in states.items():
                    browser.state(device, name, payload)
                self._tell_of_journal(browser, device)
            browser.state("", "broker", msgspec.json.encode({"trouble": self._trouble}))
        return True

    def close(self, browser: Browser) -> None:
        """Forget a browser."""
        with self._lock:
            self._browsers.discard(browser)

    def knows(self, device: str) -> bool:
        """Return whether a device has ever said anything."""
        with self._lock:
            return device in self._kept

    def told(self, device: str, name: str) -> bytes:
        """Return what a device has told last, as JSON; `null` where that is nothing."""
        with self._lock:
            return self._kept.get(device, {}).get(name, NOTHING)

    def desire(self, device: str, payload: bytes) -> bool:
        """Have it be said to a device, and kept by the broker; False where too much waits already."""
        message = Message(f"{self._prefix}/{device}/config/desired", payload, Delivery.STATE)
        with self._lock:
            return self._wish(message)

    def order(self, device: str, order: Order, req_id: str) -> bool:
        """Have a device be told to change its model; False where too much waits already.

        What it answers comes to browsers as `reply/<req_id>`.
        """
        payload = msgspec.json.encode({"req_id": req_id})
        message = Message(f"{self._prefix}/{device}/cmd/model/{order}", payload, Delivery.ANSWER)
        with self._lock:
            self._awaited.append((device, f"reply/{req_id}"))
            return self._wish(message)

    def journal(self, device: str, after: int) -> bytes:
        """Return what a device counted and did, as JSON: see `Journal.after`."""
        with self._lock:
            return self._journal.after(device, after)

    def carry(self, publish: Callable[[Message, int], bool]) -> None:
        """Hand over as much of what is desired as the broker takes just now; for its thread."""
        with self._lock:
            while self._wishes and publish(self._wishes[0], 0):
                self._wishes.popleft()

    # --- ports.Ear ----------------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Pass a message on; what cannot be read is as if it had not been said."""
        match = self._topic.fullmatch(heard.topic)
        if match is None or (payload := in_one_line(heard.payload)) is None:
            return
        device, name = match.groups()
        with self._lock:
            if name == "frame":
                self._pass_on_frame(device, payload)
            elif name.startswith("reply/"):
                self._pass_on_answer(device, name, payload)
            elif name.endswith(("/bucket", "/event")):
                self._take_down(device, name, payload)
            elif self._keep(device, name, payload):
                for browser in self._browsers:
                    browser.state(device, name, payload)

    def listening(self) -> None:
        """Take note that the broker passes on what happens."""
        self._say("")

    def disconnected(self, reason: str) -> None:
        """Take note that nothing is heard, and why; who gave an order does not expect it to be done later."""
        with self._lock:
            self._wishes = deque(message for message in self._wishes if message.retain)
        self._say(reason)

    def _say(self, trouble: str) -> None:
        with self._lock:
            self._trouble = trouble
            for browser in self._browsers:
                browser.state("", "broker", msgspec.json.encode({"trouble": trouble}))

    def _pass_on_frame(self, device: str, payload: bytes) -> None:
        if device not in self._kept or (observation := observation_in(payload)) is None:
            return
        self.seen.add(device, observation)
        for browser in self._browsers:
            browser.frame(device, payload)

    def _pass_on_answer(self, device: str, name: str, payload: bytes) -> None:
        if (device, name) in self._awaited:
            self._awaited.remove((device, name))
            for browser in self._browsers:
                browser.state(device, name, payload)

    def _take_down(self, device: str, name: str, payload: bytes) -> None:
        kind, rule = _filed(name)
        if device in self._kept and self._journal.take(device, kind, rule, payload):
            for browser in self._browsers:
                self._tell_of_journal(browser, device)

    def _tell_of_journal(self, browser: Browser, device: str) -> None:
        if newest := self._journal.newest(device):
            browser.state(device, "journal", b"%d" % newest)

    def _wish(self, message: Message) -> bool:
        if len(self._wishes) >= MOST_WISHES:
            return False
        self._wishes.append(message)
        return True

    def _keep(self, device: str, name: str, payload: bytes) -> bool:
        if device not in self._kept and not self._meet(device, name):
            return False
        states = self._kept[device]
        before = states.get(name)
        grows = _size(name, payload) - _size(name, before)
        if payload == NOTHING:
            self._kept_bytes += grows
            return states.pop(name, None) is not None
        if (before is None and len(states) >= MOST_STATES) or self._kept_bytes + grows > MOST_KEPT_BYTES:
            return False
        states[name] = payload
        self._kept_bytes += grows
        return True

    def _meet(self, device: str, name: str) -> bool:
        if name != _STATUS or len(self._kept) >= MOST_DEVICES:
            return False
        self._kept[device] = {}
        self.subscriptions += [
            Subscription(f"{self._prefix}/{device}/{suffix}", kept=True, qos=0) for suffix in _ASKED_FOR
        ]
        return True


def _size(name: str, payload: bytes | None) -> int:
    """Return what a state takes of the memory, in bytes; nothing where there is none."""
    if payload is None or payload == NOTHING:
        return 0
    return len(name) + len(payload) + _STATE_BYTES


def _filed(name: str) -> tuple[Kind, str]:
    if name == "model/event":
        return STEP, ""
    _, rule, what = name.split("/")
    return (BUCKET if what == "bucket" else STAY), rule


def in_one_line(payload: bytes) -> bytes | None:
    """Return a payload as JSON without line ends, `null` for an empty one; None where it is no JSON."""
    if not payload:
        return NOTHING
    if len(payload) > MOST_BYTES:
        return None
    try:
        return msgspec.json.encode(msgspec.json.decode(payload))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
