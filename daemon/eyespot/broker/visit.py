"""A short visit to a broker: log in, do something, say goodbye."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.session import Ending, Session, Who
from eyespot.domain.errors import BrokerError

_VERSIONS = {MQTTProtocolVersion.MQTTv5: "5", MQTTProtocolVersion.MQTTv311: "3.1.1"}
_MOST_ANSWERING_S = 5.0
TURN_S = 0.2


@contextmanager
def visit(nodes: Sequence[Who]) -> Iterator[tuple[Session, str]]:
    """Yield a session that is open, with the first node that takes us, and its version of MQTT.

    Raises:
        BrokerError: why there is none, in words.
    """
    reasons = []
    for who in nodes:
        try:
            session, name = _opened(who)
        except BrokerError as error:
            reasons.append(str(error))
            continue
        with closing(session):
            yield session, name
            session.leave()
            session.turn(0)
        return
    raise BrokerError("; ".join(dict.fromkeys(reasons)))


def version_of(who: Who) -> MQTTProtocolVersion:
    """Log in and leave again; return the version of MQTT that the broker speaks.

    Raises:
        BrokerError: it does not take us; why, in words.
    """
    with visit([who]) as (session, _):
        return session.version


def _opened(who: Who) -> tuple[Session, str]:
    reason = ""
    for version, name in _VERSIONS.items():
        session = Session(who, version)
        ending = _log_in(session)
        if ending is None:
            return session, name
        session.close()
        reason = reason or ending.reason
        if not (ending.unsupported or ending.unanswered):
            break
    raise BrokerError(reason)


def _log_in(session: Session) -> Ending | None:
    """Return why the broker did not take us; None if it did."""
    session.dial()
    until = time.monotonic() + _MOST_ANSWERING_S
    while not (session.opened or session.ending):
        session.turn(TURN_S)
        if time.monotonic() > until:
            session.end(Ending("it does not answer; is it an MQTT broker?", unanswered=True))
    return session.ending
