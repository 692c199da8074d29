"""Which model looks: the one that the configuration pins, else the slots' current one, else the factory's."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from eyespot.app.eye import glance, order
from eyespot.config import Config, problems_with_rules
from eyespot.domain.errors import ModelError, StoreError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.ports import Clock, HealthBoard
from eyespot.sources.wire import Look
from eyespot.store.settings import state_dir
from eyespot.trust import slots as transitions
from eyespot.trust.slots import MOST_STARTS, Record
from eyespot.update.settings import models_dir
from eyespot.update.slots import Slots

FACTORY = "factory"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which model looks.

    Attributes:
        bundle: "factory", or the folder of a bundle.
        model: its id in the slots; None for the factory's, and for one that is pinned.
        slots: where the record is kept; None where that cannot be used.
        pinned: why the slots have no say, in words; empty where they have.
        on_trial: whether it is on probation.
        lost: what looks no more because it cannot be used, and why; empty where all is as it should be.
        failed: why the slots cannot be used, or not be written; empty where they can.
    """

    bundle: str
    model: str | None = None
    slots: Slots | None = None
    pinned: str = ""
    on_trial: bool = False
    lost: str = ""
    failed: str = ""

    def tell(self, health: HealthBoard) -> None:
        """Name on `health` what is not as it should be."""
        if self.lost:
            health.raise_state("model_lost", self.lost)
        if self.failed:
            health.raise_state("model_slots_failed", self.failed)


def slots_folder(config: Config, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the model slots of a configuration are."""
    return models_dir(state_dir(config.state, environ), environ)


def order_of_now(config: Config) -> Look:
    """Return what would be looked at, and with what, for who does not want to change the slots.

    Where they cannot be read, as may be for a user who is not the service's, that is the factory's model.
    """
    if _pinned(config):
        return order(config)
    slots = Slots(slots_folder(config))
    try:
        model = slots.record.current
        folder = None if model is None else slots.bundle_folder(model)
        return order(config, str(folder) if folder is not None and folder.is_dir() else None)
    except (StoreError, OSError):
        return order(config)


class Chooser:
    """Chooses for one process: it opens the slots once, and counts its start.

    Args:
        clock: for what is noted in the record.
        environ: of the process.
    """

    def __init__(self, clock: Clock, environ: Mapping[str, str] = os.environ) -> None:
        self._clock = clock
        self._environ = environ
        self._slots: Slots | None = None
        self._has_counted = False

    def choose(self, config: Config) -> Choice:
        """Return which model looks. Where the slots cannot be used, that is the factory's."""
        pinned = _pinned(config)
        try:
            damage = self._open(slots_folder(config, self._environ))
        except StoreError as error:
            return Choice(config.model.bundle, pinned=pinned, failed=one_line(error))
        slots = self._slots
        if slots is None or pinned:
            return Choice(config.model.bundle, None, slots, pinned, failed=damage)
        try:
            self._count_start(slots)
            return replace(choose(config, slots, self._clock), failed=damage)
        except StoreError as error:
            return good(slots, error)

    def gives_up(self, choice: Choice, reason: str) -> bool:
        """Leave what is on probation, as it cannot even be loaded; return whether that was possible."""
        if choice.slots is None or choice.model is None or not choice.on_trial:
            return False
        try:
            leave(choice.slots, choice.model, reason, self._clock)
        except StoreError:
            return False
        return True

    def _open(self, folder: Path) -> str:
        """Open the slots; return what is to be said of a record that is damaged, or nothing.

        Raises:
            StoreError: they cannot be used.
        """
        if self._slots is not None and self._slots.folder == folder:
            return ""
        damage = ""
        try:
            _ = Slots(folder).record
        except StoreError as error:
            damage = one_line(error)
        self._slots = Slots.open(folder)
        return damage

    def _count_start(self, slots: Slots) -> None:
        """Note that what is on probation is about to be loaded; roll it back where that was often enough.

        Raises:
            StoreError: it cannot be noted, so that it must not be loaded.
        """
        if slots.record.trial is not None and not self._has_counted:
            slots.change(partial(_counted, at_s=utc_s(self._clock)))
        self._has_counted = True


def choose(config: Config, slots: Slots, clock: Clock) -> Choice:
    """Return which model looks. One that is missing, damaged or does not fit gives way to the good one.

    Raises:
        StoreError: the record cannot be read, or not be changed.
    """
    lost = ""
    while (model := (record := slots.record).current) is not None:
        folder, on_trial = str(slots.bundle_folder(model)), record.trial is not None
        reason = _unfit(config, folder, on_trial=on_trial)
        if not reason:
            return Choice(folder, model, slots, on_trial=on_trial, lost=lost)
        leave(slots, model, reason, clock)
        lost = f"{model} cannot be used, so another one looks: {reason}"
    return Choice(FACTORY, None, slots, lost=lost)


def good(slots: Slots, error: StoreError) -> Choice:
    """Return the good model, for as long as nothing can be noted in the record."""
    try:
        model = slots.record.good
    except StoreError:
        model = None
    bundle = FACTORY if model is None else str(slots.bundle_folder(model))
    return Choice(bundle, model, slots, failed=one_line(error))


def leave(slots: Slots, model: str, reason: str, clock: Clock) -> None:
    """Do without a model that cannot be used: the good one is current then, else the factory's.

    Raises:
        StoreError: that cannot be noted.
    """
    at_s = utc_s(clock)
    slots.change(partial(_left, model=model, reason=reason, at_s=at_s))


def utc_s(clock: Clock) -> int:
    """Return the time of now, UTC in s."""
    return max(0, clock.timeline().utc_ns(clock.now_ns()) // SECOND_NS)


def _pinned(config: Config) -> str:
    """Return why the slots have no say; empty where they have."""
    if config.camera.source == "replay":
        return "a recording is looked at, which no model made"
    if config.model.bundle != FACTORY:
        return f"the configuration names {config.model.bundle}"
    return ""


def _counted(record: Record, at_s: int) -> Record:
    again = transitions.count_start(record)
    if again is not None:
        return again
    reason = f"started {MOST_STARTS} times, and did not get through its probation"
    return transitions.roll_back(record, reason, at_s)


def _left(record: Record, model: str, reason: str, at_s: int) -> Record:
    if record.trial is not None and record.trial.bundle == model:
        return transitions.roll_back(record, reason, at_s)
    return transitions.lose(record, model, reason, at_s)


def _unfit(config: Config, folder: str, *, on_trial: bool) -> str:
    """Return why a bundle cannot look; empty where it can.

    A good model that does not fit rules that were changed is for people to judge: that is an error of the
    configuration.
    """
    try:
        model, tells = glance(order(config, folder))
    except ModelError as error:
        return one_line(error)
    return problems_with_rules(config.rules, model.labels, tells) if on_trial else ""
