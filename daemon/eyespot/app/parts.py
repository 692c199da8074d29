"""Parts of a life that follow from its plan alone."""

import logging
import platform
from pathlib import Path

import eyespot
from eyespot.app.lifecycle import classes_of_interest
from eyespot.app.plan import Plan, standards
from eyespot.config import Config
from eyespot.domain.notice import Notice
from eyespot.host.identity import hardware, system_timezone
from eyespot.host.timezone import zone_of
from eyespot.host.volatility import GONE_WITH_THE_POWER, volatility
from eyespot.pipeline import Pipeline, Watch
from eyespot.ports import Clock, HealthBoard
from eyespot.rules import spans
from eyespot.store.budget import NAME as BUDGET_NAME
from eyespot.store.budget import Budget
from eyespot.store.memo import Memo
from eyespot.supervisor.health import Health
from eyespot.topics.gate import Gate
from eyespot.topics.native import Identity, Native
from eyespot.tracking.tracker import Tracker

_log = logging.getLogger(__name__)


def begun_health(clock: Clock, refusal: str, state_dir: Path) -> Health:
    """Return the board of a life, with what is known at its beginning to be wrong.

    Args:
        clock: for since when it is.
        refusal: why a newer configuration is not in force; empty where this is the newest.
        state_dir: may be gone with the power.
    """
    health = Health(clock)
    if refusal:
        health.raise_state("reload_refused", refusal)
    if why := volatility(state_dir):
        health.raise_state("state_volatile", f"{why}: {GONE_WITH_THE_POWER}")
    return health


def budget(plan: Plan, clock: Clock) -> Budget:
    """Return what counts, and caps, the bytes of a day."""
    memo = Memo(plan.state_dir / BUDGET_NAME)
    return Budget(clock, plan.root, plan.config.mqtt.most_bytes_a_day, memo)


def pipeline(plan: Plan, native: Native, gate: Gate, watch: Watch) -> Pipeline:
    """Return what counts, with every rule at zero."""
    return Pipeline(
        plan.model,
        Tracker(plan.model.min_score),
        plan.rules,
        native,
        standards=standards(plan.config, gate),
        publishes_frames=plan.config.topics.frame,
        classes=classes_of_interest(plan.config),
        watch=watch,
        spans=spans(plan.config.rules),
        zone=zone_of(plan.config.device),
    )


def identity(device: str, config: Config) -> Identity:
    """Return what `info` says of a device with a configuration."""
    return Identity(
        device=device,
        name=config.device.name or device,
        timezone=config.device.timezone or system_timezone(),
        hardware=hardware(),
        version=eyespot.__version__,
        python=platform.python_version(),
        mount=config.camera.mount,
        publishes_frames=config.topics.frame,
        takes_unsigned=config.update.allow_unsigned,
    )


def name_what_was_reset(counting: Pipeline, health: HealthBoard) -> None:
    """Name the rules that could not go on from what was kept of them, or of their open bucket, if any."""
    if not counting.unusable:
        health.clear_state("state_reset")
    for rule, what in counting.unusable.items():
        _log.warning("rule %s %s", rule, what, extra=Notice.TOTALS_RESET.of(rule=rule, reason=what))
        health.raise_state("state_reset", f"rule {rule} {what}")
