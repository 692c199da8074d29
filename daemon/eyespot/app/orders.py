"""Commands about the device itself: whom each concerns, for one life of the daemon."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from eyespot.app.steward import Steward
from eyespot.app.tallies import Tallies
from eyespot.domain.message import Heard
from eyespot.domain.notice import NOTICE, Notice
from eyespot.pipeline import Pipeline
from eyespot.ports import Clock, Handover
from eyespot.supervisor.diagnosing import Diagnosing
from eyespot.supervisor.tracing_desk import TracingDesk
from eyespot.topics.commands import Command, Kind
from eyespot.topics.model_payloads import Result
from eyespot.update.commands import Verdict
from eyespot.update.reports import in_short

_log = logging.getLogger(__name__)


class Orders:
    """Does what is not about the model. For the commands thread.

    Args:
        pipeline: counts; touched while `turn` is held only.
        steward: restarts, and sees to the log.
        diagnosing: finds out what may help.
        post: takes what a reset leaves behind.
        turn: held by whoever steps the pipeline and numbers durable messages, until they are posted.
        clock: for everything.
        adjust: has another smallest score desired; takes it and the id of the command.
        tallies: of people at the door.
        tracing: has where people went.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        steward: Steward,
        diagnosing: Diagnosing,
        *,
        post: Callable[[Handover], None],
        turn: AbstractContextManager[object],
        clock: Clock,
        adjust: Callable[[float, str | None], Verdict],
        tallies: Tallies,
        tracing: TracingDesk,
    ) -> None:
        self._tallies = tallies
        self._tracing = tracing
        self._pipeline = pipeline
        self._steward = steward
        self._diagnosing = diagnosing
        self._post = post
        self._turn = turn
        self._clock = clock
        self._adjust = adjust

    def do(self, command: Command, heard: Heard) -> Verdict:
        """Do what is asked for, and return what came of it."""
        if command.kind is Kind.RESET:
            return self._reset(command.rule)
        if command.kind is Kind.MIN_SCORE and command.min_score is not None:
            return self._adjust(command.min_score, command.req_id)
        if command.kind is Kind.TALLY:
            return self._tallies.press(command)
        if command.kind is Kind.AIM and command.minutes is not None:
            return self._tracing.aim(command.minutes)
        if command.kind is Kind.TRAJECTORIES:
            return self._tracing.send(command, heard)
        return self._tend(command, heard)

    def _tend(self, command: Command, heard: Heard) -> Verdict:
        """Do to the service itself what is asked for."""
        if command.kind is Kind.RELEARN:
            return self._relearn()
        if command.kind is Kind.RESTART:
            return self._steward.restart()
        if command.kind is Kind.LOG and command.level is not None:
            return self._steward.log(command.level)
        if command.kind is Kind.DIAGNOSE and command.req_id is not None:
            return self._diagnosing.begin(command.req_id, heard)
        return Verdict("refused", "nobody here does that")

    def _relearn(self) -> Verdict:
        with self._turn:
            self._post(self._pipeline.relearn())
        _log.log(NOTICE, "what is usually seen is learned anew, as it was told")
        return Verdict("ok", "what is usually seen is learned anew, which takes a day")

    def _reset(self, rule: str | None) -> Verdict:
        with self._turn:
            counting = self._pipeline.counting
            rules = counting if rule is None else tuple(one for one in counting if one == rule)
            if rules:
                now_ns = self._clock.now_ns()
                self._post(self._pipeline.reset(rules, now_ns, self._clock.timeline()))
        if not rules:
            counted = f"those that have are {', '.join(counting)}" if counting else "no rule has any"
            named = f"no rule {rule} has totals; {counted}" if rule else "no rule has totals"
            return Verdict("refused", in_short(named))
        for one in rules:
            reset = Notice.TOTALS_RESET.of(rule=one, reason="as it was told")
            _log.log(NOTICE, "rule %s begins at zero, as it was told", one, extra=reset)
        words = f"{rules[0]} begins" if len(rules) == 1 else f"{len(rules)} rules begin"
        return Verdict("ok", f"{words} at zero", done=Result(rules=rules))
