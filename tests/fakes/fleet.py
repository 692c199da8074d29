"""Devices of a fleet, as they describe themselves, and a rollout for them."""

import heapq
from collections.abc import Callable, Collection, Sequence
from itertools import count
from typing import Any, Literal

import msgspec

from eyespot.domain.message import Heard, Message
from eyespot.trust.desired import Desired, delay_s
from eyespot_fleet.rollout.deciding import Device, Limit, Terms, View
from eyespot_fleet.rollout.running import OvertakenError, Progress, Step
from eyespot_fleet.rollout.standing import Detail, Phase, Standing
from eyespot_fleet.rollout.watching import Watch

BUNDLE = "people@1.2.0-0123456789ab"
OLD = "people@1.1.0-ba9876543210"
TERMS = Terms(
    steps=(1.0, 5.0, 25.0, 100.0), soak_s=1800.0, patience_s=86400.0, limit=Limit(2.0, of_hundred=True)
)


def desired(percent: float = 100.0, rollout: str = "r1", **more: Any) -> Desired:
    return Desired(
        schema="eyespot.desired/1",
        rollout=rollout,
        cohort="shops",
        bundle="people",
        version="1.2.0",
        target=f"bundles/{BUNDLE}.tar.zst",
        percent=percent,
        **more,
    )


def detail(**says: Any) -> Detail:
    """Return what a device of the cohort says that still has the old model."""
    so_far: dict[str, Any] = {"state": "idle", "cohort": "shops", "current": OLD, "good": OLD}
    return msgspec.convert(so_far | says, Detail)


def device(number: int, phase: Phase, *, online: bool = True, moved_s: float = 0.0) -> Device:
    """Return a device whose bucket is a number."""
    return Device(f"shop-{number}", number, Standing(phase, phase), online, moved_s)


def view(percent: float, devices: Sequence[Device], *, hears: bool = True, jitter_s: float = 0.0) -> View:
    return View(percent, 0.0, jitter_s, hears, tuple(devices))


class Releases:
    """Implements `running.Releases`: what a cohort is told, and was told."""

    def __init__(self) -> None:
        self.told: list[Desired] = []

    def newest(self) -> Desired | None:
        return self.told[-1] if self.told else None

    def sign(self, desired: Desired, instead_of: Desired | None) -> None:
        if self.newest() != instead_of:
            raise OvertakenError("somebody else was quicker")
        self.told.append(desired)


class Notebook:
    """Implements `running.Teller`."""

    def __init__(self) -> None:
        self.steps: list[tuple[Step, float]] = []
        self.failed: Sequence[Device] = ()
        self.last: Progress | None = None

    def step(self, step: Step, progress: Progress, failed: Sequence[Device] = ()) -> None:
        self.steps.append((step, progress.desired.percent))
        self.failed = failed
        self.last = progress

    def show(self, progress: Progress) -> None:
        self.last = progress


Fate = Literal["committed", "rolled_back"]


class Fleet:
    """Devices that look when they are told to, and once an hour, and then do as a device does.

    Args:
        ids: of the devices.
        releases: what they find in the repository.
        fate: how the trial ends on a device.
    """

    def __init__(self, ids: Collection[str], releases: Releases, fate: Callable[[str], Fate]) -> None:
        self.now_s = 0.0
        self.watch = Watch("eyespot/v1", lambda: self.now_s)
        self.updated: list[tuple[str, float]] = []
        self._ids = ids
        self._releases = releases
        self._fate = fate
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._away: set[str] = set()
        self._busy: set[str] = set()
        self._ticket = count()

    def appear(self, away: Collection[str] = ()) -> None:
        """Be heard of by whoever listens; those that are away have been there once."""
        self._away = set(away)
        self.watch.listening()
        for number, one in enumerate(self._ids):
            self._say(one, state="idle", current=OLD, good=OLD)
            self._publish(one, "status", {"state": "offline" if one in away else "online"})
            if one not in away:
                self._at(number % 3600, self._hourly(one))

    def pass_time(self, to_s: float) -> None:
        """Let all happen that happens until then."""
        self.watch.carry(self._hinted)
        while self._agenda and self._agenda[0][0] <= to_s:
            self.now_s, _, act = heapq.heappop(self._agenda)
            act()
        self.now_s = to_s

    def _at(self, when_s: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (when_s, next(self._ticket), act))

    def _hourly(self, one: str) -> Callable[[], None]:
        def act() -> None:
            self._look(one)
            self._at(self.now_s + 3600, act)

        return act

    def _hinted(self, message: Message, _token: int) -> bool:
        one = message.topic.split("/")[2]
        if one not in self._away:
            self._look(one)
        return True

    def _look(self, one: str) -> None:
        wanted = self._releases.newest()
        if wanted is None or one in self._busy or not wanted.includes(one):
            return
        self._busy.add(one)
        self._at(self.now_s + delay_s(one, wanted.rollout, wanted.jitter_s), lambda: self._try(one, wanted))

    def _try(self, one: str, wanted: Desired) -> None:
        self.updated.append((one, self.now_s))
        trial = {"bundle": BUNDLE, "rollout": wanted.rollout, "starts": 1}
        self._say(one, state="trial", current=BUNDLE, good=OLD, trial=trial)
        self._at(self.now_s + 600, lambda: self._end(one, wanted))

    def _end(self, one: str, wanted: Desired) -> None:
        outcome = self._fate(one)
        good = BUNDLE if outcome == "committed" else OLD
        result = {"bundle": BUNDLE, "rollout": wanted.rollout, "outcome": outcome, "reason": "by its fate"}
        self._say(one, state="idle", current=good, good=good, last_result=result)

    def _say(self, one: str, **says: Any) -> None:
        self._publish(one, "model/detail", {"cohort": "shops", **says})

    def _publish(self, one: str, suffix: str, payload: Any) -> None:
        self.watch.hear(Heard(f"eyespot/v1/{one}/{suffix}", msgspec.json.encode(payload), retain=True, qos=1))
