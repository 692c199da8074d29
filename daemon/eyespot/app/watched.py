"""Takes note of what devices say, for a terminal."""

import re
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from eyespot.app.watched_device import Device
from eyespot.app.watched_reading import told
from eyespot.domain.message import Heard

MOST_DEVICES = 256
ASKED_FOR = ("status", "info", "health", "config/reported", "frame", "rule/+/state", "rule/+/event")
DEVICE = re.compile("[a-z0-9][a-z0-9-]{0,62}")
_MOST_BYTES = 64 * 1024  # as much as a payload may have; see eyespot.topics.gate


class Watched:
    """Takes note of what devices say. Thread-safe; what cannot be read is as if it had not been said.

    Args:
        prefix: topics begin with it; the device's id follows.
        clock: steady, in s.
    """

    def __init__(self, prefix: str, clock: Callable[[], float]) -> None:
        self._topic = re.compile(rf"{re.escape(prefix)}/({DEVICE.pattern})/(.+)")
        self._clock = clock
        self._lock = threading.Lock()
        self._devices: dict[str, Device] = {}

    def devices(self) -> dict[str, Device]:
        """Return what is so now of each device, by its id, in order."""
        with self._lock:
            now_s = self._clock()
            return {name: device.now(now_s) for name, device in sorted(self._devices.items())}

    def hear(self, heard: Heard) -> None:
        """Take note of a message."""
        match = self._topic.fullmatch(heard.topic)
        if match is None or len(heard.payload) > _MOST_BYTES:
            return
        name, suffix = match.groups()
        with self._lock, suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            if suffix == "status" and not heard.payload:
                self._devices.pop(name, None)  # somebody has removed it from the broker
            elif name in self._devices or len(self._devices) < MOST_DEVICES:
                self._note(name, suffix, heard.payload)

    def _note(self, name: str, suffix: str, payload: bytes) -> None:
        known = self._devices.get(name, Device())
        now = told(known, suffix, payload, self._clock())
        if now is not known:
            self._devices[name] = now
