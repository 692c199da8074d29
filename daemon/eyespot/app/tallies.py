"""`cmd/tally`: somebody at the door counts by messages, and learns how right the line is."""

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from eyespot.app.tally import hash_of_rule
from eyespot.config import Config, to_report
from eyespot.domain.event import Crossed, Event, Tallied
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.tally_result import TallyResult
from eyespot.domain.tallying import MOST_MARKS, MOST_TALLIED, NEAR_S, Mark, Tallying
from eyespot.ports import Clock, Handover
from eyespot.rules.line import LineSettings
from eyespot.topics.commands import Command
from eyespot.topics.native import Native
from eyespot.update.commands import Verdict

_LATE_NS = NEAR_S * SECOND_NS  # an event may come so long after whom it is of
_FORGOTTEN_NS = 1800 * SECOND_NS  # nobody has said anything for so long


@dataclass(slots=True)
class _Case:
    """A tally under way, or one that has ended and is to be told.

    Attributes:
        begun_ns: when it began.
        rule_hash: of the rule's settings then.
        bundle: id of the model bundle then.
        said_ns: when somebody said something last; of one that has ended that is its end.
    """

    rule: str
    begun_ns: int
    rule_hash: str
    bundle: str
    said_ns: int
    marks: Tallying = field(default_factory=Tallying)


class Tallies:
    """Takes down what is seen and what is counted, for each line that somebody looks at. Thread-safe.

    Args:
        config: returns the one in force.
        bundle: returns the id of the model bundle that looks.
        native: makes the messages.
        post: takes them.
        turn: held while durable messages are numbered, until they are posted.
        clock: times both.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        bundle: Callable[[], str],
        *,
        native: Native,
        post: Callable[[Handover], None],
        turn: AbstractContextManager[object],
        clock: Clock,
    ) -> None:
        self._config = config
        self._bundle = bundle
        self._native = native
        self._post = post
        self._turn = turn
        self._clock = clock
        self._lock = threading.Lock()
        self._cases: dict[str, _Case] = {}
        self._ended: list[_Case] = []  # and not told yet: another of the same line may have begun

    def note(self, events: Sequence[Event]) -> None:
        """Take down what was counted."""
        crossed = [event for event in events if isinstance(event, Crossed)]
        if not crossed:
            return
        now_ns = self._clock.now_ns()
        with self._lock:
            for case in (*self._cases.values(), *self._ended):
                room = MOST_MARKS - len(case.marks.counted)
                of_it = [Mark(event.direction, now_ns) for event in crossed if event.rule == case.rule]
                case.marks.counted += of_it[:room]

    def press(self, command: Command) -> Verdict:
        """Do what somebody at the door says, and return what to tell them."""
        rule, now_ns = command.rule or "", self._clock.now_ns()
        with self._lock:
            if command.press == "begin":
                return self._begin(rule, now_ns)
            case = self._cases.get(rule)
            if case is None:
                return Verdict("refused", f"nobody has begun to tally {rule}; begin it first")
            case.said_ns = now_ns
            if command.press == "end":
                self._end(case)
                return Verdict("ok", f"the result comes as an event of {rule} in {NEAR_S} s")
            if command.press == "undo":
                case.marks.undo()
            elif command.press is not None and len(case.marks.seen) < MOST_MARKS:
                case.marks.seen.append(Mark(command.press, now_ns))
            seen = case.marks.result().seen
        return Verdict("ok", f"{seen['in']} in, {seen['out']} out")

    def tick(self) -> None:
        """Tell what came of those that have ended; call it about once a second."""
        now_ns = self._clock.now_ns()
        with self._lock:
            for case in list(self._cases.values()):
                if now_ns >= case.said_ns + _FORGOTTEN_NS:
                    self._end(case)
            over = [case for case in self._ended if now_ns >= case.said_ns + _LATE_NS]
            self._ended = [case for case in self._ended if now_ns < case.said_ns + _LATE_NS]
        for case in over:
            self._tell(case)

    def _end(self, case: _Case) -> None:
        """Have it told when whoever was seen last can have been counted."""
        self._ended.append(self._cases.pop(case.rule))

    def _begin(self, rule: str, now_ns: int) -> Verdict:
        config = self._config()
        lines = [one.id for one in config.rules if isinstance(one, LineSettings)]
        if rule not in lines:
            return Verdict("refused", f"there is no line {rule}; there are {', '.join(lines[:8]) or 'none'}")
        before = self._cases.get(rule)
        if before is None and len(self._cases) >= MOST_TALLIED:
            return Verdict("refused", f"{MOST_TALLIED} lines are looked at already")
        told = ""
        if before is not None and before.marks.seen:
            self._end(before)
            told = " anew, and the result until here comes as an event"
        rule_hash = hash_of_rule(to_report(config), rule)
        self._cases[rule] = _Case(rule, now_ns, rule_hash, self._bundle(), now_ns)
        return Verdict("ok", f"tallying {rule}{told}: say in, out, undo, and end")

    def _tell(self, case: _Case) -> None:
        config, rule = self._config(), case.rule
        if rule not in {one.id for one in config.rules}:
            return  # nobody knows it any more
        now = (hash_of_rule(to_report(config), rule), self._bundle())
        event = Tallied(
            rule=rule,
            taken_ns=case.said_ns,
            since_utc_ns=self._clock.timeline().utc_ns(case.begun_ns),
            bundle=case.bundle,
            rule_hash=case.rule_hash,
            changed=now != (case.rule_hash, case.bundle),
            result=_until(case),
        )
        with self._turn:
            message = self._native.event(event, self._clock.timeline())
            self._post(Handover((message,), {}, self._native.seq))


def _until(case: _Case) -> TallyResult:
    """Return the result without what was counted later than it may be."""
    end_ns = case.said_ns + _LATE_NS
    counted = [mark for mark in case.marks.counted if mark.at_ns <= end_ns]
    return Tallying(case.marks.seen, counted).result()
