"""What a simulated device says: made by what makes the messages of real ones."""

from collections.abc import Sequence

import eyespot
from eyespot.domain.event import Crossed, Direction, LineState
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Message
from eyespot.ports import ModelIdentity, Readings, View
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native, Since, Stamp, Vitals

_RULE = "door"
_LABEL = "person"
_MODEL = ModelIdentity("simulated@1.0.0-000000000000", "simulated", "1.0.0", None, (_LABEL,), 0.35)
_VIEW = View("scene", 768, 576, 10.0)
_DIRECTIONS: tuple[Direction, ...] = ("in", "out")


class Speaker:
    """One device's messages: a line that is crossed by turns in and out.

    Args:
        prefix: of the topics.
        device: its id.
        boot_id: 16 hex digits.
        began_utc_ns: when it was started.
    """

    def __init__(self, prefix: str, device: str, boot_id: str, began_utc_ns: int) -> None:
        self._device = device
        self._native = Native(Gate(f"{prefix}/{device}"), boot_id, 0)
        self._began_utc_ns = began_utc_ns
        self._crossed = 0

    def will(self) -> Message:
        """Return what the broker says when the device vanishes."""
        return self._native.status("offline", self._at(self._began_utc_ns), self._began_utc_ns)

    def states(self, utc_ns: int) -> Sequence[Message]:
        """Return what is said on every connect."""
        at = self._at(utc_ns)
        who = Identity(
            device=self._device,
            name=self._device,
            timezone="UTC",
            hardware="simulated",
            version=eyespot.__version__,
            python="",
            mount="oblique",
            publishes_frames=False,
        )
        return (
            self._native.status("online", at, self._began_utc_ns),
            self._native.info(who, _VIEW, _MODEL, at),
            self.health(utc_ns),
            self._state(at),
        )

    def health(self, utc_ns: int) -> Message:
        """Return how it is: well."""
        uptime_s = (utc_ns - self._began_utc_ns) // 1_000_000_000
        vitals = Vitals(uptime_s, 10 * uptime_s, 10.0, 0, 0, Readings(), {}, None, None, None)
        return self._native.health(vitals, (), self._at(utc_ns))

    def event(self, utc_ns: int) -> Message:
        """Return the next crossing."""
        direction = _DIRECTIONS[self._crossed % 2]
        self._crossed += 1
        crossed = Crossed(_RULE, 0, direction, _LABEL, self._crossed, _MODEL.bundle)
        return self._native.event(crossed, Timeline(utc_ns, synced=True))

    def rule_state(self, utc_ns: int) -> Message:
        """Return the totals of the line."""
        return self._state(self._at(utc_ns))

    def _state(self, at: Stamp) -> Message:
        ways: dict[Direction, int] = {"in": (self._crossed + 1) // 2, "out": self._crossed // 2}
        since = Since(self._began_utc_ns, "begun")
        return self._native.rule_state(_RULE, LineState({_LABEL: ways}), since, _MODEL.bundle, at)

    def _at(self, utc_ns: int) -> Stamp:
        return Stamp(utc_ns, synced=True)
