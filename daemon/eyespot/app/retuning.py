"""Takes another configuration up between two frames: what of it may change while a life goes on."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from eyespot.app.eye import glance, order, sealed
from eyespot.app.following import Follower
from eyespot.app.lifecycle import ModelLifecycle, classes_of_interest
from eyespot.app.parts import name_what_was_reset
from eyespot.app.plan import Plan, rules
from eyespot.config import Config, Loaded, problems_with_model
from eyespot.domain.notice import NOTICE, Notice
from eyespot.pipeline import Pipeline, Tuning
from eyespot.ports import Clock, Handover, HealthBoard, ModelIdentity
from eyespot.rules import Rule, spans
from eyespot.sources.screening import Wanted
from eyespot.sources.wire import Look
from eyespot.supervisor.reporter import Reporter
from eyespot.topics.native import Identity

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What a life is retuned through.

    Attributes:
        turn: held while durable messages are numbered and posted.
        identity: what `info` says under a configuration.
    """

    pipeline: Pipeline
    lifecycle: ModelLifecycle | None
    follower: Follower
    reporter: Reporter
    post: Callable[[Handover], None]
    turn: AbstractContextManager[object]
    identity: Callable[[Config], Identity]
    health: HealthBoard
    clock: Clock


class Retuning:
    """Goes over to another configuration while looking, counting and the connection go on.

    Only rules, where a box counts, scores and topics may differ from the configuration of before.

    Args:
        plan: what this life was made of.
        parts: of this life.

    Attributes:
        config: in force; from any thread.
    """

    def __init__(self, plan: Plan, parts: Parts) -> None:
        self._plan = plan
        self._parts = parts
        self.config = plan.config
        self._look = plan.look
        self._rules = plan.rules

    @property
    def refusal(self) -> str:
        """Why what looks did not take the newest scores up; empty where nothing is known against it."""
        return self._parts.follower.refusal

    def check(self, loaded: Loaded) -> None:
        """Check that its rules can work with the model that looks.

        Raises:
            ConfigError: they cannot, in words.
        """
        problems_with_model(loaded, self._parts.pipeline.model.labels, self._plan.tells)

    def take_up(self, config: Config) -> bool:
        """Go by a configuration from the next frame on; from the main thread.

        Returns:
            False when that cannot be now, as another model is about to look; ask again.

        Raises:
            EyespotError: the bundle that looks is damaged by now; all is as before.
        """
        parts = self._parts
        if parts.lifecycle is not None and parts.lifecycle.is_going_over:
            return False
        look = self._look_by(config)
        model, tells = glance(look)
        self._retune(config, model.min_score)
        if parts.lifecycle is not None:
            parts.lifecycle.retune(config)
        if look != self._look and config.camera.source != "replay":  # which has all scores
            parts.follower.follow(look, Wanted(model, tells))
        self._look = look
        taken_up = Notice.CONFIGURATION_TAKEN_UP.of(model=model.bundle)
        _log.log(NOTICE, "what is desired is taken up", extra=taken_up)
        return True

    def _look_by(self, config: Config) -> Look:
        lifecycle = self._parts.lifecycle
        if lifecycle is not None:
            return lifecycle.look_by(config)
        look = order(config, self._plan.choice.bundle)
        return look if config.camera.source == "replay" else sealed(look)

    def _retune(self, config: Config, min_score: float) -> None:
        parts = self._parts
        with parts.turn:
            by_id = self._rules_by(config, parts.pipeline.model)
            tuning = Tuning(
                by_id, min_score, config.topics.frame, classes_of_interest(config), spans(config.rules)
            )
            parts.post(parts.pipeline.retune(tuning, parts.clock.now_ns(), parts.clock.timeline()))
        self.config, self._rules = config, by_id
        name_what_was_reset(parts.pipeline, parts.health)
        parts.reporter.retune(parts.identity(config), config.topics.health_s)

    def _rules_by(self, config: Config, model: ModelIdentity) -> dict[str, Rule]:
        """Build rules; one that is as before goes on, so that nobody at its line is forgotten."""
        before = self.config
        same = {rule.id: rule for rule in before.rules} if config.camera.mount == before.camera.mount else {}
        kept = {rule.id: self._rules[rule.id] for rule in config.rules if same.get(rule.id) == rule}
        return rules(config, model) | kept
