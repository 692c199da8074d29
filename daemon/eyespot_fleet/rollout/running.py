"""A rollout from its first step to its end.

All that it knows is in the repository and at the broker: who ends it can go on later, on another machine.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import msgspec

from eyespot.domain.errors import EyespotError, StorageError, one_line
from eyespot.trust.desired import Desired
from eyespot_fleet.rollout.cohort import devices_of
from eyespot_fleet.rollout.deciding import Action, Device, Finish, Stop, Terms, View, Wait, Widen, decide
from eyespot_fleet.rollout.watching import Watch


class OvertakenError(EyespotError):
    """Somebody else has changed what the cohort shall run."""

    exit_code = 1


class Releases(Protocol):
    """What one cohort is told to run."""

    def newest(self) -> Desired | None:
        """Return what it is told now; None where it is told nothing."""

    def sign(self, desired: Desired, instead_of: Desired | None) -> None:
        """Tell it something else, unless somebody else was quicker.

        Raises:
            OvertakenError: it is told something else than `instead_of` by now.
            StorageError: it cannot be written just now.
            InputError: the repository or its keys are not as they were.
        """


@dataclass(frozen=True, slots=True)
class Progress:
    """How a rollout stands.

    Attributes:
        desired: as it is signed; percent 0 where it has not begun, or was stopped.
        devices: of the cohort.
        why: what it waits for, in words; empty once it is over.
        trouble: why nothing is heard from the broker; empty where it is.
    """

    desired: Desired
    devices: Sequence[Device]
    why: str
    trouble: str


Step = Literal["begun", "resumed", "widened", "stopped", "finished"]


class Teller(Protocol):
    """Tells people, or programs, how it goes."""

    def step(self, step: Step, progress: Progress, failed: Sequence[Device] = ()) -> None:
        """Tell that it has come further, or to its end."""

    def show(self, progress: Progress) -> None:
        """Show how it stands; about once a second."""


class Rollout:
    """Widens a release of one bundle to one cohort, or stops it.

    Args:
        planned: what the cohort shall run; its percent says how far that has come, 0 is not at all.
        before: what it was told until now.
        releases: where that is signed.
        watch: what devices say.
        terms: by which it goes.
        teller: is told how it goes.
        clock: that of `watch`.
    """

    def __init__(
        self,
        planned: Desired,
        before: Desired | None,
        *,
        releases: Releases,
        watch: Watch,
        terms: Terms,
        teller: Teller,
        clock: Callable[[], float],
    ) -> None:
        self._desired = planned
        self._signed = before
        self._releases = releases
        self._watch = watch
        self._terms = terms
        self._teller = teller
        self._clock = clock
        self._since_s = clock()
        self._resumed = False

    def tick(self) -> int | None:
        """Do what there is to do; return the exit code once it is over.

        Raises:
            OvertakenError: somebody else has changed what the cohort shall run.
            InputError: the repository or its keys are not as they were.
        """
        if self._releases.newest() != self._signed:
            raise OvertakenError(_overtaken(self._desired, self._releases.newest()))
        devices = devices_of(self._watch.known(), self._desired)
        if self._desired.percent and not self._resumed and self._watch.hears:
            self._resumed = True
            self._teller.step("resumed", self._progress(devices))
        try:
            return self._do(self._decide(devices), devices)
        except StorageError as error:  # above all, to stop is tried again
            self._teller.show(self._progress(devices, one_line(error)))
            return None

    def _decide(self, devices: Sequence[Device]) -> Action:
        desired = self._desired
        view = View(desired.percent, self._since_s, desired.jitter_s, self._watch.hears, devices)
        return decide(view, self._terms, self._clock())

    def _do(self, action: Action, devices: Sequence[Device]) -> int | None:
        match action:
            case Widen(percent):
                self._widen(percent, devices)
            case Stop(failed):
                self._sign(0.0)
                self._teller.step("stopped", self._progress(devices), failed)
                return 1
            case Finish():
                self._teller.step("finished", self._progress(devices))
                return 0
            case Wait(why):
                self._teller.show(self._progress(devices, why))
        return None

    def _widen(self, percent: float, devices: Sequence[Device]) -> None:
        step: Step = "widened" if self._desired.percent else "begun"
        new = [one.id for one in devices if one.is_in(percent) and not one.is_in(self._desired.percent)]
        self._sign(percent)
        self._since_s, self._resumed = self._clock(), True
        self._watch.hint(new)
        self._teller.step(step, self._progress(devices))

    def _sign(self, percent: float) -> None:
        desired = msgspec.structs.replace(self._desired, percent=percent)
        self._releases.sign(desired, instead_of=self._signed)
        self._desired = self._signed = desired

    def _progress(self, devices: Sequence[Device], why: str = "") -> Progress:
        return Progress(self._desired, devices, why, self._watch.trouble)


def _overtaken(mine: Desired, now: Desired | None) -> str:
    if now is None or now.rollout != mine.rollout:
        what = "nothing" if now is None else f"{now.bundle} {now.version} in rollout {now.rollout}"
        return f"somebody else has released {what} to the cohort {mine.cohort}; this rollout goes no further"
    if now.percent == 0:
        return f"somebody else has halted rollout {mine.rollout}; it goes no further"
    return f"somebody else has set rollout {mine.rollout} to {now.percent:g} %; run this again to go on there"
