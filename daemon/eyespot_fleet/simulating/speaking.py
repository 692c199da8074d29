"""What a simulated device says: made by what makes the messages of real ones."""

from collections.abc import Sequence

import eyespot
from eyespot.domain.event import Crossed, Direction, LineState
from eyespot.domain.instants import Timeline
from eyespot.domain.message import Heard, Message
from eyespot.ports import ModelIdentity, Readings, Subscription, View
from eyespot.supervisor.command_worker import subscriptions
from eyespot.topics.commands import COMMANDS, InvalidCommandError, parse
from eyespot.topics.durables import Announced, Durables
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native, Since, Stamp, Vitals

HEALTH_S = 60
_RULE = "door"
_LABEL = "person"
_MODEL = ModelIdentity("simulated@1.0.0-000000000000", "simulated", "1.0.0", None, (_LABEL,), 0.35)
_VIEW = View("scene", 768, 576, 10.0)
_DIRECTIONS: tuple[Direction, ...] = ("in", "out")
_NOT_DONE = "a simulated device does nothing that it is told"


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
        self._root = f"{prefix}/{device}"
        self._gate = Gate(self._root)
        self._native = Native(self._gate, boot_id, 0)
        self._began_utc_ns = began_utc_ns
        self._crossed = 0

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """What it listens to: all that a real one does."""
        return subscriptions(self._root)

    def offline(self, utc_ns: int) -> Message:
        """Return that it is not there: its farewell, and what the broker says when it vanishes."""
        return self._native.status("offline", _at(utc_ns), utc_ns)

    def states(self, utc_ns: int) -> Sequence[Message]:
        """Return what is said on every connect."""
        at = _at(utc_ns)
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
        vitals = Vitals(
            uptime_s, 10 * uptime_s, 10.0, 0, 0, Readings(), {}, None, None, None, every_s=HEALTH_S
        )
        return self._native.health(vitals, (), _at(utc_ns))

    def event(self, utc_ns: int) -> Message:
        """Return the next crossing."""
        direction = _DIRECTIONS[self._crossed % 2]
        self._crossed += 1
        crossed = Crossed(_RULE, 0, direction, _LABEL, self._crossed, _MODEL.bundle)
        return self._native.event(crossed, Timeline(utc_ns, synced=True))

    def rule_state(self, utc_ns: int) -> Message:
        """Return the totals of the line."""
        return self._state(_at(utc_ns))

    def dropped(self, gave_way: Sequence[Message], utc_ns: int) -> Announced:
        """Return what takes the place of durable messages, in order, that nobody waited for."""
        durables = Durables(self._gate, self._native.boot_id, _Instant(utc_ns))
        return durables.announce([each.payload for each in gave_way], "full")

    def answer(self, heard: Heard, utc_ns: int) -> Message | None:
        """Return that what was heard is not done; None where nobody waits for an answer."""
        suffix = heard.topic.removeprefix(f"{self._root}/")
        if not suffix.startswith(COMMANDS) or heard.retain:
            return None
        try:
            req_id, code, detail = parse(suffix, heard.payload).req_id, "refused", _NOT_DONE
        except InvalidCommandError as error:
            req_id, code, detail = error.req_id, "invalid", str(error)
        if req_id is None:
            return None
        fields = {"req_id": req_id, "code": code, "detail": detail, "result": None}
        return self._native.reply(_at(utc_ns), fields, heard.answer_to, heard.correlation)

    def _state(self, at: Stamp) -> Message:
        ways: dict[Direction, int] = {"in": (self._crossed + 1) // 2, "out": self._crossed // 2}
        since = Since(self._began_utc_ns, "begun")
        return self._native.rule_state(_RULE, LineState({_LABEL: ways}), since, _MODEL.bundle, at)


class _Instant:
    """Implements `ports.Clock`, of one instant."""

    def __init__(self, utc_ns: int) -> None:
        self._timeline = Timeline(utc_ns, synced=True)

    def now_ns(self) -> int:
        return 0

    def timeline(self) -> Timeline:
        return self._timeline

    def sleep(self, seconds: float) -> None:
        """Stay."""


def _at(utc_ns: int) -> Stamp:
    return Stamp(utc_ns, synced=True)
