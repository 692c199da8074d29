"""The body of the commands thread: does what the device is told, within bounds."""

import logging
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from eyespot.domain.errors import StoreError, one_line
from eyespot.domain.instants import SECOND_NS
from eyespot.domain.message import Heard
from eyespot.ports import Beat, Clock, Handover, HealthBoard, Subscription
from eyespot.sources.quota import Quota
from eyespot.supervisor.inbox import Inbox
from eyespot.topics import commands
from eyespot.topics.commands import OF_THE_MODEL, Command, InvalidCommandError, Kind
from eyespot.topics.desired import DESIRED_CONFIG
from eyespot.topics.gate import GateError
from eyespot.topics.native import Native, stamp
from eyespot.topics.payloads import LONGEST_LINE
from eyespot.trust.notes import Request
from eyespot.update.commands import Verdict, decide, request, too_late
from eyespot.update.letters import Addressee
from eyespot.update.reports import Standing, in_short

_log = logging.getLogger(__name__)

AT_ONCE = 10
PER_MINUTE = 10
PRESSES_A_SECOND, PRESSES_AT_ONCE = 2, 20  # of somebody at a door, where people come in crowds
_TURN_S = 0.5
_MOST_ANSWERED = 128
_TELL_DROPS_EVERY_NS = 10 * SECOND_NS
_DROPS_ARE_OVER_NS = 60 * SECOND_NS

Answered = OrderedDict[tuple[str, str], Verdict]  # what has been done, by topic and id


def subscriptions(root: str) -> tuple[Subscription, ...]:
    """Return all that a device listens to; `root` is where its topics begin."""
    return (
        Subscription(f"{root}/{commands.COMMANDS}#", kept=False),
        Subscription(f"{root}/{commands.DESIRED}", kept=True),
        Subscription(f"{root}/{DESIRED_CONFIG}", kept=True),
    )


class CommandWorker:
    """Answers commands and passes requests on. A `threads.Worker`, and the `ports.Ear` of its broker.

    Args:
        root: where the device's topics begin.
        standing: tells how it stands with the model; raises StoreError.
        pass_on: takes requests; raises StoreError.
        native: makes the answers.
        post: takes them.
        health: knows `commands_denied` and `commands_dropped`.
        clock: for what is too late, and for what is too much.
        answered: what is not done again; is kept up to date.
        each_second: called about once a second, however much is said.
        desire: takes what is said on `config/desired`; empty: nothing is desired any more. `retain`
            tells what the broker repeats from what is said anew.
        do: does what is not about the model; is told how it was heard, for answers that come later.
    """

    def __init__(
        self,
        *,
        root: str,
        standing: Callable[[], Standing],
        pass_on: Callable[[Addressee, Request], object],
        native: Native,
        post: Callable[[Handover], None],
        health: HealthBoard,
        clock: Clock,
        answered: Answered,
        each_second: Callable[[], None] = lambda: None,
        desire: Callable[[Heard], None] = lambda _: None,
        do: Callable[[Command, Heard], Verdict] = lambda *_: Verdict("refused", "nobody here does that"),
    ) -> None:
        self._root = f"{root}/"
        self._standing = standing
        self._pass_on = pass_on
        self._native = native
        self._post = post
        self._health = health
        self._clock = clock
        self._each_second = each_second
        self._desire = desire
        self._do_here = do
        self._next_ns = clock.now_ns()
        self._inbox = Inbox(commands.MOST_BYTES)
        self._quota = Quota(clock, per_s=PER_MINUTE / 60, at_once=AT_ONCE)
        self._presses = Quota(clock, per_s=PRESSES_A_SECOND, at_once=PRESSES_AT_ONCE)
        self._answered = answered
        self._wished: deque[Heard] = deque(maxlen=1)  # of what is desired the last one counts
        self._desired = b""
        self._late: Heard | None = None
        self._too_many = 0
        self._drops = _Drops(health, clock)

    def hear(self, heard: Heard) -> None:
        """Take note of a message."""
        if heard.topic == f"{self._root}{DESIRED_CONFIG}":
            # one byte more than may be: enough to see that it is too large
            self._wished.append(replace(heard, payload=heard.payload[: commands.MOST_BYTES + 1]))
        else:
            self._inbox.put(heard)

    def listening(self) -> None:
        """Take back that nobody can reach us."""
        self._health.clear_state("commands_denied")

    def deaf(self, topic_filter: str, reason: str | None) -> None:
        """Name that nobody can reach us."""
        said = f"does not let us hear {topic_filter} ({reason}); allow this device to subscribe to it"
        if reason is None:
            said = f"does not answer whether we may hear {topic_filter}; see its log"
        self._health.raise_state("commands_denied", f"the broker {said}; updates are looked for all the same")

    def stop(self, _patience_s: float) -> None:
        """Let `run` return; from any thread."""
        self._inbox.close()

    def run(self, beat: Beat) -> None:
        """Attend to what comes until stopped."""
        while not self._inbox.closed:
            beat()
            self.turn(_TURN_S)

    def turn(self, timeout_s: float) -> None:
        """Attend to one message, waiting for it at most this long."""
        self._attend_to_wish()
        heard = self._inbox.take(timeout_s)
        if heard is not None:
            self._attend(heard)
        self._drops.tell(self._inbox.dropped + self._too_many)
        if (now_ns := self._clock.now_ns()) >= self._next_ns:
            self._next_ns = now_ns + SECOND_NS
            self._each_second()

    def _attend(self, heard: Heard) -> None:
        suffix = heard.topic.removeprefix(self._root)
        if suffix == heard.topic or not self._is_meant(suffix, heard):
            return
        quota = self._presses if suffix == Kind.TALLY.value else self._quota
        if not quota.allows():
            if suffix == commands.DESIRED:
                self._late = heard
            else:
                self._too_many += 1
            return
        if suffix == commands.DESIRED:
            self._desired = heard.payload
        try:
            command = commands.parse(suffix, heard.payload)
        except InvalidCommandError as error:
            _log.info("a command that cannot be understood: %s", error)
            self._answer(heard, error.req_id, Verdict("invalid", str(error)))
        else:
            self._answer(heard, command.req_id, self._once(command, heard))

    def _attend_to_wish(self) -> None:
        """Pass on what is desired: it may have to wait for its turn, but is not dropped."""
        if self._wished and self._quota.allows():
            self._desire(self._wished.pop())
        late, self._late = self._late, None
        if late is not None:
            self._attend(late)

    def _is_meant(self, suffix: str, heard: Heard) -> bool:
        """Whether it is meant for now.

        What is kept for whoever comes later is a wish, never a command: a command would be repeated with
        each connection. An empty payload removes what was kept.
        """
        if suffix == commands.DESIRED:
            known = heard.retain and heard.payload == self._desired
            if not heard.payload:
                self._desired = b""
            return bool(heard.payload) and not known
        return suffix.startswith(commands.COMMANDS) and bool(heard.payload) and not heard.retain

    def _once(self, command: Command, heard: Heard) -> Verdict:
        """Do what is asked for; what was asked before under the same id is only answered again."""
        if command.req_id is None:
            return self._do(command, heard)
        key = (heard.topic, command.req_id)
        if key in self._answered:
            return self._answered[key]
        verdict = self._do(command, heard)
        if verdict.code == "ok":  # else nothing was done, and it may be by then
            self._answered[key] = verdict
            if len(self._answered) > _MOST_ANSWERED:
                self._answered.popitem(last=False)
        return verdict

    def _do(self, command: Command, heard: Heard) -> Verdict:
        try:
            verdict = self._decide(command, heard, self._now())
        except StoreError as error:
            _log.warning("a command cannot be passed on: %s", error)
            return Verdict("failed", one_line(error))
        _log.info("%s: %s, %s", command.kind.value, verdict.code, verdict.detail)
        return verdict

    def _decide(self, command: Command, heard: Heard, now: datetime) -> Verdict:
        if command.kind not in OF_THE_MODEL:
            return too_late(command, now) or self._do_here(command, heard)
        verdict = decide(command, self._standing(), now)
        if verdict.ask is not None:
            self._pass_on(*request(verdict.ask, command.req_id, now))
        return verdict

    def _answer(self, heard: Heard, req_id: str | None, verdict: Verdict) -> None:
        if req_id is None:
            return
        fields = {
            "req_id": req_id,
            "code": verdict.code,
            "detail": in_short(verdict.detail, LONGEST_LINE),
            "result": verdict.result,
        }
        at = stamp(self._clock.timeline(), self._clock.now_ns())
        try:
            message = self._native.reply(at, fields, heard.answer_to, heard.correlation)
        except GateError as error:  # nobody must end us by what he asks
            _log.error("no answer to %s: %s", heard.topic, error)
            return
        self._post(Handover((message,), {}, 0))

    def _now(self) -> datetime:
        utc_ns = self._clock.timeline().utc_ns(self._clock.now_ns())
        return datetime.fromtimestamp(utc_ns / SECOND_NS, UTC)


class _Drops:
    """Names that messages are not looked at, for as long as it goes on and a minute longer."""

    def __init__(self, health: HealthBoard, clock: Clock) -> None:
        self._health = health
        self._clock = clock
        self._told = self._before = 0
        self._told_ns: int | None = None

    def tell(self, dropped: int) -> None:
        now_ns = self._clock.now_ns()
        since_ns = None if self._told_ns is None else now_ns - self._told_ns
        if dropped > self._told and (since_ns is None or since_ns >= _TELL_DROPS_EVERY_NS):
            self._told, self._told_ns = dropped, now_ns
            advice = "see who may publish to this device's cmd/#"
            self._health.raise_state(
                "commands_dropped",
                f"too many commands, or too large: not looked at {dropped - self._before}; {advice}",
            )
        elif since_ns is not None and since_ns >= _DROPS_ARE_OVER_NS:
            self._before, self._told_ns = self._told, None
            self._health.clear_state("commands_dropped")
