"""Listens to how all devices of a prefix are."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from eyespot.domain.message import Heard, Message
from eyespot.ports import Subscription
from eyespot_fleet.listening import OnlyListening
from eyespot_fleet.status.reading import Known, read

MOST_DEVICES = 10_000
LEAST_SILENT_S = 180.0
MUTE_S = 30.0
_MISSED = 3  # health messages in a row
_QUIET_S = 1.0
_DEVICE = "[a-z0-9][a-z0-9-]{0,62}"
_ASKED_FOR = ("health", "info")


class Survey(OnlyListening):
    """Takes note of what devices say. An `Ear` and `BrokerEvents`: any thread may call it.

    Of what is kept, mosquitto 2.0 hands out a thousand messages at once with QoS 1, and five megabytes with
    QoS 0; the rest is dropped. So all are asked together for their short `status`, and device by device for
    the rest.

    A device whose process hangs stays connected: mosquitto has nothing to hold against who answers pings, and
    takes half a minute for others. So who is there has to say something in three times `every_s` of its
    health, in three minutes at least. Until it has said something while we listen, the time of what the
    broker has kept of it counts, if its clock was right.

    Its health follows its `status` in a second or two, at every connect; over its daily cap within 15
    minutes. So who is there for half a minute without one must not, or cannot, say it. What the broker
    had kept of one whose clock was not right counts as that old: such a clock is usual after a start, and
    does not become right in what was said.

    Args:
        prefix: topics begin with it; the device's id follows.
        clock: steady, in s.
        now: UTC.

    Attributes:
        subscriptions: to what it listens; grows with the devices that it hears of.
        overflow: there are more devices than it takes note of.
    """

    def __init__(self, prefix: str, clock: Callable[[], float], now: Callable[[], datetime]) -> None:
        self._prefix = prefix
        self._topic = re.compile(rf"{re.escape(prefix)}/({_DEVICE})/(status|health|info)")
        self._clock = clock
        self._now = now
        super().__init__()
        self._known: dict[str, Known] = {}
        self._asked: set[str] = set()
        self._spoke_s: dict[str, float] = {}
        self._there_s: dict[str, float] = {}
        self._moved_s = clock()
        self._quiet = self._asking = False
        self.overflow = False
        self.subscriptions = [Subscription(f"{prefix}/+/status", kept=True, qos=0)]

    @property
    def settled(self) -> bool:
        """Whether the broker seems to have told all that it had kept."""
        with self._lock:
            return self._has_settled()

    def known(self) -> Mapping[str, Known]:
        """Return what is known of each device, by its id."""
        with self._lock:
            settled = self._has_settled()
            return {
                device: self._judged(device, known, settled=settled) for device, known in self._known.items()
            }

    def carry(self, publish: Callable[[Message, int], bool]) -> None:
        """Say nothing."""

    # --- ports.Ear ----------------------------------------------------------------------------------------

    def hear(self, heard: Heard) -> None:
        """Take note of a message; what cannot be read is as if it had not been said."""
        match = self._topic.fullmatch(heard.topic)
        if match is None:
            return
        device, suffix = match.groups()
        with self._lock:
            if heard.retain:
                self._moved_s = self._clock()
            if suffix == "status" and not heard.payload:
                self._known.pop(device, None)  # somebody has removed it from the broker
            elif (device in self._known or suffix == "status") and self._has_room_for(device):
                self._note(device, suffix, heard)

    def listening(self) -> None:
        """Take note that the broker passes on what happens."""
        with self._lock:
            self._moved_s = self._clock()
            self._quiet = self._asking = False
            if self._trouble:  # we were deaf: nobody's silence counts
                self._spoke_s = dict.fromkeys(self._spoke_s, self._moved_s)
            self._trouble = ""

    def _has_settled(self) -> bool:
        self._quiet = self._quiet or self._clock() - self._moved_s >= _QUIET_S
        return self._quiet and not (self._asking or self._trouble)

    def _has_room_for(self, device: str) -> bool:
        if device in self._asked:
            return True
        if len(self._asked) >= MOST_DEVICES:
            self.overflow = True
            return False
        self._asked.add(device)
        self._asking = True  # until the broker answers that, it may be about to tell more
        self.subscriptions += [
            Subscription(f"{self._prefix}/{device}/{suffix}", kept=True, qos=0) for suffix in _ASKED_FOR
        ]
        return True

    def _note(self, device: str, suffix: str, heard: Heard) -> None:
        known = self._known.get(device, Known())
        said = read(known, suffix, heard.payload)
        if known.state == "online" != said.state and not heard.retain:
            said = replace(said, gone=f"{self._now():%Y-%m-%dT%H:%M:%SZ}")
        self._known[device] = said
        if known.state != "online" == said.state:
            age_s = self._age_s(said.stated if said.dated else "", unknown_s=MUTE_S) if heard.retain else 0.0
            self._there_s[device] = self._clock() - age_s
        if suffix == "health" or not heard.retain:
            age_s = self._age_of_words_s(said) if heard.retain else 0.0
            self._spoke_s[device] = self._clock() - age_s
        else:
            self._spoke_s.setdefault(device, self._clock())

    def _age_of_words_s(self, said: Known) -> float:
        """Return how old the newest is that is kept of it: it may have come back after its health."""
        health_s = self._age_s(said.told if said.synced else "", unknown_s=0.0)
        return min(health_s, self._age_s(said.stated, unknown_s=health_s)) if said.dated else health_s

    def _age_s(self, told: str, *, unknown_s: float) -> float:
        """Return how old is what was told at a time by the device's clock; empty where that was not right."""
        try:
            age_s = (self._now() - datetime.fromisoformat(told)).total_seconds()
        except ValueError:  # empty, or as February 30th
            return unknown_s
        return max(0.0, age_s)

    def _judged(self, device: str, known: Known, *, settled: bool) -> Known:
        if known.state == "online" and known.ok is None:
            there_s = self._clock() - self._there_s[device]
            return replace(known, mute=settled and there_s >= MUTE_S)
        silent_s = self._clock() - self._spoke_s.get(device, self._clock())
        deaf, most_s = bool(self._trouble), max(LEAST_SILENT_S, _MISSED * known.every_s)
        return known if deaf or silent_s <= most_s else replace(known, silent_s=silent_s)
