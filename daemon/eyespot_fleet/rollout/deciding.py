"""When a rollout widens, and when it stops: what is known of the devices in, what to do next out.

- More failures than allowed stop it, whatever else there is.
- It widens when the soak of a step is over, nobody is waited for, and at least half of the devices of the
  step that are there have done well. Silence is no success.
- Who is not there when the soak is over is not waited for. If nobody of a step is there, the step comes to
  one device more that is, and no further: the widening after that needs a success again.
- Who is there and does not move is waited for so long as patience lasts. It still is no success.
- Who goes away on trial, and stays away for a soak, may have been taken away by the model: a failure.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eyespot.trust.desired import BUCKETS
from eyespot_fleet.rollout.standing import Standing

_GONE = "has been gone since it began its probation"


@dataclass(frozen=True, slots=True)
class Device:
    """A device of the cohort.

    Attributes:
        bucket: in this rollout, 0..9999; see `eyespot.trust.desired`.
        online: whether it is at the broker.
        moved_s: when it last said something new, or came or went; on the clock of `View`.
    """

    id: str
    bucket: int
    standing: Standing
    online: bool
    moved_s: float

    def is_in(self, percent: float) -> bool:
        """Whether a rollout that is so wide has come to it."""
        return self.bucket < percent * BUCKETS / 100

    @property
    def is_done(self) -> bool:
        """Whether the bundle has proven itself on it."""
        return self.standing.phase == "done"

    @property
    def has_failed(self) -> bool:
        """Whether it is not tried on it again."""
        return self.standing.phase == "failed"


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are too many.

    Attributes:
        most: this many are not.
        of_hundred: `most` is meant for each hundred devices that the rollout has come to, and that are there.
    """

    most: float
    of_hundred: bool

    def is_passed(self, failures: int, devices: int) -> bool:
        """Whether so many failures of so many devices are too many."""
        return failures > (self.most * devices / 100 if self.of_hundred else self.most)


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a rollout goes.

    Attributes:
        steps: percents, rising; the last one is the end.
        soak_s: each step is watched for so long, at least.
        patience_s: a device that is there and does not move is waited for so long.
        limit: of failures.
    """

    steps: tuple[float, ...]
    soak_s: float
    patience_s: float
    limit: Limit


@dataclass(frozen=True, slots=True)
class View:
    """What is known of a rollout.

    Attributes:
        percent: as it is signed.
        since_s: when it became so wide, or when we began to watch, whichever is later; on some steady clock.
        jitter_s: devices wait so long before they take part, at most.
        hears: whether the broker tells us what happens, just now.
        devices: all of the cohort that the broker knows of.
    """

    percent: float
    since_s: float
    jitter_s: float
    hears: bool
    devices: Sequence[Device]


@dataclass(frozen=True, slots=True)
class Wait:
    """Leave it as it is."""

    why: str


@dataclass(frozen=True, slots=True)
class Widen:
    """Let it come to more devices."""

    percent: float


@dataclass(frozen=True, slots=True)
class Stop:
    """Halt it: too many have failed."""

    failed: tuple[Device, ...]


@dataclass(frozen=True, slots=True)
class Finish:
    """It is as wide as it shall be, and went well."""


Action = Wait | Widen | Stop | Finish


def decide(view: View, terms: Terms, now_s: float) -> Action:
    """Return what to do next with a rollout that is under way, or that has not begun: percent 0."""
    devices = [_judged(device, view, terms, now_s) for device in view.devices]
    failed = tuple(device for device in devices if device.has_failed)
    there = [d for d in devices if d.is_in(view.percent) and (d.online or d.has_failed or d.is_done)]
    if terms.limit.is_passed(len(failed), len(there)):
        return Stop(failed)
    if not view.hears:
        return Wait("waits for what the broker has to tell")
    if not view.devices:
        return Wait("no device of this cohort has been heard: are --cohort and --prefix right?")
    if view.percent == 0:
        return _first(view, terms)
    if now_s - view.since_s < terms.soak_s:
        return Wait(f"soaks for {_span(view.since_s + terms.soak_s - now_s)} more")
    return _next(view, terms, there, now_s) if there else _one_more(view, terms)


def _judged(device: Device, view: View, terms: Terms, now_s: float) -> Device:
    gone = device.standing.phase == "trial" and not device.online
    if gone and now_s - max(device.moved_s, view.since_s) > terms.soak_s:
        return replace(device, standing=Standing("failed", _GONE))
    return device


def _first(view: View, terms: Terms) -> Action:
    """Begin, with at least one device that is there."""
    there = [device for device in view.devices if device.online]
    if not there:
        return Wait("no device of the cohort is there")
    if any(device.is_in(terms.steps[0]) for device in there):
        return Widen(terms.steps[0])
    return _one_more(view, terms)


def _one_more(view: View, terms: Terms) -> Action:
    beyond = [d.bucket for d in view.devices if d.online and not d.is_in(view.percent)]
    percent = (min(beyond, default=BUCKETS) + 1) * 100 / BUCKETS
    if percent > terms.steps[-1]:
        return Wait("no device that it has come to, or may come to, is there")
    return Widen(percent)


def _next(view: View, terms: Terms, there: Sequence[Device], now_s: float) -> Action:
    waited_for = [device for device in there if _is_waited_for(device, view, terms, now_s)]
    if waited_for:
        return Wait(f"waits for {len(waited_for)} of {len(there)} that are there")
    done = sum(device.is_done for device in there)
    if not done or 2 * done < len(there):
        return Wait(f"{done} of {len(there)} that are there have done well, want half of them")
    wider = [step for step in terms.steps if step > view.percent]
    for step in wider:
        if any(device.is_in(step) and not device.is_in(view.percent) for device in view.devices):
            return Widen(step)
    return Widen(wider[-1]) if wider else Finish()


def _is_waited_for(device: Device, view: View, terms: Terms, now_s: float) -> bool:
    if device.has_failed or device.is_done:
        return False
    return now_s - max(device.moved_s, view.since_s + view.jitter_s) < terms.patience_s


def _span(seconds: float) -> str:
    minutes = int(seconds) // 60
    return f"{minutes} min" if minutes else f"{max(1, int(seconds))} s"
