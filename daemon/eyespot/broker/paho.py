"""A broker over the wire, through paho."""

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence

from eyespot.broker.backoff import SETTLED_S, Backoff
from eyespot.broker.hearing import Hearing
from eyespot.broker.renewal import Renewal
from eyespot.broker.session import Ending, Session, Who
from eyespot.broker.settings import Endpoint, MqttSettings, endpoints
from eyespot.broker.version import Version
from eyespot.domain.errors import ConfigError
from eyespot.domain.message import Message
from eyespot.domain.notice import NOTICE, Notice
from eyespot.ports import Beat, BrokerEvents, Ear, Subscription

_log = logging.getLogger(__name__)

_BEAT_S = 1.0
_DIAL_STEP_S = 0.1
_MOST_DIALLING_S = 30.0
_MOST_ANSWERING_S = 10.0
_LOOK_S = 5.0
_MOST_PARTING_S = 5.0
_CLOCK_UNSET = (
    "the clock is not set yet, and TLS needs it; waits for that until two minutes after the machine's start"
)
_NO_CREDENTIALS = "not without credentials that can be used"
_CUT_SHORT_S, _CUT_SHORT_TIMES = 90.0, 3
_CUT_OFF = (
    "it closes each connection soon, without a word: does another client use our id? "
    "give each device its own [device] id"
)
_FAREWELL = -1


class PahoBroker:
    """Implements `ports.Broker`: MQTT 5, and 3.1.1 for brokers that know no better.

    Each attempt is a client of its own, so that nothing of a broken connection is left in the next;
    what was under way is sent again by whoever kept it. As long as the files of its credentials cannot be
    used, it waits for better ones.

    Args:
        settings: where to, and as whom.
        client_id: the device's id.
        environ: of the process, for systemd's credentials.
        jitter: gives a number in 0..1.
        waits_for_clock: whether the clock may soon be right that is not now; asked before TLS begins.

    Raises:
        ConfigError: the url cannot be used.
    """

    def __init__(
        self,
        settings: MqttSettings,
        client_id: str,
        environ: Mapping[str, str] = os.environ,
        jitter: Callable[[], float] = random.random,
        waits_for_clock: Callable[[], bool] = lambda: False,
    ) -> None:
        self._settings = settings
        self._client_id = client_id
        self._nodes = _nodes(settings)
        self._node = 0
        self._round: list[str] = []  # why each node that was asked one after the other refused
        self._renewal = Renewal(settings, tls=self._nodes[0].tls, environ=environ)
        self._waits_for_clock = waits_for_clock
        self._backoff = Backoff(jitter)
        self._version = Version()
        self._cut_short = 0
        self._session: Session | None = None
        self._listens: tuple[Ear, Sequence[Subscription]] | None = None
        self._stopping = threading.Event()
        self._farewell: Message | None = None
        self._leave_by = 0.0

    def attach(self, events: BrokerEvents, will: Message | None) -> None:
        """Set whom to tell, and what the broker says when we vanish, if anything."""
        self._events = events
        self._will = will

    def listen(self, ear: Ear, subscriptions: Sequence[Subscription]) -> None:
        """Set who listens, and to what."""
        self._listens = ear, subscriptions

    def publish(self, message: Message, token: int) -> bool:
        """Hand a message over; False when it cannot leave now."""
        session = self._session
        return session is not None and session.offer(message, token)

    def stop(self, farewell: Message | None, timeout_s: float) -> None:
        """Let `run` say farewell, if there is anything to say, and return, within the time."""
        self._farewell = farewell
        self._leave_by = time.monotonic() + timeout_s
        self._stopping.set()
        if self._session is not None:
            self._session.wake()

    def run(self, beat: Beat) -> None:
        """Keep connected and carry messages until stopped."""
        self._wait_for_clock(beat)
        while not self._stopping.is_set():
            self._renew(at_once=True)
            if (login := self._renewal.credentials) is None:
                self._wait_for_files(beat)
                continue
            who = Who(self._nodes[self._node], self._client_id, login, self._will)
            hearing = Hearing(*self._listens) if self._listens else None
            self._session = session = Session(who, self._version.now, hearing)
            try:
                opened_s = self._attend(session, beat)
            finally:
                self._session = None
                session.close()
            if session.ending is not None and not (session.left or self._stopping.is_set()):
                self._wait(self._learn(session.ending, opened_s), beat)

    def _attend(self, session: Session, beat: Beat) -> float:
        """Attend to a session until it ends or we stop; return for how long it was open, in s."""
        self._dial(session, beat)
        answer_by = time.monotonic() + _MOST_ANSWERING_S
        while not (session.opened or session.ending or self._stopping.is_set()):
            beat()
            session.turn(_BEAT_S)
            if time.monotonic() > answer_by:
                session.end(Ending("it does not answer; is it an MQTT broker?", unanswered=True))
        if not session.opened or session.ending:
            return 0.0
        _log.info("connected to %s with MQTT %s", self._url, self._version.now.name)
        opened_at = time.monotonic()
        self._renewal.taken()
        self._events.connected()
        self._events.renewed(self._renewal.refusal)
        self._carry(session, beat)
        if self._stopping.is_set():
            self._take_leave(session, beat)
        return time.monotonic() - opened_at

    def _carry(self, session: Session, beat: Beat) -> None:
        """Carry messages until the session ends or we stop; end it when there are new credentials."""
        look_at = time.monotonic() + _LOOK_S
        while not (session.ending or self._stopping.is_set()):
            beat()
            session.turn(_BEAT_S)
            self._tell_answers(session)
            if time.monotonic() >= look_at:
                look_at = time.monotonic() + _LOOK_S
                if self._renew():
                    self._part(session, beat)
                    return

    def _wait_for_clock(self, beat: Beat) -> None:
        """Let who sets the clock come first, since a certificate looks wrong by a wrong one."""
        while self._nodes[0].tls and self._waits_for_clock() and not self._stopping.is_set():
            self._events.disconnected(f"{self._url}: {_CLOCK_UNSET}")
            self._wait(_BEAT_S, beat)

    def _wait_for_files(self, beat: Beat) -> None:
        """Say why there is no connection, and let who renews the files go on."""
        self._events.renewed(self._renewal.refusal)
        self._events.disconnected(f"{self._url}: {_NO_CREDENTIALS}")
        self._wait(_LOOK_S, beat)

    def _renew(self, *, at_once: bool = False) -> bool:
        """Look whether files have changed; return whether there are new credentials."""
        before = self._renewal.refusal
        renewed = self._renewal.renew(at_once=at_once)
        if renewed:
            _log.log(NOTICE, "new credentials for the broker", extra=Notice.CREDENTIALS_RENEWED.of())
        if self._renewal.refusal != before:
            self._events.renewed(self._renewal.refusal)
        return renewed

    def _part(self, session: Session, beat: Beat) -> None:
        """End a session that could go on, once all is answered that is under way."""
        self._session = None  # so that nothing more gets under way
        until = time.monotonic() + _MOST_PARTING_S
        while not (session.ending or session.idle or self._stopping.is_set()) and time.monotonic() < until:
            beat()
            session.turn(_BEAT_S)
            self._tell_answers(session)
        if self._stopping.is_set():
            return
        session.leave()
        session.turn(0)

    def _dial(self, session: Session, beat: Beat) -> None:
        """Connect in a thread of its own: a name that is not found may hang for a minute."""
        threading.Thread(target=session.dial, name="dial", daemon=True).start()
        give_up = time.monotonic() + _MOST_DIALLING_S
        while not session.dialled.wait(_DIAL_STEP_S) and not self._stopping.is_set():
            beat()
            if time.monotonic() > give_up:
                session.end(Ending("connecting takes too long; check the network and DNS", alone=True))
                return

    def _tell_answers(self, session: Session) -> bool:
        """Pass on what the broker answered; return whether it has the farewell."""
        heard = False
        while session.answers:
            token, refusal = session.answers.popleft()
            if token == _FAREWELL:
                heard = refusal is None
            elif refusal is None:
                self._events.acknowledged(token)
            else:
                self._events.refused(token, refusal)
        return heard

    def _take_leave(self, session: Session, beat: Beat) -> None:
        """Say farewell. Only when the broker has it do we say goodbye: else the will speaks for us."""
        said, heard = False, self._farewell is None
        while not (heard or session.ending) and (left_s := self._leave_by - time.monotonic()) > 0:
            beat()
            if not said and self._farewell is not None:
                said = session.offer(self._farewell, _FAREWELL)
            session.turn(min(left_s, _BEAT_S))
            heard = self._tell_answers(session)
        if heard:
            session.leave()
            session.turn(0)

    def _learn(self, ending: Ending, opened_s: float) -> float:
        """Tell why a session ended, choose the version for the next, and return the wait before it in s."""
        if self._version.learn(ending, opened=opened_s > 0):
            _log.info("%s does not know MQTT 5; trying 3.1.1", self._url)
            return 0.0
        if opened_s == 0 and not ending.alone:
            self._renewal.turned_away(ending.reason)
        if opened_s > SETTLED_S and not ending.swallowed:
            self._backoff.reset()
        if self._is_replaced(ending, opened_s):
            said = ending.reason if ending.taken_over else _CUT_OFF
            self._events.disconnected(f"{self._url}: {ending.reason}")
            self._events.replaced(f"{self._url}: {said}")
            return self._backoff.long_s()
        if self._has_next(ending, opened_s):
            return 0.0
        self._events.disconnected("; ".join(self._round))
        self._round.clear()
        return self._backoff.next_s(alone=ending.alone)

    @property
    def _url(self) -> str:
        return self._settings.urls[self._node]

    def _has_next(self, ending: Ending, opened_s: float) -> bool:
        """Go on to the next node; return whether it may be asked at once, before anything is said.

        Not after a connection that was open: all who were at that node come to the next one then.
        """
        if opened_s > 0:
            self._round.clear()
        self._round.append(f"{self._url}: {ending.reason}")
        self._node = (self._node + 1) % len(self._nodes)
        return opened_s == 0 and len(self._round) < len(self._nodes)

    def _is_replaced(self, ending: Ending, opened_s: float) -> bool:
        """Return whether another client has our id. Not every broker says so: mosquitto 2.0 just closes."""
        is_short = ending.cut_off and opened_s < _CUT_SHORT_S
        self._cut_short = self._cut_short + 1 if is_short else 0
        return ending.taken_over or self._cut_short >= _CUT_SHORT_TIMES

    def _wait(self, seconds: float, beat: Beat) -> None:
        until = time.monotonic() + seconds
        while (left_s := until - time.monotonic()) > 0 and not self._stopping.is_set():
            beat()
            self._stopping.wait(min(left_s, _BEAT_S))


def _nodes(settings: MqttSettings) -> Sequence[Endpoint]:
    try:
        return endpoints(settings)
    except ValueError as error:
        raise ConfigError(f"[mqtt] url: {error}") from error
