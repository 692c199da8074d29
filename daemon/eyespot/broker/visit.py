"""A short visit to a broker: log in, do something, say goodbye."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from paho.mqtt.enums import MQTTProtocolVersion

from eyespot.broker.session import Ending, Session, Who
from eyespot.domain.errors import BrokerError

_VERSIONS = {MQTTProtocolVersion.MQTTv5: "5", MQTTProtocolVersion.MQTTv311: "3.1.1"}
_MOST_ANSWERING_S = 5.0
TURN_S = 0.2


@contextmanager
def visit(who: Who) -> Iterator[tuple[Session, str]]:
    """Yield a session that is open, and its version of MQTT.

    Raises:
        BrokerError: why there is none, in words.
    """
    reason = ""
    for version, name in _VERSIONS.items():
        with closing(Session(who, version)) as session:
            ending = _log_in(session)
            if ending is None:
                yield session, name
                session.leave()
                session.turn(0)
                return
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
