"""How a rollout goes, line by line: in words for people and logs, or as JSON for programs."""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Self

from eyespot.trust.desired import Desired
from eyespot_fleet.rollout.deciding import Device
from eyespot_fleet.rollout.running import Progress, Step

_WHY_AGAIN_S = 60.0
_TOLD = frozenset({"done", "failed"})
_PHASES = ("done", "failed", "trial", "moves", "waits")


def tally(progress: Progress) -> dict[str, int]:
    """Return how many devices stand where: `away` is not there, `later` not in it yet."""
    counts = Counter(where(device, progress.desired) for device in progress.devices)
    return {name: counts[name] for name in (*_PHASES, "away", "later")}


def where(device: Device, desired: Desired) -> str:
    """Return where a device stands in a rollout, in a word."""
    if not (device.is_in(desired.percent) or device.is_done or device.has_failed):
        return "later"
    if device.online or device.is_done or device.has_failed:
        return device.standing.phase
    return "away"


def headline(step: Step, progress: Progress) -> str:
    """Return what a step is, in words."""
    desired = progress.desired
    name = f"rollout {desired.rollout} of {desired.bundle} {desired.version} to {desired.cohort}"
    into = sum(device.is_in(desired.percent) for device in progress.devices)
    of = f"{into} of {len(progress.devices)} devices"
    return {
        "begun": f"{name}: begun at {desired.percent:g} %, {of}",
        "resumed": f"{name}: goes on at {desired.percent:g} %, {of}; the step's soak begins anew",
        "widened": f"{name}: widened to {desired.percent:g} %, {of}",
        "stopped": f"{name}: stopped, nobody else takes it",
        "finished": f"{name}: finished at {desired.percent:g} %, {of}",
    }[step]


def sums(progress: Progress) -> str:
    """Return how many devices stand where, in words."""
    counts = tally(progress)
    words = {"done": "well", "moves": "on their way", "waits": "waiting", "trial": "on probation"}
    return ", ".join(f"{count} {words.get(name, name)}" for name, count in counts.items() if count)


def why_failed(failed: Sequence[Device]) -> list[str]:
    """Return a line for each device that has failed."""
    return [f"  {device.id}: {device.standing.words}" for device in failed]


class PlainView:
    """A line for each step, for each device that has come to an end, and now and then for what it waits for.

    Args:
        say: takes a line.
        clock: in s.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float]) -> None:
        self._say = say
        self._clock = clock
        self._ended: dict[str, str] = {}
        self._why = self._trouble = ""
        self._why_at_s = float("-inf")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def step(self, step: Step, progress: Progress, failed: Sequence[Device] = ()) -> None:
        """Tell that it has come further."""
        self._tell_ended(progress)
        self._say(headline(step, progress))
        for line in why_failed(failed):
            self._say(line)

    def show(self, progress: Progress) -> None:
        """Tell what is new."""
        self._tell_ended(progress)
        now_s = self._clock()
        is_due = progress.why != self._why and now_s - self._why_at_s >= _WHY_AGAIN_S
        if is_due or progress.trouble != self._trouble:
            self._why, self._trouble, self._why_at_s = progress.why, progress.trouble, now_s
            trouble = f" ({progress.trouble})" if progress.trouble else ""
            counts = f"; {sums(progress)}" if progress.devices else ""
            self._say(f"{progress.desired.percent:g} %: {progress.why}{trouble}{counts}")

    def _tell_ended(self, progress: Progress) -> None:
        for device in progress.devices:
            phase = device.standing.phase
            if phase in _TOLD and self._ended.get(device.id) != phase:
                self._ended[device.id] = phase
                self._say(f"{device.id}: {device.standing.words}")


class JsonView:
    """One object a line, for each step and each device that stands elsewhere than before."""

    def __init__(self, say: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._say = say
        self._now = now
        self._known: dict[str, tuple[str, str]] = {}
        self._why = self._trouble = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to put away."""

    def step(self, step: Step, progress: Progress, failed: Sequence[Device] = ()) -> None:
        """Tell that it has come further."""
        self._tell_devices(progress)
        extra = {"failed": [{"device": one.id, "why": one.standing.words} for one in failed]}
        self._tell(step, progress, **(extra if failed else {}))

    def show(self, progress: Progress) -> None:
        """Tell what is new."""
        self._tell_devices(progress)
        kind = progress.why.split(" ", 1)[0]
        if kind != self._why:
            self._why = kind
            self._tell("waiting", progress, why=progress.why, trouble=progress.trouble)

    def _tell_devices(self, progress: Progress) -> None:
        for device in progress.devices:
            stands = where(device, progress.desired), device.standing.words
            if self._known.get(device.id) != stands:
                self._known[device.id] = stands
                self._tell("device", progress, device=device.id, stands=stands[0], words=stands[1])

    def _tell(self, event: str, progress: Progress, **more: Any) -> None:
        desired = progress.desired
        line: dict[str, Any] = {
            "t": f"{self._now():%Y-%m-%dT%H:%M:%SZ}",
            "event": event,
            "rollout": desired.rollout,
            "percent": desired.percent,
        }
        if event != "device":
            line["devices"] = tally(progress)
        self._say(json.dumps({**line, **more}))
