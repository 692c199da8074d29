"""Turns a thousand simulated devices in one thread."""

import resource
import selectors
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from eyespot.domain.errors import ConfigError
from eyespot_fleet.simulating.device import Device

_SPARE_FILES = 64
_TICK_S = 0.1
_LEAVE_S = 5.0


@dataclass(frozen=True, slots=True)
class Tally:
    """How the fleet stands; see `Device`.

    Attributes:
        waits_s: of each that came back, how long it was away.
        reason: why the last connection ended, of most of those that have none now; empty where all have one.
    """

    devices: int
    connected: int
    dialled: int
    sent: int
    acknowledged: int
    dropped: int
    refused: int
    answered: int
    waits_s: Sequence[float]
    reason: str


class Fleet:
    """Connects devices, at most so many a second, and turns them.

    Args:
        devices: all of them.
        connects_hz: mosquitto's listen backlog is 100; what comes faster waits for SYNs to be sent again.
        clock: steady, in s.
        selector: waits for their sockets; closed in the end.
    """

    def __init__(
        self,
        devices: Sequence[Device],
        connects_hz: float,
        clock: Callable[[], float] = time.monotonic,
        selector: selectors.BaseSelector | None = None,
    ) -> None:
        self._devices = devices
        self._connects_hz = connects_hz
        self._clock = clock
        self._selector = selector or selectors.DefaultSelector()
        self._sockets: dict[Device, tuple[object, int]] = {}
        self._lost_s: dict[Device, float] = {}
        self._waits_s: list[float] = []
        self._allowed = 1.0

    def run(self, until: Callable[[], bool]) -> None:
        """Turn them until it is enough; that is asked some ten times a second, or more often."""
        before_s = kept_alive_s = self._clock()
        for device in self._devices:
            device.begin(before_s)
        while not until():
            self._exchange()
            now_s = self._clock()
            if now_s - before_s < _TICK_S:
                continue
            self._allowed = min(self._connects_hz, self._allowed + self._connects_hz * (now_s - before_s))
            before_s = now_s
            self._tick(now_s, misc=now_s - kept_alive_s >= 1)
            kept_alive_s = now_s if now_s - kept_alive_s >= 1 else kept_alive_s

    def close(self) -> None:
        """Have all say goodbye, and the broker take what is on its way."""
        for device in self._devices:
            device.farewell()
        until_s = self._clock() + _LEAVE_S
        while self._clock() < until_s and any(map(_has_unanswered, self._devices)):
            self._exchange()
        for device in self._devices:
            if device.line is not None:
                device.line.close(politely=True)
        self._selector.close()

    def tally(self) -> Tally:
        """Return how it stands."""
        each = self._devices
        reasons = Counter(one.reason for one in each if one.reason and not _is_connected(one))
        return Tally(
            len(each),
            sum(map(_is_connected, each)),
            sum(one.dialled for one in each),
            sum(one.sent for one in each),
            sum(one.acknowledged for one in each),
            sum(one.dropped for one in each),
            sum(one.refused for one in each),
            sum(one.answered for one in each),
            tuple(self._waits_s),
            next((reason for reason, _ in reasons.most_common(1)), ""),
        )

    def _exchange(self) -> None:
        for key, events in self._selector.select(_TICK_S):
            device: Device = key.data
            if device.line is not None:
                device.line.turn(readable=bool(events & selectors.EVENT_READ))
                self._settle(device, self._clock())

    def _tick(self, now_s: float, *, misc: bool) -> None:
        for device in self._devices:
            if device.line is None and now_s >= device.due_s and self._allowed >= 1:
                self._allowed -= 1
                device.dial(now_s)
            if misc and device.line is not None:
                device.line.keep_alive()
            device.speak(now_s)
            self._settle(device, now_s)

    def _settle(self, device: Device, now_s: float) -> None:
        """Take what came, and wait for what there is to wait for now."""
        came_s = device.opened_s
        device.turn(now_s)
        if device.opened_s != came_s and device in self._lost_s:
            self._waits_s.append(now_s - self._lost_s.pop(device))
        if device.is_over(now_s):
            if _is_connected(device):
                self._lost_s[device] = now_s
            device.lose(now_s)
        self._wait_for(device)

    def _wait_for(self, device: Device) -> None:
        line = device.line
        sock = None if line is None else line.socket
        writes = line is not None and line.wants_to_write
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if writes else 0)
        known = self._sockets.get(device)
        if known is not None and (known[0] is not sock):
            self._forget(known[0])
            del self._sockets[device]
            known = None
        if sock is None or (known is not None and known[1] == events):
            return
        if known is None:
            self._selector.register(sock, events, device)
        else:
            self._selector.modify(sock, events, device)
        self._sockets[device] = sock, events

    def _forget(self, sock: object) -> None:
        # it is closed by now: selectors then looks it up by identity, the kernel has forgotten it
        self._selector.unregister(sock)  # type: ignore[arg-type]


def _is_connected(device: Device) -> bool:
    return device.line is not None and device.line.opened


def _has_unanswered(device: Device) -> bool:
    return device.line is not None and device.line.unanswered > 0


def allow_files(devices: int) -> None:
    """Let this process have as many connections as there are devices.

    Raises:
        ConfigError: the system does not allow so many.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    want = devices + _SPARE_FILES
    if hard != resource.RLIM_INFINITY and want > hard:
        raise ConfigError(f"--devices {devices}: the system allows {hard} open files here; see ulimit -Hn")
    if want > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (want, hard))
